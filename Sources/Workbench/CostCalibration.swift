public import Diffusion
public import Models

/// A few short passes that tell how fast a model is here.
public struct CostCalibration: Sendable {
  /// Positions of the shortest and the longest canvas that predictions are wanted for.
  public let lengths: ClosedRange<Int>
  /// The fewest and the most rows asked for.
  public let asked: ClosedRange<Int>
  /// How rows are read.
  public let reading: Reading

  /// Passes for canvases and rows in these ranges.
  public init(lengths: ClosedRange<Int>, asked: ClosedRange<Int>, reading: Reading = Reading()) {
    (self.lengths, self.asked, self.reading) = (lengths, asked, reading)
  }

  /// Lengths and rows of the passes, the middle of the ranges first: a model so large that patience ends there is measured where it is used.
  var shapes: [(length: Int, asked: Int)] {
    let long = max(lengths.upperBound, 1)
    // Canvases of one length do not tell what a position costs: half of it does.
    let short = max(lengths.lowerBound < long ? lengths.lowerBound : long / 2, 1)
    let (few, most) = (max(asked.lowerBound, 1), max(asked.upperBound, 1))
    let middle = (few + most + 1) / 2
    var shapes: [(length: Int, asked: Int)] = []
    for (length, rows) in [((long + lengths.lowerBound + 1) / 2, middle), (long, few), (short, middle), (long, most), (short, few)] {
      let shape = (length: length, asked: min(rows, length))
      if !shapes.contains(where: { $0 == shape }) { shapes.append(shape) }
    }
    return shapes
  }

  /// Times the passes in turn, over and over, and fits the median of each.
  ///
  /// - Parameters:
  ///   - patience: seconds after which no pass is started; the first shape is always timed once, after a pass that reads the weights.
  ///   - shouldContinue: false gives up.
  /// - Returns: nil if given up.
  public func measure(
    _ denoiser: any Denoiser, _ shape: ModelConfiguration, patience: Double = 0.5, while shouldContinue: () -> Bool = { true }
  ) throws(DenoiserError) -> CostModel? {
    let shapes = shapes
    var times = [[Double]](repeating: [], count: shapes.count)
    var units = [CostUnits](repeating: CostUnits(), count: shapes.count)
    let clock = ContinuousClock()
    let started = clock.now
    _ = try pass(denoiser, shapes[0])
    repeat {
      for (index, size) in shapes.enumerated() where times[0].isEmpty || (clock.now - started) / .seconds(1) < patience {
        guard shouldContinue() else { return nil }
        let begun = clock.now
        let cost = try pass(denoiser, size)
        times[index].append((clock.now - begun) / .seconds(1))
        units[index] = CostUnits(shape, cost, length: size.length)
      }
    } while (clock.now - started) / .seconds(1) < patience
    let points = zip(units, times).filter { !$1.isEmpty }.map { CostModel.Point($0, seconds: $1.sorted()[$1.count / 2]) }
    return CostModel.fit(points)
  }

  /// One pass over a canvas whose end is masked.
  private func pass(_ denoiser: any Denoiser, _ size: (length: Int, asked: Int)) throws(DenoiserError) -> Cost {
    let vocabulary = denoiser.vocabulary
    let known = size.length - size.asked
    let tokens = (0..<size.length).map { place in
      let token = Token(place * 37 % vocabulary.size)
      return place >= known || token == vocabulary.mask ? vocabulary.mask : token
    }
    // A session that no decoder has: nothing that a denoiser keeps of others is met, and nothing of it stays.
    defer { denoiser.forget(session: Self.session) }
    let query = Query(
      tokens: tokens, promptLength: known, rows: Array(known..<size.length), reading: reading, lineage: Lineage(session: Self.session))
    return try denoiser.believe([query]).reduce(into: Cost()) { $0 += $1.cost }
  }

  private static let session = -1
}

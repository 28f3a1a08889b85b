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

  /// One pass: so many canvases of one length, so many rows asked for of each.
  struct Shape: Hashable {
    let length: Int
    let asked: Int
    var canvases = 1
  }

  /// The passes, the middle of the ranges first: a model so large that patience ends there is measured where it is used. One is of several canvases, as
  /// strategies with drafts or members show.
  var shapes: [Shape] {
    let long = max(lengths.upperBound, 1)
    // Canvases of one length do not tell what a position costs: half of it does.
    let short = max(lengths.lowerBound < long ? lengths.lowerBound : long / 2, 1)
    let (few, most) = (max(asked.lowerBound, 1), max(asked.upperBound, 1))
    let middle = (few + most + 1) / 2
    var shapes: [Shape] = []
    for (length, rows, canvases) in [
      ((long + lengths.lowerBound + 1) / 2, middle, 1), (long, few, 1), (short, middle, 1), (long, middle, 4), (long, most, 1), (short, few, 1),
    ] {
      let shape = Shape(length: length, asked: min(rows, length), canvases: canvases)
      if !shapes.contains(shape) { shapes.append(shape) }
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

  /// One pass over canvases whose ends are masked.
  private func pass(_ denoiser: any Denoiser, _ size: Shape) throws(DenoiserError) -> Cost {
    let vocabulary = denoiser.vocabulary
    let known = size.length - size.asked
    let tokens = (0..<size.length).map { place in
      let token = Token(place * 37 % vocabulary.size)
      return place >= known || token == vocabulary.mask ? vocabulary.mask : token
    }
    // A session that no decoder has: nothing that a denoiser keeps of others is met, and nothing of it stays.
    defer { denoiser.forget(session: Self.session) }
    let queries = (0..<size.canvases).map { branch in
      Query(
        tokens: tokens, promptLength: known, rows: Array(known..<size.length), reading: reading, lineage: Lineage(session: Self.session, branch: branch))
    }
    return try denoiser.believe(queries).reduce(into: Cost()) { $0 += $1.cost }
  }

  private static let session = -1
}

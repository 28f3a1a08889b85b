internal import Diffusion

/// Draws of problems with replacement (Efron 1979), shared by everything that is compared: whatever was decoded on the same problems is drawn together, so
/// that differences and ratios keep their pairing. Problems are the units that are drawn, so several seeds of one problem stay together.
public struct Bootstrap: Sendable {
  /// How many problems.
  public let count: Int
  /// How many draws.
  public let draws: Int
  /// How often each problem was drawn: `draws` rows of `count`.
  private let weights: [UInt16]

  /// - Parameters:
  ///   - count: how many problems, at most 65,535.
  ///   - draws: how many draws.
  ///   - seed: equal seeds give equal draws.
  public init(count: Int, draws: Int = 2000, seed: UInt64 = 0) {
    self.count = count
    self.draws = draws
    var weights = [UInt16](repeating: 0, count: count * draws)
    let random = SeededRandom(seed: seed)["bootstrap"]
    for draw in 0..<draws {
      let source = random[draw]
      for place in 0..<count { weights[draw * count + source[place].integer(below: count)] &+= 1 }
    }
    self.weights = weights
  }

  /// The mean of a column in each draw. Problems whose value is NaN were not decoded and take no part; a draw without any other is NaN, and so is every draw of a
  /// single problem.
  ///
  /// - Parameter column: one value per problem.
  public func means(_ column: [Double]) -> [Double] {
    // One problem says nothing of how problems differ.
    if count < 2 { return [Double](repeating: .nan, count: draws) }
    return (0..<draws).map { draw in
      var sum = 0.0
      var number = 0
      for (place, value) in column.prefix(count).enumerated() where !value.isNaN {
        let weight = Int(weights[draw * count + place])
        sum += Double(weight) * value
        number += weight
      }
      return number > 0 ? sum / Double(number) : .nan
    }
  }

  /// The middle part of draws: the percentile interval, whose ends lie between neighbouring values in proportion (as numpy's and SciPy's quantiles do).
  /// NaN for both ends where there is no value; NaN among the values is left out.
  public static func interval(_ values: [Double], level: Double = 0.95) -> (low: Double, high: Double) {
    let sorted = values.filter { !$0.isNaN }.sorted()
    guard let last = sorted.indices.last, sorted[0].isFinite, sorted[last].isFinite else { return (.nan, .nan) }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(last)
      let below = Int(place)
      guard below < last else { return sorted[last] }
      return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
    }
    return (quantile((1 - level) / 2), quantile((1 + level) / 2))
  }
}

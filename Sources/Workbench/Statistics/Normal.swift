internal import Foundation

/// The standard normal distribution.
enum Normal {
  /// The probability of a value above `z`; accurate in the tail too.
  static func above(_ z: Double) -> Double { erfc(z / 2.squareRoot()) / 2 }

  /// The value that a share of the distribution lies above: 1.645 for 0.05.
  ///
  /// Newton's method on the tail, which is convex there, so that every step stays on the near side of the root.
  ///
  /// - Parameter share: in (0, 1); infinite at the ends, NaN beyond.
  static func quantile(above share: Double) -> Double {
    guard share > 0, share < 1 else { return share == 0 ? .infinity : share == 1 ? -.infinity : .nan }
    guard share <= 0.5 else { return -quantile(above: 1 - share) }
    var z = 0.0
    for _ in 0..<200 {
      let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
      let step = (above(z) - share) / density
      z += step
      if !(step > 1e-15 * max(z, 1)) { break }
    }
    return z
  }
}

internal import Foundation

/// Estimates with their uncertainty.
public struct Estimate: Sendable, Hashable {
  /// The estimate.
  public let value: Double
  /// Its standard error; NaN for a single observation.
  public let error: Double

  /// The mean of clusters' means (one cluster per problem when there are several seeds), with the standard error of the clusters.
  public static func mean(_ clusters: [[Double]]) -> Estimate {
    let means = clusters.filter { !$0.isEmpty }.map { $0.reduce(0, +) / Double($0.count) }
    let count = Double(means.count)
    let mean = means.reduce(0, +) / count
    let squares = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return Estimate(value: mean, error: means.count > 1 ? (squares / (count - 1) / count).squareRoot() : .nan)
  }

  /// The sum of numerators over the sum of denominators, with the delta method's standard error over clusters.
  public static func ratio(_ clusters: [[(Double, Double)]]) -> Estimate {
    let pairs = clusters.filter { !$0.isEmpty }.map { $0.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) } }
    let count = Double(pairs.count)
    let above = pairs.reduce(0) { $0 + $1.0 }
    let below = pairs.reduce(0) { $0 + $1.1 }
    let ratio = above / below
    let squares = pairs.reduce(0) { sum, pair in
      let residual = pair.0 - ratio * pair.1
      return sum + residual * residual
    }
    return Estimate(value: ratio, error: pairs.count > 1 ? (squares / (count - 1) / count).squareRoot() / (below / count) : .nan)
  }
}

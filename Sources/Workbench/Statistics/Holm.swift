/// Holm's correction (Scandinavian Journal of Statistics 1979): of many comparisons at once, the probability that any is called different by chance alone
/// stays below the level, whatever their dependence.
public enum Holm {
  /// The adjusted p of each, in the same order: below 0.05 means different at 5 percent over all of them together.
  ///
  /// - Parameter p: one p per comparison; NaN was not tested, takes no part and stays NaN.
  public static func adjusted(_ p: [Double]) -> [Double] {
    let order = p.indices.filter { !p[$0].isNaN }.sorted { (p[$0], $0) < (p[$1], $1) }
    var adjusted = p
    var largest = 0.0
    for (rank, index) in order.enumerated() {
      largest = max(largest, min(1, Double(order.count - rank) * p[index]))
      adjusted[index] = largest
    }
    return adjusted
  }
}

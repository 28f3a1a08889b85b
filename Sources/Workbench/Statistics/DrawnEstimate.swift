/// A figure of a comparison with what the bootstrap's draws say of it.
public struct DrawnEstimate: Sendable, Hashable {
  /// The figure on all problems.
  public let value: Double
  /// The lower end of its 95 percent percentile interval.
  public let low: Double
  /// The upper end.
  public let high: Double
  /// The two-sided p of no effect: twice the share of draws at or beyond no effect, on the side that has fewer, with one added to draws and count, so that
  /// it is never 0.
  public let p: Double

  /// - Parameters:
  ///   - value: the figure on all problems.
  ///   - draws: the figure in each draw; NaN where a draw has none.
  ///   - null: its value where there is no effect: 1 for a ratio, 0 for a difference.
  public init(_ value: Double, draws: [Double], null: Double) {
    self.value = value
    (low, high) = Bootstrap.interval(draws)
    let known = draws.filter { !$0.isNaN }
    let side = min(known.count { $0 <= null }, known.count { $0 >= null })
    p = known.isEmpty ? .nan : min(1, 2 * Double(side + 1) / Double(known.count + 1))
  }
}

extension Bootstrap {
  /// The ratio of two sums over the same problems, 1 being no effect.
  ///
  /// - Parameters:
  ///   - above: one value per problem.
  ///   - below: one value per problem.
  public func ratio(_ above: [Double], over below: [Double]) -> DrawnEstimate { figure([above, below], null: 1) { $0[0] / $0[1] } }

  /// A figure of the means of several columns of the same problems.
  ///
  /// - Parameters:
  ///   - columns: each one value per problem.
  ///   - null: the figure's value where there is no effect.
  ///   - body: the figure, from the means in the order of the columns.
  public func figure(_ columns: [[Double]], null: Double, _ body: ([Double]) -> Double) -> DrawnEstimate {
    let drawn = columns.map { means($0) }
    let all = columns.map { column in column.prefix(count).reduce(0, +) / Double(count) }
    return DrawnEstimate(body(all), draws: (0..<draws).map { draw in body(drawn.map { $0[draw] }) }, null: null)
  }
}

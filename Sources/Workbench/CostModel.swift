/// How long model calls take: counted units of work, each times a rate fitted on this machine.
///
/// The form is additive: a call costs something however small it is, then something for every weight read, for every multiply-add of the linear layers, of
/// attention and of the head, and for every logit summarised. That a core may read and multiply at once is left out; the fitted rates share what overlaps.
public struct CostModel: Sendable, Hashable {
  /// Seconds of one of each unit; none is negative.
  public let rates: CostUnits

  /// What the rates are to each other where nothing is known: of one thread with AVX-512. A fit starts from their proportions, never from their size.
  public static let typical = CostModel(rates: CostUnits(values: [4e-5, 2e-10, 2e-11, 4e-11, 2e-11, 1e-9]))

  /// Seconds that so much work takes.
  public func seconds(_ units: CostUnits) -> Double { zip(rates.values, units.values).reduce(0) { $0 + $1.0 * $1.1 } }

  /// One measurement: work, and the seconds it took.
  public struct Point: Sendable, Hashable {
    /// The work.
    public let units: CostUnits
    /// Its seconds, above 0.
    public let seconds: Double

    /// So much work took so long.
    public init(_ units: CostUnits, seconds: Double) { (self.units, self.seconds) = (units, seconds) }
  }

  /// The rates that come closest to what was measured: non-negative least squares of relative errors, drawn a little to the proportions of `prior`, so that
  /// units which the measurements cannot tell apart share what they cost together. One point is enough to scale the prior.
  ///
  /// - Parameter trust: what a rate's relative distance from the scaled prior counts beside a point's relative error, both squared.
  /// - Returns: nil without a point that took any time.
  public static func fit(_ points: [Point], prior: CostModel = .typical, trust: Double = 0.001) -> CostModel? {
    let known = points.filter { $0.seconds > 0 && $0.seconds.isFinite && prior.seconds($0.units) > 0 }
    let factors = known.map { $0.seconds / prior.seconds($0.units) }.sorted()
    guard !factors.isEmpty else { return nil }
    let scaled = (prior.rates * factors[factors.count / 2]).values
    let count = scaled.count
    // In units of the scaled prior: a row per point, its sum is to be 1.
    let rows = known.map { point in zip(scaled, point.units.values).map { $0 * $1 / point.seconds } }
    var gram = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
    var target = [Double](repeating: trust, count: count)
    for row in rows {
      for first in 0..<count {
        target[first] += row[first]
        for second in 0..<count { gram[first][second] += row[first] * row[second] }
      }
    }
    for index in 0..<count { gram[index][index] += trust }
    // Coordinate descent: the problem is convex, and `trust` keeps it from being flat.
    var shares = [Double](repeating: 1, count: count)
    for _ in 0..<5000 {
      var moved = 0.0
      for index in 0..<count {
        let others = (0..<count).reduce(0) { $0 + ($1 == index ? 0 : gram[index][$1] * shares[$1]) }
        let next = max(0, (target[index] - others) / gram[index][index])
        moved = max(moved, abs(next - shares[index]))
        shares[index] = next
      }
      if moved < 1e-9 { break }
    }
    return CostModel(rates: CostUnits(values: zip(shares, scaled).map(*)))
  }
}

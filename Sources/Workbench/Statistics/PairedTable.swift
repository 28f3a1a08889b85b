/// How two strategies did on the same problems: how many both, one or neither got right.
///
/// With several seeds a problem's entries are its means over the seeds, so that the entries add up to the number of problems.
public struct PairedTable: Sendable, Hashable {
  /// Problems that both got right.
  public let bothRight: Double
  /// Problems that only the candidate got right.
  public let onlyCandidate: Double
  /// Problems that only the baseline got right.
  public let onlyBaseline: Double
  /// Problems that neither got right.
  public let bothWrong: Double

  /// How many problems.
  public var count: Double { bothRight + onlyCandidate + onlyBaseline + bothWrong }
  /// Share of problems that one of the two got right and the other did not.
  public var discordant: Double { (onlyCandidate + onlyBaseline) / count }
  /// The candidate's accuracy less the baseline's.
  public var difference: Double { (onlyCandidate - onlyBaseline) / count }
  /// The baseline's accuracy.
  public var baselineAccuracy: Double { (bothRight + onlyBaseline) / count }

  /// A table of counts.
  public init(bothRight: Double, onlyCandidate: Double, onlyBaseline: Double, bothWrong: Double) {
    self.bothRight = bothRight
    self.onlyCandidate = onlyCandidate
    self.onlyBaseline = onlyBaseline
    self.bothWrong = bothWrong
  }

  /// The table of decoded pairs.
  ///
  /// - Parameter problems: per problem, a pair for each seed: whether the baseline and the candidate were right.
  public init(_ problems: [[(baseline: Bool, candidate: Bool)]]) {
    func sum(_ baseline: Bool, _ candidate: Bool) -> Double {
      problems.reduce(0) { $0 + Double($1.count { $0 == (baseline, candidate) }) / Double(max($1.count, 1)) }
    }
    self.init(bothRight: sum(true, true), onlyCandidate: sum(false, true), onlyBaseline: sum(true, false), bothWrong: sum(false, false))
  }

  /// The interval of the difference of accuracies: Tango's score interval (Statistics in Medicine 1998), all differences that a score test does not reject.
  ///
  /// It keeps its width where no problem tells the two apart; a bootstrap of such data, and Wald's interval, have none.
  ///
  /// - Parameters:
  ///   - level: the share of such intervals that hold the true difference.
  ///   - weight: how many independent problems a problem of the table is worth; more than 1 where several seeds of it tell different things.
  public func differenceInterval(level: Double = 0.95, weight: Double = 1) -> (low: Double, high: Double) {
    guard count > 0 else { return (.nan, .nan) }
    let bar = Normal.quantile(above: (1 - level) / 2)
    let scale = weight.squareRoot()
    // The statistic falls as the hypothesis rises, and is 0 at the estimate.
    func bound(towards end: Double) -> Double {
      var (inner, outer) = (difference, end)
      for _ in 0..<60 {
        let middle = (inner + outer) / 2
        if abs(scale * differenceScore(middle)) < bar { inner = middle } else { outer = middle }
      }
      return inner
    }
    return (bound(towards: -1), bound(towards: 1))
  }

  /// The score statistic of a hypothetical difference: standard normal where it is the true one.
  ///
  /// The variance is that of the likeliest table with this difference. With `x` the share that only the baseline got right, its likelihood is stationary at
  /// a root of a quadratic.
  func differenceScore(_ hypothesis: Double) -> Double {
    let distance = onlyCandidate - onlyBaseline - count * hypothesis
    let a = 2 * count
    let b = onlyCandidate + onlyBaseline - hypothesis * (2 * count - onlyCandidate + onlyBaseline)
    let c = onlyBaseline * hypothesis * (1 - hypothesis)
    let share = max(0, -hypothesis, (b + max(0, b * b + 4 * a * c).squareRoot()) / (2 * a))
    let variance = count * (2 * share + hypothesis * (1 - hypothesis))
    if distance == 0 { return 0 }
    return variance > 0 ? distance / variance.squareRoot() : distance > 0 ? .infinity : -.infinity
  }
}

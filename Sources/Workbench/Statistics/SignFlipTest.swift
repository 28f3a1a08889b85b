/// The exact paired test of accuracy: are right and wrong answers where two strategies differ as likely to be one's as the other's?
///
/// Under the null hypothesis the two are exchangeable on every problem, so each problem's difference is as likely with the other sign. The distribution of
/// the sum over all signs is found by convolution, without sampling. With one seed the differences are -1, 0 and 1, and this is McNemar's exact test
/// (Psychometrika 1947); with several, a problem's seeds flip together, so that it is problems that count.
public enum SignFlipTest {
  /// The two-sided p: the probability of a sum at least as far from 0.
  ///
  /// - Parameter differences: per problem, the candidate's right answers less the baseline's, summed over the seeds both were decoded with.
  public static func p(_ differences: [Int]) -> Double {
    let sizes = differences.map { Int($0.magnitude) }.filter { $0 > 0 }
    let total = sizes.reduce(0, +)
    let seen = Int(differences.reduce(0, +).magnitude)
    guard seen > 0 else { return 1 }
    // The sum is `total - 2 x` with x what has the other sign, so only x up to (total - seen) / 2 is asked for. `tail[x]` is its probability.
    let reach = (total - seen) / 2
    var tail = [Double](repeating: 0, count: reach + 1)
    tail[0] = 1
    var highest = 0
    for size in sizes {
      highest = min(highest + size, reach)
      for x in stride(from: highest, through: 0, by: -1) { tail[x] = (tail[x] + (x >= size ? tail[x - size] : 0)) / 2 }
    }
    return min(1, 2 * tail.reduce(0, +))
  }
}

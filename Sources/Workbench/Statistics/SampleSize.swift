/// How many problems a comparison takes, so that what is looked for is found in four of five repetitions (a power of 80 percent).
public enum SampleSize {
  /// The smallest level, two-sided for a difference and one-sided for non-inferiority.
  static let level = 0.05
  /// The share of repetitions that find what is there.
  static let power = 0.8

  /// To see a difference in accuracy with the exact paired test at 5 percent, two-sided: Connor's formula (Biometrics 1987), and one over the difference for
  /// the exact test, which is as careful as one with a continuity correction.
  ///
  /// - Parameters:
  ///   - difference: of accuracies, 0 to 1.
  ///   - discordant: share of problems that one of the two gets right and the other does not; at least the difference.
  /// - Returns: problems; infinite for no difference.
  public static func toSee(difference: Double, discordant: Double) -> Double {
    let size = abs(difference)
    guard size > 0 else { return .infinity }
    let share = max(discordant, size)
    let root =
      Normal.quantile(above: level / 2) * share.squareRoot() + Normal.quantile(above: 1 - power) * (share - size * size).squareRoot()
    return (root * root / (size * size) + 1 / size).rounded(.up)
  }

  /// To show that a share of the baseline's accuracy is kept, by the score test at 5 percent, one-sided, where both are in truth equally accurate (Nam and
  /// Blackwelder 2002).
  ///
  /// - Parameters:
  ///   - share: of the baseline's accuracy, below 1.
  ///   - accuracy: of both, 0 to 1.
  ///   - discordant: share of problems that one of the two gets right and the other does not; half of them each.
  /// - Returns: problems; infinite where nothing is right, or nothing may be lost.
  public static func toShow(keeping share: Double, accuracy: Double, discordant: Double) -> Double {
    guard accuracy > 0, share < 1 else { return .infinity }
    // Of what both get right half the discordant share is each one's own.
    let single = min(discordant / 2, accuracy, 1 - accuracy)
    let both = accuracy - single
    let truth = PairedTable(bothRight: both, onlyCandidate: single, onlyBaseline: single, bothWrong: 1 - both - 2 * single)
    let distance = (1 - share) * accuracy
    let variance = (1 - share) * (1 - share) * both + single + share * share * single - distance * distance
    let root =
      Normal.quantile(above: level) * NonInferiority.nullVariance(truth, share).squareRoot() + Normal.quantile(above: 1 - power) * variance.squareRoot()
    return (root * root / (distance * distance)).rounded(.up)
  }
}

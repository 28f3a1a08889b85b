/// A candidate against a baseline on the same problems: accuracy, costs, and what the sample is enough to say of them.
public struct PairComparison: Sendable {
  /// A figure of both, and what the candidate's is to the baseline's.
  public struct Cost: Sendable {
    /// What is measured.
    public enum Kind: String, Sendable, CaseIterable {
      /// Model calls per sample; the effect is baseline over candidate, so that more is better.
      case rounds
      /// Canvas positions through the layers per sample; baseline over candidate.
      case positions
      /// Decoding seconds per sample; baseline over candidate. Only where both were timed alone.
      case seconds
      /// Answer tokens per model call, sum over sum; candidate over baseline.
      case tokensPerRound = "tokens_per_round"
      /// The ratio of rounds times the fourth power of the ratio of accuracies (SchED, arXiv 2512.02892); NaN where the baseline is never right.
      case qualityPerRounds = "qps_rounds"
      /// The same of seconds.
      case qualityPerSeconds = "qps_seconds"
    }

    /// What it is.
    public let kind: Kind
    /// The baseline's; NaN for what only a pair has.
    public let baseline: Double
    /// The candidate's; NaN for what only a pair has.
    public let candidate: Double
    /// The ratio, 1 being no effect.
    public let effect: DrawnEstimate
  }

  /// A problem whose answers changed.
  public struct Change: Sendable, Hashable {
    /// The problem.
    public let problem: String
    /// The first seed with which it changed.
    public let seed: Int
  }

  /// What was compared.
  public let pairing: Pairing
  /// The baseline's share of right answers, its error clustered by problem.
  public let baselineAccuracy: Estimate
  /// The candidate's.
  public let candidateAccuracy: Estimate
  /// How the right answers fall.
  public let table: PairedTable
  /// The interval of the difference of accuracies, candidate less baseline.
  public let difference: (low: Double, high: Double)
  /// The exact paired test's two-sided p.
  public let p: Double
  /// The same, corrected for all comparisons of a sweep.
  public internal(set) var adjusted: Double
  /// Whether 99 and 99.9 percent of the baseline's accuracy are kept.
  public let kept: [NonInferiority]
  /// Their p, corrected for all comparisons of a sweep.
  public internal(set) var keptAdjusted: [Double]
  /// What decoding took.
  public let costs: [Cost]
  /// Share of samples with the same final answer.
  public let agreement: Estimate
  /// Problems with fewer right answers than the baseline's, in their order.
  public let lost: [Change]
  /// Problems with more.
  public let won: [Change]
  /// The difference in accuracy that is looked for.
  public let lookedFor: Double

  /// The level of every test.
  static let level = 0.05
  /// The shares of the baseline's accuracy that a candidate may be shown to keep.
  static let shares = [0.99, 0.999]

  /// Whether the candidate is less accurate, after the correction.
  public var isWorse: Bool { adjusted < Self.level && table.difference < 0 }
  /// Whether the candidate is more accurate, after the correction.
  public var isBetter: Bool { adjusted < Self.level && table.difference > 0 }
  /// Whether a share is shown to be kept, after the correction.
  public func isKept(_ place: Int) -> Bool { keptAdjusted[place] < Self.level }

  /// Problems that it takes to see the difference looked for.
  public var problemsToSee: Double { SampleSize.toSee(difference: lookedFor, discordant: table.discordant) }
  /// Problems that it takes to show that a share is kept, were both equally accurate.
  public func problemsToShow(_ place: Int) -> Double {
    SampleSize.toShow(keeping: kept[place].share, accuracy: table.baselineAccuracy, discordant: table.discordant)
  }

  /// Compares a pairing.
  ///
  /// - Parameters:
  ///   - bootstrap: draws of as many problems.
  ///   - lookedFor: the difference in accuracy looked for, as 0.01.
  public init(_ pairing: Pairing, _ bootstrap: Bootstrap, lookingFor lookedFor: Double = 0.01) {
    self.pairing = pairing
    self.lookedFor = lookedFor
    let problems = pairing.problems
    baselineAccuracy = .mean(problems.map { $0.pairs.map { $0.baseline.outcome.correct ? 1 : 0 } })
    candidateAccuracy = .mean(problems.map { $0.pairs.map { $0.candidate.outcome.correct ? 1 : 0 } })
    agreement = .mean(problems.map { $0.pairs.map { $0.candidate.outcome.agrees(with: $0.baseline.outcome) ? 1 : 0 } })
    table = PairedTable(problems.map { $0.pairs.map { (baseline: $0.baseline.outcome.correct, candidate: $0.candidate.outcome.correct) } })
    let changes = problems.map { problem in problem.pairs.reduce(0) { $0 + $1.change } }
    p = SignFlipTest.p(changes)
    adjusted = p
    kept = Self.shares.map { [table] in NonInferiority(table, keeping: $0) }
    keptAdjusted = kept.map(\.p)
    difference = table.differenceInterval(weight: pairing.weight)
    func changed(_ sign: Int) -> [Change] {
      zip(problems, changes).filter { $1.signum() == sign }.map { problem, _ in
        Change(problem: problem.name, seed: problem.pairs.first { $0.change == sign }?.seed ?? 0)
      }
    }
    lost = changed(-1)
    won = changed(1)
    costs = Self.costs(pairing, bootstrap)
  }

  private static func costs(_ pairing: Pairing, _ bootstrap: Bootstrap) -> [Cost] {
    func columns(_ value: (Pairing.Sample) -> Double) -> (baseline: [Double], candidate: [Double]) {
      (pairing.means { value($0.baseline) }, pairing.means { value($0.candidate) })
    }
    func mean(_ column: [Double]) -> Double { column.reduce(0, +) / Double(column.count) }
    let right = columns { $0.outcome.correct ? 1 : 0 }
    let tokens = columns { Double($0.outcome.answerTokens) }
    let rounds = columns { Double($0.outcome.rounds) }
    let positions = columns { Double($0.outcome.positions) }
    let seconds = columns(\.seconds)
    func saved(_ kind: Cost.Kind, _ cost: (baseline: [Double], candidate: [Double])) -> Cost {
      Cost(kind: kind, baseline: mean(cost.baseline), candidate: mean(cost.candidate), effect: bootstrap.ratio(cost.baseline, over: cost.candidate))
    }
    func weighed(_ kind: Cost.Kind, _ cost: (baseline: [Double], candidate: [Double])) -> Cost {
      let effect = bootstrap.figure([cost.baseline, cost.candidate, right.candidate, right.baseline], null: 1) { means in
        // Of nothing there is no share.
        let quality = means[3] > 0 ? means[2] / means[3] : .nan
        return means[0] / means[1] * quality * quality * quality * quality
      }
      return Cost(kind: kind, baseline: .nan, candidate: .nan, effect: effect)
    }
    let perRound = bootstrap.figure([tokens.candidate, rounds.candidate, tokens.baseline, rounds.baseline], null: 1) { $0[0] / $0[1] / ($0[2] / $0[3]) }
    var costs = [saved(.rounds, rounds), saved(.positions, positions)]
    if pairing.isTimed { costs.append(saved(.seconds, seconds)) }
    costs.append(
      Cost(
        kind: .tokensPerRound, baseline: mean(tokens.baseline) / mean(rounds.baseline), candidate: mean(tokens.candidate) / mean(rounds.candidate),
        effect: perRound))
    costs.append(weighed(.qualityPerRounds, rounds))
    if pairing.isTimed { costs.append(weighed(.qualityPerSeconds, seconds)) }
    return costs
  }
}

extension Pairing.Pair {
  /// 1 where the candidate is right and the baseline is not, -1 the other way round.
  var change: Int { (candidate.outcome.correct ? 1 : 0) - (baseline.outcome.correct ? 1 : 0) }
}

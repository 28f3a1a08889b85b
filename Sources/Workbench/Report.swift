public import Diffusion
internal import Models

/// What came of one run: outcomes in the order of the problems, and the seconds each took.
public struct RunResult: Sendable {
  /// The run.
  public let plan: RunPlan
  /// One outcome per problem asked for.
  public let outcomes: [Outcome]
  /// Decoding seconds, one entry per outcome.
  public let seconds: [Double]
  /// Whether every sample was decoded with nothing else in flight, so that its seconds are a speed.
  public let isTimed: Bool
  /// Where its files are.
  public let directory: String
  /// How far beliefs were from the full model's, the mean over its rounds; nil unless that was recorded.
  public var divergence: Divergence?
}

/// The comparison of an experiment's runs: one row per model, benchmark and strategy setting.
public struct Report: Sendable {
  /// One strategy at one setting on one benchmark, over all seeds.
  public struct Row: Sendable {
    /// The model.
    public let model: String
    /// The benchmark.
    public let benchmark: String
    /// Response and block length, as `48/16`, and what else tells it from other decodings.
    public let geometry: String
    /// Every setting of the decoding, as JSON with sorted keys.
    public let decoding: String
    /// The strategy and its swept setting.
    public let label: String
    /// Outcomes that the row is made of.
    public let samples: Int
    /// Outcomes that reached `max_rounds` before their end; they count as wrong.
    public let incomplete: Int
    /// Share of right answers, 0 to 1, its error clustered by problem.
    public let accuracy: Estimate
    /// The benchmark's further measures, by name.
    public let details: [String: Estimate]
    /// Model calls per sample.
    public let rounds: Estimate
    /// Canvas positions through the layers per sample.
    public let positions: Double
    /// Decoding seconds per sample; nil where the runs were not timed alone.
    public let seconds: Estimate?
    /// Answer tokens per model call, sum over sum.
    public let tokensPerRound: Estimate
    /// Baseline's rounds over this row's, on the same problems.
    public let fewerRounds: Estimate?
    /// Baseline's seconds over this row's, on the same problems.
    public let speedup: Estimate?
    /// Share of problems with the baseline's final answer.
    public let agreement: Estimate?
    /// The run that decodes one token per round, which fidelity is measured against; nil where there is none.
    public let reference: String?
    /// Share of answer tokens that are the reference's, the mean over problems; given tokens do not count.
    public let tokenAgreement: Estimate?
    /// The first position that does not hold the reference's token, the mean over problems where there is one; NaN where there is none.
    public let firstDifference: Estimate?
    /// How far beliefs were from the full model's, the mean over rounds and runs; nil unless that was recorded.
    public let divergence: Divergence?
  }

  /// The rows, in the order of the experiment.
  public let rows: [Row]

  /// Compares runs with the strategy named `baseline`, and their tokens with the run that decodes one by one, where there are such.
  public init(_ results: [RunResult], baseline: String?) {
    var groups: [(key: [String], results: [RunResult])] = []
    let geometries = RunPlan.geometries(of: results.map(\.plan))
    for result in results {
      let plan = result.plan
      // Decodings of one geometry may still differ in temperature and the like.
      let place = [geometries[plan.decodingText] ?? plan.geometryText, plan.decodingText]
      let key = [plan.model.name, plan.selection.name + "/" + plan.selection.split.rawValue] + place + [plan.cell.label]
      if let index = groups.firstIndex(where: { $0.key == key }) { groups[index].results.append(result) } else { groups.append((key, [result])) }
    }
    rows = groups.map { group in
      let beside = groups.filter { $0.key[..<4] == group.key[..<4] }
      let other = beside.first { $0.results[0].plan.cell.strategy == baseline }
      let reference = beside.first { $0.results[0].plan.isOneByOne }
      return Self.row(
        group.key, Divergence.mean(group.results.compactMap(\.divergence)), Observations(group.results), other.map { Observations($0.results) },
        reference.map { ($0.key[4], Observations($0.results)) })
    }
  }

  private static func row(
    _ key: [String], _ divergence: Divergence?, _ own: Observations, _ baseline: Observations?, _ reference: (label: String, runs: Observations)?
  ) -> Row {
    let all = own.samples.map(\.outcome)
    let pairs = baseline.map { own.paired(with: $0) }
    let others = reference.map { own.paired(with: $0.runs) }
    let fidelity = { (own: Observations.Sample, other: Observations.Sample) in
      Fidelity(own.outcome, other.outcome, end: own.vocabulary.end, mask: own.vocabulary.mask)
    }
    let names = Set(all.flatMap { ($0.details ?? [:]).keys })
    let details = names.map { name in (name, Estimate.mean(own.clusters { $0.outcome.details?[name] ?? 0 })) }
    return Row(
      model: key[0], benchmark: key[1], geometry: key[2], decoding: key[3], label: key[4], samples: all.count, incomplete: all.count { !$0.isComplete },
      accuracy: .mean(own.clusters { $0.outcome.correct ? 1 : 0 }),
      details: Dictionary(uniqueKeysWithValues: details), rounds: .mean(own.clusters { Double($0.outcome.rounds) }),
      positions: all.reduce(0) { $0 + Double($1.positions) } / Double(max(all.count, 1)),
      seconds: own.isTimed ? .mean(own.clusters(\.seconds)) : nil,
      tokensPerRound: .ratio(own.clusters { (Double($0.outcome.answerTokens), Double($0.outcome.rounds)) }),
      fewerRounds: pairs.map { .ratio(Observations.clusters($0) { (Double($1.outcome.rounds), Double($0.outcome.rounds)) }) },
      speedup: own.isTimed && baseline?.isTimed == true ? pairs.map { .ratio(Observations.clusters($0) { ($1.seconds, $0.seconds) }) } : nil,
      agreement: pairs.map { .mean(Observations.clusters($0) { $0.outcome.agrees(with: $1.outcome) ? 1 : 0 }) },
      reference: reference?.label, tokenAgreement: others.map { .mean(Observations.clusters($0) { fidelity($0, $1).tokens }) },
      firstDifference: others.map { pairs in
        .mean(Observations.clusters(pairs) { fidelity($0, $1).firstDifference }.map { $0.compactMap { $0.map(Double.init) } })
      }, divergence: divergence)
  }

  /// The table that a run ends with.
  public var text: String {
    var parts: [String] = []
    var seen: [[String]] = []
    for row in rows where !seen.contains([row.model, row.benchmark, row.geometry]) {
      seen.append([row.model, row.benchmark, row.geometry])
      let mine = rows.filter { $0.model == row.model && $0.benchmark == row.benchmark && $0.geometry == row.geometry }
      let names = row.details.keys.sorted()
      let areComplete = mine.allSatisfy { $0.incomplete == 0 }
      let isEven = mine.allSatisfy { $0.samples == row.samples }
      let isMetered = mine.contains { $0.divergence != nil }
      let header =
        ["strategy"] + (isEven ? [] : ["samples"]) + ["accuracy %", "± se"] + (areComplete ? [] : ["incomplete"]) + ["agreement %", "tokens %", "differs at"]
        + names
        + ["rounds", "positions", "ms", "tokens/round", "rounds ÷", "speedup"] + (isMetered ? ["KL", "top-1 %", "decisions %"] : [])
      let lines = mine.map { row in
        let written = { (estimate: Estimate?, unit: Double, decimals: Int) in estimate.map { fixed($0.value * unit, decimals) } ?? "" }
        let accuracy = [fixed(row.accuracy.value * 100, 1), fixed(row.accuracy.error * 100, 1)]
        let quality = [row.label] + (isEven ? [] : ["\(row.samples)"]) + accuracy + (areComplete ? [] : ["\(row.incomplete)"])
        let fidelity = [written(row.agreement, 100, 1), written(row.tokenAgreement, 100, 1), written(row.firstDifference, 1, 1)]
        let details = names.map { fixed(row.details[$0]?.value ?? .nan, 3) }
        let milliseconds = row.seconds.map { fixed($0.value * 1000, 1) } ?? "shared"
        let cost = [fixed(row.rounds.value, 1), fixed(row.positions, 0), milliseconds, fixed(row.tokensPerRound.value, 2)]
        let kept = row.divergence.map { [fixed($0.kl, 4), fixed($0.top1 * 100, 2), fixed($0.decisions * 100, 2)] } ?? ["", "", ""]
        return quality + fidelity + details + cost + [written(row.fewerRounds, 1, 2), written(row.speedup, 1, 2)] + (isMetered ? kept : [])
      }
      let table = TextTable(lines, header: header, numeric: Set(1..<header.count)).text
      let isAlone = rows.allSatisfy { $0.model != row.model || $0.benchmark != row.benchmark || $0.geometry == row.geometry }
      parts.append(
        "\(row.benchmark) on \(row.model), \(isAlone ? "" : "\(row.geometry), ")\(isEven ? "" : "up to ")\(mine.map(\.samples).max() ?? 0) samples\n" + table
          + (row.reference == nil ? "\n" + Self.lack : ""))
    }
    return parts.joined(separator: "\n\n")
  }

  private static let lack =
    "tokens % and differs at are not known: no finished run here decodes one token per round, as `one-by-one: [quota: {}]` among the strategies does"

  /// What the columns that compare say, and against which runs.
  package func legend(baseline: String?) -> String {
    let references = rows.reduce(into: [String]()) { names, row in
      if let name = row.reference, !names.contains(name) { names.append(name) }
    }
    let fidelity = "tokens: same answer tokens, differs at: the first other one"
    var text = "ms: decoding milliseconds per sample"
    if rows.contains(where: { $0.divergence != nil }) {
      text += "; KL (nats), top-1 and decisions: belief, best token and edits of a round against those of the full model on the same canvas, mean of rounds"
    }
    if let baseline, references == [baseline] { return text + "; against \(baseline): agreement: same final answer, \(fidelity), rounds ÷, speedup" }
    if let baseline { text += "; against \(baseline): agreement: same final answer, rounds ÷, speedup" }
    if !references.isEmpty { text += "; against \(references.joined(separator: " or ")), one token per round: \(fidelity)" }
    return text
  }

  /// The rows as JSON.
  public var json: Setting {
    let number = { (estimate: Estimate?) -> Setting in
      guard let estimate else { return Setting(.null) }
      return ["value": Setting(.number(estimate.value)), "standard_error": Setting(.number(estimate.error))]
    }
    return Setting(
      .list(
        rows.map { row in
          let kept: [Setting.Entry] =
            row.divergence.map { divergence in
              let parts: Setting = [
                "kl": Setting(.number(divergence.kl)), "top1": Setting(.number(divergence.top1)), "decisions": Setting(.number(divergence.decisions)),
              ]
              return [Setting.Entry("fidelity", parts)]
            } ?? []
          let own: Setting = [
            "model": Setting(.text(row.model)), "benchmark": Setting(.text(row.benchmark)), "geometry": Setting(.text(row.geometry)),
            "strategy": Setting(.text(row.label)),
            "samples": Setting(.integer(row.samples)), "incomplete": Setting(.integer(row.incomplete)),
            "accuracy": number(row.accuracy),
            "details": Setting(.map(row.details.sorted { $0.key < $1.key }.map { Setting.Entry($0.key, number($0.value)) })), "rounds": number(row.rounds),
            "positions": Setting(.number(row.positions)), "seconds": number(row.seconds), "tokens_per_round": number(row.tokensPerRound),
            "fewer_rounds": number(row.fewerRounds), "speedup": number(row.speedup), "agreement": number(row.agreement),
            "reference": Setting(row.reference.map { .text($0) } ?? .null), "token_agreement": number(row.tokenAgreement),
            "first_difference": number(row.firstDifference),
          ]
          guard case .map(let entries) = own.value else { return own }
          return Setting(.map(entries + kept))
        }))
  }
}

/// A row's samples, by problem and seed.
private struct Observations {
  struct Sample {
    let outcome: Outcome
    let seconds: Double
    let vocabulary: Vocabulary
  }

  let samples: [Sample]
  let isTimed: Bool

  init(_ results: [RunResult]) {
    samples = results.flatMap { result in
      zip(result.outcomes, result.seconds).map { Sample(outcome: $0, seconds: $1, vocabulary: result.plan.model.denoiser.vocabulary) }
    }
    isTimed = results.allSatisfy(\.isTimed)
  }

  /// One list of values per problem, in order of first appearance.
  func clusters<Value>(_ value: (Sample) -> Value) -> [[Value]] { Self.grouped(samples.map { ($0.outcome.problem, value($0)) }) }

  /// The same for pairs of samples.
  static func clusters<Value>(_ pairs: [(Sample, Sample)], _ value: (Sample, Sample) -> Value) -> [[Value]] {
    grouped(pairs.map { ($0.0.outcome.problem, value($0.0, $0.1)) })
  }

  private static func grouped<Value>(_ values: [(problem: String, value: Value)]) -> [[Value]] {
    var place: [String: Int] = [:]
    var clusters: [[Value]] = []
    for (problem, value) in values {
      if let index = place[problem] {
        clusters[index].append(value)
      } else {
        place[problem] = clusters.count
        clusters.append([value])
      }
    }
    return clusters
  }

  /// Samples of the same problem and seed in both.
  func paired(with other: Observations) -> [(Sample, Sample)] {
    var theirs: [String: Sample] = [:]
    for sample in other.samples { theirs["\(sample.outcome.problem) \(sample.outcome.seed)"] = sample }
    return samples.compactMap { sample in theirs["\(sample.outcome.problem) \(sample.outcome.seed)"].map { (sample, $0) } }
  }
}

extension Divergence {
  /// The mean of several; nil of none.
  fileprivate static func mean(_ all: [Divergence]) -> Divergence? {
    guard !all.isEmpty else { return nil }
    let mean = { (part: (Divergence) -> Double) in all.reduce(0) { $0 + part($1) } / Double(all.count) }
    return Divergence(kl: mean(\.kl), top1: mean(\.top1), decisions: mean(\.decisions))
  }
}

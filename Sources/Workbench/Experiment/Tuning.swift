public import Diffusion
internal import Models

/// Fair tuning: a strategy's setting is chosen on one split, and reported on another that the choice has not seen.
public struct Tuned: Sendable {
  /// The choice for one strategy in one group.
  public struct Choice: Sendable {
    /// The model's name.
    public let model: String
    /// The benchmark's name.
    public let benchmark: String
    /// Response and block length, as `48/16`, and what else tells it from other decodings.
    public let geometry: String
    /// Every setting of the decoding, as JSON with sorted keys.
    let decoding: String
    /// The strategy.
    public let strategy: String
    /// How many of its settings were tried on the split of the choice.
    public let tried: Int
    /// The chosen setting; empty where nothing is swept.
    public let setting: String
    /// Whether it keeps the share of the baseline's accuracy that was asked for, on the split of the choice.
    public let keeps: Bool
    /// Its accuracy there.
    public let accuracy: Estimate
    /// Its mean cost there.
    public let cost: Double

    /// Strategy and setting together.
    public var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }
  }

  /// One choice per group and strategy, in the order of the experiment.
  public let choices: [Choice]

  /// Chooses from the report of all settings: of those that keep `rule.kept` of the baseline's accuracy the least costly, or where none does the most
  /// accurate; ties go to the less costly, then to the earlier.
  public init(_ report: Report, cells: [Experiment.Cell], baseline: String, rule: Experiment.Tuning) {
    let strategy = Dictionary(cells.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
    var choices: [Choice] = []
    var seen: Set<[String]> = []
    for row in report.rows {
      guard let cell = strategy[row.label], seen.insert([row.model, row.benchmark, row.decoding, cell.strategy]).inserted else { continue }
      let group = report.rows.filter { $0.model == row.model && $0.benchmark == row.benchmark && $0.decoding == row.decoding }
      let own = group.filter { strategy[$0.label]?.strategy == cell.strategy }
      let bar = group.first { strategy[$0.label]?.strategy == baseline }.map { $0.accuracy.value * rule.kept } ?? 0
      let cost = { (row: Report.Row) in rule.cost == .rounds ? row.rounds.value : row.positions }
      // Of an accuracy of nothing nothing can be kept.
      let keeping = own.filter { bar > 0 && $0.accuracy.value >= bar }
      let best =
        keeping.min { cost($0) < cost($1) }
        ?? own.min { $0.accuracy.value != $1.accuracy.value ? $0.accuracy.value > $1.accuracy.value : cost($0) < cost($1) } ?? row
      choices.append(
        Choice(
          model: row.model, benchmark: String(row.benchmark.prefix { $0 != "/" }), geometry: row.geometry, decoding: row.decoding,
          strategy: cell.strategy, tried: own.count, setting: strategy[best.label]?.setting ?? "", keeps: !keeping.isEmpty, accuracy: best.accuracy,
          cost: cost(best)))
    }
    self.choices = choices
  }

  /// The choice made for a plan's group and strategy.
  func choice(for plan: RunPlan) -> Choice? {
    choices.first {
      $0.model == plan.model.name && $0.benchmark == plan.selection.name && $0.decoding == plan.decodingText && $0.strategy == plan.cell.strategy
    }
  }

  /// Whether a plan is one of those chosen.
  public func chooses(_ plan: RunPlan) -> Bool { choice(for: plan)?.setting == plan.cell.setting }

  /// The table of choices, beside what they came to on the split of the report.
  public func text(_ report: Report, rule: Experiment.Tuning, baseline: String) -> String {
    let hasGeometries = Set(choices.map(\.geometry)).count > 1
    let rows = choices.map { choice in
      let row = row(of: choice, in: report)
      return [choice.benchmark] + (hasGeometries ? [choice.geometry] : []) + [
        choice.label, "\(choice.tried)", fixed(choice.accuracy.value * 100, 1), choice.keeps ? "yes" : "no",
        row.map { fixed($0.accuracy.value * 100, 1) } ?? "–", row.map { fixed($0.accuracy.error * 100, 1) } ?? "–",
        row.map { fixed($0.rounds.value, 1) } ?? "–", row?.fewerRounds.map { fixed($0.value, 2) } ?? "–",
      ]
    }
    let header =
      ["benchmark"] + (hasGeometries ? ["decoding"] : [])
      + ["chosen", "tried", "dev accuracy %", "keeps", "test accuracy %", "± se", "test rounds", "rounds ÷"]
    let numeric = [2, 3, 5, 6, 7, 8].map { hasGeometries ? $0 + 1 : $0 }
    return TextTable(rows, header: header, numeric: Set(numeric)).text
      + "\nchosen on dev among the settings tried: the fewest \(rule.cost.rawValue) that keep \(fixed(rule.kept * 100, 1)) % of \(baseline)'s accuracy there (keeps),"
      + " or else the most accurate; reported on test"
  }

  /// The choices as JSON, beside what they came to.
  public func json(_ report: Report) -> Setting {
    let number = { (value: Double?) in Setting(value.map { .number($0) } ?? .null) }
    let entries = choices.map { choice -> Setting in
      let row = row(of: choice, in: report)
      let chosen: [Setting.Entry] = [
        Setting.Entry("model", Setting(.text(choice.model))), Setting.Entry("benchmark", Setting(.text(choice.benchmark))),
        Setting.Entry("geometry", Setting(.text(choice.geometry))), Setting.Entry("strategy", Setting(.text(choice.strategy))),
        Setting.Entry("setting", Setting(.text(choice.setting))), Setting.Entry("settings_tried", Setting(.integer(choice.tried))),
        Setting.Entry("dev_accuracy", number(choice.accuracy.value)), Setting.Entry("dev_cost", number(choice.cost)),
        Setting.Entry("keeps", Setting(.bool(choice.keeps))),
      ]
      let reported: [Setting.Entry] = [
        Setting.Entry("test_accuracy", number(row?.accuracy.value)), Setting.Entry("test_standard_error", number(row?.accuracy.error)),
        Setting.Entry("test_rounds", number(row?.rounds.value)), Setting.Entry("test_fewer_rounds", number(row?.fewerRounds?.value)),
      ]
      return Setting(.map(chosen + reported))
    }
    return Setting(.list(entries))
  }

  private func row(of choice: Choice, in report: Report) -> Report.Row? {
    report.rows.first {
      $0.model == choice.model && $0.benchmark == choice.benchmark + "/" + Split.test.rawValue && $0.decoding == choice.decoding && $0.label == choice.label
    }
  }
}

extension RunPlan {
  /// Response and block length, as `48/16`, and what else of the decoding is not as usual.
  var geometryText: String { config.geometryText }

  /// Every setting of the decoding, as JSON with sorted keys: what tells decodings apart.
  var decodingText: String { config["decoding"]?.sorted.json ?? "" }

  /// The geometry in words for each `decodingText`; where those of several are the same, with the settings that differ, as `48/16 max_rounds=64`.
  static func geometries(of plans: [RunPlan]) -> [String: String] {
    let decodings = Dictionary(plans.map { ($0.decodingText, $0.config) }, uniquingKeysWith: { first, _ in first })
    var words: [String: String] = [:]
    for (text, configs) in Dictionary(grouping: decodings, by: { $0.value.geometryText }) {
      let leaves = configs.map { $0.value["decoding"]?.leaves ?? [:] }
      let differing = Set(leaves.flatMap(\.keys)).filter { key in Set(leaves.map { $0[key] }).count > 1 }.sorted()
      for (config, own) in zip(configs, leaves) { words[config.key] = ([text] + differing.map { "\($0)=\(own[$0] ?? "none")" }).joined(separator: " ") }
    }
    return words
  }
}

extension Setting {
  /// Of a run's configuration: response and block length, as `48/16`, and what else of the decoding is not as usual, as `48/16 temperature=0.7`.
  var geometryText: String {
    let decoding = self["decoding"]
    let word = { (key: String) in decoding?[key]?.description ?? "?" }
    var words = [word("gen_length") + "/" + word("block_length")]
    for (key, usual) in [("temperature", ["0.0", "0"]), ("top_p", ["1.0", "1"]), ("top_k", ["0"]), ("pinned", ["{}", "null"])] where !usual.contains(word(key))
    {
      if word(key) != "?" { words.append("\(key)=\(word(key))") }
    }
    return words.joined(separator: " ")
  }
}

internal import Diffusion

/// What is measured of a problem, by name.
public enum Measure: String, Sendable, Hashable, CaseIterable {
  /// Right answers, 0 or 1.
  case correct
  /// Partial credit, 0 to 1.
  case score
  /// Model calls.
  case rounds
  /// Decoding seconds.
  case seconds
  /// Canvas positions pushed through the layers.
  case positions
  /// Rows of all batches.
  case canvases
  /// Response tokens before the first end token, pinned ones left out.
  case tokens
}

/// What came of one strategy at one setting on one benchmark, problem by problem, over all its seeds.
public struct CellResults: Sendable {
  /// What has to be the same for cells to be compared: everything but strategy and seed.
  public struct Group: Sendable, Hashable {
    /// The model's name.
    public let model: String
    /// Benchmark and split, as `arithmetic/test`.
    public let benchmark: String
    /// Response and block length, as `48/16`.
    public private(set) var geometry: String
    /// All of the configuration but strategy and seed, as JSON with sorted keys.
    public let config: String

    /// The group in words.
    public var title: String { "\(benchmark) on \(model), \(geometry)" }

    /// Adds to the geometry what tells groups of one title apart, as `48/16 max_rounds=64`.
    fileprivate mutating func tell(apart words: [String]) { geometry += " " + words.joined(separator: " ") }
  }

  /// What it can be compared within.
  public private(set) var group: Group
  /// The strategy's name in the experiment.
  public private(set) var strategy: String
  /// Its swept keys; empty where nothing is swept.
  public let setting: String
  /// Whether the experiment measures others against it.
  public let isBaseline: Bool
  /// The runs it is made of, one per seed.
  public let runs: [StoredRun]
  /// The problems, in their order.
  public let problems: [String]
  /// Whether all its seconds are a speed.
  public let isTimed: Bool
  private let columns: [Measure: [Double]]

  /// Strategy and setting together.
  public var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }

  /// A measure, one value per problem: the mean over the seeds it was decoded with.
  public subscript(measure: Measure) -> [Double] { columns[measure] ?? [] }

  /// A measure laid along other problems; NaN for those that were not decoded.
  public func column(_ measure: Measure, along others: [String]) -> [Double] {
    let values = self[measure]
    if problems == others { return values }
    let known = Dictionary(uniqueKeysWithValues: zip(problems, values))
    return others.map { known[$0] ?? .nan }
  }

  /// The cells that runs make up, in the order of their first runs.
  public static func cells(of runs: [StoredRun]) -> [CellResults] {
    var places: [[String]: Int] = [:]
    var groups: [[StoredRun]] = []
    for run in runs {
      let key = [run.config.without(["seed"]).sorted.json, run.entry.model, run.entry.strategy, run.entry.setting]
      if let place = places[key] {
        // The same run in two folders is one run.
        if let same = groups[place].firstIndex(where: { $0.entry.digest == run.entry.digest }) {
          if groups[place][same].outcomes.count < run.outcomes.count { groups[place][same] = run }
        } else {
          groups[place].append(run)
        }
      } else {
        places[key] = groups.count
        groups.append([run])
      }
    }
    var cells = groups.map(CellResults.init)
    // Strategies that experiments give the same name are told apart by their experiments.
    let names = Dictionary(grouping: cells.indices) { [cells[$0].group.config, cells[$0].group.model, cells[$0].label] }
    for places in names.values where places.count > 1 {
      for place in places { cells[place].strategy = "\(cells[place].runs[0].experiment)/\(cells[place].strategy)" }
    }
    // So are groups of one title, by those of their settings that differ.
    for places in Dictionary(grouping: cells.indices, by: { cells[$0].group.title }).values {
      let leaves = places.map { cells[$0].runs[0].config.without(["seed", "strategy", "cache"]).leaves }
      let differing = Set(leaves.flatMap(\.keys)).filter { key in Set(leaves.map { $0[key] }).count > 1 }.sorted()
      guard !differing.isEmpty else { continue }
      for (place, own) in zip(places, leaves) {
        cells[place].group.tell(apart: differing.map { "\($0.split(separator: ".").last ?? "")=\((own[$0] ?? "none").prefix(16))" })
      }
    }
    return cells
  }

  /// Runs of one strategy that differ in their seeds.
  private init(_ runs: [StoredRun]) {
    let config = runs[0].config
    let word = { (keys: String...) in keys.reduce(Optional(config)) { $0?[$1] }?.description ?? "?" }
    group = Group(
      model: runs[0].entry.model, benchmark: word("benchmark", "name") + "/" + word("benchmark", "split"),
      geometry: config.geometryText, config: config.without(["seed", "strategy", "cache"]).sorted.json)
    strategy = runs[0].entry.strategy
    setting = runs[0].entry.setting
    isBaseline = runs[0].isBaseline
    self.runs = runs
    isTimed = runs.allSatisfy(\.isTimed)
    var order: [String] = []
    var counts: [String: Double] = [:]
    var sums: [Measure: [String: Double]] = [:]
    for run in runs {
      for (outcome, seconds) in zip(run.outcomes, run.seconds) {
        if counts[outcome.problem] == nil { order.append(outcome.problem) }
        counts[outcome.problem, default: 0] += 1
        for measure in Measure.allCases { sums[measure, default: [:]][outcome.problem, default: 0] += measure.value(outcome, seconds) }
      }
    }
    problems = order
    columns = sums.mapValues { sums in order.map { (sums[$0] ?? 0) / (counts[$0] ?? 1) } }
  }
}

extension Measure {
  /// Its value for one decoded problem.
  fileprivate func value(_ outcome: Outcome, _ seconds: Double) -> Double {
    switch self {
    case .correct: outcome.correct ? 1 : 0
    case .score: outcome.score
    case .rounds: Double(outcome.rounds)
    case .seconds: seconds
    case .positions: Double(outcome.positions)
    case .canvases: Double(outcome.canvases)
    case .tokens: Double(outcome.answerTokens)
    }
  }
}

extension Setting {
  /// Every value that is no map, by its path.
  var leaves: [String: String] {
    guard case .map(let entries) = value else { return ["": description] }
    return entries.reduce(into: [:]) { leaves, entry in
      for (path, text) in entry.value.leaves { leaves[path.isEmpty ? entry.key : entry.key + "." + path] = text }
    }
  }

  /// A map without some of its keys.
  func without(_ keys: [String]) -> Setting {
    guard case .map(let entries) = value else { return self }
    return Setting(.map(entries.filter { !keys.contains($0.key) }), line: line)
  }
}

public import Diffusion
public import Traces

/// An experiment file: which strategies, on which models and benchmarks, how decoded, how often.
public struct Experiment: Sendable {
  /// Its name; results lie in a folder of that name.
  public let name: String
  /// Models by name or checkpoint directory.
  public let models: [String]
  /// What names each of them in the file; empty where nothing does.
  let modelSettings: [Setting]
  /// Benchmarks with their splits.
  public internal(set) var benchmarks: [Selection]
  /// Decoding settings, one run each; nil fields are the benchmark's own.
  public let decodings: [Decoding]
  /// What is held back from the model, where a strategy does not say; null: nothing.
  public let cache: Setting
  /// Seeds, one run each.
  public let seeds: [Int]
  /// What a trace records.
  public let trace: TraceLevel
  /// The strategy that speedups are measured against.
  public let baseline: String?
  /// One entry per strategy and swept setting.
  public let cells: [Cell]
  /// How samples are spent where not every cell gets all of them; nil: every cell gets all.
  public var adaptive: Adaptive?
  /// By which rule `--tune` chooses settings.
  public let tuning: Tuning

  /// A benchmark, a split and how many of its problems.
  public struct Selection: Sendable, Hashable {
    /// The benchmark's name.
    public let name: String
    /// The split.
    public internal(set) var split: Split
    /// How many problems, from the first on.
    public internal(set) var limit: Int
    /// A benchmark's file, or the folder it is in.
    public var path: String?
    /// The split that a path to a file was given for; another one is looked for beside it.
    var pathSplit: Split?
    /// Examples before each question; nil: as many as the benchmark has by itself.
    public var shots: Int?
    /// A file that examples are taken from.
    public var shotsPath: String?
    /// Whether prompts are put through the model's chat template.
    public var isChat = false

    /// What a benchmark is told of it.
    var source: BenchmarkSource {
      BenchmarkSource(split: split, path: path, pathSplit: pathSplit ?? split, shots: shots, shotsPath: shotsPath, isChat: isChat)
    }
  }

  /// How canvases are laid out and tokens proposed.
  public struct Decoding: Sendable, Hashable {
    /// Response length; nil: the benchmark's.
    public var genLength: Int?
    /// Block length; nil: the benchmark's, or gen_length where that was set.
    public var blockLength: Int?
    /// How tokens are proposed.
    public var sampling = Sampling.greedy
    /// Model calls after which a decode is given up.
    public var maxRounds = 100_000
    /// Fixed response positions: token ids or texts.
    public var pinned: [Int: Setting] = [:]

    /// Every setting, in words.
    var words: String { "\(genLength ?? 0)/\(blockLength ?? 0) \(sampling) \(maxRounds) \(pinned.sorted { $0.key < $1.key })" }
  }

  /// One strategy at one setting of its swept keys.
  public struct Cell: Sendable {
    /// The name in the file.
    public let strategy: String
    /// The swept keys, as `confidence=0.9`; empty where nothing is swept.
    public let setting: String
    /// The list of rules.
    public let rules: Setting
    /// The cache; nil: the experiment's.
    public var cache: Setting?

    /// Name and setting together.
    public var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }
  }

  /// How an adaptive sweep spends its samples.
  public struct Adaptive: Sendable, Hashable {
    /// Samples over all cells together, the baseline's included; nil: as many as it takes to settle every cell.
    public var samples: Int?
    /// Problems that every cell is tried on first.
    public var first = 8
    /// A cell is dropped when the probability that it is on the front falls below this; nil: 0.02 where there is no budget, else only for want of room.
    public var drop: Double?

    /// The standard settings.
    public init() {}
  }

  /// By which rule settings are chosen on one split to be reported on another.
  public struct Tuning: Sendable, Hashable {
    /// What is to be little.
    public enum Cost: String, Sendable, CaseIterable {
      case rounds, positions
    }

    /// The share of the baseline's accuracy that a setting has to keep.
    public var kept = 0.99
    /// Among those that keep it, the setting with the least of this is chosen.
    public var cost = Cost.rounds

    /// The standard rule.
    public init() {}
  }

  /// Reads an experiment's settings.
  public init(_ setting: Setting) throws(ConfigurationError) {
    var mistakes: [ConfigurationError] = []
    self.init(setting, &mistakes)
    try mistakes.check()
  }

  /// Reads an experiment's settings and adds what is wrong with them; what is wrong is read as if it were not there.
  init(_ setting: Setting, _ mistakes: inout [ConfigurationError]) {
    var reader = SettingReader(setting, owner: SettingReader.root)
    name = reader.text("name") ?? "unnamed"
    if name.isEmpty || name.utf8.count > 100 || name.hasPrefix(".") || !name.utf8.allSatisfy(Self.isNameByte) {
      reader.fail(.outOfRange(key: "name", value: name, expected: "letters, digits, `-`, `_` and `.`, as it names a folder"), reader.take("name"))
    }
    let named = Self.models(&reader) ?? []
    models = named.isEmpty ? ["reference"] : named.map(\.name)
    modelSettings = named.map(\.setting)
    benchmarks = Self.selections(&reader)
    decodings = Self.decodings(&reader)
    cache = reader.take("cache") ?? Setting(.null)
    seeds = Self.seeds(&reader)
    trace = Self.trace(&reader)
    baseline = reader.text("baseline")
    adaptive = Self.adaptive(&reader)
    tuning = Self.tuning(&reader)
    var cells: [Cell] = []
    let strategies = reader.take("strategies")
    if case .map(let entries) = strategies?.value, !entries.isEmpty {
      for entry in entries {
        if entry.key.isEmpty || entry.key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
          reader.fail(.outOfRange(key: "strategies", value: "a name with control characters, or none", expected: "names that can be printed"), entry.value)
        }
        cells += Self.cells(entry, &reader)
      }
      if let baseline, !entries.contains(where: { $0.key == baseline }) {
        reader.fail(.unknownName(name: baseline, kind: "strategy (for `baseline`)", known: entries.map(\.key)), reader.take("baseline"))
      }
    } else {
      reader.fail(.missing(key: "strategies", owner: "an experiment", expected: "a map of names to lists of rules"), strategies)
    }
    self.cells = cells
    checkDistinct(&reader)
    reader.finish()
    mistakes += reader.mistakes
  }

  /// The same experiment on another split of its benchmarks.
  public func on(_ split: Split) -> Experiment {
    var copy = self
    copy.benchmarks = []
    for selection in benchmarks where !copy.benchmarks.contains(where: { $0.name == selection.name }) {
      let own = benchmarks.first { $0.name == selection.name && $0.split == split }
      var moved = own ?? selection
      moved.pathSplit = moved.pathSplit ?? moved.split
      moved.split = split
      copy.benchmarks.append(moved)
    }
    return copy
  }

  /// Refuses what would be counted twice.
  private func checkDistinct(_ reader: inout SettingReader) {
    func refuse(_ key: String, _ names: [String]) {
      var seen: Set<String> = []
      for name in names where !seen.insert(name).inserted {
        reader.fail(.composition("`\(name)` stands in `\(key)` twice"), reader.take(key))
        return
      }
    }
    refuse("model", models)
    refuse("benchmark", benchmarks.map { "\($0.name)/\($0.split.rawValue)" })
    refuse("decoding", decodings.map { "\($0.words)" })
    refuse("strategies", cells.map(\.label))
    if let baseline, cells.count(where: { $0.strategy == baseline }) > 1 {
      reader.fail(.composition("the baseline `\(baseline)` is swept; it has to be one setting"), reader.take("baseline"))
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
  }
}

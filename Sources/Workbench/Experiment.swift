public import Diffusion
public import Traces

/// An experiment file: which strategies, on which models and benchmarks, how decoded, how often.
public struct Experiment: Sendable {
  /// Its name; results lie in a folder of that name.
  public let name: String
  /// Models by name or checkpoint directory.
  public let models: [String]
  /// Benchmarks with their splits.
  public let benchmarks: [Selection]
  /// Decoding settings; nil fields are the benchmark's own.
  public let decoding: Decoding
  /// Seeds, one run each.
  public let seeds: [Int]
  /// What a trace records.
  public let trace: TraceLevel
  /// The strategy that speedups are measured against.
  public let baseline: String?
  /// One entry per strategy and swept setting.
  public let cells: [Cell]

  /// A benchmark, a split and how many of its problems.
  public struct Selection: Sendable, Hashable {
    /// The benchmark's name.
    public let name: String
    /// The split.
    public let split: Split
    /// How many problems, from the first on.
    public let limit: Int
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
  }

  /// One strategy at one setting of its swept keys.
  public struct Cell: Sendable {
    /// The name in the file.
    public let strategy: String
    /// The swept keys, as `confidence=0.9`; empty where nothing is swept.
    public let setting: String
    /// The list of rules.
    public let rules: Setting

    /// Name and setting together.
    public var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }
  }

  /// Reads the experiments of a file, which lines of `---` part, and reports every mistake in it at once.
  public static func all(in file: String) throws(ConfigurationError) -> [Experiment] {
    let documents = try YAML.documents(file: file)
    do { return try all(documents) } catch { throw error.at(file: file) }
  }

  /// Reads the settings of several experiments; each has a name, and so a folder, of its own.
  static func all(_ documents: [Setting]) throws(ConfigurationError) -> [Experiment] {
    var experiments: [Experiment] = []
    var mistakes: [ConfigurationError] = []
    for document in documents {
      do throws(ConfigurationError) {
        let experiment = try Experiment(document)
        if experiments.contains(where: { $0.name == experiment.name }) {
          mistakes.append(ConfigurationError.composition("`\(experiment.name)` names two experiments").at(line: document.line))
        }
        experiments.append(experiment)
      } catch { mistakes += error.all }
    }
    try mistakes.check()
    return experiments
  }

  /// Reads an experiment's settings.
  public init(_ setting: Setting) throws(ConfigurationError) {
    var reader = SettingReader(setting, owner: SettingReader.root)
    name = reader.text("name") ?? "unnamed"
    if name.isEmpty || name.utf8.count > 100 || name.hasPrefix(".") || !name.utf8.allSatisfy(Self.isNameByte) {
      reader.fail(.outOfRange(key: "name", value: name, expected: "letters, digits, `-`, `_` and `.`, as it names a folder"), reader.take("name"))
    }
    models = Self.names(&reader, "model") ?? ["reference"]
    benchmarks = Self.selections(&reader)
    decoding = Self.decoding(&reader)
    seeds = Self.seeds(&reader)
    trace = Self.trace(&reader)
    baseline = reader.text("baseline")
    var cells: [Cell] = []
    let strategies = reader.take("strategies")
    if case .map(let entries) = strategies?.value, !entries.isEmpty {
      for entry in entries { cells += Self.cells(entry, &reader) }
      if let baseline, !entries.contains(where: { $0.key == baseline }) {
        reader.fail(.unknownName(name: baseline, kind: "strategy (for `baseline`)", known: entries.map(\.key)), reader.take("baseline"))
      }
    } else {
      reader.fail(.missing(key: "strategies", owner: "an experiment", expected: "a map of names to lists of rules"), strategies)
    }
    self.cells = cells
    checkDistinct(&reader)
    reader.finish()
    try reader.mistakes.check()
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

  /// One text or a list of texts.
  static func names(_ reader: inout SettingReader, _ key: String) -> [String]? {
    guard let setting = reader.take(key) else { return nil }
    switch setting.value {
    case .text(let name): return [name]
    case .list(let items) where !items.isEmpty:
      let names = items.compactMap { item in if case .text(let name) = item.value { name } else { nil } }
      if names.count == items.count { return names }
    default: break
    }
    reader.wrong(key, setting, "a name or a list of names")
    return nil
  }

  private static func selections(_ reader: inout SettingReader) -> [Selection] {
    guard let setting = reader.take("benchmark") else {
      reader.fail(.missing(key: "benchmark", owner: "an experiment", expected: "as {name: arithmetic, split: test, limit: 200}"))
      return []
    }
    let items = if case .list(let items) = setting.value { items } else { [setting] }
    if items.isEmpty { reader.fail(.missing(key: "benchmark", owner: "an experiment", expected: "at least one, as {name: arithmetic}"), setting) }
    var selections: [Selection] = []
    for item in items {
      if case .text(let name) = item.value {
        selections.append(Selection(name: name, split: .test, limit: 100))
        continue
      }
      var inner = SettingReader(item, owner: "benchmark")
      let name = inner.text("name")
      let split = inner.choice("split", default: Split.test)
      let limit = inner.int("limit", default: 100, in: 1...10_000_000)
      inner.finish()
      for mistake in inner.mistakes { reader.fail(mistake, item) }
      if let name {
        selections.append(Selection(name: name, split: split, limit: limit))
      } else if inner.mistakes.isEmpty {
        reader.fail(.missing(key: "name", owner: "benchmark", expected: "the name of a benchmark"), item)
      }
    }
    return selections
  }

  static func decoding(_ reader: inout SettingReader) -> Decoding {
    var decoding = Decoding()
    guard let setting = reader.take("decoding") else { return decoding }
    var inner = SettingReader(setting, owner: "decoding")
    decoding.genLength = inner.optionalInt("gen_length", in: 1...Canvas.lengthLimit)
    decoding.blockLength = inner.optionalInt("block_length", in: 1...Canvas.lengthLimit)
    decoding.sampling.temperature = inner.number("temperature", default: 0)
    decoding.sampling.topP = inner.number("top_p", default: 1)
    decoding.sampling.topK = inner.int("top_k", default: 0, in: 0...Int(Int32.max))
    decoding.maxRounds = inner.int("max_rounds", default: decoding.maxRounds, in: 1...Int(Int32.max))
    do { try decoding.sampling.validate() } catch { inner.fail(error.at(path: "decoding"), setting) }
    if let pinned = inner.take("pinned") {
      if case .map(let entries) = pinned.value {
        for entry in entries {
          if let position = Int(entry.key), position >= 0 {
            decoding.pinned[position] = entry.value
          } else {
            inner.fail(.wrongKind(key: "decoding.pinned", found: "the key `\(entry.key)`", expected: "a position from the start of the response"), entry.value)
          }
        }
      } else {
        inner.wrong("pinned", pinned, "a map of positions to tokens or texts")
      }
    }
    if let length = decoding.genLength, let block = decoding.blockLength, length % block != 0 {
      inner.fail(.outOfRange(key: "decoding.block_length", value: "\(block)", expected: "a divisor of gen_length (\(length))"), setting)
    }
    inner.finish()
    for mistake in inner.mistakes { reader.fail(mistake, setting) }
    return decoding
  }

  private static func trace(_ reader: inout SettingReader) -> TraceLevel {
    let names = ["none", "edits", "beliefs"]
    guard let name = reader.text("trace") else { return .edits }
    guard let level = TraceLevel(name) else {
      reader.fail(.unknownName(name: name, kind: "trace level", known: names), reader.take("trace"))
      return .edits
    }
    return level
  }

  private static func seeds(_ reader: inout SettingReader) -> [Int] {
    guard let setting = reader.take("seeds") else { return [0] }
    let items = if case .list(let items) = setting.value { items } else { [setting] }
    let seeds = items.compactMap { item in if case .integer(let seed) = item.value { seed } else { nil } }
    if seeds.isEmpty || seeds.count < items.count || Set(seeds).count < seeds.count {
      reader.wrong("seeds", setting, "a list of different whole numbers")
    }
    return seeds
  }

  /// A strategy's cells: one, or one per combination of its swept values.
  private static func cells(_ entry: Setting.Entry, _ reader: inout SettingReader) -> [Cell] {
    guard case .map = entry.value.value, entry.value["use"] != nil || entry.value["sweep"] != nil else {
      return [Cell(strategy: entry.key, setting: "", rules: entry.value)]
    }
    var inner = SettingReader(entry.value, owner: "strategies.\(entry.key)")
    let use = inner.take("use")
    let sweep = inner.take("sweep")
    inner.finish()
    var cells: [Cell] = []
    if let use {
      do { cells = try Sweep(sweep, over: use).cells(named: entry.key) } catch { inner.fail(error.at(path: "strategies.\(entry.key)"), sweep) }
    } else {
      inner.fail(.missing(key: "use", owner: "strategies.\(entry.key)", expected: "the list of rules that is swept"), entry.value)
    }
    for mistake in inner.mistakes { reader.fail(mistake, entry.value) }
    return cells
  }
}

internal import Diffusion
internal import Models
internal import Traces

/// How each key of an experiment is read. What is wrong is noted, and read as if it were not there.
extension Experiment {
  /// The models: names, or maps of a `path` and the options it is changed by, which become a name that says the same. Options that say the same make the
  /// same name, whatever their order. With each the setting that names it.
  static func models(_ reader: inout SettingReader) -> [(name: String, setting: Setting)]? {
    guard let setting = reader.take("model") else { return nil }
    let items = if case .list(let items) = setting.value { items } else { [setting] }
    var models: [(name: String, setting: Setting)] = []
    for item in items {
      let written: String
      switch item.value {
      case .text(let name): written = name
      case .map(let entries):
        guard let path = entries.first(where: { $0.key == "path" }), case .text(let place) = path.value.value else {
          reader.fail(.missing(key: "path", owner: "a model", expected: "a shipped model's name or a directory"), item)
          return nil
        }
        let options = entries.filter { $0.key != "path" }.map { "\($0.key)=\(optionText($0.value))" }
        written = options.isEmpty ? place : place + "?" + options.joined(separator: "&")
      default:
        reader.wrong("model", setting, "a name, a map as {path: reference, skip_layers: [1]}, or a list of them")
        return nil
      }
      do throws(ConfigurationError) {
        models.append((try ModelLibrary.attempt { () throws(ModelError) in try ModelReference(written).text }, item))
      } catch { reader.fail(error.at(line: error.lineOfOption(in: item)), item) }
    }
    if items.isEmpty { reader.wrong("model", setting, "a name, a map as {path: reference, skip_layers: [1]}, or a list of them") }
    return models.isEmpty ? nil : models
  }

  private static func optionText(_ setting: Setting) -> String {
    guard case .list(let items) = setting.value else { return setting.description }
    return items.map(\.description).joined(separator: "+")
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

  static func selections(_ reader: inout SettingReader) -> [Selection] {
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
      var selection = Selection(name: name ?? "", split: split, limit: limit)
      selection.path = inner.text("path")
      selection.shots = inner.optionalInt("shots", in: 0...64)
      selection.shotsPath = inner.text("shots_path")
      selection.isChat = inner.flag("chat", default: false)
      inner.finish()
      for mistake in inner.mistakes { reader.fail(mistake, item) }
      if name != nil {
        selections.append(selection)
      } else if inner.mistakes.isEmpty {
        reader.fail(.missing(key: "name", owner: "benchmark", expected: "the name of a benchmark"), item)
      }
    }
    return selections
  }

  /// One map of decoding settings, or a list of them.
  static func decodings(_ reader: inout SettingReader) -> [Decoding] {
    guard case .list(let items)? = reader.take("decoding")?.value else { return [decoding(&reader)] }
    if items.isEmpty { reader.fail(.missing(key: "decoding", owner: "an experiment", expected: "at least one map, or no key"), reader.take("decoding")) }
    return items.map { decoding($0, &reader) }
  }

  /// One map of decoding settings.
  static func decoding(_ reader: inout SettingReader) -> Decoding { reader.take("decoding").map { decoding($0, &reader) } ?? Decoding() }

  static func decoding(_ setting: Setting, _ reader: inout SettingReader) -> Decoding {
    var decoding = Decoding()
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

  static func adaptive(_ reader: inout SettingReader) -> Adaptive? {
    guard let setting = reader.take("adaptive"), setting != Setting(.null), setting != false else { return nil }
    var adaptive = Adaptive()
    guard setting != true else { return adaptive }
    var inner = SettingReader(setting, owner: "adaptive")
    adaptive.samples = inner.optionalInt("samples", in: 1...Int(Int32.max))
    adaptive.first = inner.int("first", default: adaptive.first, in: 2...100_000)
    adaptive.drop = inner.optionalNumber("drop")
    if let drop = adaptive.drop, !(0..<0.5).contains(drop) {
      inner.fail(.outOfRange(key: "adaptive.drop", value: "\(drop)", expected: "a probability from 0 up to but not 0.5"), setting)
    }
    inner.finish()
    for mistake in inner.mistakes { reader.fail(mistake, setting) }
    return adaptive
  }

  static func tuning(_ reader: inout SettingReader) -> Tuning {
    var tuning = Tuning()
    guard let setting = reader.take("tune") else { return tuning }
    var inner = SettingReader(setting, owner: "tune")
    tuning.kept = inner.number("kept", default: tuning.kept)
    if !(0...1).contains(tuning.kept) {
      inner.fail(.outOfRange(key: "tune.kept", value: "\(tuning.kept)", expected: "a share of the baseline's accuracy, 0 to 1"), setting)
    }
    tuning.cost = inner.choice("cost", default: tuning.cost)
    inner.finish()
    for mistake in inner.mistakes { reader.fail(mistake, setting) }
    return tuning
  }

  static func trace(_ reader: inout SettingReader) -> TraceLevel {
    let names = ["none", "edits", "beliefs", "fidelity"]
    guard let name = reader.text("trace") else { return .edits }
    guard let level = TraceLevel(name) else {
      reader.fail(.unknownName(name: name, kind: "trace level", known: names), reader.take("trace"))
      return .edits
    }
    return level
  }

  static func seeds(_ reader: inout SettingReader) -> [Int] {
    guard let setting = reader.take("seeds") else { return [0] }
    let items = if case .list(let items) = setting.value { items } else { [setting] }
    let seeds = items.compactMap { item in if case .integer(let seed) = item.value { seed } else { nil } }
    if seeds.isEmpty || seeds.count < items.count || Set(seeds).count < seeds.count {
      reader.wrong("seeds", setting, "a list of different whole numbers")
    }
    return seeds
  }

  /// A strategy's cells: one, or one per combination of its swept values.
  static func cells(_ entry: Setting.Entry, _ reader: inout SettingReader) -> [Cell] {
    guard case .map = entry.value.value, ["use", "sweep", "cache"].contains(where: { entry.value[$0] != nil }) else {
      return [Cell(strategy: entry.key, setting: "", rules: entry.value)]
    }
    var inner = SettingReader(entry.value, owner: "strategies.\(entry.key)")
    let use = inner.take("use")
    let sweep = inner.take("sweep")
    let cache = inner.take("cache")
    inner.finish()
    var cells: [Cell] = []
    if let use {
      do { cells = try Sweep(sweep, over: use, cache: cache).cells(named: entry.key) } catch {
        for mistake in error.all { inner.fail(mistake.at(path: "strategies.\(entry.key)"), sweep) }
      }
    } else {
      inner.fail(.missing(key: "use", owner: "strategies.\(entry.key)", expected: "the list of rules that is swept"), entry.value)
    }
    for mistake in inner.mistakes { reader.fail(mistake, entry.value) }
    return cells
  }
}

extension ConfigurationError {
  /// The line of the option of a model that this is a mistake in, where the model's setting has it; else that of the model.
  func lineOfOption(in model: Setting) -> Int? {
    switch self {
    case .outOfRange(let key, _, _), .unknownKey(let key, _, _):
      return model[String(key.split(separator: ".").last ?? "")]?.line ?? model.line
    default: return model.line
    }
  }
}

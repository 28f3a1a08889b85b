/// A model as it is named: a shipped one or a directory, and behind a question mark the options it is changed by, `reference?skip_layers=1+2&rope_scale=4`.
public struct ModelReference: Sendable, Hashable {
  /// The shipped model's name, or the directory.
  public let place: String
  /// What is changed.
  public let options: ModelOptions
  /// What evaluates it in place of the native engine; nil: nothing.
  public let worker: WorkerDenoiser.Options?

  /// Reads a name. A directory whose name has a question mark is itself.
  public init(_ name: String) throws(ModelError) {
    guard let mark = name.lastIndex(of: "?"), !MappedFile.exists(name) else {
      place = name
      (options, worker) = (.none, nil)
      return
    }
    place = String(name[..<mark])
    var settings: [(key: String, value: String)] = []
    for part in name[name.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      settings.append((String(sides[0]), sides.count > 1 ? String(sides[1]) : ""))
    }
    let known = ModelOptions.keys + WorkerDenoiser.Options.keys
    var seen: Set<String> = []
    for (key, _) in settings {
      guard known.contains(key) else { throw .unknownOption(key: key, known: known) }
      guard seen.insert(key).inserted else { throw .option(key: key, value: "given twice", expected: "once") }
    }
    options = try Self.options(settings.filter { ModelOptions.keys.contains($0.key) })
    worker = try WorkerDenoiser.Options(settings.filter { WorkerDenoiser.Options.keys.contains($0.key) })
    if worker != nil, options != .none {
      throw .option(key: "worker", value: "given", expected: "no \(options.text) beside it: the native engine changes models, a worker does not")
    }
  }

  /// The name in its one canonical spelling: options that say the same are written the same.
  public var text: String {
    let parts = [options.text, worker?.text ?? ""].filter { !$0.isEmpty }
    return parts.isEmpty ? place : place + "?" + parts.joined(separator: "&")
  }

  private static func options(_ settings: [(key: String, value: String)]) throws(ModelError) -> ModelOptions {
    var options = ModelOptions()
    var numbers: [String: Int] = [:]
    for (key, value) in settings {
      switch key {
      case "skip_layers":
        for part in value.split(separator: "+", omittingEmptySubsequences: false) {
          guard let layer = Int(part), (0..<1024).contains(layer) else {
            throw .option(key: key, value: "\"\(value)\"", expected: "layers counted from 0 with + between them, as 3+4")
          }
          options.skippedLayers.append(layer)
        }
        options.skippedLayers = Set(options.skippedLayers).sorted()
      case "rope_scale":
        guard let scale = Double(value), scale >= 1, scale <= 1e6 else { throw .option(key: key, value: "\"\(value)\"", expected: "a number from 1 to 1e6") }
        options.rope = .scale(scale)
      case "precision":
        guard let precision = ModelOptions.Precision(rawValue: value) else {
          let known = ModelOptions.Precision.allCases.map(\.rawValue).joined(separator: " or ")
          throw .option(key: key, value: "\"\(value)\"", expected: known)
        }
        options.precision = precision
      default:
        guard let count = Int(value), (7...1 << 24).contains(count) else {
          throw .option(key: key, value: "\"\(value)\"", expected: "a number of positions from 7 to \(1 << 24)")
        }
        numbers[key] = count
      }
    }
    if let length = numbers["rope_length"] {
      if options.rope != nil { throw .option(key: "rope_length", value: "\(length)", expected: "no rope_scale beside it") }
      options.rope = .length(length, trained: numbers["rope_trained"] ?? ModelOptions.trainedLength)
    } else if let trained = numbers["rope_trained"] {
      throw .option(key: "rope_trained", value: "\(trained)", expected: "rope_length beside it")
    }
    return options
  }
}

extension ModelOptions {
  /// The keys of options, as names and experiment files write them.
  public static let keys = ["skip_layers", "rope_scale", "rope_length", "rope_trained", "precision"]
  /// What `rope_trained` is where nothing is said: the length that LLaDA and Dream were trained on.
  public static let trainedLength = 4096

  /// The options as a name writes them; empty for none.
  public var text: String {
    var parts: [String] = []
    if !skippedLayers.isEmpty { parts.append("skip_layers=" + skippedLayers.map(String.init).joined(separator: "+")) }
    switch rope {
    case .scale(let factor): parts.append("rope_scale=\(factor)")
    case .length(let length, let trained): parts.append("rope_length=\(length)&rope_trained=\(trained)")
    case nil: break
    }
    if precision != .float32 { parts.append("precision=" + precision.rawValue) }
    return parts.joined(separator: "&")
  }
}

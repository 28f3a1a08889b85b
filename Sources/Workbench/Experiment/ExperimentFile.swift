public import Diffusion
internal import Foundation
public import Models

/// A file of experiments, which lines of `---` part, with what it includes and what the command line sets anew.
///
/// `include: common.yaml` (or a list) lays a document over those of other files, whose paths count from the including file: maps are merged key by key, a
/// `null` removes what was included, anything else replaces it.
public struct ExperimentFile: Sendable {
  /// Where it lies.
  public let path: String
  /// Its experiments.
  public let experiments: [Experiment]
  /// What is wrong with each.
  private let mistakes: [[ConfigurationError]]
  private let sources: SourceMap

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - overrides: `KEY=VALUE` with a path of keys, as `strategies.threshold.use.0.threshold.confidence=0.8`; the value is YAML. They hold for every
  ///     experiment of the file that has such a place.
  /// - Throws: for what keeps a file from being read at all. Everything else is found by `plans`.
  public init(_ path: String, overrides: [String] = []) throws(ConfigurationError) {
    var sources = SourceMap()
    do throws(ConfigurationError) {
      var documents = try Self.documents(path, &sources, chain: [])
      for override in overrides { documents = try Self.setting(override, in: documents, &sources) }
      self.init(path, documents, sources)
    } catch { throw sources.located(error) }
  }

  private init(_ path: String, _ documents: [Setting], _ sources: SourceMap) {
    var experiments: [Experiment] = []
    var mistakes: [[ConfigurationError]] = []
    for document in documents {
      var own: [ConfigurationError] = []
      let experiment = Experiment(document, &own)
      if own.isEmpty, experiments.contains(where: { $0.name == experiment.name }) {
        own.append(ConfigurationError.composition("`\(experiment.name)` names two experiments").at(line: document.line))
      }
      experiments.append(experiment)
      mistakes.append(own)
    }
    self.path = path
    self.experiments = experiments
    self.mistakes = mistakes
    self.sources = sources
  }

  /// An experiment with its runs.
  public struct Planned: Sendable {
    /// The experiment.
    public var experiment: Experiment
    /// Its runs, strategies varying fastest.
    public let plans: [RunPlan]

    /// An experiment with its runs.
    public init(experiment: Experiment, plans: [RunPlan]) {
      self.experiment = experiment
      self.plans = plans
    }
  }

  /// The runs of every experiment, or of those named. Every mistake in any of them is reported at once, with its file and line.
  public func plans(
    only names: [String] = [], catalog: Catalog, benchmarks: BenchmarkCatalog, load: (String) throws(ConfigurationError) -> LoadedModel
  ) throws(ConfigurationError) -> [Planned] {
    var planned: [Planned] = []
    var all: [ConfigurationError] = []
    for (experiment, mistakes) in zip(experiments, mistakes) {
      all += mistakes
      var found: [ConfigurationError] = []
      let plans = experiment.plans(catalog: catalog, benchmarks: benchmarks, load: load, &found)
      // Where something is wrong already, only what cannot come of that is added.
      all += mistakes.isEmpty ? found : found.filter { mistake in mistake.isMisnaming && !mistakes.contains(mistake) }
      planned.append(Planned(experiment: experiment, plans: plans))
    }
    let known = experiments.map(\.name)
    for name in names where !known.contains(name) { all.append(.unknownName(name: name, kind: "experiment", known: known)) }
    do { try all.check() } catch { throw sources.located(error) }
    return names.isEmpty ? planned : planned.filter { names.contains($0.experiment.name) }
  }

  /// A file's documents, each laid over what it includes.
  private static func documents(_ path: String, _ sources: inout SourceMap, chain: [String]) throws(ConfigurationError) -> [Setting] {
    let place = URL(fileURLWithPath: path).standardizedFileURL.path
    guard !chain.contains(place) else { throw .composition("\(path) includes itself" + (chain.count > 1 ? ", by way of \(chain.count - 1) others" : "")) }
    guard chain.count < 16 else { throw .unsupported("\(path): included over 16 levels deep") }
    let first = try sources.add(path)
    var documents: [Setting] = []
    for document in try YAML.documents(file: path) {
      let document = document.shifted(by: first)
      guard case .map(let entries) = document.value, let include = document["include"] else {
        documents.append(document)
        continue
      }
      var base = Setting(.map([]), line: document.line)
      for file in try files(include) {
        let resolved = file.hasPrefix("/") ? file : URL(fileURLWithPath: place).deletingLastPathComponent().appendingPathComponent(file).path
        do throws(ConfigurationError) {
          let included = try Self.documents(resolved, &sources, chain: chain + [place])
          guard included.count == 1 else { throw .composition("\(file) holds \(included.count) experiments, and only one can be included") }
          base = base.overlaid(with: included[0])
        } catch { throw error.at(line: include.line) }
      }
      documents.append(base.overlaid(with: Setting(.map(entries.filter { $0.key != "include" }), line: document.line)))
    }
    return documents
  }

  private static func files(_ include: Setting) throws(ConfigurationError) -> [String] {
    let items = if case .list(let items) = include.value { items } else { [include] }
    let names = items.compactMap { item in if case .text(let name) = item.value, !name.isEmpty { name } else { nil } }
    guard names.count == items.count else {
      throw ConfigurationError.wrongKind(key: "include", found: include.description, expected: "a file or a list of files").at(line: include.line)
    }
    return names
  }

  /// The documents with one value set.
  private static func setting(_ override: String, in documents: [Setting], _ sources: inout SourceMap) throws(ConfigurationError) -> [Setting] {
    let first = try sources.add("--set \(override)", isFile: false)
    do throws(ConfigurationError) {
      guard let equals = override.firstIndex(of: "="), equals > override.startIndex else {
        throw .wrongKind(key: "--set", found: override, expected: "KEY=VALUE, as decoding.gen_length=64")
      }
      let value = try YAML.parse(String(override[override.index(after: equals)...]))
      var changed: [Setting] = []
      var refusals: [ConfigurationError] = []
      for document in documents {
        do throws(ConfigurationError) {
          changed.append(
            try document.replacing(override[..<equals], with: value.shifted(by: first)) { ["decoding", "adaptive", "tune", "benchmark"].contains($0) })
        } catch {
          refusals.append(error)
          changed.append(document)
        }
      }
      // Of several experiments one that has the place is enough.
      if refusals.count == documents.count, let refusal = refusals.first { throw refusal }
      return changed
    } catch { throw error.at(line: first + 1) }
  }
}

/// The places that settings were read from, laid end to end, so that one line number names a file and a line.
private struct SourceMap {
  private var sources: [(name: String, isFile: Bool)] = []
  /// More lines than a file of the largest size has.
  private static let stride = YAML.sizeLimit + 2

  /// Adds a place; its lines begin after the number returned.
  mutating func add(_ name: String, isFile: Bool = true) throws(ConfigurationError) -> Int {
    guard sources.count < 1000 else { throw .unsupported("over 1000 files are included") }
    sources.append((name, isFile))
    return (sources.count - 1) * Self.stride
  }

  /// Mistakes with their lines turned into files and lines.
  func located(_ error: ConfigurationError) -> ConfigurationError {
    let all = error.all.map { mistake in
      guard case .located(let inner, nil, let path, let line?) = mistake, sources.indices.contains(line / Self.stride) else {
        // What could not be read names itself.
        if case .unreadable = mistake { return mistake }
        return mistake.at(file: sources.first?.name)
      }
      let source = sources[line / Self.stride]
      return .located(inner, file: source.name, path: path, line: source.isFile ? line % Self.stride : nil)
    }
    return all.count == 1 ? all[0] : .several(all)
  }
}

extension ConfigurationError {
  /// Whether it is a name or a key that does not exist: no other mistake can have caused it.
  fileprivate var isMisnaming: Bool {
    switch self {
    case .unknownKey, .unknownName: true
    case .located(let inner, _, _, _): inner.isMisnaming
    default: false
    }
  }
}

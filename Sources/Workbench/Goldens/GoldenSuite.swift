package import Diffusion
internal import Foundation
internal import Models

/// A folder of goldens and what its `suite.yaml` asks for: which strategies, decoded on which models and problems, and how near beliefs have to come.
///
/// With `catalog: true` every strategy of the catalog belongs to the suite, so that a new one without a golden is found missing.
package struct GoldenSuite: Sendable {
  /// Where `suite.yaml`, `manifest.json` and the goldens are.
  package let folder: String
  /// What reports call it.
  package let name: String
  /// Models by name or directory; `TieDenoiser.name` is the one whose confidences tie.
  package let models: [String]
  /// Problems by their identifiers, as `lists/dev/3`.
  package let problems: [String]
  /// The geometry and sampling asked for; nil fields are the benchmarks' own.
  package let decoding: Experiment.Decoding
  /// The seed of all draws.
  package let seed: Int
  /// How near beliefs have to come.
  package let tolerance: Tolerance
  /// Candidates that a golden records per position.
  package let candidates: Int
  /// Whether every strategy of the catalog belongs to it.
  package let hasCatalog: Bool
  /// Named lists of rules; one with the name of a strategy stands for it.
  package let strategies: [Entry]
  /// Lists of rules decoded on the exact model alone, as they stand: each meets a bar that no number moved by itself would meet.
  package let bars: [Entry]
  /// Lists of rules decoded over a cache, on every model but the exact one, which holds no keys and values.
  package let cached: [Entry]

  /// A named list of rules.
  package struct Entry: Sendable, Hashable {
    /// The name.
    package let name: String
    /// What stands under it.
    package let rules: Setting
    /// The cache that it is decoded over, every default filled in; nil: none.
    package var cache: Setting?
  }

  /// How far a number may be from the recorded one: `absolute + relative * |recorded|`.
  package struct Tolerance: Sendable, Hashable {
    /// The constant part.
    package let absolute: Double
    /// The part that grows with the number.
    package let relative: Double

    /// Float32 sums in another order, as another processor takes them, stay far below this.
    package static let standard = Tolerance(absolute: 1e-4, relative: 1e-4)

    /// Whether a number is near enough to the recorded one; NaN is near NaN alone.
    package func allows(_ value: Double, recorded: Double) -> Bool {
      value.isNaN && recorded.isNaN || value == recorded || abs(value - recorded) <= absolute + relative * abs(recorded)
    }
  }

  /// The file that says what a suite is.
  package static let fileName = "suite.yaml"

  /// Reads `suite.yaml` in a folder.
  package init(folder: String) throws(ConfigurationError) {
    let file = folder + "/" + Self.fileName
    let setting = try YAML.read(file: file)
    do { try self.init(setting, folder: folder) } catch { throw error.at(file: file) }
  }

  init(_ setting: Setting, folder: String) throws(ConfigurationError) {
    var reader = SettingReader(setting, owner: SettingReader.root)
    self.folder = folder
    name = reader.text("name") ?? URL(fileURLWithPath: folder).lastPathComponent
    models = Experiment.names(&reader, "model") ?? ["reference", TieDenoiser.name]
    problems = Experiment.names(&reader, "problems") ?? []
    decoding = Experiment.decoding(&reader)
    if !decoding.pinned.isEmpty { reader.fail(.unsupported("goldens take their pinned tokens from the problems; leave out `pinned`"), reader.take("decoding")) }
    seed = reader.int("seed", default: 0, in: 0...Int(Int32.max))
    candidates = reader.int("candidates", default: 4, in: 1...1024)
    tolerance = Self.tolerance(&reader)
    hasCatalog = reader.flag("catalog", default: true)
    strategies = Self.entries("strategies", &reader)
    bars = Self.entries("bars", &reader)
    if !bars.isEmpty, !models.contains(TieDenoiser.name) {
      reader.fail(.missing(key: "model", owner: "a suite with `bars`", expected: "`\(TieDenoiser.name)` among its models"))
    }
    if problems.isEmpty, models.contains(where: { $0 != TieDenoiser.name }) {
      reader.fail(.missing(key: "problems", owner: "a suite", expected: "a list of problems, as [lists/dev/3]"))
    }
    cached = Self.cached(&reader)
    if !hasCatalog, strategies.isEmpty, cached.isEmpty {
      reader.fail(.missing(key: "strategies", owner: "a suite without the catalog", expected: "a map of names to lists of rules"))
    }
    reader.finish()
    try reader.mistakes.check()
  }

  private static func entries(_ key: String, _ reader: inout SettingReader) -> [Entry] {
    guard let given = reader.take(key) else { return [] }
    let kind = "a map of names to lists of rules"
    switch given.value {
    case .null: return []
    case .map(let list):
      for entry in list where !isFileName(entry.key) {
        reader.fail(.outOfRange(key: key, value: entry.key, expected: "names of letters, digits, `-`, `_` and `.`, as they name folders"), entry.value)
      }
      return list.map { Entry(name: $0.key, rules: $0.value) }
    default:
      reader.fail(.wrongKind(key: key, found: given.kind, expected: kind), given)
      return []
    }
  }

  /// `cached: {NAME: {cache: POLICY, rules: LIST}}`.
  private static func cached(_ reader: inout SettingReader) -> [Entry] {
    entries("cached", &reader).compactMap { entry in
      var inner = SettingReader(entry.rules, owner: "cached.\(entry.name)")
      var found: Entry?
      do throws(ConfigurationError) {
        let (given, rules) = (inner.take("cache"), inner.take("rules"))
        let cache = try CacheCatalog.standard.build(given ?? Setting(.null))
        if let cache, let rules { found = Entry(name: entry.name, rules: rules, cache: cache.resolved) }
      } catch { inner.fail(error, entry.rules) }
      if found == nil, inner.mistakes.isEmpty {
        inner.fail(.missing(key: "cache` and `rules", owner: "cached.\(entry.name)", expected: "a policy other than `none` and a list of rules"), entry.rules)
      }
      inner.finish()
      for mistake in inner.mistakes { reader.fail(mistake, entry.rules) }
      return found
    }
  }

  private static func tolerance(_ reader: inout SettingReader) -> Tolerance {
    guard let setting = reader.take("tolerance") else { return .standard }
    var inner = SettingReader(setting, owner: "tolerance")
    let tolerance = Tolerance(
      absolute: inner.number("absolute", default: Tolerance.standard.absolute), relative: inner.number("relative", default: Tolerance.standard.relative))
    if !(tolerance.absolute >= 0 && tolerance.relative >= 0) {
      inner.fail(.outOfRange(key: "tolerance", value: setting.description, expected: "numbers of 0 or more"), setting)
    }
    inner.finish()
    for mistake in inner.mistakes { reader.fail(mistake, setting) }
    return tolerance
  }

  /// Whether a name can name a folder anywhere, and none but one inside the suite.
  private static func isFileName(_ name: String) -> Bool {
    let others = Set("-_.".utf8)
    return !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix(".") && name != GoldenCheck.pending
      && name.utf8.allSatisfy { byte in
        let letter = byte | 0x20
        return UInt8(ascii: "a")...UInt8(ascii: "z") ~= letter || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || others.contains(byte)
      }
  }

  /// Everything that is to have goldens: the catalog's strategies in its order, then the lists of the file's own, those over caches and `bars` last.
  package func entries(_ catalog: Catalog) -> [Entry] {
    let own = hasCatalog ? catalog.names : []
    let standard = own.map { name in strategies.first { $0.name == name } ?? Entry(name: name, rules: Setting(.map([Setting.Entry(name, Setting(.null))]))) }
    return standard + strategies.filter { !own.contains($0.name) } + cached + bars
  }

  /// Its own lists of rules for strategies of the catalog.
  package func overrides(of catalog: Catalog) -> Setting {
    Setting(.map(strategies.filter { catalog.names.contains($0.name) }.map { Setting.Entry($0.name, $0.rules) }))
  }

  /// The benchmarks of its problems, in order of first appearance.
  var benchmarks: [String] {
    problems.reduce(into: []) { names, problem in
      let name = String(problem.prefix { $0 != "/" })
      if !names.contains(name) { names.append(name) }
    }
  }

  /// The problems of one benchmark.
  func problems(of benchmark: String?) -> [String] { problems.filter { problem in benchmark.map { problem.hasPrefix($0 + "/") } ?? false } }

  /// The suite that ships.
  ///
  /// Looked for, in this order: the environment's UNMASK_GOLDENS, `Goldens` beside the executable, the source tree this program was built from. The first is
  /// taken at its word.
  package static func shipped() throws(ConfigurationError) -> String {
    if let told = ProcessInfo.processInfo.environment["UNMASK_GOLDENS"], !told.isEmpty { return told }
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let sources = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    let places = [executable.appending(path: "Goldens").path, sources.appending(path: "Tests/Goldens").path]
    guard let found = places.first(where: { FileManager.default.fileExists(atPath: $0 + "/" + fileName) }) else {
      throw .unsupported("no suite of goldens is in \(places.joined(separator: " or ")); name one, or set UNMASK_GOLDENS")
    }
    return found
  }
}

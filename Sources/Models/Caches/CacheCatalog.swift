public import Diffusion

/// The cache policies that configurations may name.
public struct CacheCatalog: Sendable {
  /// The policies, in the order they are listed.
  public let entries: [any CachePolicy.Type]

  /// Every policy of the package.
  public static let standard = CacheCatalog([PrefixCache.self, DualCache.self, VicinityCache.self, DelayedCache.self, WindowCache.self, FeatureCache.self])

  /// A catalog of policies.
  public init(_ entries: [any CachePolicy.Type]) { self.entries = entries }

  /// A catalog with further policies. A name that exists already is taken over by the later entry.
  public static func + (catalog: CacheCatalog, more: [any CachePolicy.Type]) -> CacheCatalog {
    let names = more.map { $0.name }
    return CacheCatalog(catalog.entries.filter { !names.contains($0.name) } + more)
  }

  /// What stands for no cache.
  public static let none = "none"

  /// The names, in order, `none` first.
  public var names: [String] { [Self.none] + entries.map { $0.name } }

  /// Reads a cache: a policy's name, a map `{policy: name, key: value, ...}`, or null; nil for none.
  public func build(_ setting: Setting) throws(ConfigurationError) -> Cache? {
    let (name, settings) = try Self.parts(setting)
    guard name != Self.none else {
      if case .map(let entries) = settings.value, let entry = entries.first {
        throw ConfigurationError.composition("no cache takes no settings, and `\(entry.key)` is given").at(path: "cache", line: entry.value.line)
      }
      return nil
    }
    guard let type = entries.first(where: { $0.name == name }) else {
      throw ConfigurationError.unknownName(name: name, kind: "cache policy", known: names).at(line: setting.line)
    }
    let (policy, parameters) = try Self.read(type, settings)
    let keys = parameters.declarations.map { Setting.Entry($0.key, $0.value) }
    return Cache(policy: policy, resolved: Setting(.map([Setting.Entry("policy", Setting(.text(name)))] + keys)))
  }

  /// What a policy's initialiser declares when nothing is set.
  public func declarations(of name: String) throws(ConfigurationError) -> [Parameters.Declaration] {
    guard let type = entries.first(where: { $0.name == name }) else { throw .unknownName(name: name, kind: "cache policy", known: names) }
    return try Self.read(type, Setting(.null)).parameters.declarations
  }

  private static func read(
    _ type: any CachePolicy.Type, _ settings: Setting
  ) throws(ConfigurationError) -> (policy: any CachePolicy, parameters: Parameters) {
    do {
      var parameters = try Parameters(settings, owner: "cache", context: Parameters.Context())
      let policy = try type.init(&parameters)
      try parameters.finish()
      return (policy, parameters)
    } catch { throw error.at(line: settings.line) }
  }

  private static func parts(_ setting: Setting) throws(ConfigurationError) -> (name: String, settings: Setting) {
    switch setting.value {
    case .null: return (none, Setting(.null))
    case .text(let name): return (name, Setting(.null, line: setting.line))
    case .map(let entries):
      guard let policy = entries.first(where: { $0.key == "policy" }) else {
        throw ConfigurationError.missing(key: "policy", owner: "cache", expected: "a policy's name, as {policy: dual}").at(line: setting.line)
      }
      guard case .text(let name) = policy.value.value else {
        throw ConfigurationError.wrongKind(key: "cache.policy", found: policy.value.kind, expected: "a policy's name").at(line: policy.value.line)
      }
      return (name, Setting(.map(entries.filter { $0.key != "policy" }), line: setting.line))
    default:
      throw ConfigurationError.wrongKind(key: "cache", found: setting.kind, expected: "a policy's name, or a map as {policy: dual, refresh: 4}").at(
        line: setting.line)
    }
  }
}

/// A cache policy with its settings.
public struct Cache: Sendable {
  /// The policy at the start of a trajectory.
  public let policy: any CachePolicy
  /// `{policy: name, key: value, ...}`, defaults filled in: what a digest covers.
  public let resolved: Setting

  /// The policy's name.
  public var name: String { type(of: policy).name }
}

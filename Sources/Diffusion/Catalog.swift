/// The strategies that configurations may name.
public struct Catalog: Sendable {
  /// The strategies, in the order they are listed.
  public private(set) var entries: [any Strategy.Type]

  /// A catalog of strategies.
  public init(_ entries: [any Strategy.Type]) { self.entries = entries }

  /// A catalog with further strategies. A name that exists already is taken over by the later entry.
  public static func + (catalog: Catalog, more: [any Strategy.Type]) -> Catalog {
    let names = more.map { $0.name }
    return Catalog(catalog.entries.filter { !names.contains($0.name) } + more)
  }

  /// The names, in order.
  public var names: [String] { entries.map { $0.name } }

  /// The strategy of a name.
  public func entry(_ name: String) throws(ConfigurationError) -> any Strategy.Type {
    guard let entry = entries.first(where: { $0.name == name }) else { throw .unknownName(name: name, kind: "strategy", known: names) }
    return entry
  }

  /// A pipeline, and its settings with every default filled in.
  public struct Built: Sendable {
    /// The pipeline.
    public let pipeline: Pipeline
    /// A list of `{name: {key: value, ...}}`: what a digest covers.
    public let resolved: Setting
  }

  /// Builds what stands under a strategy's name: a list of rules, a map with `use`, a map of rules, or one rule's name.
  public func build(_ setting: Setting, context: Parameters.Context) throws(ConfigurationError) -> Built {
    var context = context
    context.catalog = self
    var rules: [any Strategy] = []
    var resolved: [Setting] = []
    var mistakes: [ConfigurationError] = []
    for (name, settings) in try list(setting) {
      do throws(ConfigurationError) {
        var parameters = try Parameters(settings, owner: name, context: context)
        let type: any Strategy.Type
        do { type = try entry(name) } catch { throw error.at(line: settings.line) }
        let rule: any Strategy
        do { rule = try type.init(&parameters) } catch {
          let all = parameters.mistakes + error.all
          throw all.count == 1 ? all[0] : .several(all)
        }
        try parameters.finish()
        rules.append(rule)
        resolved.append(Setting(.map([Setting.Entry(name, parameters.resolved)])))
      } catch {
        mistakes += error.at(line: settings.line).all
      }
    }
    guard mistakes.isEmpty else { throw mistakes.count == 1 ? mistakes[0] : .several(mistakes) }
    do { return Built(pipeline: try Pipeline(rules), resolved: Setting(.list(resolved))) } catch { throw error.at(line: setting.line) }
  }

  /// What a strategy's initialiser declares when nothing is set: in one block, which suits every rule.
  public func declarations(of name: String, context: Parameters.Context = Parameters.Context(genLength: 64, blockLength: 64)) throws(ConfigurationError)
    -> [Parameters.Declaration]
  {
    var context = context
    context.catalog = self
    var parameters = try Parameters(Setting(.null), owner: name, context: context)
    _ = try entry(name).init(&parameters)
    return parameters.declarations
  }

  private func list(_ setting: Setting) throws(ConfigurationError) -> [(String, Setting)] {
    switch setting.value {
    case .text(let name): return [(name, Setting(.null, line: setting.line))]
    case .map(let entries):
      if let use = setting["use"] { return try list(use) }
      return entries.map { ($0.key, Setting($0.value.value, line: $0.value.line ?? setting.line)) }
    case .list(let items):
      var rules: [(String, Setting)] = []
      for item in items {
        if case .list = item.value {
          throw ConfigurationError.wrongKind(key: "strategy", found: "a list in a list", expected: "a list of rules").at(line: item.line)
        }
        rules += try list(item)
      }
      return rules
    default:
      throw ConfigurationError.wrongKind(key: "strategy", found: setting.kind, expected: "a list of rules, as [threshold: {confidence: 0.9}]").at(
        line: setting.line)
    }
  }
}

internal import Diffusion

/// All combinations of the values under `sweep`, whose keys name a rule and one of its settings: `threshold.confidence`.
struct Sweep {
  private let axes: [(rule: String, key: String, values: [Setting])]
  private let base: Setting
  /// The most combinations of one strategy.
  private static let limit = 10_000

  /// - Parameters:
  ///   - sweep: a map of `rule.key` to a list of values, or nil.
  ///   - base: the rules swept over.
  init(_ sweep: Setting?, over base: Setting) throws(ConfigurationError) {
    self.base = base
    guard let sweep else {
      axes = []
      return
    }
    guard case .map(let entries) = sweep.value else {
      throw ConfigurationError.wrongKind(key: "sweep", found: sweep.kind, expected: "a map, as {threshold.confidence: [0.8, 0.9]}").at(line: sweep.line)
    }
    var axes: [(String, String, [Setting])] = []
    var cells = 1
    for entry in entries {
      let parts = entry.key.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw ConfigurationError.wrongKind(key: "sweep", found: "the key `\(entry.key)`", expected: "a rule and its setting, as `threshold.confidence`")
          .at(line: entry.value.line)
      }
      guard case .list(let values) = entry.value.value, !values.isEmpty else {
        throw ConfigurationError.wrongKind(key: entry.key, found: entry.value.kind, expected: "a list of values").at(line: entry.value.line)
      }
      cells = cells.multipliedReportingOverflow(by: values.count).partialValue
      guard values.count <= Self.limit, cells <= Self.limit else {
        throw ConfigurationError.outOfRange(key: "sweep", value: "over \(Self.limit) combinations", expected: "at most that").at(line: sweep.line)
      }
      let names = Self.rules(base).map(\.key)
      guard names.contains(parts[0]) else {
        throw ConfigurationError.unknownName(name: parts[0], kind: "rule in `use`", known: names).at(line: entry.value.line)
      }
      axes.append((parts[0], parts[1], values))
    }
    self.axes = axes
  }

  /// One cell per combination; the last axis varies fastest.
  func cells(named name: String) -> [Experiment.Cell] {
    var cells = [(setting: [String](), rules: Setting(.list(Self.rules(base).map { Setting(.map([$0])) }), line: base.line))]
    for axis in axes {
      cells = cells.flatMap { cell in
        axis.values.map { value in
          (cell.setting + ["\(axis.key)=\(value.description)"], Self.replacing(axis.rule, axis.key, with: value, in: cell.rules))
        }
      }
    }
    return cells.map { Experiment.Cell(strategy: name, setting: $0.setting.joined(separator: " "), rules: $0.rules) }
  }

  /// The rules of a list, a map or a single name.
  private static func rules(_ setting: Setting) -> [Setting.Entry] {
    switch setting.value {
    case .text(let name): [Setting.Entry(name, Setting(.null, line: setting.line))]
    case .map(let entries): entries
    case .list(let items): items.flatMap(rules)
    default: []
    }
  }

  private static func replacing(_ rule: String, _ key: String, with value: Setting, in rules: Setting) -> Setting {
    guard case .list(let items) = rules.value else { return rules }
    return Setting(
      .list(
        items.map { item in
          guard case .map(let entries) = item.value, let entry = entries.first, entry.key == rule else { return item }
          var settings: [Setting.Entry] = []
          if case .map(let old) = entry.value.value { settings = old.filter { $0.key != key } }
          settings.append(Setting.Entry(key, value))
          return Setting(.map([Setting.Entry(rule, Setting(.map(settings), line: entry.value.line))]), line: item.line)
        }), line: rules.line)
  }
}

internal import Diffusion
internal import Foundation

/// All combinations of the values under `sweep`, whose keys name a rule and one of its settings: `threshold.confidence`, or deeper,
/// `freedave.base.threshold.confidence`.
///
/// Values are a list, or a range: `{from: 0.5, to: 0.9, step: 0.1}`, `{from: 1, to: 16, count: 5, scale: log}`. Keys under `zip` change together, value by
/// value; `zip` may be a list of several such maps. The cache beside the rules is swept as a whole, `cache: [none, dual]`, or by its settings, `cache.refresh`.
struct Sweep {
  /// Keys that change together.
  private struct Axis {
    let keys: [String]
    /// One value per key.
    let rows: [[Setting]]
  }

  private let axes: [Axis]
  private let base: Setting
  /// The cache, as a map; nil where none is given or swept.
  private let cache: Setting?
  /// The most combinations of one strategy.
  private static let limit = 10_000

  /// - Parameters:
  ///   - sweep: a map of `rule.key` to values, or nil.
  ///   - base: the rules swept over.
  ///   - cache: the cache beside them.
  init(_ sweep: Setting?, over base: Setting, cache: Setting? = nil) throws(ConfigurationError) {
    self.base = base
    let cache = cache.map { cache in
      guard case .text(let name) = cache.value else { return cache }
      return Setting(.map([Setting.Entry("policy", Setting(.text(name), line: cache.line))]), line: cache.line)
    }
    self.cache = cache
    guard let sweep else {
      axes = []
      return
    }
    guard case .map(let entries) = sweep.value else {
      throw ConfigurationError.wrongKind(key: "sweep", found: sweep.kind, expected: "a map, as {threshold.confidence: [0.8, 0.9]}").at(line: sweep.line)
    }
    var axes: [Axis] = []
    var mistakes: [ConfigurationError] = []
    for entry in entries {
      do throws(ConfigurationError) {
        let more = entry.key == "zip" ? try Self.zipped(entry.value) : [Axis(keys: [entry.key], rows: try Self.values(entry).map { [$0] })]
        for key in more.flatMap(\.keys) { try Self.check(key, in: base, cache, entry.value) }
        axes += more
      } catch { mistakes += error.at(line: entry.value.line).all }
    }
    let keys = axes.flatMap(\.keys)
    for key in Set(keys).sorted() where keys.count(where: { $0 == key }) > 1 {
      mistakes.append(ConfigurationError.composition("`\(key)` is swept twice").at(line: sweep.line))
    }
    try mistakes.check()
    var cells = 1
    for axis in axes {
      cells = cells.multipliedReportingOverflow(by: axis.rows.count).partialValue
      guard axis.rows.count <= Self.limit, cells <= Self.limit else {
        throw ConfigurationError.outOfRange(key: "sweep", value: "over \(Self.limit) combinations", expected: "at most that").at(line: sweep.line)
      }
    }
    self.axes = axes
  }

  /// One cell per combination; the last axis varies fastest.
  func cells(named name: String) throws(ConfigurationError) -> [Experiment.Cell] {
    let keys = axes.flatMap(\.keys)
    let last = { (key: String) in key.split(separator: ".").last.map(String.init) ?? key }
    var cells = [(setting: [String](), rules: Setting(.list(Self.rules(base).map { Setting(.map([$0])) }), line: base.line), cache: cache)]
    for axis in axes {
      var next: [(setting: [String], rules: Setting, cache: Setting?)] = []
      for cell in cells {
        for row in axis.rows {
          var cell = cell
          for (key, value) in zip(axis.keys, row) {
            // Two swept keys of one name are told apart by their rules.
            let shown = keys.count { last($0) == last(key) } > 1 ? key : last(key)
            cell.setting.append("\(shown)=\(value.description)")
            if let own = Self.cacheKey(key) {
              cell.cache = try (cell.cache ?? Setting(.map([]))).replacing(own, with: value, below: "cache")
            } else {
              cell.rules = try cell.rules.replacing(key[...], with: value, below: "use")
            }
          }
          next.append(cell)
        }
      }
      cells = next
    }
    return cells.map { Experiment.Cell(strategy: name, setting: $0.setting.joined(separator: " "), rules: $0.rules, cache: $0.cache) }
  }

  /// What a swept key names within the cache; nil if it names a rule.
  private static func cacheKey(_ key: String) -> Substring? { key == "cache" ? "" : key.hasPrefix("cache.") ? key.dropFirst(6) : nil }

  /// The rules of a list, a map or a single name.
  private static func rules(_ setting: Setting) -> [Setting.Entry] {
    switch setting.value {
    case .text(let name): [Setting.Entry(name, Setting(.null, line: setting.line))]
    case .map(let entries): entries
    case .list(let items): items.flatMap(rules)
    default: []
    }
  }

  /// Refuses a key whose rule is not there.
  private static func check(_ key: String, in base: Setting, _ cache: Setting?, _ value: Setting) throws(ConfigurationError) {
    if let own = cacheKey(key) {
      guard own.isEmpty || cache != nil else {
        throw .missing(key: "cache", owner: "the strategy", expected: "a policy whose `\(own)` is swept, as {policy: dkv}")
      }
      return
    }
    guard key.contains(".") else {
      throw .wrongKind(key: "sweep", found: "the key `\(key)`", expected: "a rule and its setting, as `threshold.confidence`, or `zip`")
    }
    let list = Setting(.list(rules(base).map { Setting(.map([$0])) }))
    _ = try list.replacing(key[...], with: value, below: "use")
  }

  /// Axes of keys that change together.
  private static func zipped(_ setting: Setting) throws(ConfigurationError) -> [Axis] {
    let maps = if case .list(let items) = setting.value { items } else { [setting] }
    var axes: [Axis] = []
    for map in maps {
      guard case .map(let entries) = map.value, !entries.isEmpty else {
        throw ConfigurationError.wrongKind(key: "zip", found: map.kind, expected: "a map of keys to lists of equal lengths, or a list of such maps")
          .at(line: map.line)
      }
      var columns: [[Setting]] = []
      for entry in entries {
        let values = try values(entry)
        if let first = columns.first, first.count != values.count {
          throw ConfigurationError.outOfRange(key: entry.key, value: "\(values.count) values", expected: "\(first.count), as `\(entries[0].key)` has")
            .at(line: entry.value.line)
        }
        columns.append(values)
      }
      axes.append(Axis(keys: entries.map(\.key), rows: columns[0].indices.map { row in columns.map { $0[row] } }))
    }
    return axes
  }

  /// The values of a list or a range.
  private static func values(_ entry: Setting.Entry) throws(ConfigurationError) -> [Setting] {
    switch entry.value.value {
    case .list(let values) where !values.isEmpty: return values
    case .map: return try range(entry)
    default:
      throw ConfigurationError.wrongKind(key: entry.key, found: entry.value.kind, expected: "a list of values, or {from: 0.5, to: 0.9, step: 0.1}")
        .at(line: entry.value.line)
    }
  }

  private enum Scale: String, CaseIterable {
    case linear, log
  }

  /// `from` to `to`, both included where the step meets it, by `step` or in `count` values evenly spaced on a linear or logarithmic scale.
  private static func range(_ entry: Setting.Entry) throws(ConfigurationError) -> [Setting] {
    var reader = SettingReader(entry.value, owner: entry.key)
    let nothing = Double.nan
    let (from, to, step) = (reader.number("from", default: nothing), reader.number("to", default: nothing), reader.number("step", default: nothing))
    let count = reader.optionalInt("count", in: 2...limit)
    let scale = reader.choice("scale", default: Scale.linear)
    reader.finish()
    try reader.mistakes.check()
    func refuse(_ reason: String) -> ConfigurationError { ConfigurationError.composition("`\(entry.key)`: \(reason)").at(line: entry.value.line) }
    guard from.isFinite, to.isFinite else { throw refuse("a range needs `from` and `to`, as {from: 0.5, to: 0.9, step: 0.1}") }
    guard from != to, (to - from).isFinite else { throw refuse("a range needs two different ends that are not too far apart") }
    guard step.isNaN == (count != nil) else { throw refuse("a range needs either `step` or `count`") }
    var numbers: [Double]
    if let count {
      guard scale == .linear || (from > 0 && to > 0) else { throw refuse("a logarithmic range needs `from` and `to` above 0") }
      numbers = (0..<count).map { place in
        let share = Double(place) / Double(count - 1)
        return scale == .log ? from * exp(share * Foundation.log(to / from)) : from + share * (to - from)
      }
    } else {
      guard scale == .linear else { throw refuse("a logarithmic range needs `count`") }
      guard step != 0, (to - from) / step >= 0 else { throw refuse("`step` (\(step)) does not lead from \(from) to \(to)") }
      let places = (to - from) / step
      guard places < Double(limit) else { throw refuse("over \(limit) values") }
      numbers = (0...Int(places + 1e-9)).map { from + Double($0) * step }
    }
    numbers = numbers.map(rounded)
    guard numbers.allSatisfy(\.isFinite), zip(numbers, numbers.dropFirst()).allSatisfy({ $0 != $1 }) else { throw refuse("its values cannot be told apart") }
    let isWhole = numbers.allSatisfy { $0 == $0.rounded() && abs($0) < 1e15 } && !entry.value.holdsFraction
    return numbers.map { Setting(isWhole ? .integer(Int($0)) : .number($0), line: entry.value.line) }
  }

  /// The number with ten significant digits: 0.7 where sums of tenths give 0.7000000000000001.
  private static func rounded(_ number: Double) -> Double {
    guard number != 0 else { return 0 }
    let scale = pow(10, 9 - floor(log10(abs(number))))
    return scale.isFinite ? (number * scale).rounded() / scale : number
  }
}

extension Setting {
  /// Whether a map holds a number written with a fraction: `1.0` asks for numbers, `1` for whole ones.
  fileprivate var holdsFraction: Bool {
    guard case .map(let entries) = value else { return false }
    return entries.contains { if case .number = $0.value.value { true } else { false } }
  }
}

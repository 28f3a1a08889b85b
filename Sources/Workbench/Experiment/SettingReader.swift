internal import Diffusion

/// Reads a map's keys one by one and collects every mistake, so that a file's user sees all of them at once.
struct SettingReader {
  private let entries: [Setting.Entry]
  private let owner: String
  private let line: Int?
  private var known: [String] = []
  /// The mistakes met so far.
  private(set) var mistakes: [ConfigurationError] = []

  init(_ setting: Setting, owner: String) {
    self.owner = owner
    line = setting.line
    switch setting.value {
    case .map(let entries): self.entries = entries
    case .null: entries = []
    default:
      entries = []
      mistakes.append(ConfigurationError.wrongKind(key: owner, found: "\(setting.kind) (\(setting.description))", expected: "a map").at(line: line))
    }
  }

  /// The value of a key, declared by being asked for.
  mutating func take(_ key: String) -> Setting? {
    if !known.contains(key) { known.append(key) }
    return entries.first { $0.key == key }?.value
  }

  mutating func fail(_ error: ConfigurationError, _ setting: Setting? = nil) { mistakes.append(error.at(line: setting?.line ?? line)) }

  mutating func int(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int { optionalInt(key, in: range) ?? standard }

  mutating func optionalInt(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let setting = take(key) else { return nil }
    switch setting.value {
    case .null: return nil
    case .integer(let value) where range.contains(value): return value
    case .integer(let value): fail(.outOfRange(key: path(key), value: "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)"), setting)
    default: wrong(key, setting, "a whole number")
    }
    return nil
  }

  /// A number; `standard` if it is absent or wrong.
  mutating func number(_ key: String, default standard: Double) -> Double { optionalNumber(key) ?? standard }

  /// A number, or nil if it is absent, null or wrong.
  mutating func optionalNumber(_ key: String) -> Double? {
    guard let setting = take(key) else { return nil }
    switch setting.value {
    case .null: return nil
    case .integer(let value): return Double(value)
    case .number(let value): return value
    default: wrong(key, setting, "a number")
    }
    return nil
  }

  mutating func text(_ key: String) -> String? {
    guard let setting = take(key) else { return nil }
    switch setting.value {
    case .null: return nil
    case .text(let text): return text
    case .integer(let number): return "\(number)"
    default: wrong(key, setting, "text")
    }
    return nil
  }

  mutating func flag(_ key: String, default standard: Bool) -> Bool {
    guard let setting = take(key) else { return standard }
    if case .bool(let flag) = setting.value { return flag }
    wrong(key, setting, "true or false")
    return standard
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String, default standard: Choice) -> Choice {
    let names = Choice.allCases.map(\.rawValue)
    guard let setting = take(key) else { return standard }
    guard case .text(let name) = setting.value else {
      wrong(key, setting, "one of " + names.joined(separator: ", "))
      return standard
    }
    guard let choice = Choice(rawValue: name) else {
      fail(.unknownName(name: name, kind: path(key), known: names), setting)
      return standard
    }
    return choice
  }

  mutating func wrong(_ key: String, _ setting: Setting, _ expected: String) {
    fail(.wrongKind(key: path(key), found: "\(setting.kind) (\(setting.description))", expected: expected), setting)
  }

  /// Adds a mistake for every key that nobody asked for.
  mutating func finish() {
    for entry in entries where !known.contains(entry.key) { fail(.unknownKey(key: entry.key, owner: owner, known: known), entry.value) }
  }

  private func path(_ key: String) -> String { owner == Self.root ? key : "\(owner).\(key)" }

  /// The owner of top-level keys.
  static let root = "an experiment"
}

extension [ConfigurationError] {
  /// Throws what was collected, if anything was.
  func check() throws(ConfigurationError) {
    guard !isEmpty else { return }
    throw count == 1 ? self[0] : .several(self)
  }
}

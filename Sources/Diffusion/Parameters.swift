/// A strategy's settings while it reads them: every key read is declared with its default and range, every key left over is a mistake.
///
/// A wrong value is noted and its default given instead, so that all of a rule's mistakes are reported together; nothing that was built with one is used.
public struct Parameters: Sendable {
  /// What a strategy may know of its surroundings.
  public let context: Context
  /// The keys read so far, in order.
  public private(set) var declarations: [Declaration] = []
  /// The mistakes met so far.
  private(set) var mistakes: [ConfigurationError] = []
  private let owner: String
  private let given: [Setting.Entry]
  private let line: Int?

  /// A key as it was declared by being read.
  public struct Declaration: Sendable, Hashable {
    /// The key.
    public let key: String
    /// Its default, as it would be written.
    public let defaultText: String
    /// What values it takes.
    public let range: String
    /// One line on what it does.
    public let help: String
    /// The value in force.
    public let value: Setting
  }

  /// The settings under a strategy's name.
  public init(_ setting: Setting, owner: String, context: Context) throws(ConfigurationError) {
    self.owner = owner
    self.context = context
    line = setting.line
    switch setting.value {
    case .map(let entries): given = entries
    case .null: given = []
    default: throw ConfigurationError.wrongKind(key: owner, found: setting.kind, expected: "a map of its settings").at(line: setting.line)
    }
    for (index, entry) in given.enumerated() where given[..<index].contains(where: { $0.key == entry.key }) {
      throw ConfigurationError.composition("`\(entry.key)` is given twice").at(path: owner, line: entry.value.line)
    }
  }

  // MARK: Reading a key declares it

  /// A number.
  public mutating func number(_ key: String, default standard: Double, in range: some RangeExpression<Double>, _ help: String = "") throws(ConfigurationError)
    -> Double
  {
    let value: Double
    let setting = given(key)
    switch setting?.value {
    case nil: value = standard
    case .number(let number): value = number
    case .integer(let number): value = Double(number)
    default:
      value = standard
      note(wrong(key, setting, "a number"))
    }
    guard value.isFinite, range.contains(value) else {
      try refuse(out(key, setting, words(range)), given: setting, standard: range.contains(standard))
      return declare(key, "\(standard)", words(range), help, Setting(.number(standard)), giving: standard)
    }
    declare(key, "\(standard)", words(range), help, Setting(.number(value)))
    return value
  }

  /// A whole number. `defaultText` names a default that depends on the surroundings (`gen_length`).
  public mutating func int(
    _ key: String, default standard: Int, in range: some RangeExpression<Int>, defaultText: String? = nil, _ help: String = ""
  ) throws(ConfigurationError) -> Int {
    let value: Int
    let setting = given(key)
    switch setting?.value {
    case nil: value = standard
    case .integer(let number): value = number
    case .number(let number) where number == number.rounded() && abs(number) < 1e15: value = Int(number)
    default:
      value = standard
      note(wrong(key, setting, "a whole number"))
    }
    guard range.contains(value) else {
      try refuse(out(key, setting, words(range)), given: setting, standard: range.contains(standard))
      return declare(key, defaultText ?? "\(standard)", words(range), help, Setting(.integer(standard)), giving: standard)
    }
    declare(key, defaultText ?? "\(standard)", words(range), help, Setting(.integer(value)))
    return value
  }

  /// A whole number, or `none`.
  public mutating func optionalInt(_ key: String, in range: some RangeExpression<Int>, _ help: String = "") throws(ConfigurationError) -> Int? {
    let setting = given(key)
    var value: Int?
    switch setting?.value {
    case nil, .null, .text("none"): break
    case .integer(let number) where range.contains(number): value = number
    case .integer: note(out(key, setting, words(range)))
    default: note(wrong(key, setting, "a whole number or none"))
    }
    declare(key, "none", "none, or \(words(range))", help, Setting(value.map { .integer($0) } ?? .null))
    return value
  }

  /// True or false.
  public mutating func flag(_ key: String, default standard: Bool, _ help: String = "") throws(ConfigurationError) -> Bool {
    let setting = given(key)
    var value = standard
    switch setting?.value {
    case nil: break
    case .bool(let flag): value = flag
    default: note(wrong(key, setting, "true or false"))
    }
    declare(key, "\(standard)", "true, false", help, Setting(.bool(value)))
    return value
  }

  /// One of an enumeration's raw values.
  public mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, default standard: Choice, _ help: String = ""
  ) throws(ConfigurationError) -> Choice {
    let names = Choice.allCases.map(\.rawValue)
    let setting = given(key)
    var value = standard
    switch setting?.value {
    case nil: break
    case .text(let name):
      if let choice = Choice(rawValue: name) {
        value = choice
      } else {
        note(ConfigurationError.unknownName(name: name, kind: key, known: names).at(path: owner, line: setting?.line ?? line))
      }
    default: note(wrong(key, setting, "one of " + names.joined(separator: ", ")))
    }
    declare(key, standard.rawValue, names.joined(separator: ", "), help, Setting(.text(value.rawValue)))
    return value
  }

  /// A list of whole numbers, or the name of one.
  public mutating func ints(
    _ key: String, default standard: [Int], named: [String: [Int]] = [:], in range: some RangeExpression<Int>, _ help: String = ""
  ) throws(ConfigurationError) -> [Int] {
    let setting = given(key)
    let expected = ["a list of whole numbers, each \(words(range))"] + named.keys.sorted()
    var values = standard
    switch setting?.value {
    case nil: break
    case .text(let name):
      if let list = named[name] { values = list } else { note(wrong(key, setting, expected.joined(separator: ", or "))) }
    case .list(let items):
      let read = items.compactMap { item in if case .integer(let value) = item.value, range.contains(value) { value } else { nil } }
      if read.count == items.count { values = read } else { note(out(key, setting, expected[0])) }
    default: note(wrong(key, setting, expected.joined(separator: ", or ")))
    }
    declare(key, "\(standard)", expected.joined(separator: ", or "), help, Setting(.list(values.map { Setting(.integer($0)) })))
    return values
  }

  /// A list of numbers.
  public mutating func numbers(
    _ key: String, default standard: [Double], in range: some RangeExpression<Double>, _ help: String = ""
  ) throws(ConfigurationError) -> [Double] {
    let setting = given(key)
    var values = standard
    switch setting?.value {
    case nil: break
    case .list(let items):
      let read: [Double] = items.compactMap { item in
        switch item.value {
        case .number(let number) where range.contains(number): number
        case .integer(let number) where range.contains(Double(number)): Double(number)
        default: nil
        }
      }
      if read.count == items.count { values = read } else { note(out(key, setting, "numbers, each \(words(range))")) }
    default: note(wrong(key, setting, "a list of numbers"))
    }
    let text = { (numbers: [Double]) in "[" + numbers.map { "\($0)" }.joined(separator: ", ") + "]" }
    declare(key, text(standard), "a list, each \(words(range))", help, Setting(.list(values.map { Setting(.number($0)) })))
    return values
  }

  /// Tokens: `end`, a list of ids, or texts that are one token each.
  public mutating func tokens(_ key: String, _ help: String = "") throws(ConfigurationError) -> [Token] {
    let setting = given(key)
    let expected = "`end`, or a list of token ids"
    var values = [context.vocabulary.end]
    switch setting?.value {
    case nil, .text("end"): break
    case .list(let items):
      let read: [Token] = items.compactMap { item in
        switch item.value {
        case .integer(let id) where id >= 0 && id < context.vocabulary.size: Token(id)
        case .text("end"): context.vocabulary.end
        default: nil
        }
      }
      if read.count == items.count { values = read } else { note(out(key, setting, expected + " from 0 to \(context.vocabulary.size - 1)")) }
    default: note(wrong(key, setting, expected))
    }
    declare(key, "end", expected, help, Setting(.list(values.map { Setting(.integer(Int($0))) })))
    return values
  }

  /// The strategy that a wrapper drives.
  public mutating func base(_ key: String = "base", default standard: Setting, _ help: String = "") throws(ConfigurationError) -> Pipeline {
    try bases(key, default: standard, in: [context], help)[0]
  }

  /// The strategy that a wrapper drives, once for each surroundings it is driven in: a member's block length, its temperature.
  public mutating func bases(
    _ key: String = "base", default standard: Setting, in contexts: [Context], _ help: String = ""
  ) throws(ConfigurationError) -> [Pipeline] {
    let setting = given(key) ?? standard
    var built: [Catalog.Built] = []
    do {
      for each in contexts { built.append(try context.catalog.build(setting, context: each)) }
    } catch {
      note(error.at(path: "\(owner).\(key)", line: setting.line))
      built = []
      for each in contexts { built.append(try context.catalog.build(standard, context: each)) }
    }
    declare(key, standard.description, "a list of strategies", help, built.first?.resolved ?? setting)
    return built.map(\.pipeline)
  }

  /// Refuses wrong values, and keys that nobody read.
  package func finish() throws(ConfigurationError) {
    let known = declarations.map(\.key)
    let unknown = given.filter { !known.contains($0.key) }
    let errors = mistakes + unknown.map { ConfigurationError.unknownKey(key: $0.key, owner: owner, known: known).at(line: $0.value.line ?? line) }
    guard !errors.isEmpty else { return }
    throw errors.count == 1 ? errors[0] : .several(errors)
  }

  /// Every key with the value in force.
  package var resolved: Setting { Setting(.map(declarations.map { Setting.Entry($0.key, $0.value) })) }

  // MARK: Helpers

  private func given(_ key: String) -> Setting? { given.first { $0.key == key }?.value }

  private mutating func declare(_ key: String, _ standard: String, _ range: String, _ help: String, _ value: Setting) {
    declarations.append(Declaration(key: key, defaultText: standard, range: range, help: help, value: value))
  }

  private mutating func declare<Value>(_ key: String, _ standard: String, _ range: String, _ help: String, _ value: Setting, giving read: Value) -> Value {
    declare(key, standard, range, help, value)
    return read
  }

  /// Keeps mistakes for `finish`; a file of several lines of them is read to its end.
  private mutating func note(_ error: ConfigurationError) { mistakes += error.all }

  /// Keeps a mistake where its default can stand in for the value given, and ends the reading where it cannot.
  private mutating func refuse(_ error: ConfigurationError, given: Setting?, standard isUsable: Bool) throws(ConfigurationError) {
    guard given != nil, isUsable else { throw error }
    note(error)
  }

  private func wrong(_ key: String, _ setting: Setting?, _ expected: String) -> ConfigurationError {
    ConfigurationError.wrongKind(key: key, found: setting.map { "\($0.kind) (\($0.description))" } ?? "missing", expected: expected)
      .at(path: owner, line: setting?.line ?? line)
  }

  private func out(_ key: String, _ setting: Setting?, _ expected: String) -> ConfigurationError {
    ConfigurationError.outOfRange(key: key, value: setting?.description ?? "its default", expected: expected).at(path: owner, line: setting?.line ?? line)
  }

  private func words<Bound>(_ range: some RangeExpression<Bound>) -> String {
    switch range {
    case let range as ClosedRange<Bound>: "\(range.lowerBound) to \(range.upperBound)"
    case let range as PartialRangeFrom<Bound>: "\(range.lowerBound) or more"
    case let range as PartialRangeThrough<Bound>: "at most \(range.upperBound)"
    case let range as PartialRangeUpTo<Bound>: "below \(range.upperBound)"
    case let range as Range<Bound>: "\(range.lowerBound) up to but not \(range.upperBound)"
    default: "\(range)"
    }
  }
}

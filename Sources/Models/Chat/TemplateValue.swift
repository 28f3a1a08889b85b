/// A value while a template is filled in.
indirect enum TemplateValue: Sendable {
  case undefined
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([TemplateValue])
  case map([(String, TemplateValue)])
  /// A `namespace`, by its number: the one thing that statements change in place.
  case namespace(Int)

  /// What `if` makes of it.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let flag): flag
    case .integer(let number): number != 0
    case .number(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let items): !items.isEmpty
    case .map(let entries): !entries.isEmpty
    case .namespace: true
    }
  }

  /// What it is called in messages.
  var kind: String {
    switch self {
    case .undefined: "an undefined value"
    case .none: "none"
    case .bool: "a truth value"
    case .integer, .number: "a number"
    case .text: "a text"
    case .list: "a list"
    case .map, .namespace: "a map"
    }
  }

  /// What is printed; nil where Python's spelling is not ours to guess.
  var printed: String? {
    switch self {
    case .undefined: ""
    case .none: "None"
    case .bool(let flag): flag ? "True" : "False"
    case .integer(let number): "\(number)"
    case .text(let text): text
    case .number, .list, .map, .namespace: nil
    }
  }

  /// Equal as Python has it; nil where the kinds cannot be equal in any sense that a template should rely on.
  func equals(_ other: TemplateValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let one), .text(let two)): return one.utf8.elementsEqual(two.utf8)
    case (.list(let one), .list(let two)): return one.count == two.count && zip(one, two).allSatisfy { $0.equals($1) }
    default:
      guard let one = amount, let two = other.amount else { return false }
      return one == two
    }
  }

  /// As a number; truth values are 0 and 1.
  var amount: Double? {
    switch self {
    case .bool(let flag): flag ? 1 : 0
    case .integer(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }

  /// As JSON, as the `tojson` of `transformers` spells it; nil where it has no spelling.
  var json: String? {
    switch self {
    case .undefined, .namespace: return nil
    case .none: return "null"
    case .bool(let flag): return flag ? "true" : "false"
    case .integer(let number): return "\(number)"
    case .number: return nil
    case .text(let text): return PythonJSON.quoted(text)
    case .list(let items):
      let parts = items.compactMap(\.json)
      return parts.count == items.count ? "[" + parts.joined(separator: ", ") + "]" : nil
    case .map(let entries):
      let parts = entries.compactMap { entry in entry.1.json.map { PythonJSON.quoted(entry.0) + ": " + $0 } }
      return parts.count == entries.count ? "{" + parts.joined(separator: ", ") + "}" : nil
    }
  }
}

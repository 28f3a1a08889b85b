extension Setting {
  /// The value as JSON on one line, keys in the order given. Whole numbers and numbers keep their kinds (`1` and `1.0`).
  public var json: String {
    switch value {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): "\(number)"
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .text(let text): Self.quoted(text)
    case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
    case .map(let entries): "{" + entries.map { Self.quoted($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
    }
  }

  /// The same value with every map's keys in order of their UTF-8 bytes: what a digest is taken of.
  public var sorted: Setting {
    switch value {
    case .list(let items): Setting(.list(items.map(\.sorted)))
    case .map(let entries):
      Setting(.map(entries.map { Entry($0.key, $0.value.sorted) }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }))
    default: Setting(value)
    }
  }

  /// A JSON string literal.
  public static func quoted(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case "\r": literal += "\\r"
      case "\t": literal += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}

// MARK: Making settings in code

extension Setting: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Text.
  public init(stringLiteral text: String) { self.init(.text(text)) }
  /// A whole number.
  public init(integerLiteral number: Int) { self.init(.integer(number)) }
  /// A number.
  public init(floatLiteral number: Double) { self.init(.number(number)) }
  /// True or false.
  public init(booleanLiteral flag: Bool) { self.init(.bool(flag)) }
  /// A list.
  public init(arrayLiteral items: Setting...) { self.init(.list(items)) }
  /// A map, in the order written.
  public init(dictionaryLiteral entries: (String, Setting)...) { self.init(.map(entries.map { Entry($0.0, $0.1) })) }
}

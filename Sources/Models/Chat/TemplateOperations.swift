/// Operators, as Python has them.
enum TemplateArithmetic {
  static func apply(_ sign: String, _ left: TemplateValue, _ right: TemplateValue) throws(ChatError) -> TemplateValue {
    switch (sign, left, right) {
    case ("~", _, _):
      guard let one = left.printed, let two = right.printed else { throw .value("it joins \(left.kind) and \(right.kind)") }
      return .text(one + two)
    case ("+", .text(let one), .text(let two)): return .text(one + two)
    case ("+", .list(let one), .list(let two)): return .list(one + two)
    case ("*", .text(let text), .integer(let count)):
      guard count <= 10_000, text.utf8.count * max(count, 1) <= 1 << 20 else { throw .value("it repeats a text \(count) times") }
      return .text(String(repeating: text, count: max(count, 0)))
    case (_, .integer(let one), .integer(let two)): return try integers(sign, one, two)
    default: throw .value("`\(sign)` between \(left.kind) and \(right.kind)")
    }
  }

  private static func integers(_ sign: String, _ one: Int, _ two: Int) throws(ChatError) -> TemplateValue {
    let result: (partialValue: Int, overflow: Bool)
    switch sign {
    case "+": result = one.addingReportingOverflow(two)
    case "-": result = one.subtractingReportingOverflow(two)
    case "*": result = one.multipliedReportingOverflow(by: two)
    case "//", "%":
      result = one.dividedReportingOverflow(by: two)
      guard !result.overflow else { break }
      // Python rounds down, and the remainder has the divisor's sign.
      let rest = one - result.partialValue * two
      let isBelow = rest != 0 && (rest < 0) != (two < 0)
      return .integer(sign == "//" ? result.partialValue - (isBelow ? 1 : 0) : rest + (isBelow ? two : 0))
    default: throw .value("`\(sign)` between whole numbers, whose result is none")
    }
    guard !result.overflow else { throw .value("\(one) \(sign) \(two)") }
    return .integer(result.partialValue)
  }

  static func compare(_ sign: String, _ left: TemplateValue, _ right: TemplateValue) throws(ChatError) -> Bool {
    switch sign {
    case "==": return left.equals(right)
    case "!=": return !left.equals(right)
    case "in", "not in": return try contains(right, left) == (sign == "in")
    default: break
    }
    if let one = left.amount, let two = right.amount {
      return sign == "<" ? one < two : sign == ">" ? one > two : sign == "<=" ? one <= two : one >= two
    }
    throw .value("`\(sign)` between \(left.kind) and \(right.kind)")
  }

  private static func contains(_ whole: TemplateValue, _ part: TemplateValue) throws(ChatError) -> Bool {
    switch (whole, part) {
    case (.text(let text), .text(let piece)): return piece.isEmpty || Bytes(text).contains(Bytes(piece).bytes)
    case (.list(let items), _): return items.contains { $0.equals(part) }
    case (.map(let entries), .text(let name)): return entries.contains { $0.0 == name }
    case (.map, _): return false
    default: throw .value("`in` between \(part.kind) and \(whole.kind)")
    }
  }
}

/// Texts by their bytes: `String` takes a letter and its accent for one character, and Python does not.
private struct Bytes {
  let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }

  func contains(_ piece: [UInt8]) -> Bool { first(piece, from: 0) != nil }

  func first(_ piece: [UInt8], from start: Int) -> Int? {
    guard !piece.isEmpty, bytes.count >= piece.count else { return nil }
    var place = start
    while place + piece.count <= bytes.count {
      if bytes[place] == piece[0], bytes[place..<place + piece.count].elementsEqual(piece) { return place }
      place += 1
    }
    return nil
  }

  /// Parts with a text between them, if that is not too long.
  static func joined(_ parts: [String], _ between: String) throws(ChatError) -> String {
    let (size, isOver) = parts.count.multipliedReportingOverflow(by: between.utf8.count)
    guard !isOver, size <= 16 << 20 else { throw .value("it makes a text of more than 16 MiB") }
    return parts.joined(separator: between)
  }

  func split(_ piece: [UInt8]) -> [String] {
    var parts: [String] = []
    var start = 0
    while let place = first(piece, from: start) {
      parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
      start = place + piece.count
    }
    return parts + [String(decoding: bytes[start...], as: UTF8.self)]
  }
}

extension TemplateFilter {
  func call(_ value: TemplateValue, _ arguments: [TemplateValue]) throws(ChatError) -> TemplateValue {
    guard arguments.isEmpty || self == .default || self == .d || self == .join || self == .trim else { throw .value("`\(rawValue)` takes nothing") }
    switch (self, value) {
    case (.trim, .text): return try TemplateMethod.strip.call(value, arguments)
    case (.length, .text(let text)), (.count, .text(let text)): return .integer(text.unicodeScalars.count)
    case (.length, .list(let items)), (.count, .list(let items)): return .integer(items.count)
    case (.length, .map(let entries)), (.count, .map(let entries)): return .integer(entries.count)
    case (.upper, .text), (.lower, .text): return try (self == .upper ? TemplateMethod.upper : .lower).call(value, [])
    case (.first, .list(let items)): return items.first ?? .undefined
    case (.last, .list(let items)): return items.last ?? .undefined
    case (.list, .list), (.string, .text): return value
    case (.items, .map): return try TemplateMethod.items.call(value, [])
    case (.int, .integer): return value
    case (.int, .text(let text)): return .integer(Int(text) ?? 0)
    case (.string, _):
      guard let text = value.printed else { break }
      return .text(text)
    case (.tojson, _):
      guard let text = value.json else { break }
      return .text(text)
    case (.join, .list(let items)):
      let parts = items.compactMap(\.printed)
      guard parts.count == items.count, arguments.count <= 1, let between = arguments.isEmpty ? "" : arguments[0].printed else { break }
      return .text(try Bytes.joined(parts, between))
    case (.default, _), (.d, _):
      if case .undefined = value { return arguments.first ?? .text("") }
      return arguments.count > 1 && arguments[1].isTrue && !value.isTrue ? arguments[0] : value
    default: break
    }
    throw .value("`\(rawValue)` of \(value.kind)")
  }
}

extension TemplateTest {
  func holds(_ value: TemplateValue) -> Bool {
    switch (self, value) {
    case (.defined, .undefined), (.undefined, _): if case .undefined = value { self == .undefined } else { self == .defined }
    case (.defined, _): true
    case (.none, .none), (.string, .text), (.mapping, .map), (.boolean, .bool): true
    case (.iterable, .text), (.iterable, .list), (.iterable, .map), (.sequence, .text), (.sequence, .list), (.sequence, .map): true
    case (.iterable, .undefined): true
    case (.number, .integer), (.number, .number), (.number, .bool), (.integer, .integer): true
    case (.true, .bool(let flag)): flag
    case (.false, .bool(let flag)): !flag
    case (.odd, .integer(let number)): number % 2 != 0
    case (.even, .integer(let number)): number % 2 == 0
    default: false
    }
  }
}

extension TemplateMethod {
  func call(_ owner: TemplateValue, _ arguments: [TemplateValue]) throws(ChatError) -> TemplateValue {
    let texts = arguments.compactMap { value in if case .text(let text) = value { text } else { nil } }
    switch (self, owner) {
    case (.strip, .text(let text)) where texts.count == arguments.count && texts.count <= 1:
      return .text(Self.stripped(text, texts.first, front: true, back: true))
    case (.lstrip, .text(let text)) where texts.count == arguments.count && texts.count <= 1:
      return .text(Self.stripped(text, texts.first, front: true, back: false))
    case (.rstrip, .text(let text)) where texts.count == arguments.count && texts.count <= 1:
      return .text(Self.stripped(text, texts.first, front: false, back: true))
    case (.split, .text(let text)) where texts.count == 1 && arguments.count == 1 && !texts[0].isEmpty:
      return .list(Bytes(text).split(Array(texts[0].utf8)).map { .text($0) })
    case (.startswith, .text(let text)) where texts.count == 1: return .bool(text.utf8.starts(with: texts[0].utf8))
    case (.endswith, .text(let text)) where texts.count == 1: return .bool(text.utf8.reversed().starts(with: texts[0].utf8.reversed()))
    case (.upper, .text(let text)) where arguments.isEmpty: return .text(text.uppercased())
    case (.lower, .text(let text)) where arguments.isEmpty: return .text(text.lowercased())
    case (.replace, .text(let text)) where texts.count == 2 && arguments.count == 2 && !texts[0].isEmpty:
      return .text(try Bytes.joined(Bytes(text).split(Array(texts[0].utf8)), texts[1]))
    case (.items, .map(let entries)) where arguments.isEmpty: return .list(entries.map { .list([.text($0.0), $0.1]) })
    case (.keys, .map(let entries)) where arguments.isEmpty: return .list(entries.map { .text($0.0) })
    case (.get, .map(let entries)) where texts.count >= 1:
      return entries.first { $0.0 == texts[0] }?.1 ?? (arguments.count > 1 ? arguments[1] : .none)
    default: throw .value("`\(rawValue)` of \(owner.kind) with \(arguments.count) arguments")
    }
  }

  /// Without white space, or without these characters, at its ends.
  private static func stripped(_ text: String, _ characters: String?, front: Bool, back: Bool) -> String {
    let set = characters.map { Set($0.unicodeScalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? isSpace(scalar) }
    var rest = text.unicodeScalars[...]
    if front { rest = rest.drop(while: goes) }
    if back { while let last = rest.last, goes(last) { rest = rest.dropLast() } }
    return String(String.UnicodeScalarView(rest))
  }

  /// What Python's `str.isspace` holds for: Unicode's white space and the four separators of ASCII.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) }
}

/// Reads JSON strictly: bounded depth and size, no key twice in an object, no lone surrogates, nothing after the value.
struct JSONReader {
  private static let longestNumber = 64

  let bytes: [UInt8]
  let limits: JSONDocument.Limits
  private var place = 0
  private var count = 0

  init(bytes: [UInt8], limits: JSONDocument.Limits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func document() throws(JSONFault) -> JSONDocument.Value {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard place == bytes.count else { throw wrong("something follows the value") }
    return value
  }

  private func wrong(_ problem: String) -> JSONFault {
    JSONFault(.syntax(place < bytes.count ? problem : "the text ends too early"), at: place, of: bytes)
  }

  private var current: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    place += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONFault) -> JSONDocument.Value {
    guard depth < limits.depth else { throw wrong("values are nested more than \(limits.depth) deep") }
    count += 1
    guard count <= limits.values else { throw wrong("there are more than \(limits.values) values") }
    switch current {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    default: return .number(try number())
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONDocument.Value) throws(JSONFault) -> JSONDocument.Value {
    for byte in word.description.utf8 {
      guard take(byte) else { throw wrong("expected \(word)") }
    }
    return value
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSONDocument.Value {
    place += 1
    var members: [JSONDocument.Member] = []
    var keys = ByteTable()
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw wrong("expected a key in quotes") }
      let key = try string()
      let isNew = key.hasEscapes ? keys.insert(JSONDocument.unescape(bytes[key.range])).isNew : keys.insert(bytes, key.range).isNew
      guard isNew else { throw JSONFault(.repeatedKey(quoted(bytes[key.range])), at: key.range.lowerBound, of: bytes) }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw wrong("expected a colon after a key") }
      skipSpace()
      members.append(.init(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw wrong("expected a comma or } in an object") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONFault) -> JSONDocument.Value {
    place += 1
    var values: [JSONDocument.Value] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(values) }
    repeat {
      skipSpace()
      values.append(try value(depth: depth + 1))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw wrong("expected a comma or ] in an array") }
    return .array(values)
  }

  private mutating func string() throws(JSONFault) -> JSONDocument.Text {
    place += 1
    let start = place
    var hasEscapes = false
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        place += 1
        return .init(range: start..<place - 1, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        place += 1
        try escape()
      case 0..<0x20: throw wrong("a control character in a string must be escaped")
      default: place += 1
      }
    }
    throw wrong("")
  }

  private mutating func escape() throws(JSONFault) {
    let kind = current
    guard let kind, "\"\\/bfnrtu".utf8.contains(kind) else { throw wrong("unknown escape in a string") }
    place += 1
    guard kind == UInt8(ascii: "u") else { return }
    let first = try unit()
    if first & 0xFC00 == 0xD800 {
      guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), try unit() & 0xFC00 == 0xDC00 else {
        throw wrong("half a surrogate pair in a string")
      }
    } else if first & 0xFC00 == 0xDC00 {
      throw wrong("half a surrogate pair in a string")
    }
  }

  private mutating func unit() throws(JSONFault) -> Int {
    var value = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = hexDigit(byte) else { throw wrong("\\u needs four hexadecimal digits") }
      value = value << 4 | Int(digit)
      place += 1
    }
    return value
  }

  private mutating func digits() throws(JSONFault) {
    let start = place
    while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { place += 1 }
    guard place > start else { throw wrong("expected a value") }
  }

  private mutating func number() throws(JSONFault) -> Range<Int> {
    let start = place
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { throw wrong("a number with a leading zero") }
    } else {
      try digits()
    }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    guard place - start <= Self.longestNumber else { throw wrong("a number of \(place - start) characters") }
    return start..<place
  }
}

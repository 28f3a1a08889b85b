/// Reads JSON strictly: bounded depth, no key twice in an object, no lone surrogates, nothing after the value.
struct TokenizerJSONReader {
  private static let deepest = 64

  let bytes: [UInt8]
  let file: String
  private var place = 0

  init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  mutating func document() throws(TokenizerError) -> TokenizerJSON.Value {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard place == bytes.count else { throw wrong("something follows the value") }
    return value
  }

  private func wrong(_ problem: String) -> TokenizerError {
    place < bytes.count
      ? .malformed(file: file, line: line, problem: problem) : .malformed(file: file, line: line, problem: "the file ends too early")
  }

  private var line: Int {
    bytes[..<min(place, bytes.count)].reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
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

  private mutating func value(depth: Int) throws(TokenizerError) -> TokenizerJSON.Value {
    guard depth < Self.deepest else { throw wrong("values are nested more than \(Self.deepest) deep") }
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

  private mutating func word(_ word: StaticString, _ value: TokenizerJSON.Value) throws(TokenizerError) -> TokenizerJSON.Value {
    for byte in word.description.utf8 {
      guard take(byte) else { throw wrong("expected \(word)") }
    }
    return value
  }

  private mutating func object(depth: Int) throws(TokenizerError) -> TokenizerJSON.Value {
    place += 1
    var members: [TokenizerJSON.Member] = []
    var keys = ByteTable()
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw wrong("expected a key in quotes") }
      let key = try string()
      let isNew = key.hasEscapes ? keys.insert(TokenizerJSON.unescape(bytes[key.range])).isNew : keys.insert(bytes, key.range).isNew
      guard isNew else { throw .repeatedKey(file: file, line: line, key: quoted(bytes[key.range])) }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw wrong("expected a colon after a key") }
      skipSpace()
      members.append(.init(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw wrong("expected a comma or } in an object") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(TokenizerError) -> TokenizerJSON.Value {
    place += 1
    var values: [TokenizerJSON.Value] = []
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

  private mutating func string() throws(TokenizerError) -> TokenizerJSON.Text {
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

  private mutating func escape() throws(TokenizerError) {
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

  private mutating func unit() throws(TokenizerError) -> Int {
    var value = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = hexDigit(byte) else { throw wrong("\\u needs four hexadecimal digits") }
      value = value << 4 | Int(digit)
      place += 1
    }
    return value
  }

  private mutating func digits() throws(TokenizerError) {
    let start = place
    while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { place += 1 }
    guard place > start else { throw wrong("expected a value") }
  }

  private mutating func number() throws(TokenizerError) -> Range<Int> {
    let start = place
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits() }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    return start..<place
  }
}

/// A JSON document kept as places in its bytes.
///
/// Strings are compared by their bytes: a dictionary keyed by `String` would take a composed and a decomposed letter for the same token.
struct TokenizerJSON: Sendable {
  /// One value; strings and numbers are ranges of `bytes`.
  enum Value: Sendable {
    case null
    case bool(Bool)
    case number(Range<Int>)
    case string(Text)
    case array([Value])
    case object([Member])
  }

  /// The inside of a string literal.
  struct Text: Sendable {
    let range: Range<Int>
    let hasEscapes: Bool
  }

  struct Member: Sendable {
    let key: Text
    let value: Value
  }

  let file: String
  let bytes: [UInt8]
  private(set) var root = Value.null

  init(bytes: [UInt8], file: String) throws(TokenizerError) {
    self.file = file
    self.bytes = bytes
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .malformed(file: file, line: 1, problem: "the text is not UTF-8")
    }
    var reader = TokenizerJSONReader(bytes: bytes, file: file)
    root = try reader.document()
  }

  /// The bytes that a string stands for. Escapes were checked by the reader.
  func text(_ text: Text) -> [UInt8] {
    text.hasEscapes ? Self.unescape(bytes[text.range]) : Array(bytes[text.range])
  }

  /// The member `key` of an object, or nil when it is missing, null, or `value` is no object.
  func member(_ key: StaticString, of value: Value) -> Value? {
    guard case .object(let members) = value else { return nil }
    let wanted = key.description.utf8
    for member in members where text(member.key).elementsEqual(wanted) {
      if case .null = member.value { return nil }
      return member.value
    }
    return nil
  }

  /// A whole number, or nil.
  func integer(_ value: Value) -> Int? {
    guard case .number(let range) = value else { return nil }
    return Int(String(decoding: bytes[range], as: UTF8.self))
  }
}

func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

extension TokenizerJSON {
  /// Undoes the escapes of a checked string literal.
  static func unescape(_ source: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var index = source.startIndex
    func code(at start: Int) -> UInt32 {
      var value: UInt32 = 0
      for place in start..<min(start + 4, source.endIndex) { value = value << 4 | UInt32(hexDigit(source[place]) ?? 0) }
      return value
    }
    while index < source.endIndex {
      let byte = source[index]
      guard byte == UInt8(ascii: "\\"), index + 1 < source.endIndex else {
        result.append(byte)
        index += 1
        continue
      }
      let kind = source[index + 1]
      index += 2
      switch kind {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var value = code(at: index)
        index += 4
        if value & 0xFC00 == 0xD800 {
          value = 0x10000 + (value & 0x3FF) << 10 + code(at: index + 2) & 0x3FF
          index += 6
        }
        appendScalar(value, to: &result)
      default: result.append(kind)
      }
    }
    return result
  }
}

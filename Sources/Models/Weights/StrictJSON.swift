/// A JSON value read strictly: no duplicate keys, bounded depth and size, linear time. For headers and configurations of files that nobody vouches for.
package enum StrictJSON: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number as it was written.
  case number(String)
  case string(String)
  case array([StrictJSON])
  case object([String: StrictJSON])

  /// What is wrong with a text, and at which byte.
  package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was found.
    package let reason: String
    /// Offset in bytes.
    package let offset: Int
    /// The fault and its place.
    package var description: String { "\(reason) at byte \(offset)" }
  }

  /// Bounds on a text.
  package struct Limits: Sendable {
    /// Nested arrays and objects.
    package var depth = 32
    /// Values altogether, so that a small file cannot ask for much memory.
    package var values = 4_000_000
    /// Bounds on a text.
    package init(depth: Int = 32, values: Int = 4_000_000) {
      self.depth = depth
      self.values = values
    }
  }

  /// Reads one value that fills the text (white space aside).
  package init(_ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(Fault) {
    var parser = Parser(bytes: bytes, limits: limits)
    self = try parser.document()
  }

  /// Reads one value that fills the text.
  package init(_ bytes: [UInt8], limits: Limits = Limits()) throws(Fault) {
    let result = bytes.withUnsafeBytes { buffer -> Result<StrictJSON, Fault> in
      do throws(Fault) { return .success(try StrictJSON(buffer, limits: limits)) } catch { return .failure(error) }
    }
    self = try result.get()
  }

  /// The value as an integer, if it is written as one and fits.
  package var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }
  /// The value as a finite number.
  package var double: Double? {
    guard case .number(let text) = self, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The value in words, for messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let text): text
    case .string(let text): "\"\(text)\""
    case .array: "an array"
    case .object: "an object"
    }
  }
}

private struct Parser {
  let bytes: UnsafeRawBufferPointer
  let limits: StrictJSON.Limits
  var at = 0
  var count = 0

  typealias Fault = StrictJSON.Fault

  init(bytes: UnsafeRawBufferPointer, limits: StrictJSON.Limits) {
    self.bytes = bytes
    self.limits = limits
  }

  func fault(_ reason: String) -> Fault { Fault(reason: reason, offset: at) }
  var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func space() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  mutating func take(_ character: Unicode.Scalar) throws(Fault) {
    guard let byte = next else { throw fault("the text ends early") }
    guard byte == UInt8(ascii: character) else { throw fault("expected `\(character)`") }
    at += 1
  }

  mutating func document() throws(Fault) -> StrictJSON {
    let result = try value(depth: 0)
    space()
    guard at == bytes.count else { throw fault("text after the value") }
    return result
  }

  mutating func value(depth: Int) throws(Fault) -> StrictJSON {
    space()
    count += 1
    guard count <= limits.values else { throw fault("more than \(limits.values) values") }
    guard depth <= limits.depth else { throw fault("nested deeper than \(limits.depth)") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw fault("the text ends early")
    default: return .number(try number())
    }
  }

  mutating func word(_ text: String, _ value: StrictJSON) throws(Fault) -> StrictJSON {
    for byte in text.utf8 {
      guard next == byte else { throw fault("expected `\(text)`") }
      at += 1
    }
    return value
  }

  mutating func object(depth: Int) throws(Fault) -> StrictJSON {
    try take("{")
    var members: [String: StrictJSON] = [:]
    space()
    if next == UInt8(ascii: "}") {
      at += 1
      return .object(members)
    }
    while true {
      space()
      let key = try string()
      space()
      try take(":")
      let member = try value(depth: depth + 1)
      guard members.updateValue(member, forKey: key) == nil else { throw fault("`\(key)` is there twice, the second time") }
      space()
      if next == UInt8(ascii: ",") {
        at += 1
        continue
      }
      try take("}")
      return .object(members)
    }
  }

  mutating func array(depth: Int) throws(Fault) -> StrictJSON {
    try take("[")
    var elements: [StrictJSON] = []
    space()
    if next == UInt8(ascii: "]") {
      at += 1
      return .array(elements)
    }
    while true {
      elements.append(try value(depth: depth + 1))
      space()
      if next == UInt8(ascii: ",") {
        at += 1
        continue
      }
      try take("]")
      return .array(elements)
    }
  }

  mutating func number() throws(Fault) -> String {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    let whole = try digits()
    if whole > 1, bytes[at - whole] == UInt8(ascii: "0") { throw fault("a number with a leading zero") }
    if next == UInt8(ascii: ".") {
      at += 1
      _ = try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      at += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
      _ = try digits()
    }
    guard at - start <= 64 else { throw fault("a number of \(at - start) characters") }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  mutating func digits() throws(Fault) -> Int {
    let start = at
    while let byte = next, byte >= 0x30, byte <= 0x39 { at += 1 }
    guard at > start else { throw fault("not a JSON value") }
    return at - start
  }

  mutating func string() throws(Fault) -> String {
    try take("\"")
    var text: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let valid = String(validating: text, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
        return valid
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw fault("a control character in a string")
      default: text.append(byte)
      }
    }
    throw fault("a string without an end")
  }

  mutating func escape(into text: inout [UInt8]) throws(Fault) {
    guard let byte = next else { throw fault("a string without an end") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hex()
      if code >= 0xD800, code < 0xDC00 {
        try take("\\")
        try take("u")
        let low = try hex()
        guard low >= 0xDC00, low < 0xE000 else { throw fault("half a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault("half a surrogate pair") }
      text.append(contentsOf: String(scalar).utf8)
    default: throw fault("an unknown escape")
    }
  }

  mutating func hex() throws(Fault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw fault("a broken \\u escape") }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}

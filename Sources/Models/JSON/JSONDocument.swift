/// A JSON document kept as places in its bytes; read strictly, with bounds, in linear time.
///
/// Strings are compared by their bytes: a dictionary keyed by `String` would take a composed and a decomposed letter for the same key.
package struct JSONDocument: Sendable {
  /// One value; strings and numbers are ranges of the document's bytes.
  package enum Value: Sendable {
    case null
    case bool(Bool)
    /// As it was written.
    case number(Range<Int>)
    case string(Text)
    case array([Value])
    case object([Member])
  }

  /// The inside of a string literal.
  package struct Text: Sendable {
    let range: Range<Int>
    let hasEscapes: Bool
  }

  /// A member of an object. No two of an object have the same key.
  package struct Member: Sendable {
    package let key: Text
    package let value: Value
  }

  /// Bounds on a document.
  package struct Limits: Sendable {
    /// Nested arrays and objects.
    package var depth: Int
    /// Values altogether, so that a small file cannot ask for much memory.
    package var values: Int

    /// Enough for headers, indexes and configurations.
    package init(depth: Int = 32, values: Int = 4_000_000) {
      self.depth = depth
      self.values = values
    }
  }

  let bytes: [UInt8]
  /// The document's bytes.
  package var source: [UInt8] { bytes }
  /// The value that fills the document.
  package private(set) var root = Value.null

  /// Reads one value that fills the text (white space aside).
  package init(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONFault) {
    self.bytes = bytes
    guard String(validating: bytes, as: UTF8.self) != nil else { throw JSONFault(.syntax("the text is not UTF-8"), at: 0, of: bytes) }
    var reader = JSONReader(bytes: bytes, limits: limits)
    root = try reader.document()
  }

  /// The bytes that a string stands for. Escapes were checked by the reader.
  package func text(_ text: Text) -> [UInt8] {
    text.hasEscapes ? Self.unescape(bytes[text.range]) : Array(bytes[text.range])
  }

  /// A string.
  package func string(_ text: Text) -> String { String(decoding: self.text(text), as: UTF8.self) }

  /// Members with their names, in order of name, so that the same file always gives the same error.
  package func named(_ members: [Member]) -> [(String, Value)] { members.map { (string($0.key), $0.value) }.sorted { $0.0 < $1.0 } }

  /// The member `key` of an object, or nil when it is missing, null, or `value` is no object.
  package func member(_ key: String, of value: Value) -> Value? {
    guard case .object(let members) = value else { return nil }
    for member in members where text(member.key).elementsEqual(key.utf8) {
      if case .null = member.value { return nil }
      return member.value
    }
    return nil
  }

  /// What a number looks like, or nil.
  func number(_ value: Value) -> String? {
    guard case .number(let range) = value else { return nil }
    return String(decoding: bytes[range], as: UTF8.self)
  }

  /// A number that is written as an integer and fits, or nil.
  package func integer(_ value: Value) -> Int? { number(value).flatMap { Int($0) } }

  /// A finite number, or nil.
  package func double(_ value: Value) -> Double? {
    guard let number = number(value).flatMap({ Double($0) }), number.isFinite else { return nil }
    return number
  }

  /// A value in words, for messages.
  package func kind(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .number(let range): String(decoding: bytes[range], as: UTF8.self)
    case .string(let text): quoted(self.text(text))
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// What is wrong with a JSON text, and where.
package struct JSONFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// Kinds of mistakes.
  package enum Problem: Sendable, Hashable {
    /// Not the grammar, or beyond a limit.
    case syntax(String)
    /// One object gives the same key twice; quoted, as it is written.
    case repeatedKey(String)
  }

  /// What was found.
  package let problem: Problem
  /// Offset in bytes.
  package let offset: Int
  /// Counted from 1.
  package let line: Int

  init(_ problem: Problem, at offset: Int, of bytes: [UInt8]) {
    self.problem = problem
    self.offset = offset
    line = bytes[..<min(offset, bytes.count)].reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
  }

  /// The fault and its place.
  package var description: String {
    switch problem {
    case .syntax(let reason): "\(reason) (byte \(offset))"
    case .repeatedKey(let key): "the key \(key) is given twice in one object (byte \(offset))"
    }
  }
}

/// Shows bytes from a file in a message: quoted, control characters escaped, long ones cut.
func quoted(_ bytes: some Collection<UInt8>) -> String {
  let limit = 60
  var result = "\""
  for scalar in String(decoding: bytes.prefix(limit), as: UTF8.self).unicodeScalars {
    if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value) {
      result += "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result + (bytes.count > limit ? "...\"" : "\"")
}

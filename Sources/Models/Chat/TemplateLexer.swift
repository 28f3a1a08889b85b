/// A template cut into texts and tags, white space already as Jinja's `trim_blocks` and `lstrip_blocks` leave it.
struct TemplateLexer {
  /// A piece of a template.
  enum Piece: Sendable {
    case text(String)
    /// `{{ ... }}`.
    case output([Token], line: Int)
    /// `{% ... %}`.
    case block([Token], line: Int)
  }

  /// A word of a tag.
  enum Token: Sendable, Hashable {
    case name(String)
    case text(String)
    case integer(Int)
    case number(Double)
    case sign(String)
  }

  private(set) var pieces: [Piece] = []

  init(_ source: String) throws(ChatError) {
    var bytes = Array(source.replacing("\r\n", with: "\n").utf8)
    if bytes.last == 0x0A { bytes.removeLast() }
    var place = 0
    var textStart = 0
    var isLineStart = true
    var line = 1
    while place + 1 < bytes.count {
      let mark = bytes[place + 1]
      guard bytes[place] == UInt8(ascii: "{"), mark == UInt8(ascii: "{") || mark == UInt8(ascii: "%") || mark == UInt8(ascii: "#") else {
        place += 1
        continue
      }
      var text = Array(bytes[textStart..<place])
      line += text.count { $0 == 0x0A }
      let sign = place + 2 < bytes.count ? bytes[place + 2] : 0
      if sign == UInt8(ascii: "-") {
        while let last = text.last, Self.isSpace(last) { text.removeLast() }
      } else if mark != UInt8(ascii: "{"), sign != UInt8(ascii: "+") {
        // Only white space before it on its line: it goes.
        let start = (text.lastIndex(of: 0x0A) ?? -1) + 1
        if start > 0 || isLineStart, text[start...].allSatisfy(Self.isSpace) { text.removeSubrange(start...) }
      }
      if !text.isEmpty { pieces.append(.text(String(decoding: text, as: UTF8.self))) }
      let close: [UInt8] = mark == UInt8(ascii: "{") ? Array("}}".utf8) : mark == UInt8(ascii: "%") ? Array("%}".utf8) : Array("#}".utf8)
      let start = place + 2 + (sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") ? 1 : 0)
      guard let end = Self.end(of: bytes, from: start, close, isComment: mark == UInt8(ascii: "#")) else {
        throw .syntax("a tag has no end", line: line)
      }
      let isTrimmed = end > start && bytes[end - 1] == UInt8(ascii: "-")
      let isKept = end > start && bytes[end - 1] == UInt8(ascii: "+")
      let inside = bytes[start..<end - (isTrimmed || isKept ? 1 : 0)]
      if mark != UInt8(ascii: "#") {
        let tokens = try Self.tokens(inside, line: line)
        pieces.append(mark == UInt8(ascii: "{") ? .output(tokens, line: line) : .block(tokens, line: line))
      }
      line += inside.count { $0 == 0x0A }
      place = end + 2
      isLineStart = false
      if isTrimmed {
        while place < bytes.count, Self.isSpace(bytes[place]) {
          isLineStart = bytes[place] == 0x0A
          line += isLineStart ? 1 : 0
          place += 1
        }
      } else if mark != UInt8(ascii: "{"), !isKept, place < bytes.count, bytes[place] == 0x0A {
        isLineStart = true
        line += 1
        place += 1
      }
      textStart = place
    }
    if textStart < bytes.count { pieces.append(.text(String(decoding: bytes[textStart...], as: UTF8.self))) }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }

  /// Where a tag's closing mark stands, quoted texts passed over.
  private static func end(of bytes: [UInt8], from start: Int, _ close: [UInt8], isComment: Bool) -> Int? {
    var place = start
    var quote: UInt8?
    var depth = 0
    while place + 1 < bytes.count {
      let byte = bytes[place]
      if let open = quote {
        if byte == UInt8(ascii: "\\") { place += 1 } else if byte == open { quote = nil }
      } else if depth == 0, byte == close[0], bytes[place + 1] == close[1] {
        return place
      } else if !isComment {
        if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { quote = byte }
        if byte == UInt8(ascii: "{") { depth += 1 }
        if byte == UInt8(ascii: "}"), depth > 0 { depth -= 1 }
      }
      place += 1
    }
    return nil
  }

  private static let signs = ["//", "**", "==", "!=", "<=", ">="] + "+-*/%~<>=()[]{}.,:|".map(String.init)

  private static func tokens(_ bytes: ArraySlice<UInt8>, line: Int) throws(ChatError) -> [Token] {
    var tokens: [Token] = []
    var rest = bytes
    while let byte = rest.first {
      if isSpace(byte) {
        rest = rest.dropFirst()
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        tokens.append(.text(try text(&rest, byte, line)))
      } else if isDigit(byte) {
        let digits = rest.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        rest = rest.dropFirst(digits.count)
        var literal = String(decoding: digits.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if rest.first == UInt8(ascii: "."), let next = rest.dropFirst().first, isDigit(next) {
          let more = rest.dropFirst().prefix(while: isDigit)
          rest = rest.dropFirst(more.count + 1)
          literal += "." + String(decoding: more, as: UTF8.self)
          guard let number = Double(literal) else { throw .syntax("the number \(literal)", line: line) }
          tokens.append(.number(number))
        } else {
          guard let number = Int(literal) else { throw .syntax("the number \(literal)", line: line) }
          tokens.append(.integer(number))
        }
      } else if isLetter(byte) {
        let name = rest.prefix { isLetter($0) || isDigit($0) }
        rest = rest.dropFirst(name.count)
        tokens.append(.name(String(decoding: name, as: UTF8.self)))
      } else if let sign = signs.first(where: { rest.starts(with: $0.utf8) }) {
        rest = rest.dropFirst(sign.utf8.count)
        tokens.append(.sign(sign))
      } else {
        throw .syntax("`\(String(decoding: rest.prefix(1), as: UTF8.self))` in a tag", line: line)
      }
    }
    return tokens
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isLetter(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "_") || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") }

  private static func text(_ rest: inout ArraySlice<UInt8>, _ quote: UInt8, _ line: Int) throws(ChatError) -> String {
    var bytes: [UInt8] = []
    rest = rest.dropFirst()
    while let byte = rest.popFirst() {
      if byte == quote { return String(decoding: bytes, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch next {
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): bytes.append(next)
      case UInt8(ascii: "u"):
        let digits = String(decoding: rest.prefix(4), as: UTF8.self)
        guard rest.count >= 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
          throw .syntax("`\\u\(digits)` in a text", line: line)
        }
        rest = rest.dropFirst(4)
        bytes += Array(String(scalar).utf8)
      default: throw .unknown(what: "`\\\(String(decoding: [next], as: UTF8.self))` in a text", line: line)
      }
    }
    throw .syntax("a text has no end", line: line)
  }
}

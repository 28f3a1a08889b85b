/// Numbers in running text, in one spelling each.
enum Numbers {
  /// The number after the first `####` that has one.
  static func marked(_ text: String) -> String? {
    for part in text.split(separator: "####", omittingEmptySubsequences: false).dropFirst() {
      let line = part.split(separator: "\n", omittingEmptySubsequences: false).first(where: { !$0.allSatisfy(\.isWhitespace) }) ?? ""
      if let number = all(in: String(line)).first { return number }
    }
    return nil
  }

  /// All numbers, in order: digits with an optional sign before them, separators of thousands and decimals in them. A minus between two numbers or after a
  /// letter is no sign.
  static func all(in text: String) -> [String] {
    let bytes = Array(text.utf8)
    var numbers: [String] = []
    var place = 0
    while place < bytes.count {
      guard isDigit(bytes[place]) || bytes[place] == UInt8(ascii: ".") && place + 1 < bytes.count && isDigit(bytes[place + 1]) else {
        place += 1
        continue
      }
      let start = place
      var hasPoint = false
      while place < bytes.count {
        let next = place + 1 < bytes.count ? bytes[place + 1] : 0
        if isDigit(bytes[place]) {
          place += 1
        } else if bytes[place] == UInt8(ascii: ","), isDigit(next), !hasPoint, isThousand(bytes, after: place) {
          place += 1
        } else if bytes[place] == UInt8(ascii: "."), isDigit(next), !hasPoint {
          hasPoint = true
          place += 1
        } else {
          break
        }
      }
      var sign = start
      if sign > 0, bytes[sign - 1] == UInt8(ascii: "$") { sign -= 1 }
      let isNegative = sign > 0 && bytes[sign - 1] == UInt8(ascii: "-") && (sign == 1 || !isWordlike(bytes[sign - 2]))
      let digits = bytes[start..<place].filter { $0 != UInt8(ascii: ",") }
      numbers.append(canonical(String(decoding: digits, as: UTF8.self), isNegative: isNegative))
    }
    return numbers
  }

  /// Without zeros that say nothing: `007.50` is `7.5`, `-0` is `0`.
  static func canonical(_ digits: String, isNegative: Bool) -> String {
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let whole = parts[0].drop { $0 == "0" }
    var rest = parts.count > 1 ? parts[1] : ""
    while rest.last == "0" { rest = rest.dropLast() }
    let text = (whole.isEmpty ? "0" : String(whole)) + (rest.isEmpty ? "" : "." + rest)
    return isNegative && text != "0" ? "-" + text : text
  }

  /// Whether exactly three digits follow, so that a comma between two numbers of a list is none of a number.
  private static func isThousand(_ bytes: [UInt8], after comma: Int) -> Bool {
    guard comma + 3 < bytes.count, (1...3).allSatisfy({ isDigit(bytes[comma + $0]) }) else { return false }
    return comma + 4 >= bytes.count || !isDigit(bytes[comma + 4])
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isWordlike(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte >= 0x80 || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: ")")
  }
}

extension String {
  /// The text before the first of these marks.
  func upTo(_ marks: [String]) -> String {
    let ends = marks.compactMap { firstRange(of: $0)?.lowerBound }
    return ends.min().map { String(self[..<$0]) } ?? self
  }

  /// Without white space at its ends.
  var stripped: String {
    var part = self[...]
    while let first = part.first, first.isWhitespace { part = part.dropFirst() }
    while let last = part.last, last.isWhitespace { part = part.dropLast() }
    return String(part)
  }
}

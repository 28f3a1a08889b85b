/// Final answers in LaTeX, in one spelling, so that two that mean the same are equal texts as far as spelling tells.
///
/// What is evened out: dollar signs and `\(...\)` around it, spaces (also `\,` `\;` `\!` `~`), `\left` and `\right`, `\dfrac`, `\tfrac` and `\cfrac` for
/// `\frac`, braces left out of `\frac12` and `\sqrt3`, `a/b` between whole numbers, `\text{...}` and its kin, units after a number, degree and percent signs,
/// `x=` before a value, separators of thousands, zeros that say nothing, a full stop at the end. Values are not worked out: `\frac{2}{4}` is not
/// `\frac{1}{2}`, and `0.5` is neither.
enum LaTeX {
  /// What the last `\boxed{...}` or `\fbox{...}` holds, or what follows `\boxed ` up to a dollar sign; nil where there is none that is closed.
  static func boxed(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    var found: String?
    for mark in ["\\boxed", "\\fbox"] {
      let mark = Array(mark.utf8)
      var place = 0
      var last: Range<Int>?
      while place + mark.count < bytes.count {
        guard bytes[place] == mark[0], bytes[place..<place + mark.count].elementsEqual(mark) else {
          place += 1
          continue
        }
        place += mark.count
        if let inside = group(bytes, place) {
          last = inside
          place = inside.upperBound
        } else if bytes[place] == UInt8(ascii: " ") {
          let end = bytes[place...].firstIndex { $0 == UInt8(ascii: "$") || $0 == 0x0A } ?? bytes.count
          last = place + 1..<end
        }
      }
      if found == nil, let last { found = String(decoding: bytes[last], as: UTF8.self) }
    }
    return found.flatMap { $0.stripped.isEmpty ? nil : $0 }
  }

  /// The inside of the braces that open at a place.
  private static func group(_ bytes: [UInt8], _ start: Int) -> Range<Int>? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
    var depth = 0
    for place in start..<bytes.count {
      if bytes[place] == UInt8(ascii: "{") { depth += 1 }
      if bytes[place] == UInt8(ascii: "}") { depth -= 1 }
      if depth == 0 { return start + 1..<place }
    }
    return nil
  }

  /// The one spelling of an answer.
  static func canonical(_ answer: String) -> String {
    var text = answer.stripped
    for (open, close) in [("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")] where text.count > open.count + close.count {
      if text.hasPrefix(open), text.hasSuffix(close) { text = String(text.dropFirst(open.count).dropLast(close.count)) }
    }
    for (old, new) in spellings { text = text.replacing(old, with: new) }
    text = unwrapped(text)
    text = text.filter { !$0.isWhitespace }
    while let last = text.last, last == "." || last == "," { text.removeLast() }
    text = withoutName(withBraces(text))
    text = withoutUnit(text)
    if let number = plainNumber(text) { return number }
    if let fraction = plainFraction(text) { return fraction }
    return text
  }

  private static let spellings = [
    ("\\!", ""), ("\\,", ""), ("\\;", ""), ("\\:", ""), ("\\ ", " "), ("~", " "), ("\\quad", " "), ("\\left", ""), ("\\right", ""), ("\\bigl", ""),
    ("\\bigr", ""), ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\cfrac", "\\frac"), ("\\$", ""), ("$", ""), ("\\%", ""), ("%", ""),
    ("^{\\circ}", ""), ("^\\circ", ""), ("\\circ", ""), ("\\degree", ""), ("\\dots", "\\ldots"), ("\\{", "{"), ("\\}", "}"), ("\\lbrace", "{"),
    ("\\rbrace", "}"), ("{,}", ","), ("−", "-"), ("\\neq", "\\ne"), ("\\leq", "\\le"), ("\\geq", "\\ge"),
  ]

  /// `\text{...}` and its kin become what they hold; after a number they are a unit and go.
  private static func unwrapped(_ text: String) -> String {
    var text = text
    for mark in ["\\text", "\\textbf", "\\textit", "\\textrm", "\\mathrm", "\\mathbf", "\\mbox", "\\operatorname"] {
      // Each turn takes one away; nothing but a real one is taken for one.
      while let range = text.firstRange(of: mark + "{") {
        let bytes = Array(text[range.upperBound...].utf8)
        guard let inside = group([UInt8(ascii: "{")] + bytes, 0) else { break }
        let held = String(decoding: bytes[inside.lowerBound - 1..<inside.upperBound - 1], as: UTF8.self)
        let rest = String(decoding: bytes[inside.upperBound...], as: UTF8.self)
        let before = text[..<range.lowerBound]
        let isUnit = before.trimmedEnd.last.map { $0.isNumber || $0 == "}" } ?? false
        text = before + (isUnit ? "" : held) + rest
      }
    }
    return text
  }

  /// `\frac12` and `\sqrt3` with their braces.
  private static func withBraces(_ text: String) -> String {
    var output: [Character] = []
    var rest = text[...]
    while let next = rest.first {
      let arguments = rest.hasPrefix("\\frac") ? 2 : rest.hasPrefix("\\sqrt") ? 1 : 0
      guard arguments > 0 else {
        output.append(next)
        rest = rest.dropFirst()
        continue
      }
      output += rest.prefix(5)
      rest = rest.dropFirst(5)
      for _ in 0..<arguments {
        guard let first = rest.first, first.isNumber || first.isLetter else { break }
        output += ["{", first, "}"]
        rest = rest.dropFirst()
      }
    }
    return String(output)
  }

  /// `x=5` is `5`, where the name is short.
  private static func withoutName(_ text: String) -> String {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].count <= 2, parts[0].allSatisfy(\.isLetter), !parts[0].isEmpty, !parts[1].isEmpty else { return text }
    return String(parts[1])
  }

  /// A number followed by one of these words is the number.
  private static func withoutUnit(_ text: String) -> String {
    for unit in units where text.hasSuffix(unit) {
      let rest = text.dropLast(unit.count)
      if let last = rest.last, last.isNumber || last == "}" { return String(rest) }
    }
    return text
  }

  private static let units = [
    "squareunits", "squareinches", "squarefeet", "squaremeters", "squarecentimeters", "cubicinches", "cubicfeet", "units", "unit", "degrees", "degree", "cents",
    "cent", "dollars", "inches", "inch", "feet", "foot", "centimeters", "meters", "miles", "hours", "hour", "minutes", "minute", "seconds", "days", "weeks",
    "years", "percent", "points", "students", "people", "ways", "mph", "cm^2", "cm^3", "m^2", "cm", "mm", "km", "kg",
  ]

  private static func plainNumber(_ text: String) -> String? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "." || $0 == ",") }), digits.contains(where: \.isNumber) else { return nil }
    let found = Numbers.all(in: String(digits))
    // A list of numbers is no number.
    guard found.count == 1, digits.count(where: { $0 == "." }) <= 1 else { return nil }
    return isNegative && found[0] != "0" ? "-" + found[0] : found[0]
  }

  private static func plainFraction(_ text: String) -> String? {
    let isNegative = text.hasPrefix("-")
    let parts = (isNegative ? text.dropFirst() : text[...]).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }) else { return nil }
    return (isNegative ? "-" : "") + "\\frac{\(parts[0])}{\(parts[1])}"
  }
}

extension Substring {
  fileprivate var trimmedEnd: Substring {
    var part = self
    while let last = part.last, last.isWhitespace { part = part.dropLast() }
    return part
  }
}

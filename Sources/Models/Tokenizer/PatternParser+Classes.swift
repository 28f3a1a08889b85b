extension PatternParser {
  mutating func escape() throws(PatternProblem) -> PatternNode {
    if takes("\\z") { return .boundary(.textEnd) }
    if takes("\\A") { return .boundary(.textStart) }
    if let set = try shorthand(inBracket: false) { return .set(set) }
    return .set(try folded(ScalarSet(try escapedScalar())))
  }

  /// `\s \S \d \D \w \W \h \H \p{...} \P{...}`, or nil when another escape stands here.
  private mutating func shorthand(inBracket: Bool) throws(PatternProblem) -> ScalarSet? {
    guard place + 1 < scalars.count, let letter = Unicode.Scalar(scalars[place + 1]) else { throw problem("\\ at the end") }
    var set: ScalarSet
    switch letter {
    case "s", "S": set = Self.set(ScalarClass.space, inverted: letter == "S") { ScalarClass.isSpace($0) }
    case "d", "D": set = Self.set(ScalarClass.digit, inverted: letter == "D") { (0x30...0x39).contains($0) }
    case "w", "W": set = Self.set(inBracket ? ScalarClass.bracketWord : ScalarClass.word, inverted: letter == "W", ScalarClass.isWord)
    case "h", "H": set = Self.set(0, inverted: letter == "H") { hexDigit(UInt8(truncatingIfNeeded: $0)) != nil }
    case "p", "P": return try property(isNegative: letter == "P")
    default: return nil
    }
    place += 2
    return set
  }

  private static func set(_ classes: ScalarClass.Mask, inverted: Bool, _ ascii: (UInt32) -> Bool) -> ScalarSet {
    ScalarSet(classes: inverted ? ScalarClass.all & ~classes : classes) { ascii($0) != inverted }
  }

  private mutating func property(isNegative: Bool) throws(PatternProblem) -> ScalarSet {
    let start = place
    place += 2
    guard take("{") else { throw problem("\\p should be followed by {") }
    let isNegative = take("^") != isNegative
    var name = ""
    while let scalar = current, scalar != 0x7D, name.utf8.count < 40 {
      if let scalar = Unicode.Scalar(scalar) { name.unicodeScalars.append(scalar) }
      place += 1
    }
    guard take("}"), let classes = ScalarClass.mask(property: name) else {
      place = start
      throw problem("the property \(quoted(Array(name.utf8))) is not supported; general categories such as L, Lu or N are")
    }
    // Under (?i:) a property of one case would take the other case too.
    let cased: ScalarClass.Mask = 0b111
    guard !foldsCase || classes & cased == 0 || classes & cased == cased else { throw problem("a property of one case inside (?i:)") }
    return Self.set(classes, inverted: isNegative) { classes >> ScalarClass.of($0) & 1 == 1 }
  }

  /// A backslash and what it stands for as one scalar.
  private mutating func escapedScalar() throws(PatternProblem) -> UInt32 {
    let start = place
    place += 1
    guard let scalar = current else { throw problem("\\ at the end") }
    place += 1
    switch Unicode.Scalar(scalar) {
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    case "f": return 0x0C
    case "v": return 0x0B
    case "a": return 0x07
    case "e": return 0x1B
    case "u": return try hexadecimal(digits: 4, from: start)
    case "x":
      guard take("{") else { throw PatternProblem(offset: start, problem: "\\x should be followed by {") }
      let value = try hexadecimal(digits: nil, from: start)
      guard take("}") else { throw problem("\\x{ is not closed") }
      return value
    default:
      // A letter or digit could be an anchor, a back reference or a property that is not known here.
      let isPlain = scalar < 0x80 && !(0x30...0x39).contains(scalar) && !(0x61...0x7A).contains(scalar | 0x20)
      guard isPlain else { throw PatternProblem(offset: start, problem: "this escape is not supported") }
      return scalar
    }
  }

  private mutating func hexadecimal(digits: Int?, from start: Int) throws(PatternProblem) -> UInt32 {
    var value: UInt32 = 0
    var count = 0
    while count < digits ?? 6, let scalar = current, scalar < 0x80, let digit = hexDigit(UInt8(truncatingIfNeeded: scalar)) {
      value = value << 4 | UInt32(digit)
      count += 1
      place += 1
    }
    guard count > 0, digits == nil || count == digits, Unicode.Scalar(value) != nil else {
      throw PatternProblem(offset: start, problem: "not the number of a character")
    }
    return value
  }

  mutating func bracket() throws(PatternProblem) -> ScalarSet {
    place += 1
    var set = ScalarSet()
    let isNegative = take("^")
    var isFirst = true
    while true {
      guard let scalar = current else { throw problem("a class is not closed") }
      if scalar == 0x5D, !isFirst { break }
      isFirst = false
      if scalar == 0x5B { throw problem("a class inside a class is not supported; write \\[ for the bracket") }
      if scalar == 0x26, place + 1 < scalars.count, scalars[place + 1] == 0x26 { throw problem("&& is not supported") }
      if scalar == 0x5C, let more = try shorthand(inBracket: true) {
        set.formUnion(more)
        if current == 0x2D, place + 1 < scalars.count, scalars[place + 1] != 0x5D { throw problem("a range cannot start with a class") }
        continue
      }
      let lower = try member()
      var upper = lower
      if current == 0x2D, place + 1 < scalars.count, scalars[place + 1] != 0x5D {
        place += 1
        if current == 0x5C, try shorthand(inBracket: true) != nil { throw problem("a range cannot end with a class") }
        upper = try member()
        guard lower <= upper else { throw problem("a range is in the wrong order") }
      }
      var part = ScalarSet()
      part.insert(lower...upper)
      set.formUnion(try folded(part))
    }
    place += 1
    if isNegative { set.invert() }
    return set
  }

  private mutating func member() throws(PatternProblem) -> UInt32 {
    guard let scalar = current else { throw problem("a class is not closed") }
    if scalar == 0x5C { return try escapedScalar() }
    place += 1
    return scalar
  }
}

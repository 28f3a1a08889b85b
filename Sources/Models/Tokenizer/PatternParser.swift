/// Reads the part of Oniguruma's pattern syntax that tokenizers are written in. Anything else is refused rather than guessed.
struct PatternParser {
  private static let deepest = 32
  private static let longest = 16_384
  private static let mostRepeats = 100

  let scalars: [UInt32]
  var place = 0
  var foldsCase = false

  init(_ source: String) { scalars = source.unicodeScalars.map(\.value) }

  mutating func pattern() throws(PatternProblem) -> PatternNode {
    guard scalars.count <= Self.longest else { throw problem("longer than \(Self.longest) characters") }
    if takes("(?i)") { foldsCase = true }
    let node = try choice(depth: 0)
    guard place == scalars.count else { throw problem("unmatched )") }
    return node
  }

  func problem(_ text: String) -> PatternProblem { PatternProblem(offset: place, problem: text) }

  var current: UInt32? { place < scalars.count ? scalars[place] : nil }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar.value else { return false }
    place += 1
    return true
  }

  mutating func takes(_ text: StaticString) -> Bool {
    let wanted = text.description.unicodeScalars.map(\.value)
    guard scalars[place...].starts(with: wanted) else { return false }
    place += wanted.count
    return true
  }

  private mutating func choice(depth: Int) throws(PatternProblem) -> PatternNode {
    guard depth < Self.deepest else { throw problem("groups nested more than \(Self.deepest) deep") }
    var branches = [try sequence(depth: depth)]
    while take("|") { branches.append(try sequence(depth: depth)) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence(depth: Int) throws(PatternProblem) -> PatternNode {
    var parts: [PatternNode] = []
    var previousLetter: UInt32?
    while let scalar = current, scalar != 0x7C, scalar != 0x29 {
      let start = place
      let atom = try atom(depth: depth)
      let letter = place == start + 1 ? scalar | 0x20 : nil
      if foldsCase, let previousLetter, let letter, Self.foldsTogether(previousLetter, letter) {
        place = start
        throw problem("this pair of letters is one letter in another case, which is not supported")
      }
      previousLetter = letter
      parts.append(try quantified(atom))
    }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? .nothing : .sequence(parts)
  }

  /// Whether two letters fold to a ligature or a sharp s, which a case-insensitive pattern would match too.
  private static func foldsTogether(_ first: UInt32, _ second: UInt32) -> Bool {
    switch (Unicode.Scalar(first), Unicode.Scalar(second)) {
    case ("s", "s"), ("s", "t"), ("f", "f"), ("f", "i"), ("f", "l"): true
    default: false
    }
  }

  private mutating func atom(depth: Int) throws(PatternProblem) -> PatternNode {
    guard let scalar = current else { throw problem("something should follow") }
    switch Unicode.Scalar(scalar) {
    case "(": return try group(depth: depth)
    case "[": return .set(try bracket())
    case "\\": return try escape()
    case ".":
      place += 1
      var set = ScalarSet(0x0A)
      set.invert()
      return .set(set)
    case "$":
      place += 1
      return .boundary(.lineEnd)
    case "^": throw problem("^ is not supported")
    case "*", "+", "?": throw problem("nothing to repeat")
    default:
      place += 1
      return .set(try folded(ScalarSet(scalar)))
    }
  }

  func folded(_ set: ScalarSet) throws(PatternProblem) -> ScalarSet {
    guard foldsCase else { return set }
    guard !set.reachesBeyondASCII else { throw problem("(?i:) is supported for ASCII only") }
    var set = set
    set.foldCase()
    return set
  }

  private mutating func group(depth: Int) throws(PatternProblem) -> PatternNode {
    let start = place
    let outer = foldsCase
    defer { foldsCase = outer }
    var look: Bool?
    if takes("(?:") {
    } else if takes("(?i:") {
      foldsCase = true
    } else if takes("(?-i:") {
      foldsCase = false
    } else if takes("(?=") {
      look = false
    } else if takes("(?!") {
      look = true
    } else if takes("(?") {
      place = start
      throw problem("this kind of group is not supported")
    } else {
      place += 1
    }
    let body = try choice(depth: depth + 1)
    guard take(")") else { throw problem("a group is not closed") }
    guard let look else { return body }
    // Looked at again from every place, so what it reads must be short for the whole to stay linear.
    guard let most = body.width.most, most <= 16 else {
      place = start
      throw problem("a lookahead may read at most 16 characters")
    }
    return .look(body, isNegative: look)
  }

  private mutating func quantified(_ atom: PatternNode) throws(PatternProblem) -> PatternNode {
    let start = place
    var node = atom
    var isCounted = false
    var minimum = 0
    var maximum: Int?
    if take("*") {
    } else if take("+") {
      minimum = 1
    } else if take("?") {
      maximum = 1
    } else if current == 0x7B {
      isCounted = true
      (minimum, maximum) = try counts()
    } else {
      return node
    }
    switch atom {
    case .look, .boundary, .nothing: throw PatternProblem(offset: start, problem: "nothing to repeat")
    default: break
    }
    var greed = PatternGreed.greedy
    if take("?") {
      greed = .lazy
      if isCounted, maximum == minimum { throw PatternProblem(offset: start, problem: "{n}? is not supported") }
    } else if !isCounted, take("+") {
      greed = .possessive
      guard case .set = atom else { throw PatternProblem(offset: start, problem: "a possessive group is not supported") }
    }
    if let next = current, [0x2A, 0x2B, 0x3F, 0x7B].contains(next) { throw problem("a repeat of a repeat is not supported") }
    if atom.width.least == 0, maximum != 1 { throw PatternProblem(offset: start, problem: "the repeated group can match nothing") }
    node = .loop(atom, minimum: minimum, maximum: maximum, greed)
    return node
  }

  private mutating func counts() throws(PatternProblem) -> (Int, Int?) {
    place += 1
    let first = try count()
    var second = first
    if take(",") { second = try count() } else if first == nil { throw problem("a number should follow {") }
    guard take("}"), first != nil || second != nil else { throw problem("a repeat should read {n}, {n,}, {,m} or {n,m}") }
    if let first, let second, first > second { throw problem("the repeat's bounds are in the wrong order") }
    return (first ?? 0, second)
  }

  private mutating func count() throws(PatternProblem) -> Int? {
    var value: Int?
    while let scalar = current, (0x30...0x39).contains(scalar) {
      value = (value ?? 0) * 10 + Int(scalar - 0x30)
      guard (value ?? 0) <= Self.mostRepeats else { throw problem("more than \(Self.mostRepeats) repeats") }
      place += 1
    }
    return value
  }
}

/// Multiple choice: options under letters, and the letter that a response settles on.
enum Options {
  static let letters = Array("ABCDEFGHIJ").map(String.init)

  /// The options, one per line.
  static func listed(_ options: [String]) -> String { zip(letters, options).map { "\n\($0). \($1)" }.joined() }

  /// The letter that a response settles on: in its last `\boxed{}`, else after its last `answer is` or `answer:`, else the first letter that stands alone at
  /// the start of a line, as in `B`, `(B)` or `B. ...`; nil where there is none.
  static func letter(_ response: String, among count: Int = letters.count) -> String? {
    let known = Set(letters.prefix(count))
    if let boxed = LaTeX.boxed(response) {
      let inside = LaTeX.canonical(boxed)
      if let letter = leading(inside[...], known, isLast: true) { return letter }
    }
    let lower = response.lowercased()
    // The same places in both, unless a letter changes its length.
    if lower.utf8.count == response.utf8.count {
      let marks = (lower.ranges(of: "answer is") + lower.ranges(of: "answer:")).sorted { $0.lowerBound < $1.lowerBound }
      for mark in marks.reversed() {
        let offset = lower.utf8.distance(from: lower.startIndex, to: mark.upperBound)
        let rest = response.utf8.dropFirst(offset)
        if let letter = leading(Substring(rest), known) { return letter }
      }
    }
    for line in response.split(separator: "\n") { if let letter = leading(line, known) { return letter } }
    return nil
  }

  /// The letter at the start of a text, after spaces, brackets, stars and colons; a word that begins with it does not count.
  private static func leading(_ text: Substring, _ known: Set<String>, isLast: Bool = false) -> String? {
    let rest = text.drop { $0.isWhitespace || "(*:[{\\$".contains($0) }
    guard let first = rest.first, known.contains(String(first)) else { return nil }
    guard let next = rest.dropFirst().first else { return String(first) }
    // `A lot` begins with an article.
    if next == " ", !isLast, first == "A" || first == "I", rest.dropFirst(2).first?.isLowercase == true { return nil }
    return next.isLetter || next.isNumber || next == "'" ? nil : String(first)
  }
}

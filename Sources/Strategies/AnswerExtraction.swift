/// Final answers in a text, as HEX (arXiv 2510.05040) reads them for its votes.
package enum AnswerExtraction {
  /// The number in the first `\boxed{...}` that holds one, else the last number of the first `<answer>`.
  package static func number(in text: String) -> Double? {
    for box in text.matches(of: /\\boxed\{(.*?)\}/) {
      let content = trimmed(box.output.1)
      if content.isEmpty || content.allSatisfy({ $0 == "." }) { continue }
      if let number = float(content) ?? numbers(in: content).first { return number }
    }
    guard let body = answer(in: text), !body.isEmpty else { return nil }
    return float(body) ?? numbers(in: body).last
  }

  /// The expression in the last box: LaTeX as it stands. A text without a box is its own answer.
  package static func expression(in text: String) -> String? {
    if let space = text.ranges(of: "\\boxed ").last { return String(text[space.upperBound...].prefix { $0 != "$" }) }
    guard let start = (text.ranges(of: "\\boxed").last ?? text.ranges(of: "\\fbox").last)?.lowerBound else { return text }
    guard let boxed = balanced(text[start...]) else { return answer(in: text) }
    let prefix = "\\boxed{"
    guard boxed.hasPrefix(prefix) else { return boxed }
    let content = String(boxed.dropFirst(prefix.count).dropLast())
    return content.isEmpty ? answer(in: text) ?? content : content
  }

  /// A text up to the brace that closes its first one; nil if none does.
  private static func balanced(_ text: Substring) -> String? {
    var depth = 0
    for index in text.indices {
      if text[index] == "{" { depth += 1 }
      if text[index] == "}" {
        depth -= 1
        if depth == 0 { return String(text[...index]) }
      }
    }
    return nil
  }

  /// What the first `<answer>` holds, without the space around it.
  private static func answer(in text: String) -> String? {
    text.firstMatch(of: /<answer>(.*?)<\/answer>/.dotMatchesNewlines()).map { trimmed($0.output.1) }
  }

  private static func numbers(in text: String) -> [Double] {
    text.matches(of: /-?\d+\.?\d*/.asciiOnlyDigits()).compactMap { Double($0.output) }
  }

  /// A number as Python's `float` reads it: underscores between digits, `inf` and `nan` included.
  private static func float(_ text: String) -> Double? {
    let pattern = /[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][+-]?\d+(_\d+)*)?/.asciiOnlyDigits()
    if text.wholeMatch(of: pattern) != nil { return Double(text.filter { $0 != "_" }) }
    return text.wholeMatch(of: /[+-]?(inf|infinity|nan)/.ignoresCase()).flatMap { Double($0.output.0) }
  }

  private static func trimmed(_ text: Substring) -> String {
    let body = text.drop(while: \.isWhitespace)
    return String(body.prefix(upTo: body.lastIndex { !$0.isWhitespace }.map(body.index(after:)) ?? body.startIndex))
  }
}

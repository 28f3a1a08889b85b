internal import Diffusion
package import Traces

/// How far a response is from another decode of the same problem, token by token, up to the end of the longer answer.
///
/// An answer is the tokens before the first end token. Tokens given with the problem do not count, as no strategy can miss them.
package struct Fidelity: Sendable, Hashable {
  /// Share of answer tokens that are the other's, 0 to 1; 1 for two empty answers.
  package let tokens: Double
  /// The first position that holds another token; nil where none does.
  package let firstDifference: Int?

  init(_ own: Outcome, _ other: Outcome, end: Token, mask: Token? = nil) {
    let unmasked = { (outcome: Outcome) in outcome.isComplete ? outcome.tokens : outcome.tokens.map { $0 == mask ? -1 : $0 } }
    self.init(Answer(tokens: unmasked(own), count: own.answerTokens), Answer(tokens: unmasked(other), count: other.answerTokens), end: end)
  }

  /// The responses of two recorded decodes.
  package init(_ own: SampleTrace, _ other: SampleTrace, end: Int32?) {
    self.init(Answer(tokens: own.response, count: own.answerTokens), Answer(tokens: other.response, count: other.answerTokens), end: end)
  }

  /// In words, for two decodes side by side.
  package var words: String {
    guard let firstDifference else { return "the answers are the same" }
    return "\(fixed(100 * tokens, 1)) % of the answers' tokens are the same, the first other one at position \(firstDifference)"
  }

  /// A response, -1 where it is masked, and how many of the tokens before its first end token were not given.
  private struct Answer {
    let tokens: [Token]
    let count: Int
  }

  private init(_ own: Answer, _ other: Answer, end: Token?) {
    let length = { (answer: Answer) in answer.tokens.firstIndex { $0 == end } ?? answer.tokens.count }
    let longer = length(own) >= length(other) ? own : other
    let reach = length(longer)
    let differing = (0..<reach).filter { position in
      let (a, b) = (own.tokens.dropFirst(position).first, other.tokens.dropFirst(position).first)
      // What is still masked is nobody's token.
      return a != b || a == -1
    }
    let free = longer.count + longer.tokens.prefix(reach).count { $0 == -1 }
    tokens = free > 0 ? Double(free - differing.count) / Double(free) : 1
    firstDifference = differing.first
  }
}

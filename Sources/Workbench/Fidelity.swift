internal import Diffusion

/// How far a response is from another decode of the same problem, token by token, up to the end of the longer answer.
///
/// An answer is the tokens before the first end token. Tokens given with the problem do not count, as no strategy can miss them.
struct Fidelity: Hashable {
  /// Share of answer tokens that are the other's, 0 to 1; 1 for two empty answers.
  let tokens: Double
  /// The first position that holds another token; nil where none does.
  let firstDifference: Int?

  init(_ own: Outcome, _ other: Outcome, end: Token) {
    let length = { (outcome: Outcome) in outcome.tokens.firstIndex(of: end) ?? outcome.tokens.count }
    let longer = length(own) >= length(other) ? own : other
    let reach = length(longer)
    let differing = (0..<reach).filter { position in
      let (a, b) = (own.tokens.dropFirst(position).first, other.tokens.dropFirst(position).first)
      return a != b
    }
    let free = longer.answerTokens
    tokens = free > 0 ? Double(free - differing.count) / Double(free) : 1
    firstDifference = differing.first
  }
}

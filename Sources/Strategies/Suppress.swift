internal import Diffusion

/// Removes tokens from the belief, proposals and confidences alike, for the rules after it.
///
/// The softmax is taken again over what remains, so banning the end token both keeps it out of the text and raises every other confidence.
/// LLaDA (arXiv 2502.09992), appendix B.4; `generate.py`, `logits_eos_inf`.
struct Suppress: Strategy {
  static let name = "suppress"
  static let summary = "remove tokens from the belief of the rules after it"
  static let source = "LLaDA, arXiv 2502.09992"
  static let role = Role.transform

  private let tokens: [Token]

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    tokens = try parameters.tokens("tokens", "what can be neither proposed nor believed; `end` is the end-of-text token alone")
    let vocabulary = parameters.context.vocabulary
    guard Set(tokens).union([vocabulary.mask]).count < vocabulary.size else {
      throw ConfigurationError.outOfRange(key: "tokens", value: "the whole vocabulary", expected: "a list that leaves a token to propose").at(path: Self.name)
    }
  }

  var needs: Needs {
    var needs = Needs.nothing
    needs.suppress = Set(tokens)
    return needs
  }

  mutating func decide(_ step: inout Step) { step.belief.suppress(tokens) }
}

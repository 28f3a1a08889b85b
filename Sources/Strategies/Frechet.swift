internal import Diffusion

/// Reveals the n best positions while they are surely right together: a Fréchet bound on their joint probability, without independence.
///
/// With confidences c1 >= c2 >= ..., all n are right with probability at least `c1 + ... + cn - (n - 1)`, and the n-th is wrong with at most `1 - cn`;
/// n is the largest for which the first exceeds the second by more than `delta`, and at least 1.
/// Fast-dLLM++ (arXiv 2606.02955); its released `get_transfer_index_frechet_profile`.
struct Frechet: Strategy {
  static let name = "frechet"
  static let summary = "reveal the best n while a Fréchet bound on their joint probability holds"
  static let source = "Fast-dLLM++, arXiv 2606.02955"

  private let delta: Double

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    delta = try parameters.number("delta", default: 0.25, in: -1...1, "how far the bound must exceed the risk, exclusive; smaller reveals more")
  }

  mutating func decide(_ step: inout Step) {
    let ranked = step.open.ranked { step.belief[$0].confidence }
    var sum = 0.0
    for (before, position) in ranked.enumerated() {
      let confidence = step.belief[position].confidence
      sum += confidence
      let (together, risk) = (sum - Double(before), 1 - confidence)
      guard before == 0 || step.passes(position, "bound", together - risk, above: delta) else { return }
      step.reveal(position)
    }
  }
}

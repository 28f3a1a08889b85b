internal import Diffusion

/// Reveals every open position whose confidence reaches a bar.
///
/// Confidence is the probability of the proposed token. When no position passes, the progress clause reveals the most confident one.
/// Fast-dLLM (arXiv 2505.22618), section 3.3; its released `get_transfer_index` with `threshold`.
struct Threshold: Strategy {
  static let name = "threshold"
  static let summary = "reveal every open position with confidence >= the bar"
  static let source = "Fast-dLLM, arXiv 2505.22618"
  private let bar: Double

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    bar = try parameters.number("confidence", default: 0.9, in: 0..., "the bar, inclusive; above 1 decodes one token per round")
  }

  mutating func decide(_ step: inout Step) {
    for position in step.open where step.passes(position, "confidence", step.belief[position].confidence, atLeast: bar) { step.reveal(position) }
  }
}

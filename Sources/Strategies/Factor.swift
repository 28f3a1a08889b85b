internal import Diffusion

/// Reveals the n best positions for the largest n that the n-th one can bear: the more are revealed together, the surer the least sure must be.
///
/// From one position upwards, position n + 1 joins while its confidence is at least `1 - factor / (n + 2)`.
/// Fast-dLLM (arXiv 2505.22618), section 3.3, theorem 1; its released `get_transfer_index_dynamic`.
struct Factor: Strategy {
  static let name = "factor"
  static let summary = "reveal the best n while the n-th is at least 1 - factor / (n + 1) sure"
  static let source = "Fast-dLLM, arXiv 2505.22618"

  private let factor: Double
  private let hasQuirk: Bool

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    factor = try parameters.number("factor", default: 1, in: 0..., "larger reveals more at once; 0 reveals one, or those fully certain")
    hasQuirk = try parameters.flag("quirk", default: false, "the released off-by-one: a single left-over candidate is revealed too")
  }

  mutating func decide(_ step: inout Step) {
    let ranked = step.open.ranked { step.belief[$0].confidence }
    var count = min(1, ranked.count)
    while count < ranked.count,
      step.passes(ranked[count], "confidence", step.belief[ranked[count]].confidence, atLeast: 1 - factor / Double(count + 2))
    { count += 1 }
    if hasQuirk, count == ranked.count - 1 { count += 1 }
    for position in ranked.prefix(count) { step.reveal(position) }
  }
}

internal import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A token that keeps coming out on top earns credit, and credit makes it surer: what was stable for rounds need not wait for the bar.
///
/// Each round, in the current block: all credit decays; the most probable token of every masked row, read without credit, earns `p ^ exponent`; then
/// `fusion * ln(1 + credit)` is added to the credited logits, which the rules after this one read. It reveals nothing itself.
/// CreditDecoding (arXiv 2510.06133), section 4; dInfer's `CreditThresholdParallelDecoder`.
struct Credit: Strategy {
  static let name = "credit"
  static let summary = "raise the logits of tokens that keep winning, for the rules after it"
  static let source = "CreditDecoding, arXiv 2510.06133"
  static let role = Role.transform

  private let decay: Double
  private let fusion: Double
  private let exponent: Double
  private var block = -1
  private var credits = PerSlot<[Token: Double]>([:])
  private var credited: Set<Token> = []

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    decay = try parameters.number("decay", default: 0.7, in: 0...1, "what is left of a credit after a round")
    fusion = try parameters.number("fusion", default: 0.65, in: 0..., "weight of credit in the logits; 0 changes nothing")
    exponent = try parameters.number("exponent", default: 0.2, in: 0..., "how little a round's probability counts; 0 earns 1 whatever it is")
  }

  var needs: Needs {
    var needs = Needs()
    needs.gather = credited
    return needs
  }

  mutating func decide(_ step: inout Step) {
    if step.shown.block != block {
      // Credit is of one block: the released code keeps it under the block's position.
      (block, credits, credited) = (step.shown.block, PerSlot([:]), [])
    }
    for position in step.shown.window {
      let slot = step.slot(position)
      var credit = credits[slot].mapValues { decay * $0 }
      if step.shown.isMasked(position), let best = step.belief[position].best {
        credit[best.token, default: 0] += pow(best.probability, exponent)
        credited.insert(best.token)
        for (token, amount) in credit { step.belief.add(fusion * log1p(amount), to: token, at: position) }
      }
      credits[slot] = credit
    }
  }
}

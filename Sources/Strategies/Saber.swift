internal import Diffusion

/// Reveals boldly and takes back what turned out doubtful: the bar is the mean confidence at which tokens were revealed so far, and each round
/// the revealed positions whose confidence fell most are masked again.
///
/// Fewer are taken back than were revealed, so a response of G positions takes at most G rounds.
/// Saber (arXiv 2510.18165), sections 3.2 and 3.3; its released `generate_with_saber` for LLaDA.
struct Saber: Strategy {
  static let name = "saber"
  static let summary = "reveal above the running mean of past confidences, remask the largest drops"
  static let source = "Saber, arXiv 2510.18165"
  static let role = Role.reviser

  private let minimum: Int
  private let ratio: Int
  /// Confidence when a position was last revealed; NaN before. Kept when it is taken back.
  private var revealed = PerSlot(Double.nan)
  /// Confidence in the round before; -infinity where it was not looked at.
  private var previous = PerSlot(-Double.infinity)
  private var isFirst = true

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    minimum = try parameters.int("minimum", default: 2, in: 1..., "positions revealed in every round, while there are so many")
    ratio = try parameters.int("ratio", default: 8, in: 1..., "one position is taken back per so many revealed")
  }

  var needs: Needs { Needs([.window, .revealed]) }

  mutating func decide(_ step: inout Step) {
    let belief = step.belief
    let reach = 0..<step.shown.window.upperBound
    let drops = reach.map { position in
      let (now, before) = (belief[position].confidence, isFirst ? 0 : previous[step.slot(position)])
      return (now - before).isFinite ? now - before : .infinity
    }
    for position in reach { previous[step.slot(position)] = belief[position].confidence }
    isFirst = false

    let bar = mean(reach.map { revealed[step.slot($0)] }.filter { !$0.isNaN }) ?? 1
    var chosen = step.open.filter { step.passes($0, "mean confidence", belief[$0].confidence, above: bar) }
    if chosen.count < minimum {
      let ranked = step.open.ranked { belief[$0].confidence }
      chosen = ranked.enumerated().filter { step.passes($1, "rank", Double($0 + 1), atMost: Double(minimum)) }.map(\.element)
    }
    for position in chosen {
      step.reveal(position)
      revealed[step.slot(position)] = belief[position].confidence
    }
    // A round that leaves no mask before the block's end takes nothing back.
    guard !step.canvas.eligible.isEmpty else { return }
    let count = min(max(minimum / 2, (chosen.count - 1) / ratio + 1), chosen.count - 1)
    let falls = step.revocable.ranked { -drops[$0] }
    for (index, position) in falls.enumerated() where step.passes(position, "rank of its fall", Double(index + 1), atMost: Double(count)) {
      step.remask(position)
    }
  }

  private func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
}

import Diffusion

/// Reveals at most `most` positions per round, those the model is surest of, and only above a bar.
struct Careful: Strategy {
  static let name = "careful"
  static let summary = "reveal the surest few above a bar"

  private let bar: Double
  private let most: Int

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    bar = try parameters.number("confidence", default: 0.9, in: 0...1, "the bar, inclusive")
    most = try parameters.int("most", default: 4, in: 1..., "positions per round at most")
  }

  mutating func decide(_ step: inout Step) {
    let sure = step.open.filter { step.belief[$0].confidence >= bar }
    for position in sure.ranked(by: { step.belief[$0].confidence }).prefix(most) { step.reveal(position) }
  }
}

internal import Diffusion

/// Divide and conquer: besides every position above a high bar, the best of each run of masked positions, so that runs keep halving.
///
/// A run is a stretch of consecutive open positions inside one block; its best is revealed above a low bar. Both bars are exclusive, and the best
/// of all is revealed by the progress clause if nothing passes.
/// Hierarchy-dLLM in dInfer (arXiv 2510.08666); its released `HierarchyDecoder`.
struct Hierarchy: Strategy {
  static let name = "hierarchy"
  static let summary = "reveal what is above a high bar, and the best of each masked run above a low one"
  static let source = "dInfer, arXiv 2510.08666"

  private let high: Double
  private let low: Double

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    high = try parameters.number("high", default: 0.92, in: 0..., "the bar for any position, exclusive")
    low = try parameters.number("low", default: 0.62, in: 0..., "the bar for the best position of a run, exclusive")
  }

  mutating func decide(_ step: inout Step) {
    let belief = step.belief
    for run in Self.runs(step.open, endingAt: step.shown.blockEnds) {
      let best = run.ranked { belief[$0].confidence }[0]
      for position in run {
        let confidence = belief[position].confidence
        let isSure = step.passes(position, "high", confidence, above: high)
        if isSure || position == best && step.passes(position, "low", confidence, above: low) { step.reveal(position) }
      }
    }
  }

  /// Stretches of consecutive positions, cut at the borders of blocks.
  static func runs(_ positions: [Int], endingAt borders: [Int]) -> [[Int]] {
    let borders = Set(borders)
    var runs: [[Int]] = []
    for position in positions {
      if let last = runs.last?.last, last + 1 == position, !borders.contains(position) {
        runs[runs.count - 1].append(position)
      } else {
        runs.append([position])
      }
    }
    return runs
  }
}

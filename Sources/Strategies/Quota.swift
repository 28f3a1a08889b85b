internal import Diffusion

/// Reveals a fixed number of the best positions per round: LLaDA's sampler.
///
/// Each block gets an equal share of `steps`; when it is entered, the masks then open are split over its rounds, extras first. A round whose share is
/// zero is spent all the same, as in the released code, except after the last mask is gone.
/// LLaDA (arXiv 2502.09992), appendix B.4; `generate.py`, `get_num_transfer_tokens`.
struct Quota: Strategy {
  static let name = "quota"
  static let summary = "reveal the best k positions, k fixed by a number of steps"
  static let source = "LLaDA, arXiv 2502.09992"

  /// What ranks positions; larger first.
  enum Score: String, CaseIterable, Sendable {
    case confidence, margin, entropy, random
  }

  private let score: Score
  private let roundsPerBlock: Int
  private let blocks: Int
  private var block = -1
  private var shares: ArraySlice<Int> = []

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    let length = parameters.context.genLength
    blocks = max(length / max(parameters.context.blockLength, 1), 1)
    let steps = try parameters.int(
      "steps", default: length, in: 1...Canvas.lengthLimit, defaultText: "gen_length", "model calls over the whole response; divisible by the number of blocks")
    guard steps % blocks == 0 else {
      throw ConfigurationError.outOfRange(key: "steps", value: "\(steps)", expected: "a multiple of the number of blocks (\(blocks))").at(path: Self.name)
    }
    score = try parameters.choice("score", default: Score.confidence, "what ranks positions; larger first")
    roundsPerBlock = steps / blocks
  }

  var needs: Needs { Needs(.window, fullRows: score == .entropy) }

  mutating func decide(_ step: inout Step) {
    if shares.isEmpty {
      block = min(block + 1, step.shown.blockCount - 1)
      let start = block == 0 ? 0 : step.shown.blockEnds[block - 1]
      let masks = (start..<step.shown.blockEnds[block]).count { step.shown.isMasked($0) }
      shares = Self.shares(of: masks, over: roundsPerBlock)[...]
    }
    let end = step.shown.blockEnds[block]
    let open = step.open.filter { $0 < end }
    let share = min(shares.removeFirst(), open.count)
    guard share > 0 else { return step.pass() }
    let ranked = open.ranked { value($0, step) }
    for (index, position) in ranked.enumerated() where step.passes(position, "rank", Double(index + 1), atMost: Double(share)) { step.reveal(position) }
  }

  /// `masks` split over `rounds`, the remainder one each to the earliest.
  static func shares(of masks: Int, over rounds: Int) -> [Int] {
    (0..<rounds).map { masks / rounds + ($0 < masks % rounds ? 1 : 0) }
  }

  private func value(_ position: Int, _ step: Step) -> Double {
    let row = step.belief[position]
    switch score {
    case .confidence: return row.confidence
    case .margin: return row.margin
    case .entropy: return row.negativeEntropy
    case .random: return step.draw(Self.name, at: position).uniform
    }
  }
}

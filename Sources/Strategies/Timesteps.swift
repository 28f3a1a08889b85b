internal import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Walks a grid of times from 1 down to `eps` and reveals, at each step, the share of the masks that the diffusion process would.
///
/// Of `n` masks, `n (1 - t[i+1] / t[i])` are revealed, rounded down: with one step per mask the first round reveals nothing and the last one two.
/// Scores come from the distribution that tokens are drawn from, tempered and cut by top-p and top-k.
/// Dream (arXiv 2508.15487); its released `diffusion_generate`.
struct Timesteps: Strategy {
  static let name = "timesteps"
  static let summary = "reveal the share of the masks that a grid of times asks for"
  static let source = "Dream, arXiv 2508.15487"

  /// What ranks positions, larger first. `origin` draws each position by itself instead.
  enum Score: String, CaseIterable, Sendable { case entropy, confidence, margin, origin }

  private let score: Score
  private let disorder: Double
  private let isOriginal: Bool
  private let sampling: Sampling
  private let hasBlocks: Bool
  private let times: [Float]
  private var block = 0
  private var round = 0

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    let context = parameters.context
    let blocks = max(context.genLength / max(context.blockLength, 1), 1)
    let steps = try parameters.int("steps", default: context.genLength, in: 1...Canvas.lengthLimit, defaultText: "gen_length", "model calls in all")
    score = try parameters.choice("score", default: Score.entropy, "what ranks positions; `origin` draws each by itself")
    let eps = try parameters.number("eps", default: 0.001, in: 0...1, "the last time of the grid")
    disorder = try parameters.number("alg_temp", default: 0, in: 0..., "temperature of the order: 0 takes the best scores, more draws among them")
    isOriginal = try parameters.flag("original", default: false, "score the untempered, uncut distribution")
    hasBlocks = try parameters.flag("blocks", default: false, "give each block its share of steps and a grid of its own")
    guard hasBlocks || blocks == 1 else {
      throw ConfigurationError.outOfRange(
        key: "block_length", value: "\(context.blockLength)", expected: "gen_length (\(context.genLength)): it decodes without blocks unless `blocks: true`"
      ).at(path: Self.name)
    }
    guard steps % blocks == 0 else {
      throw ConfigurationError.outOfRange(key: "steps", value: "\(steps)", expected: "a multiple of the number of blocks (\(blocks))").at(path: Self.name)
    }
    sampling = context.sampling
    times = Self.grid(from: 1, to: Float(eps), count: steps / blocks + 1)
  }

  /// Whether scores need every logit of a row.
  private var isTempered: Bool { !isOriginal && sampling.isShaping }

  var needs: Needs { Needs(.window, fullRows: score == .entropy || score != .origin && isTempered) }

  mutating func decide(_ step: inout Step) {
    if hasBlocks, step.shown.block != block { (block, round) = (step.shown.block, 0) }
    defer { round += 1 }
    // A decode that outlasts the grid (another rule revoked) takes all, as its last step does.
    let isLast = round + 2 >= times.count
    let share = isLast ? 1 : 1 - times[round + 1] / times[round]
    let open = step.open
    var chosen: [Int]
    if score == .origin {
      chosen = open.filter { step.passes($0, "share", Double(share), above: step.draw(Self.name, at: $0).uniform) }
    } else {
      let count = isLast ? open.count : Int(Float(step.shown.eligible.count) * share)
      let ranked = count == 0 ? [] : open.ranked { value($0, step) + noise($0, step) }
      chosen = zip(ranked, 1...).filter { step.passes($0, "rank", Double($1), atMost: Double(count)) }.map(\.0)
    }
    if chosen.isEmpty { step.pass() }
    for position in chosen { step.reveal(position) }
  }

  /// Gumbel noise: the best sums are a draw without replacement from the softmax of scores over `alg_temp`.
  private func noise(_ position: Int, _ step: Step) -> Double {
    disorder > 0 ? -disorder * log(-log(step.draw("order", at: position).uniform)) : 0
  }

  private func value(_ position: Int, _ step: Step) -> Double {
    let row = step.belief[position]
    guard isTempered, let logits = row.logits else {
      switch score {
      case .entropy: return row.negativeEntropy
      case .margin: return row.margin
      case .confidence, .origin: return row.confidence
      }
    }
    return Self.value(of: sampling.distribution(logits), proposing: row.token, score)
  }

  /// The score of a distribution over the vocabulary.
  static func value(of shares: [Double], proposing token: Token, _ score: Score) -> Double {
    switch score {
    case .entropy: return shares.reduce(0) { $0 + $1 * log($1 + 1e-10) }
    case .confidence, .origin: return shares.indices.contains(Int(token)) ? shares[Int(token)] : -.infinity
    case .margin:
      let best = shares.reduce((first: 0.0, second: 0.0)) { $1 > $0.first ? ($1, $0.first) : ($0.first, max($0.second, $1)) }
      return best.first - best.second
    }
  }

  /// Evenly spaced numbers in float32, counted from the nearer end: the released code's grid, whose rounding decides how many are revealed.
  static func grid(from start: Float, to end: Float, count: Int) -> [Float] {
    let stride = (end - start) / Float(count - 1)
    return (0..<count).map { $0 < count / 2 ? start + stride * Float($0) : end - stride * Float(count - 1 - $0) }
  }
}

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// How a token is proposed at a position. Temperature picks the token; it never enters a confidence.
public struct Sampling: Sendable, Hashable {
  /// 0 proposes the most probable token.
  public var temperature: Double
  /// Nucleus: the smallest set of tokens whose tempered probability reaches this; 1 keeps all.
  public var topP: Double
  /// Only the `topK` most probable tokens; 0 keeps all.
  public var topK: Int

  /// Settings of a run.
  public init(temperature: Double = 0, topP: Double = 1, topK: Int = 0) {
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
  }

  /// The most probable token, always.
  public static let greedy = Sampling()

  /// Refuses settings out of range.
  public func validate() throws(ConfigurationError) {
    guard temperature.isFinite, temperature >= 0 else { throw .outOfRange(key: "temperature", value: "\(temperature)", expected: "0 or more") }
    guard topP > 0, topP <= 1 else { throw .outOfRange(key: "top_p", value: "\(topP)", expected: "above 0 and at most 1") }
    guard topK >= 0 else { throw .outOfRange(key: "top_k", value: "\(topK)", expected: "0 or more") }
  }

  /// Whether tokens are drawn from anything but the model's own distribution.
  public var isShaping: Bool { temperature > 0 && temperature != 1 || topK > 0 || topP < 1 }

  /// The distribution that tokens are drawn from: tempered, cut by top-p and top-k, in order of token id. Temperature 0 leaves a row untempered.
  public func distribution(_ logits: [Double]) -> [Double] {
    let floor = cutoff(logits)
    let maximum = logits.max() ?? 0
    let shares = logits.map { $0 >= floor && $0 > -.infinity ? exp(($0 - maximum) / scale) : 0 }
    let total = shares.reduce(0, +)
    return total > 0 ? shares.map { $0 / total } : shares
  }

  /// What logits are divided by.
  private var scale: Double { temperature > 0 ? temperature : 1 }

  /// Draws from a row of logits by the Gumbel-max trick in float64: the largest of `z - temperature * ln(-ln u)`.
  ///
  /// - Parameters:
  ///   - logits: a row of `V` logits; tokens at -infinity are never drawn.
  ///   - random: the draw's address; token `v` uses `random[v]`.
  func draw(from logits: [Double], random: SeededRandom) -> Token {
    let floor = cutoff(logits)
    let score = { (token: Int) in logits[token] - temperature * log(-log(random[token].uniform)) }
    // The noise is below 37 temperatures (a uniform draw is at most 1 - 2^-53), so most of a long vocabulary cannot beat the likeliest token's score.
    guard let top = logits.indices.max(by: { logits[$0] < logits[$1] }), logits[top] > -.infinity else { return -1 }
    let reach = score(top) - 37 * temperature
    var best: (token: Int, score: Double) = (-1, -.infinity)
    for token in logits.indices where logits[token] >= floor && logits[token] >= reach {
      let own = score(token)
      if own > best.score { best = (token, own) }
    }
    return Token(best.token)
  }

  /// The smallest logit that survives top-k and the nucleus, both taken on the tempered distribution.
  private func cutoff(_ logits: [Double]) -> Double {
    guard topK > 0 || topP < 1 else { return -.infinity }
    let sorted = logits.filter { $0 > -.infinity }.sorted(by: >)
    guard let maximum = sorted.first else { return -.infinity }
    var floor = -Double.infinity
    if topP < 1 {
      let shares = sorted.map { exp(($0 - maximum) / scale) }
      let total = shares.reduce(0, +)
      var reached = 0.0
      // A token is kept while the mass before it does not exceed top_p, so the first always is.
      for (share, logit) in zip(shares, sorted) {
        if reached > topP * total { break }
        floor = logit
        reached += share
      }
    }
    if topK > 0, topK < sorted.count { floor = max(floor, sorted[topK - 1]) }
    return floor
  }
}

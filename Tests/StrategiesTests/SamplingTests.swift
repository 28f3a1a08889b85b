import Diffusion
import Strategies
import Support
import Testing

/// How tokens are drawn, and what is left alone by it.
@Suite struct SamplingTests {
  static let settings = [
    Sampling(temperature: 0.3), Sampling(temperature: 1), Sampling(temperature: 2), Sampling(temperature: 1, topP: 0.7), Sampling(temperature: 1.5, topK: 3),
    Sampling(temperature: 0.8, topP: 0.9, topK: 2),
  ]
  static let row: [Float] = [2, 1.5, 1, 0, -1, -3, 4]

  static func belief(_ sampling: Sampling) throws -> Belief {
    let vocabulary = Vocabulary(size: row.count, mask: Token(row.count - 1), end: 0)
    let canvas = try Canvas(prompt: [], length: 1, blockLength: 1, vocabulary: vocabulary)
    let summary = try #require(row.withUnsafeBufferPointer { RowSummary($0, reading: Needs(fullRows: true).reading) })
    return Belief([summary], at: [0], of: canvas, sampling: sampling)
  }

  /// Draws are spread as the tempered distribution, cut by the nucleus, then by top-k; the mask, likeliest of all, is never drawn.
  @Test(arguments: settings) func drawsFollowTheDistribution(sampling: Sampling) throws {
    let (belief, draws) = (try Self.belief(sampling), 20_000)
    var counts = Array(repeating: 0.0, count: Self.row.count)
    for draw in 0..<draws { counts[Int(belief.drawing(from: SeededRandom(seed: 5)[draw])[0].token)] += 1 }
    let shares = sampling.distribution(Self.row.dropLast().map(Double.init) + [-.infinity])
    for (count, share) in zip(counts, shares) {
      let spread = (share * (1 - share) / Double(draws)).squareRoot()
      #expect(abs(count / Double(draws) - share) <= 5 * spread)
    }
  }

  @Test(arguments: settings) func distributionsAreCutAndWhole(sampling: Sampling) {
    let logits = Self.row.map(Double.init)
    let shares = sampling.distribution(logits)
    #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
    if sampling.topK > 0 { #expect(shares.count { $0 > 0 } <= sampling.topK) }
    let plain = Sampling(temperature: sampling.temperature).distribution(logits)
    for (kept, share) in zip(shares, plain) where kept > 0 { #expect(kept >= share - 1e-12) }
  }

  /// Thresholds read the untempered belief: the same positions pass at any temperature as long as the same tokens are proposed.
  @Test func confidenceIsUntempered() throws {
    for sampling in Self.settings {
      let row = try Self.belief(sampling)[0]
      #expect(row.confidence == row.probability(of: row.token))
      #expect(try row.entropy == Self.belief(.greedy)[0].entropy)
      #expect(try row.best?.token == Self.belief(.greedy)[0].token)
    }
  }
}

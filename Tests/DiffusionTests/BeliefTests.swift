import Diffusion
import Foundation
import Support
import Testing

/// The sparse overlay against the whole row, done again in float64.
@Suite struct BeliefTests {
  static let size = 40
  static let vocabulary = Vocabulary(size: size, mask: 39, end: 38)

  /// Budget: every statistic within 1e-12, relative where it exceeds 1; probabilities that are not near 1 also within 1e-12 of themselves.
  static func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * max(1, abs(b)) }

  static func row(_ seed: UInt64, sharp: Double, saturated: Bool) -> [Float] {
    let random = SeededRandom(seed: seed)
    return (0..<size).map { token in
      if saturated && token == 38 { return 40 }
      return Float(sharp * (2 * random[token].uniform - 1))
    }
  }

  static func softmax(_ logits: [Double]) -> (p: [Double], logSumExp: Double, entropy: Double) {
    let top = logits.max() ?? 0
    let shares = logits.map { exp($0 - top) }
    // Smallest first: the tail of a saturated row keeps its digits.
    let sum = shares.sorted().reduce(0, +)
    let p = shares.map { $0 / sum }
    return (p, top + log(sum), -p.filter { $0 > 0 }.map { $0 * log($0) }.sorted { abs($0) < abs($1) }.reduce(0, +))
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let add: Bool, suppress: [Token], saturated: Bool
    var testDescription: String { "add \(add) suppress \(suppress) saturated \(saturated)" }
  }
  static let cases = [false, true].flatMap { add in
    [[], [38], [38, 5], [39]].flatMap { suppress in [false, true].map { Case(add: add, suppress: suppress, saturated: $0) } }
  }

  @Test(arguments: cases, [0.5, 4.0, 12.0])
  func overlay(_ example: Case, sharp: Double) throws {
    for seed in 0..<20 as Range<UInt64> {
      let raw = Self.row(seed, sharp: sharp, saturated: example.saturated)
      let gather: [Token] = [3, 17, 20]
      // One token more is withheld than is suppressed: another rule may have named it.
      let reading = Reading(topK: 4, gather: gather, suppress: [38, 5, 39])
      let summary = try #require(raw.withUnsafeBufferPointer { RowSummary($0, reading: reading) })
      let canvas = try Canvas(prompt: [], length: 1, blockLength: 1, vocabulary: Self.vocabulary)
      var belief = Belief([summary], at: [0], of: canvas)
      var logits = raw.map(Double.init)
      if example.add {
        let best = summary.top[0].token
        for (token, mass) in zip(gather + [best, summary.top[2].token, best], [0.3, 2, 7, 1, 0.5, 0.25]) {
          let isAdded = belief.add(mass, to: token, at: 0)
          #expect(isAdded)
          logits[Int(token)] += mass
        }
      }
      belief.suppress(example.suppress)
      for token in example.suppress { logits[Int(token)] = -.infinity }
      let exact = Self.softmax(logits)
      let row = belief[0]
      let order = logits.indices.sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
      let proposal = try #require(order.first { $0 != 39 })
      #expect(row.token == Token(proposal))
      #expect(abs(row.confidence - exact.p[proposal]) <= 1e-12 * exact.p[proposal])
      #expect(Self.close(row.margin, exact.p[order[0]] - exact.p[order[1]]))
      #expect(Self.close(row.gap, logits[order[0]] - logits[order[1]]))
      #expect(Self.close(row.logSumExp, exact.logSumExp))
      #expect(Self.close(row.entropy, exact.entropy))
      #expect(Array(row.candidates.prefix(4).map(\.token)) == order.prefix(4).map { Token($0) })
      for token in gather + [38, 39] {
        if let share = row.probability(of: token) { #expect(Self.close(share, exact.p[Int(token)])) }
      }
      // The raw row is what it was.
      let bare = Self.softmax(raw.map(Double.init))
      #expect(Self.close(belief.raw[0].entropy, bare.entropy) && Self.close(belief.raw[0].logSumExp, bare.logSumExp))
    }
  }

  @Test func aSaturatedEndTokenHidesNothing() throws {
    var raw = [Float](repeating: -10, count: Self.size)
    (raw[38], raw[7], raw[8]) = (40, 12.2, 11.4)
    let summary = try #require(raw.withUnsafeBufferPointer { RowSummary($0, reading: Reading(suppress: [38])) })
    let canvas = try Canvas(prompt: [], length: 1, blockLength: 1, vocabulary: Self.vocabulary)
    var belief = Belief([summary], at: [0], of: canvas)
    #expect(belief[0].token == 38 && 1 - belief[0].confidence < 2e-12)
    belief.suppress([38])
    var logits = raw.map(Double.init)
    logits[38] = -.infinity
    let exact = Self.softmax(logits)
    #expect(belief[0].token == 7)
    #expect(abs(belief[0].confidence / exact.p[7] - 1) <= 1e-12 && abs(belief[0].entropy / exact.entropy - 1) <= 1e-12)
    #expect(belief[0].probability(of: 38) == 0)
  }

  @Test func rowsNotAskedFor() throws {
    let summary = try #require([Float](repeating: 0, count: Self.size).withUnsafeBufferPointer { RowSummary($0, reading: Reading()) })
    let canvas = try Canvas(prompt: [1], length: 4, blockLength: 4, vocabulary: Self.vocabulary)
    var belief = Belief([summary, summary], at: [2, 9], of: canvas)
    #expect(belief.positions == [2])
    for position in [0, -1, 4, Int.max] {
      #expect(!belief[position].isKnown && belief[position].token == -1 && belief[position].confidence == -.infinity && belief[position].entropy.isNaN)
      #expect(!belief.raw[position].isKnown && belief.hidden(position) == nil)
    }
    for (mass, token, position) in [(1, 0, 0), (-1, 0, 2), (.nan, 0, 2), (.infinity, 0, 2), (1, 30, 2), (1, -3, 2)] as [(Double, Token, Int)] {
      let isAdded = belief.add(mass, to: token, at: position)
      #expect(!isAdded)
    }
    #expect(belief[2].token == 0 && belief[2].margin == 0 && belief[2].probabilities == nil && belief[2].probability(of: 30) == nil)
  }

  @Test func wholeRows() throws {
    let raw = Self.row(3, sharp: 3, saturated: false)
    let summary = try #require(raw.withUnsafeBufferPointer { RowSummary($0, reading: Reading(suppress: [38], fullRows: true)) })
    let canvas = try Canvas(prompt: [], length: 1, blockLength: 1, vocabulary: Self.vocabulary)
    var belief = Belief([summary], at: [0], of: canvas)
    let isAdded = belief.add(2.5, to: 30, at: 0)
    #expect(isAdded)
    belief.suppress([38])
    var logits = raw.map(Double.init)
    logits[30] += 2.5
    logits[38] = -.infinity
    let exact = Self.softmax(logits)
    let shares = try #require(belief[0].probabilities)
    #expect(zip(shares, exact.p).allSatisfy { Self.close($0, $1) } && shares[38] == 0)
    #expect(Self.close(belief[0].negativeEntropy, exact.p.reduce(0) { $0 + $1 * log($1 + 1e-10) }))
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func topKIsASortWithTies(seed: UInt64) throws {
    let random = SeededRandom(seed: seed)
    // Few levels, so that ties are everywhere, also across the edge of the k.
    let raw = (0..<50).map { Float(random[$0].integer(below: 1 + Int(seed) % 7)) }
    for k in [1, 3, 8, 49, 50, 60] {
      let summary = try #require(raw.withUnsafeBufferPointer { RowSummary($0, reading: Reading(topK: k, gather: [49, 0, 77, -2])) })
      let order = raw.indices.sorted { raw[$0] != raw[$1] ? raw[$0] > raw[$1] : $0 < $1 }
      #expect(summary.top.map(\.token) == order.prefix(k).map { Token($0) })
      #expect(summary.gathered == [Candidate(token: 49, logit: raw[49]), Candidate(token: 0, logit: raw[0])])
      #expect(summary.full == nil && summary.remaining == nil)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 7, 19])
  func nonFiniteRowsAreRefused(value: Float, place: Int) {
    var raw = (0..<20).map { Float($0) }
    raw[place] = value
    #expect(raw.withUnsafeBufferPointer { RowSummary($0, reading: Reading()) } == nil)
    #expect([Float]().withUnsafeBufferPointer { RowSummary($0, reading: Reading()) } == nil)
  }

  @Test func theMaskIsNeverProposedAndKeepsItsShare() throws {
    var raw = [Float](repeating: 0, count: 4)
    (raw[3], raw[1]) = (5, 1)
    let vocabulary = Vocabulary(size: 4, mask: 3, end: 2)
    let summary = try #require(raw.withUnsafeBufferPointer { RowSummary($0, reading: Reading(fullRows: true)) })
    let canvas = try Canvas(prompt: [], length: 1, blockLength: 1, vocabulary: vocabulary)
    let row = Belief([summary], at: [0], of: canvas)[0]
    let exact = Self.softmax(raw.map(Double.init))
    #expect(row.token == 1 && Self.close(row.confidence, exact.p[1]) && Self.close(row.margin, exact.p[3] - exact.p[1]))
    for draw in 0..<200 {
      let belief = Belief([summary], at: [0], of: canvas, sampling: Sampling(temperature: 2)).drawing(from: SeededRandom(seed: 1)[draw])
      let token = belief[0].token
      #expect(token != 3 && Self.close(belief[0].confidence, exact.p[Int(token)]))
    }
  }
}

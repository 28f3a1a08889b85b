import Diffusion
import Foundation
import Models
import Testing

/// Rows of long vocabularies, read in segments, against rows read token by token.
@Suite struct LongRowTests {
  @Test func exponentialWithinOneUlp() {
    // `exp` of the C library is off by less than 0.52 ulp itself.
    var worst = 0.0
    for span in [708.0, 1.0] {
      let x: [Double] = (0...200_000).map { (index: Int) -> Double in -span * Double(index) / 200_000 }
      for (input, output) in zip(x, Kernels.exp64(x)) {
        let exact: Double = exp(input)
        worst = max(worst, abs(output - exact) / exact.ulp)
      }
    }
    #expect(worst <= 1, "worst difference \(worst) ulp")
    #expect(Kernels.exp64([0, -0.0, -708.5, -1e300, -.infinity]) == [1, 1, 0, 0, 0])
  }

  static let readings = [
    Reading(topK: 1), Reading(topK: 7, gather: [0, 4095, 4096, 2047, 5, 5, 99999, -1]), Reading(topK: 3, gather: [8], suppress: [2048, 8, 8, 123_456_789]),
    Reading(topK: 4000), Reading(topK: 1, suppress: (0..<2048).map { Token($0) }),
  ]

  private func row(_ count: Int, seed: UInt64) -> [Float] {
    // Many equal logits, so that ties are met, and one that holds nearly everything.
    var x = Fixture.floats(count, seed: seed).map { ($0 * 40).rounded() / 4 }
    x[count / 3] = 25
    return x
  }

  @Test(arguments: [4096, 5000, 6143, 6145], readings) func summariesAreThoseOfTheWholeRow(_ count: Int, _ reading: Reading) throws {
    let x = row(count, seed: UInt64(count))
    let (found, expected) = try x.withUnsafeBufferPointer {
      (try #require(LongRows.summary($0, reading: reading)), try #require(RowSummary($0, reading: reading)))
    }
    #expect(found.top == expected.top && found.gathered == expected.gathered && found.withheld == expected.withheld)
    #expect(found.full == expected.full && (found.remaining == nil) == (expected.remaining == nil))
    check(found.mass, expected.mass)
    if let rest = found.remaining, let other = expected.remaining { check(rest, other) }
  }

  private func check(_ found: Mass, _ expected: Mass) {
    let distance: Double = abs(found.logSumExp - expected.logSumExp)
    #expect(distance <= 1e-13 * abs(expected.logSumExp))
    #expect(abs(found.entropy - expected.entropy) <= 1e-12)
    #expect(found.maximum == expected.maximum)
  }

  @Test func everyPathGivesTheSameBits() throws {
    defer { Kernels.reset() }
    var results: Set<[UInt64]> = []
    for path in Kernels.paths where Kernels.select(path) {
      let mass = try row(5001, seed: 3).withUnsafeBufferPointer { try #require(LongRows.summary($0, reading: Reading(topK: 2, suppress: [7]))).mass }
      results.insert([mass.maximum, mass.sum, mass.weighted].map(\.bitPattern))
    }
    #expect(results.count == 1)
  }

  @Test func whatIsNotFiniteGivesNothing() {
    for bad in [Float.nan, .infinity, -.infinity] {
      for place in [0, 2047, 2048, 4999] {
        var x = row(5000, seed: 1)
        x[place] = bad
        let found = x.withUnsafeBufferPointer { LongRows.summary($0, reading: Reading()) }
        #expect(found == nil)
      }
    }
  }

  @Test(arguments: [Linear.Holding.packed, .stored, .integers]) func aModelReadsSegmentsAsItReadsRows(_ holding: Linear.Holding) throws {
    let shape = Fixture.shape(layers: 1, width: 16, heads: 2, groups: 2, feedForward: 16, vocabulary: 9001, scaled: true, biases: true)
    try Fixture.withDirectory { directory in
      try RandomModel.write(shape, to: directory, seed: 7)
      let reading = Reading(topK: 5, gather: [1, 8999], suppress: [3, 4097], hidden: true)
      var whole = reading
      whole.fullRows = true
      let queries = [100, 7, 1].map { Query(tokens: Fixture.tokens($0, seed: $0), rows: Array(0..<$0), reading: reading) }
      let expected = try TransformerDenoiser(Transformer(directory: directory, holding: holding)).believe(
        queries.map { Query(tokens: $0.tokens, rows: $0.rows, reading: whole) })
      for threads in [1, 3] {
        let model = TransformerDenoiser(try Transformer(directory: directory, threads: threads, holding: holding))
        let together = try model.believe(queries)
        for (a, b) in zip(together, expected) { for (x, y) in zip(a.rows, b.rows) { same(x, y) } }
        let some = try model.believe([Query(tokens: queries[0].tokens, rows: [50, 99], reading: reading)])[0].rows
        same(some[0], expected[0].rows[50])
        same(some[1], expected[0].rows[99])
      }
    }
  }

  private func same(_ a: RowSummary, _ b: RowSummary) {
    #expect(a.top == b.top && a.gathered == b.gathered && a.withheld == b.withheld && a.hidden == b.hidden)
    #expect(a.mass == b.mass && a.remaining == b.remaining && a.full == nil && b.full != nil)
  }
}

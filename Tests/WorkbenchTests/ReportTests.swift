import Diffusion
import Foundation
import Models
import Testing

@testable import Workbench

/// Numbers and tables that people read.
@Suite struct ReportTests {
  @Test func meansAreClustered() {
    // Two seeds that agree carry no more information than one.
    let once = Estimate.mean([[1], [0], [1], [1]])
    let twice = Estimate.mean([[1, 1], [0, 0], [1, 1], [1, 1]])
    #expect(once == twice)
    #expect(once.value == 0.75)
    // sqrt(s^2 / n) with s^2 = 0.25.
    #expect(abs(once.error - 0.25) < 1e-15)
    #expect(Estimate.mean([[1]]).error.isNaN)
  }

  @Test func ratiosAreSumsOverSums() {
    let ratio = Estimate.ratio([[(10, 1)], [(10, 9)]])
    #expect(ratio.value == 2)
    // Residuals 8 and -8: sqrt(128 / 1 / 2) / 5.
    #expect(abs(ratio.error - 1.6) < 1e-12)
    #expect(Estimate.ratio([[(4, 2)], [(8, 4)]]).error == 0)
    // Seeds that agree carry no more information than one.
    #expect(Estimate.ratio([[(10, 1), (10, 1)], [(10, 9), (10, 9)]]) == ratio)
  }

  @Test(arguments: [
    (1.25, 1, "1.3"), (0.0, 2, "0.00"), (-0.004, 2, "0.00"), (-1.5, 1, "-1.5"), (12.0, 0, "12"), (0.05, 1, "0.1"), (.nan, 1, "–"), (.infinity, 1, "∞"),
  ])
  func fixedDecimals(_ value: Double, _ decimals: Int, _ text: String) { #expect(fixed(value, decimals) == text) }

  @Test func tablesAlign() {
    #expect(
      TextTable([["one-by-one", "1.0"], ["b", "12.5"]], header: ["strategy", "x"], numeric: [1]).text == """
        strategy       x
        ──────────  ────
        one-by-one   1.0
        b           12.5
        """)
  }
}

/// How far responses are from the baseline's.
@Suite struct FidelityTests {
  static func outcome(_ tokens: [Token], given: Int = 0) throws -> Outcome {
    let length = tokens.firstIndex(of: 9) ?? tokens.count
    let text = """
      {"answer_tokens":\(length - given),"canvases":1,"correct":false,"kind":"k","level":1,"logit_rows":1,"positions":1,"problem":"p","rounds":1,"score":0,"seed":0,
      "text":"","tokens":\(tokens.map(Int.init))}
      """
    return try #require(Outcome(line: Array(text.utf8)))
  }

  @Test(
    arguments: [
      ([1, 2, 3, 9], [1, 2, 3, 9], 1.0, nil), ([1, 2, 3, 9], [1, 5, 3, 9], 2.0 / 3, 1), ([1, 2, 9, 7], [1, 2, 9, 4], 1, nil),
      ([1, 2, 9, 9], [1, 2, 3, 4], 0.5, 2), ([9, 9], [9, 1], 1, nil), ([9, 9], [1, 9], 0, 0), ([1, 2, 3], [1, 2], 2.0 / 3, 2),
    ] as [([Token], [Token], Double, Int?)])
  func tokensAreComparedToTheEndOfTheLongerAnswer(_ a: [Token], _ b: [Token], _ share: Double, _ first: Int?) throws {
    for (own, other) in [(a, b), (b, a)] {
      let fidelity = Fidelity(try Self.outcome(own), try Self.outcome(other), end: 9)
      #expect(fidelity.tokens == share && fidelity.firstDifference == first)
    }
  }

  @Test func givenTokensDoNotCount() throws {
    // Two of four tokens are given; one of the other two differs.
    let fidelity = Fidelity(try Self.outcome([1, 2, 3, 4], given: 2), try Self.outcome([1, 2, 3, 5], given: 2), end: 9)
    #expect(fidelity.tokens == 0.5 && fidelity.firstDifference == 3)
  }

  @Test func reportsShowItBesideAccuracy() throws {
    let folder = try Folder()
    let results = try RunnerTests().plans().map { try #require(try Runner(output: folder.path).result($0)) }
    let report = Report(results, baseline: "one-by-one")
    #expect(report.text.contains("strategy    accuracy %  ± se  agreement %  tokens %  differs at"))
    let own = try #require(report.rows.first)
    #expect(own.agreement?.value == 1 && own.tokenAgreement?.value == 1 && own.firstDifference?.value.isNaN == true)
    let end = results[0].plan.model.denoiser.vocabulary.end
    let pairs = zip(results[1].outcomes, results[0].outcomes).map { Fidelity($0, $1, end: end) }
    #expect(abs((report.rows[1].tokenAgreement?.value ?? -1) - pairs.map(\.tokens).reduce(0, +) / Double(pairs.count)) < 1e-12)
    #expect(report.text.contains("one-by-one") && !report.text.contains("not known"))
    #expect(
      report.legend(baseline: "one-by-one")
        == "ms: decoding milliseconds per sample; against one-by-one: agreement: same final answer, tokens: same answer tokens, "
        + "differs at: the first other one, rounds ÷, speedup")
  }

  /// Whatever the baseline is, tokens are compared with the run whose rules reveal one token per round, whatever its name.
  @Test(arguments: [nil, "fast"]) func itIsMeasuredAgainstOneByOne(_ baseline: String?) throws {
    let folder = try Folder()
    let text = """
      name: small
      benchmark: {name: lists, split: dev, limit: 4}
      strategies:
        fast: [quota: {steps: 4}]
        plain: [quota: {}]
      """
    let results = try RunnerTests().plans(text).map { try #require(try Runner(output: folder.path).result($0)) }
    let report = Report(results, baseline: baseline)
    let end = results[0].plan.model.denoiser.vocabulary.end
    let pairs = zip(results[0].outcomes, results[1].outcomes).map { Fidelity($0, $1, end: end) }
    #expect(report.rows.map(\.reference) == ["plain", "plain"] && report.rows[1].tokenAgreement?.value == 1)
    #expect(abs((report.rows[0].tokenAgreement?.value ?? -1) - pairs.map(\.tokens).reduce(0, +) / Double(pairs.count)) < 1e-12)
    #expect(report.rows.map { $0.agreement == nil } == [baseline == nil, baseline == nil])
    let fast = "; against fast: agreement: same final answer, rounds ÷, speedup"
    #expect(
      report.legend(baseline: baseline)
        == "ms: decoding milliseconds per sample" + (baseline == nil ? "" : fast)
        + "; against plain, one token per round: tokens: same answer tokens, differs at: the first other one")
    // A name alone makes no reference, and what is not known is said.
    let named = try RunnerTests().plans(text.replacing("fast:", with: "one-by-one:").replacing("\n  plain: [quota: {}]", with: ""))
    let alone = Report(try named.map { try #require(try Runner(output: folder.path).result($0)) }, baseline: "one-by-one")
    #expect(alone.rows.count == 1 && alone.rows[0].tokenAgreement == nil && alone.rows[0].firstDifference == nil && alone.rows[0].reference == nil)
    #expect(alone.rows[0].agreement?.value == 1 && alone.text.contains("tokens % and differs at are not known: no finished run here decodes one token"))
  }
}

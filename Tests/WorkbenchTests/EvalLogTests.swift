import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Sample logs of lm-evaluation-harness (Fixtures/benchmarks/lm-eval, written as its version 0.4 writes them).
@Suite struct EvalLogTests {
  private func log(_ name: String, filter: String? = nil, metric: String? = nil) throws -> EvalLog {
    try EvalLog("\(FileBenchmarkTests.data)/lm-eval/\(name).jsonl", filter: filter, metric: metric)
  }

  @Test func aLogIsReadByItsFilter() throws {
    let (strict, flexible, base) = (try log("worse"), try log("worse", filter: "flexible-extract"), try log("base"))
    #expect(strict.entries.count { $0.isCorrect } == 2 && flexible.entries.count { $0.isCorrect } == 6)
    #expect(base.filter == "strict-match" && base.metric == "exact_match" && base.entries.count == 20)
    #expect(throws: ConfigurationError.self) { try log("base", filter: "strict") }
    #expect(throws: ConfigurationError.self) { try log("base", metric: "acc") }
    #expect(throws: ConfigurationError.self) { try log("base", metric: "doc_id") }
  }

  @Test func logsAreComparedInPairs() throws {
    let comparison = try EvalLogComparison([log("base"), log("worse"), log("same")])
    #expect(comparison.pairs[0].lost == Array(0..<10) + [10, 11, 12, 13] && comparison.pairs[0].won == [14, 15])
    // Of 16 that differ 2 are won: 2 (1 + 16 + 120) / 2^16, and twice that for two comparisons.
    #expect(abs(comparison.pairs[0].p - 274.0 / 65536) < 1e-12 && abs(comparison.pairs[0].adjusted - 2 * comparison.pairs[0].p) < 1e-12)
    #expect(comparison.pairs[1].lost == [13] && comparison.pairs[1].p == 1 && comparison.pairs[1].agreement == 0.95)
    #expect(comparison.regression?.contains("worse.jsonl") == true && comparison.regression?.contains("same") == false)
    #expect(comparison.text.contains("70.0"))
    #expect(throws: ConfigurationError.self) { try EvalLogComparison([log("base")]) }
    #expect(throws: ConfigurationError.self) { try EvalLogComparison([log("base"), log("other")]) }
  }
}

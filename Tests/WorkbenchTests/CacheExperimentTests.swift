import Diffusion
import Foundation
import Models
import Strategies
import Testing

@testable import Traces
@testable import Workbench

/// Caches in experiments and commands.
@Suite struct CacheExperimentTests {
  static let text = """
    name: c
    benchmark: {name: lists, split: dev, limit: 3}
    trace: fidelity
    baseline: one-by-one
    strategies:
      one-by-one: [quota: {}]
      cached:
        use: [quota: {}]
        sweep: {cache: [none, {policy: dkv, refresh: 4}]}
      refreshed: {use: [quota: {}], cache: dual, sweep: {cache.refresh: [2, 3]}}
    """

  private func plans(_ text: String) throws -> [RunPlan] {
    try ExperimentFileTests.with(text) { try ExperimentFile($0).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans }
  }

  @Test func aCacheIsPartOfARunsIdentityAndNoneIsNot() throws {
    let plans = try plans(Self.text)
    #expect(
      plans.map(\.cell.label) == ["one-by-one", "cached cache=none", "cached cache={policy: dkv, refresh: 4}", "refreshed refresh=2", "refreshed refresh=3"])
    #expect(plans.map { $0.cache?.name } == [nil, nil, "dkv", "dual", "dual"])
    #expect(plans[0].digest == plans[1].digest && Set(plans.map(\.digest)).count == 4)
    #expect(plans[2].config["cache"]?["variant"] == "decode", "defaults are filled in")
    let everywhere = try self.plans(Self.text + "\ncache: dual\n")
    #expect(everywhere.map { $0.cache?.name } == ["dual", nil, "dkv", "dual", "dual"])
  }

  /// Fidelity of tokens is measured against what no cache has touched.
  @Test func onlyARunWithoutACacheIsOneByOne() throws {
    let plans = try plans(
      Self.text.replacing("[quota: {}]", with: "[quota: {steps: 24}]").replacing("limit: 3}", with: "limit: 3}\ndecoding: {gen_length: 24, block_length: 24}"))
    #expect(plans.map(\.isOneByOne) == [true, true, false, false, false])
  }

  @Test func mistakesHaveTheirPlace() throws {
    func mistakes(_ old: String, _ new: String) throws -> String { try ExperimentFileTests.mistakes(Self.text.replacing(old, with: new)) }
    #expect(try mistakes("cache: dual", "cache: duel").contains("no cache policy named `duel`; did you mean `dual`?"))
    #expect(try mistakes("cache.refresh", "cache.refesh").contains("cache has no setting `refesh`; did you mean `refresh`?"))
    #expect(try mistakes("cache: dual, ", "").contains("needs `cache`"))
  }

  @Test func runsAreMeasuredReplayedAndCompared() throws {
    let folder = try Folder()
    let file = folder.path + "/c.yaml"
    // A run's identity stands for one strategy here: the two without a cache are one.
    try Self.text.replacing("[none, ", with: "[").write(toFile: file, atomically: true, encoding: .utf8)
    let out = folder.path + "/out"
    let run = try Command.run(["run", file, "--output", out, "--json"])
    #expect(run.code == 0, "\(run.errors)")
    let table = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
    let kl = table.map { ($0["fidelity"] as? [String: Double])?["kl"] }
    #expect(kl.count == 4 && kl[0] == 0 && kl[1...].allSatisfy { ($0 ?? 0) > 0 }, "\(kl)")
    let positions = table.compactMap { $0["positions"] as? Double }
    #expect(positions[1...].allSatisfy { $0 < positions[0] })
    for plan in try ExperimentFile(file).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans {
      let trace = out + "/c/\(plan.digest)/trace.h5"
      #expect(try TraceFile.read(trace).validate() == [])
      #expect(try Command.run(["replay", trace, "--verify"]).code == 0)
    }
    // The same rules again, round by round along the record: over the same cache they decide as they did. A tape of beliefs cannot say.
    let cached = try #require(
      try ExperimentFile(file).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans.first { $0.cache?.name == "dkv" })
    let session = try TraceSession(TraceFile.read(out + "/c/\(cached.digest)/trace.h5"), catalog: .standard, benchmarks: .standard)
    let canvases = try session.canvases(of: 0)
    let same = try WhatIf(
      session, 0, session.pipeline(), canvases: canvases, on: ModelLibrary.load("reference").denoiser(session.cache), holds: { _ in true })
    #expect(same.ending == .complete && same.parting == nil && same.counts.rounds == same.rounds && same.along.count == same.rounds)
    let tape = try Command.run(["replay", out + "/c/\(cached.digest)/trace.h5", "--verify", "--tape"])
    #expect(tape.code == 2 && tape.errors.contains("records no beliefs") || tape.errors.contains("decoded over the cache `dkv`"), "\(tape.errors)")
    // Caches are compared like settings: in one group, against one baseline.
    let pareto = try Command.run(["pareto", out + "/c", "--x", "positions"])
    #expect(
      pareto.code == 0 && pareto.output.contains("3 problems") && pareto.output.components(separatedBy: "accuracy against").count == 2, "\(pareto.output)")
  }
}

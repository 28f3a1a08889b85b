import Diffusion
import Foundation
import Models
import Strategies
import Testing
import Traces

@testable import Workbench

/// Samples that reach `max_rounds`: kept as they stand, counted as wrong, and not decoded again.
@Suite struct IncompleteTests {
  private static let free = """
    name: bounded
    benchmark: {name: infill, split: dev, limit: 8}
    baseline: one-by-one
    strategies:
      one-by-one: [quota: {}]
      threshold: [threshold: {confidence: 0.7}]
    """

  /// Decoded once, without a bound; the folder lives as long as the tests.
  private static let unbounded = Result {
    let folder = try Folder()
    return (folder: folder, result: try #require(try Runner(output: folder.path).result(RunnerTests().plans(free)[0])))
  }

  /// One token per round takes as many rounds as tokens are not given, and `infill` gives more of them in one problem than in another: a bound that some
  /// problem keeps and some other breaks, whatever the model has learned.
  private static func bounded(_ output: String, trace: String = "edits") throws -> (plan: RunPlan, free: RunResult, text: String) {
    let whole = try unbounded.get().result
    let bound = try #require(whole.outcomes.map(\.rounds).min())
    #expect(whole.outcomes.contains { $0.rounds > bound })
    let text = free + "\ndecoding: {max_rounds: \(bound)}\ntrace: \(trace)"
    return (try RunnerTests().plans(text)[0], whole, text)
  }

  @Test(arguments: ["none", "edits", "beliefs"]) func theyAreKept(_ level: String) throws {
    let folder = try Folder()
    let (plan, free, _) = try Self.bounded(folder.path, trace: level)
    let runner = Runner(output: folder.path)
    let result = try #require(try runner.result(plan))
    let mask = plan.model.denoiser.vocabulary.mask
    for (outcome, whole) in zip(result.outcomes, free.outcomes) {
      guard whole.rounds > plan.maxRounds else {
        #expect(outcome == whole && outcome.isComplete)
        continue
      }
      #expect(!outcome.isComplete && !outcome.correct && outcome.score == 0 && outcome.extracted == nil && outcome.details == nil)
      #expect(outcome.rounds == plan.maxRounds && outcome.canvases == plan.maxRounds && outcome.tokens.contains(mask))
      #expect(outcome.answerTokens < whole.answerTokens || outcome.tokens.contains(plan.model.denoiser.vocabulary.end))
      #expect(zip(outcome.tokens, whole.tokens).allSatisfy { $0 == $1 || $0 == mask }, "the rounds before the bound are those of the whole decode")
    }
    let trace = try TraceFile.read(result.directory + "/trace.h5")
    #expect(trace.validate() == [])
    #expect(trace["samples"]?["complete"]?.integers == result.outcomes.map { $0.isComplete ? 1 : 0 })
    for (sample, outcome) in zip(try trace.samples(), result.outcomes) {
      #expect(sample.isComplete == outcome.isComplete && sample.response.contains(-1) == !outcome.isComplete)
      #expect(sample.roundCount == outcome.rounds && sample.cost.positions == outcome.positions)
    }
    // It is finished work: the same command changes nothing.
    #expect(try runner.finished(plan) == 8)
    let before = try folder.bytes(result.directory + "/trace.h5")
    #expect(try runner.result(plan)?.outcomes == result.outcomes)
    #expect(try folder.bytes(result.directory + "/trace.h5") == before)
  }

  @Test func completeRunsSayNothingOfIt() throws {
    let folder = try Folder()
    let (_, free, _) = try Self.bounded(folder.path)
    #expect(try !folder.text(free.directory + "/outcomes.jsonl").contains("incomplete"))
    #expect(try TraceFile.read(free.directory + "/trace.h5")["samples"]?["complete"] == nil)
  }

  @Test func theySurviveAStop() throws {
    let folder = try Folder()
    let (plan, _, _) = try Self.bounded(folder.path)
    let whole = try #require(try Runner(output: folder.path + "/whole").result(plan))
    let runner = Runner(output: folder.path + "/parts", jobs: 2)
    let done = Counter()
    #expect(try runner.result(plan, advance: { done.add() }, while: { done.value < 3 }) == nil)
    let entries = try Journal.peek(runner.directory(of: plan) + "/journal", runDigest: plan.digest)
    #expect(entries.allSatisfy { entry in whole.outcomes.contains { $0.problem == entry.sample.problem && $0.isComplete == entry.sample.isComplete } })
    let parts = try #require(try runner.result(plan))
    #expect(try folder.bytes(whole.directory + "/outcomes.jsonl") == folder.bytes(parts.directory + "/outcomes.jsonl"))
    #expect(try TraceFile.read(whole.directory + "/trace.h5").differences(from: TraceFile.read(parts.directory + "/trace.h5")) == [])
  }

  @Test func aTraceHasToSayIt() throws {
    let folder = try Folder()
    for level in ["none", "edits"] {
      let (plan, _, _) = try Self.bounded(folder.path, trace: level)
      let result = try #require(try Runner(output: folder.path + "/" + level).result(plan))
      let trace = try TraceFile.read(result.directory + "/trace.h5")
      let flags = result.outcomes.map { Int8($0.isComplete ? 1 : 0) }
      let unfinished = try #require(flags.firstIndex(of: 0))
      let finished = try #require(flags.firstIndex(of: 1))
      func faults(_ column: Column?) -> [String] {
        var other = trace
        let table = other.tables.firstIndex { $0.name == "samples" } ?? 0
        other.tables[table]["complete"] = column
        return other.validate().map { "\($0)" }
      }
      #expect(!faults(nil).isEmpty && faults(nil).contains { $0.contains("it counts as complete, but") })
      for (row, words) in [(unfinished, "it counts as complete, but"), (finished, "complete is 0, but no position of its response is masked")] {
        var wrong = flags
        wrong[row] = 1 - wrong[row]
        #expect(faults(.int8(wrong)).contains { $0.contains(words) })
        wrong[row] = 2
        #expect(faults(.int8(wrong)).contains { $0.contains("complete is 2, not 1 or 0") })
      }
      #expect(faults(.int8(flags + [1])).contains { $0.contains("`complete` has \(flags.count + 1) values") })
    }
  }

  @Test func reportsCountThem() throws {
    let folder = try Folder()
    let (_, _, text) = try Self.bounded(folder.path)
    let results = try RunnerTests().plans(text).map { try #require(try Runner(output: folder.path).result($0)) }
    let report = Report(results, baseline: "one-by-one")
    let broken = results[0].outcomes.count { !$0.isComplete }
    #expect(report.rows.map(\.incomplete) == [broken, 0])
    #expect(report.rows[0].accuracy.value <= 1 - Double(broken) / 8)
    #expect(report.text.contains("incomplete") && report.json.json.replacing(" ", with: "").contains("\"incomplete\":\(broken),"))
    let agreement = try #require(report.rows[0].agreement?.value)
    #expect(agreement == 1 - Double(broken) / 8, "a sample without a final answer agrees with none, not even with itself")
    let tokens = try #require(report.rows[0].tokenAgreement?.value)
    #expect(tokens < 1 && tokens > 0)
    let whole = try RunnerTests().plans(Self.free).map { try #require(try Runner(output: folder.path).result($0)) }
    #expect(!Report(whole, baseline: "one-by-one").text.contains("incomplete"))
  }

  /// Every command that reads traces takes one of these.
  @Test func commandsTakeThem() throws {
    let folder = try Folder()
    let (plan, _, text) = try Self.bounded(folder.path, trace: "beliefs")
    let file = folder.path + "/e.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let run = try Command.run(["run", file, "--output", folder.path])
    #expect(run.code == 3)
    let result = try #require(try Runner(output: folder.path).result(plan))
    let broken = result.outcomes.filter { !$0.isComplete }
    #expect(run.output.contains("\(broken.count) of 8 samples reached max_rounds"), "\(run.output)")
    #expect(try Command.run(["run", file, "--output", folder.path]).code == 3)
    let trace = result.directory + "/trace.h5"
    let problem = try #require(broken.first?.problem)
    let whole = try #require(result.outcomes.first(where: \.isComplete)?.problem)
    let change = folder.path + "/s.yaml"
    try "threshold: {confidence: 0.5}".write(toFile: change, atomically: true, encoding: .utf8)
    for (arguments, codes) in [
      (["trace", "validate", trace], [0]), (["trace", "inspect", trace], [0]), (["replay", trace, "--verify"], [0]),
      (["replay", trace, "--sample", problem], [0]), (["replay", trace, "--sample", problem, "--html", folder.path + "/p.html"], [0]),
      (["replay", trace, "--sample", problem, "--against", trace], [0]), (["replay", trace, "--what-if", change], [0, 1, 2, 3]),
      (["explain", trace, "--sample", problem, "--position", "\(broken[0].tokens.count - 1)"], [0]),
      (["trace", "export", trace, "--format", "step-map"], [0]), (["trace", "export", trace, "--format", "csv", "--table", "samples"], [0]),
      (["replay", trace, "--sample", whole], [0]),
    ] as [([String], [Int32])] {
      let result = try Command.run(arguments)
      #expect(codes.contains(result.code), "\(arguments): \(result.code) \(result.errors)")
    }
    #expect(try Command.run(["trace", "inspect", trace]).output.contains("\(broken.count) incomplete"))
  }
}

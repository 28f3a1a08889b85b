import Diffusion
import Foundation
import Models
import Strategies
import Synchronization
import Testing
import Traces

@testable import Workbench

/// Runs on the shipped model: however a run is made, its files are the same.
@Suite struct RunnerTests {
  static let text = """
    name: small
    benchmark: {name: lists, split: dev, limit: 6}
    baseline: one-by-one
    strategies:
      one-by-one: [quota: {}]
      threshold: [threshold: {confidence: 0.7}]
    """

  func plans(_ text: String = RunnerTests.text) throws -> [RunPlan] {
    try Experiment(YAML.parse(text)).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)
  }

  @Test func runsRecordWhatTheyDecode() throws {
    let folder = try Folder()
    let plan = try #require(try plans().last)
    let result = try #require(try Runner(output: folder.path).result(plan))
    #expect(result.outcomes.map(\.problem) == (0..<6).map { "lists/dev/\($0)" })
    #expect(result.isTimed && result.seconds.allSatisfy { $0 > 0 })
    let trace = try TraceFile.read(result.directory + "/trace.h5")
    #expect(trace.validate() == [])
    #expect(trace.attributes.status == .complete && trace.attributes.timing == .exclusive && trace.attributes.runDigest == plan.digest)
    for (sample, outcome) in zip(try trace.samples(), result.outcomes) {
      #expect(sample.problem == outcome.problem && sample.response == outcome.tokens && sample.roundCount == outcome.rounds)
      #expect(sample.cost == Cost(canvases: outcome.canvases, positions: outcome.positions, logitRows: outcome.logitRows))
      #expect(sample.correct == (outcome.correct ? 1 : 0) && sample.answerTokens == outcome.answerTokens)
      #expect(Set(sample.edits.map(\.edit.author)).isSubset(of: ["threshold", "progress"]))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: result.directory).sorted() == ["outcomes.jsonl", "run.yaml", "trace.h5"])
    // The same command again finds everything done and changes nothing.
    let before = try folder.bytes(result.directory + "/trace.h5")
    let again = try #require(try Runner(output: folder.path).result(plan))
    #expect(again.outcomes == result.outcomes)
    #expect(try folder.bytes(result.directory + "/trace.h5") == before)
  }

  @Test(arguments: [1, 2, 8]) func workersAndStopsChangeNothing(_ jobs: Int) throws {
    let folder = try Folder()
    let plan = try #require(try plans().first)
    let whole = try #require(try Runner(output: folder.path + "/whole").result(plan))
    // Stopped after two samples, gone on with, asked for more, in parallel.
    let runner = Runner(output: folder.path + "/parts", jobs: jobs)
    let done = Mutex(0)
    let stopped = try runner.result(plan, advance: { done.withLock { $0 += 1 } }, while: { done.withLock { $0 } < 2 })
    #expect(stopped == nil)
    let kept = try runner.finished(plan)
    #expect(kept >= 2 && kept < 6)
    let parts = try #require(try runner.result(plan))
    #expect(try folder.bytes(whole.directory + "/outcomes.jsonl") == folder.bytes(parts.directory + "/outcomes.jsonl"))
    #expect(try TraceFile.read(whole.directory + "/trace.h5").differences(from: TraceFile.read(parts.directory + "/trace.h5")) == [])
    #expect(!parts.isTimed, "what went on after a stop is no speed")
  }

  @Test func aLimitIsNotPartOfTheRun() throws {
    let folder = try Folder()
    let few = try #require(try plans(Self.text.replacing("limit: 6", with: "limit: 2")).first)
    let many = try #require(try plans().first)
    #expect(few.digest == many.digest)
    let runner = Runner(output: folder.path)
    let first = try #require(try runner.result(few))
    let all = try #require(try runner.result(many))
    #expect(Array(all.outcomes.prefix(2)) == first.outcomes)
    // Asking for fewer again throws nothing away.
    #expect(try runner.result(few)?.outcomes == first.outcomes)
    #expect(try runner.finished(many) == 6)
  }

  @Test func theDigestCoversWhatMatters() throws {
    let base = try plans()[1].digest
    for (old, new) in [
      ("0.7", "0.71"), ("lists", "arithmetic"), ("split: dev", "split: test"), ("name: small", "seeds: [1]"),
      ("baseline: one-by-one", "decoding: {block_length: 8}"),
    ] {
      #expect(try plans(Self.text.replacing(old, with: new))[1].digest != base, "\(new)")
    }
    for (old, new) in [("name: small", "name: other"), ("limit: 6", "limit: 60"), ("baseline: one-by-one", "trace: none")] {
      #expect(try plans(Self.text.replacing(old, with: new))[1].digest == base, "\(new)")
    }
  }

  @Test func aFailingSampleDoesNotStopTheOthers() throws {
    let folder = try Folder()
    // A rule that makes an illegal edit in one problem of three.
    let text = Self.text.replacing("threshold: {confidence: 0.7}", with: "clumsy: {}")
    let plan = try #require(
      try Experiment(YAML.parse(text)).plans(catalog: .standard + [Clumsy.self], benchmarks: .standard, load: ModelLibrary.load).last)
    let prompts = plan.benchmark.problems(0..<6, of: .dev).map { plan.tokenizer.encode($0.prompt).count }
    let broken = prompts.count { $0 % 2 == 0 }
    #expect(broken > 0 && broken < 6, "prompts of odd and even length: \(prompts)")
    let runner = Runner(output: folder.path)
    guard case .incomplete(let errors) = try runner.run(plan) else {
      Issue.record("\(broken) samples should fail")
      return
    }
    #expect(errors.count == broken)
    #expect(try runner.finished(plan) == 6 - broken)
    #expect(errors.allSatisfy { "\($0)".contains("strategy `clumsy`, round 0: illegal edit at position 99") })
  }

  @Test func aDamagedTraceIsNotTakenForFinished() throws {
    let folder = try Folder()
    let plan = try #require(try plans().last)
    let result = try #require(try Runner(output: folder.path).result(plan))
    let file = result.directory + "/trace.h5"
    var bytes = try folder.bytes(file)
    bytes[bytes.count / 2] ^= 4
    try bytes.write(to: URL(fileURLWithPath: file))
    #expect(mistakes { try Runner(output: folder.path).run(plan) }.hasPrefix("\(file): damaged"))
    // Outcomes cut short are decoded again.
    bytes[bytes.count / 2] ^= 4
    try bytes.write(to: URL(fileURLWithPath: file))
    let outcomes = result.directory + "/outcomes.jsonl"
    let whole = try folder.bytes(outcomes)
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: outcomes))
    #expect(try Runner(output: folder.path).result(plan)?.outcomes == result.outcomes)
    #expect(try folder.bytes(outcomes) == whole)
  }

  @Test func anotherRunInTheFolderIsRefused() throws {
    let folder = try Folder()
    let plan = try #require(try plans().first)
    let result = try #require(try Runner(output: folder.path).result(plan))
    let file = result.directory + "/run.yaml"
    try folder.text(file).replacing("gen_length: 16", with: "gen_length: 17").write(toFile: file, atomically: true, encoding: .utf8)
    #expect(
      mistakes { try Runner(output: folder.path).result(plan) }
        == "\(file) holds another run: decoding.gen_length is 17 there and 16 here; choose another --output or remove it")
  }

  @Test func twoProcessesDoNotShareARun() throws {
    let folder = try Folder()
    let plan = try #require(try plans().first)
    let runner = Runner(output: folder.path)
    let nested = Mutex<String>("")
    _ = try runner.result(plan, advance: { nested.withLock { $0 = mistakes { try runner.result(plan) } } })
    #expect(nested.withLock { $0 }.contains("another process is working on this run"))
  }

  @Test func seedsNameDraws() throws {
    let folder = try Folder()
    let warm = Self.text.replacing("baseline: one-by-one", with: "decoding: {temperature: 20.0}\nseeds: [3, 4]")
    let plans = try plans(warm)
    #expect(plans.count == 4)
    let results = try plans.map { try #require(try Runner(output: folder.path).result($0)) }
    #expect(results[0].outcomes.map(\.tokens) != results[2].outcomes.map(\.tokens))
    let again = try #require(try Runner(output: folder.path + "/again", jobs: 2).result(plans[0]))
    #expect(again.outcomes == results[0].outcomes)
    // A problem's draws do not depend on which problems are decoded with it.
    let alone = try #require(try self.plans(warm.replacing("limit: 6", with: "limit: 1")).first)
    #expect(try Runner(output: folder.path + "/alone").result(alone)?.outcomes == [results[0].outcomes[0]])
  }

  @Test func levelsAreNeverMixed() throws {
    let folder = try Folder()
    let runner = Runner(output: folder.path)
    let plain = try #require(try plans(Self.text + "\ntrace: none").first)
    let edits = try #require(try plans().first)
    let beliefs = try #require(try plans(Self.text + "\ntrace: beliefs").first)
    let first = try #require(try runner.result(plain))
    for (plan, level) in [(plain, "none"), (edits, "edits"), (beliefs, "beliefs"), (edits, "beliefs")] {
      let result = try #require(try runner.result(plan))
      let trace = try TraceFile.read(result.directory + "/trace.h5")
      #expect(trace.attributes.level == level && trace.validate() == [])
      #expect(result.outcomes == first.outcomes, "what is recorded changes no result")
    }
  }
}

/// A rule that writes beyond the response where the prompt's length is even.
private struct Clumsy: Strategy {
  static let name = "clumsy"

  init(_ parameters: inout Parameters) {}

  mutating func decide(_ step: inout Step) {
    if step.shown.prompt.count.isMultiple(of: 2) { step.reveal(99) }
  }
}

extension Runner {
  /// The result of a run that ends; nil if it was stopped.
  func result(_ plan: RunPlan, advance: @escaping @Sendable () -> Void = {}, while go: @escaping @Sendable () -> Bool = { true }) throws -> RunResult? {
    switch try run(plan, advance: advance, while: go) {
    case .finished(let result): return result
    case .stopped: return nil
    case .incomplete(let errors): throw errors[0]
    }
  }
}

/// A temporary folder that goes with its value.
final class Folder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "unmask-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(path) could not be removed: \(error)") }
  }

  func bytes(_ file: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file)) }
  func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }
}

import Diffusion
import Foundation
import Models
import Strategies
import Testing
import Traces

@testable import Workbench

/// Parts of an experiment decoded apart: whatever the parts, what is put together is what one process makes.
@Suite struct ShardTests {
  private static let text = """
    name: parts
    benchmark: {name: lists, split: dev, limit: 7}
    baseline: one-by-one
    strategies:
      one-by-one: [quota: {}]
      threshold:
        use: [threshold: {}]
        sweep: {threshold.confidence: [0.5, 0.9]}
    """

  private static func plans(_ change: (String) -> String = { $0 }) throws -> [RunPlan] { try RunnerTests().plans(change(text)) }

  /// A folder's runs are those of one process, byte for byte where they hold no times, and nothing else is left there.
  private static func check(_ plans: [RunPlan], _ runner: Runner, _ whole: Runner, _ folder: Folder) throws {
    for plan in plans {
      let (mine, theirs) = (runner.directory(of: plan), whole.directory(of: plan))
      #expect(try folder.bytes(mine + "/outcomes.jsonl") == folder.bytes(theirs + "/outcomes.jsonl"))
      #expect(try TraceFile.read(mine + "/trace.h5").differences(from: TraceFile.read(theirs + "/trace.h5")) == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: mine).sorted() == ["outcomes.jsonl", "run.yaml", "trace.h5"])
    }
  }

  private static func whole(_ folder: Folder, _ plans: [RunPlan]) throws -> Runner {
    let runner = Runner(output: folder.path + "/whole")
    for plan in plans { _ = try runner.result(plan) }
    return runner
  }

  @Test(arguments: [1, 2, 3, 8, 30]) func everySampleIsInOnePart(_ count: Int) throws {
    for plan in try Self.plans() {
      for number in 0..<40 { #expect((0..<count).count { Shard($0, of: count)?.holds(number, of: plan) == true } == 1) }
      let sizes = (0..<count).map { index in (0..<40).count { Shard(index, of: count)?.holds($0, of: plan) == true } }
      #expect(sizes.allSatisfy { $0 >= 40 / count && $0 <= 40 / count + 1 })
    }
  }

  @Test func partsAreNamed() throws {
    #expect(try Shard("2/5") == Shard(2, of: 5))
    for text in ["5/5", "-1/5", "1", "1/2/3", "a/b", "", "/", "1/0", "0/10001", " 0/2"] {
      #expect(mistakes { try Shard(text) }.contains("expected K/N") || mistakes { try Shard(text) }.contains("K/N with N up to 10000"), "\(text)")
    }
    #expect(Shard(journal: "shard-2-of-5.journal") == Shard(2, of: 5))
    for name in ["journal", "shard-5-of-5.journal", "shard-02-of-5.journal", "shard-2-of-5.journal.tmp", "shard--2-of-5.journal"] {
      #expect(Shard(journal: name) == nil, "\(name)")
    }
  }

  @Test func partsMakeTheWhole() throws {
    let folder = try Folder()
    let plans = try Self.plans()
    let whole = try Self.whole(folder, plans)
    let runner = Runner(output: folder.path + "/parts")
    for index in [2, 0, 1] {
      let shard = try #require(Shard(index, of: 3))
      for plan in plans { #expect(try runner.run(shard, of: plan).isDone) }
    }
    #expect(try runner.missing(shards: 3, of: plans) == [0, 0, 0])
    for plan in plans {
      let names = try FileManager.default.contentsOfDirectory(atPath: runner.directory(of: plan))
      #expect(!names.contains("outcomes.jsonl") && !names.contains("trace.h5"), "a part puts nothing together")
      let fresh = Counter()
      let result = try #require(try runner.result(plan, advance: { fresh.add() }))
      #expect(fresh.value == 0 && !result.isTimed)
      #expect(try TraceFile.read(result.directory + "/trace.h5").attributes.timing == .shared)
    }
    try Self.check(plans, runner, whole, folder)
    // On complete files a part does nothing.
    let before = try plans.map { try folder.bytes(runner.directory(of: $0) + "/trace.h5") }
    for plan in plans { #expect(try runner.run(try #require(Shard(0, of: 2)), of: plan).isDone) }
    #expect(try plans.map { try folder.bytes(runner.directory(of: $0) + "/trace.h5") } == before)
    try Self.check(plans, runner, whole, folder)
  }

  /// A stopped part goes on; another number of parts takes what is there; so does a run in one piece, stopped itself.
  @Test func partsAndStopsAndOtherParts() throws {
    let folder = try Folder()
    let plans = try Self.plans()
    let whole = try Self.whole(folder, plans)
    let runner = Runner(output: folder.path + "/parts", jobs: 2)
    let decoded = Counter()
    for plan in plans {
      let stop = Counter()
      let first = try #require(Shard(0, of: 2))
      _ = try runner.run(
        first, of: plan,
        advance: {
          stop.add()
          decoded.add()
        }, while: { stop.value < 1 })
      #expect(try runner.run(first, of: plan, advance: { decoded.add() }).isDone)
      #expect(try runner.run(try #require(Shard(1, of: 3)), of: plan, advance: { decoded.add() }).isDone)
      let again = Counter()
      _ = try runner.result(
        plan,
        advance: {
          again.add()
          decoded.add()
        }, while: { again.value < 1 })
      #expect(try runner.run(try #require(Shard(4, of: 5)), of: plan, advance: { decoded.add() }).isDone)
    }
    for plan in plans { _ = try runner.result(plan, advance: { decoded.add() }) }
    #expect(decoded.value == 7 * plans.count, "every sample was decoded once")
    try Self.check(plans, runner, whole, folder)
  }

  /// More problems, and more recorded of each, than the parts were made with.
  @Test func partsOfAnotherLimitAndLevel() throws {
    let folder = try Folder()
    let (few, many) = (try Self.plans { $0.replacing("limit: 7", with: "limit: 3") }, try Self.plans { $0 + "\ntrace: beliefs" })
    let whole = try Self.whole(folder, many)
    let runner = Runner(output: folder.path + "/parts")
    for plan in few { for index in 0..<2 { #expect(try runner.run(try #require(Shard(index, of: 2)), of: plan).isDone) } }
    for plan in few.dropFirst() { _ = try runner.result(plan) }
    for plan in many { #expect(try runner.run(try #require(Shard(1, of: 4)), of: plan).isDone) }
    for plan in many { _ = try runner.result(plan) }
    try Self.check(many, runner, whole, folder)
  }

  @Test func aPartThatIsHeldIsWaitedFor() throws {
    let folder = try Folder()
    let plans = try Self.plans()
    let plan = plans[0]
    let runner = Runner(output: folder.path)
    let (shard, other) = (try Shard("0/2"), try Shard("1/2"))
    let seen = Counter()
    let ending = try runner.run(
      shard, of: plan,
      advance: {
        defer { seen.add() }
        guard seen.value == 0 else { return }
        // While the part is at work: the run is another's, and so is the part itself; the other part is free.
        #expect(mistakes { try runner.run(plan) }.contains("another process is working on this run"))
        #expect(mistakes { try runner.run(shard, of: plan) }.contains("another process is working on this run"))
        #expect(mistakes { try runner.run(other, of: plan) } == "")
      })
    #expect(ending.isDone && seen.value > 0)
    #expect(try runner.result(plan)?.outcomes.count == 7)
  }

  @Test func aPartOfAnotherRunIsRefused() throws {
    let folder = try Folder()
    let plans = try Self.plans()
    let runner = Runner(output: folder.path)
    let shard = try #require(Shard(0, of: 2))
    for plan in plans { #expect(try runner.run(shard, of: plan).isDone) }
    let file = runner.directory(of: plans[0]) + "/shard-0-of-2.journal"
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.copyItem(atPath: runner.directory(of: plans[1]) + "/shard-0-of-2.journal", toPath: file)
    #expect(
      mistakes { try runner.run(plans[0]) } == "\(file): belongs to run \(plans[1].digest), not \(plans[0].digest); move it away, or choose another --output")
    // Nobody's samples are taken from it.
    #expect(try runner.finished(plans[0]) == 0)
  }

  @Test func aDamagedPartIsSaidAndDecodedAgain() throws {
    let folder = try Folder()
    let plans = try Self.plans()
    let plan = plans[0]
    let whole = try Self.whole(folder, [plan])
    let runner = Runner(output: folder.path + "/parts")
    #expect(try runner.run(try #require(Shard(0, of: 1)), of: plan).isDone)
    let path = runner.directory(of: plan) + "/shard-0-of-1.journal"
    var bytes = try folder.bytes(path)
    let name = try #require(bytes.range(of: Data("lists/dev/3".utf8)))
    bytes[name.upperBound + 40] ^= 0x20
    try bytes.write(to: URL(fileURLWithPath: path))
    var starts: [Runner.Start] = []
    _ = try runner.run(plan, begin: { starts.append($0) })
    #expect(starts[0].kept == 6 && starts[0].remarks.count == 1 && starts[0].remarks[0].hasSuffix("; lists/dev/3 is decoded again"))
    try Self.check([plan], runner, whole, folder)
  }
}

extension Runner.ShardEnding {
  var isDone: Bool { if case .done = self { true } else { false } }
}

import Foundation
import Testing
import Traces

@testable import Workbench

/// `unmask compare` on runs of a few problems.
@Suite struct CompareCommandTests {
  static let text = """
    name: pairs
    benchmark: {name: lists, split: dev, limit: 10}
    baseline: plain
    strategies:
      plain: [quota: {}]
      fast: [threshold: {confidence: 0.7}]
      steps:
        use: [quota: {}]
        sweep: {quota.steps: [4, 8]}
    """

  /// Runs an experiment, then makes every answer of one strategy right and those of another wrong, whatever the model has learned.
  private func runs(_ folder: Folder, right: String = "plain", wrong: String = "fast") throws -> (experiment: String, runs: [String: String]) {
    let file = folder.path + "/e.yaml"
    try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try Command.run(["run", file, "--output", folder.path + "/out"]).code == 0)
    let experiment = folder.path + "/out/pairs"
    let index = try #require(try RunIndex.read(from: experiment))
    let folders = Dictionary(uniqueKeysWithValues: index.runs.map { ($0.strategy + $0.setting, experiment + "/" + $0.digest) })
    for (name, isRight) in [(right, true), (wrong, false)] {
      let run = try #require(folders[name])
      var text = try folder.text(run + "/outcomes.jsonl")
      for found in ["true", "false"] { text = text.replacing("\"correct\":\(found)", with: "\"correct\":\(isRight)") }
      try text.write(toFile: run + "/outcomes.jsonl", atomically: true, encoding: .utf8)
      var trace = try TraceFile.read(run + "/trace.h5")
      let samples = try #require(trace.tables.firstIndex { $0.name == "samples" })
      trace.tables[samples]["correct"] = .int8([Int8](repeating: isRight ? 1 : 0, count: trace.sampleCount))
      try TraceFile.write(trace, to: run + "/trace.h5")
    }
    return (experiment, folders)
  }

  @Test func aBaselineThatIsNeverRightHasNoShare() throws {
    let folder = try Folder()
    let runs = try runs(folder, right: "fast", wrong: "plain").runs
    let (plain, fast) = (try #require(runs["plain"]), try #require(runs["fast"]))
    let result = try Command.run(["compare", plain, fast])
    #expect(result.code == 0 && result.output.contains("QPS") && !result.output.contains("inf") && !result.output.contains("nan"), "\(result.output)")
    let json = try Command.run(["compare", plain, fast, "--json"])
    let list = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    let costs = try #require(list[0]["costs"] as? [String: [String: Any]])
    #expect(costs["qps_rounds"]?["ratio"] is NSNull && costs["rounds"]?["ratio"] is Double)
  }

  @Test func aRegressionIsExitCodeOne() throws {
    let folder = try Folder()
    let (experiment, runs) = try runs(folder)
    let (plain, fast) = (try #require(runs["plain"]), try #require(runs["fast"]))
    let worse = try Command.run(["compare", plain, fast + "/"])
    // Ten of ten lost: p = 2 / 2^10.
    #expect(worse.code == 1 && worse.errors == "unmask: less accurate than plain: fast (p 0.0020)\n")
    #expect(worse.output.hasPrefix("lists/dev on reference, 16/16: fast against plain, 10 problems\n  baseline   \(plain)\n  candidate  \(fast)\n"))
    let better = try Command.run(["compare", fast, plain])
    #expect(better.code == 0 && better.errors == "" && better.output.contains("plain is better than fast: 100.0 points more accurate"))
    // The command it names works.
    let line = try #require(worse.output.split(separator: "\n").first { $0.hasPrefix("  unmask replay ") })
    #expect(try Command.run(line.split(separator: " ").dropFirst().map(String.init) + ["--round", "1"]).code == 0)
    // In a sweep the same p counts three times.
    let sweep = try Command.run(["compare", experiment])
    #expect(sweep.code == 1 && sweep.errors.contains("less accurate than plain: fast (p 0.0059)"))
    #expect(sweep.output.contains("steps quota.steps=4") || sweep.output.contains("steps steps=4"))
  }

  @Test func jsonHoldsWhatThePageSays() throws {
    let folder = try Folder()
    let (experiment, _) = try runs(folder)
    let result = try Command.run(["compare", experiment, "--strategy", "fast", "--difference", "0.2", "--json"])
    let list = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    let only = try #require(list.first)
    let accuracy = try #require(only["accuracy"] as? [String: Any])
    #expect(list.count == 1 && result.code == 1 && only["problems"] as? Int == 10 && (only["lost"] as? [Any])?.count == 10)
    #expect(accuracy["difference"] as? Double == -1 && accuracy["p"] as? Double == accuracy["p_holm"] as? Double && accuracy["is_worse"] as? Bool == true)
    #expect(accuracy["looked_for"] as? Double == 0.2)
    #expect(Set(try #require(only["costs"] as? [String: Any]).keys) == ["rounds", "positions", "seconds", "tokens_per_round", "qps_rounds", "qps_seconds"])
  }

  @Test func whatIsNoPairIsRefused() throws {
    let folder = try Folder()
    let (experiment, runs) = try runs(folder)
    let plain = try #require(runs["plain"])
    let other = folder.path + "/f.yaml"
    try Self.text.replacing("limit: 10}", with: "limit: 2}\ndecoding: {gen_length: 16, block_length: 8}").replacing("pairs", with: "blocks")
      .write(toFile: other, atomically: true, encoding: .utf8)
    #expect(try Command.run(["run", other, "--output", folder.path + "/out"]).code == 0)
    let blocks = try #require(try RunIndex.read(from: folder.path + "/out/blocks")).runs[0].digest
    for (arguments, message) in [
      ([plain, folder.path + "/out/blocks/" + blocks], "decoding.block_length is 8 there and 16 here; a pair is the same problem on the same model"),
      ([experiment, "--baseline", "fats"], "there is no strategy here named `fats`; did you mean `fast`?"),
      ([experiment, "--baseline", "steps"], "`steps` has 2 settings, and a baseline is one; name it with --baseline: "),
      ([experiment, "--strategy", "plain"], "there is nothing to compare"),
      ([plain], "a run is compared with one other"), ([plain, experiment], "not all of the others are"),
      ([plain, plain, "--baseline", "fast"], "of two runs the first is the baseline"), ([folder.path], "holds no runs"),
      ([experiment, "--difference", "2"], "--difference is a share above 0 and below 1"),
    ] {
      let result = try Command.run(["compare"] + arguments)
      #expect(result.code == 2 && result.output == "" && result.errors.contains(message), "\(arguments): \(result.errors)")
    }
    // The same run twice is no mistake: two measurements of its speed.
    let same = try Command.run(["compare", plain, plain])
    #expect(same.code == 0 && same.output.contains("100.0 ± 0.0 percent of the final answers are the same"))
  }
}

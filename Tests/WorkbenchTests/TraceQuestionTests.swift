import Diffusion
import Foundation
import Models
import Testing
import Traces

@testable import Workbench

/// What a recorded run is asked from the command line: whether it comes out again, what else would have been, and why.
@Suite(.serialized) struct TraceQuestionTests {
  /// A small run of the shipped model with its beliefs recorded.
  static let recorded = Result { try Recorded() }

  final class Recorded: Sendable {
    let folder: Folder
    let trace: String
    /// The same problems, decoded in eight rounds each, whatever the model is sure of.
    let slow: String

    init() throws {
      let folder = try Folder()
      self.folder = folder
      let file = folder.path + "/e.yaml"
      try """
      name: asked
      benchmark: {name: lists, split: dev, limit: 3}
      trace: beliefs
      strategies:
        both: [threshold: {confidence: 0.9}, sched: {high: 40, low: 40}]
        slow: [quota: {steps: 8}]
      """.write(toFile: file, atomically: true, encoding: .utf8)
      let run = try Command.run(["run", file, "--output", folder.path])
      #expect(run.code == 0, "\(run.errors)")
      let found = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix("/trace.h5") }
      let traces = try found.map { (path: folder.path + "/" + $0, config: try TraceFile.read(folder.path + "/" + $0).attributes.config) }
      trace = try #require(traces.first { $0.config.contains("threshold") }).path
      slow = try #require(traces.first { $0.config.contains("quota") }).path
    }
  }

  static func object(_ output: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
  }

  /// A copy of the shipped model with every weight a little different.
  static func otherModel(in folder: Folder) throws -> String {
    let copy = folder.path + "/other"
    try FileManager.default.copyItem(atPath: ModelCatalog().directory("reference"), toPath: copy)
    let weights = URL(fileURLWithPath: copy + "/model.safetensors")
    var bytes = try Data(contentsOf: weights)
    // The first eight bytes say how long the description of the tensors is. After it come numbers, the lowest byte of each first.
    let described = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    for index in stride(from: 8 + described, to: bytes.count, by: 2) { bytes[index] ^= 1 }
    try bytes.write(to: weights)
    return copy
  }

  @Test func theSameModelReproduces() throws {
    let trace = try Self.recorded.get().trace
    let result = try Command.run(["replay", trace, "--verify"])
    #expect(result.code == 0 && result.errors == "")
    #expect(result.output.contains("3 samples, recorded at the level beliefs") && result.output.contains(", the one that made the trace"))
    #expect(result.output.contains("reproduced bit for bit: all "))
    let one = try Self.object(try Command.run(["replay", trace, "--verify", "--sample", "lists/dev/1", "--json"]).output)
    #expect(one["reproduced"] as? Bool == true && (one["samples"] as? [[String: Any]])?.count == 1)
  }

  /// The trace stands in for the model: a changed strategy is noticed where no weights are at hand.
  @Test func aStrategyIsTestedWithoutWeights() throws {
    let recorded = try Self.recorded.get()
    let asked = ["replay", recorded.slow, "--verify", "--tape"]
    let result = try Command.run(asked)
    #expect(result.code == 0 && result.output.contains("the beliefs of the trace, without the model\nreproduced bit for bit: all 24 rounds of 3 samples"))
    #expect(try Self.object(try Command.run(asked + ["--json"]).output)["reproduced"] as? Bool == true)
    // The same record, signed by a list that decides otherwise.
    let folder = try Folder()
    let (changed, beyond) = (folder.path + "/changed.h5", folder.path + "/beyond.h5")
    var trace = try TraceFile.read(recorded.slow)
    let config = trace.attributes.config
    trace.attributes.config = config.replacing(#""steps":8"#, with: #""steps":16"#)
    try TraceFile.write(trace, to: changed)
    let other = try Command.run(["replay", changed, "--verify", "--tape"])
    #expect(other.code == 1 && other.output.contains("first difference: lists/dev/0, round 1 of 8, position "), "\(other.output)")
    trace.attributes.config = config.replacing(#/"strategy":\[.*?\]/#, with: #""strategy":[{"saber":{"minimum":2,"ratio":8}}]"#)
    try TraceFile.write(trace, to: beyond)
    for (arguments, message) in [
      (["replay", beyond, "--verify", "--tape"], "the trace does not suffice: saber reads rows of positions that hold a token"),
      (["replay", beyond, "--tape"], "--tape goes with --verify"), (asked + ["--model", "reference"], "--tape does without a model"),
    ] {
      let refused = try Command.run(arguments)
      #expect(refused.code == 2 && refused.output == "" && refused.errors.contains(message), "\(refused.errors)")
    }
  }

  @Test func anotherModelDoesNot() throws {
    let folder = try Folder()
    let trace = try Self.recorded.get().trace
    let other = try Self.otherModel(in: folder)
    let result = try Command.run(["replay", trace, "--verify", "--model", other])
    #expect(result.code == 1 && result.errors == "")
    for words in ["NOT the one that made the trace", "NOT reproduced: ", "first difference: lists/dev/0, round 1 of ", "  size      ", "  belief now       "] {
      #expect(result.output.contains(words), "\(result.output)")
    }
    let json = try Command.run(["replay", trace, "--verify", "--model", other, "--json"])
    #expect(json.code == 1)
    let samples = try #require(try Self.object(json.output)["samples"] as? [[String: Any]])
    let first = try #require(samples[0]["first_difference"] as? [String: Any])
    #expect(first["round"] as? Int == 0 && first["size"] as? Double ?? 0 > 0 && first["belief_now"] is [String: Any])
    // A model of other tokens is wrong use.
    let fixture = RepositoryTests.root.path + "/Tests/ModelsTests/Fixtures/checkpoints/llada-tied-f16"
    let wrong = try Command.run(["replay", trace, "--verify", "--model", fixture])
    #expect(wrong.code == 2 && wrong.errors.contains("has another vocabulary than the trace's tokens"))
  }

  @Test func anotherListIsAskedWithoutTheModel() throws {
    let trace = try Self.recorded.get().trace
    for model in ["reference", "nowhere"] {
      let result = try Command.run(["replay", trace, "--what-if", "threshold: {confidence: 0.5}", "--model", model])
      #expect(result.code == 0 && result.errors == "")
      for words in ["by        the beliefs of the trace, without the model", "NOT a decode of theirs", "exact rounds", "oracle"] {
        #expect(result.output.contains(words), "\(result.output)")
      }
    }
    let own = try Self.object(try Command.run(["replay", trace, "--set", "threshold.confidence=0.9", "--json"]).output)
    let samples = try #require(own["samples"] as? [[String: Any]])
    for sample in samples {
      let (exact, along) = (sample["exact"] as? [String: Any], sample["along"] as? [String: Any])
      #expect(exact?["ending"] as? String == "complete" && exact?["parting"] is NSNull && along?["is_a_decode"] as? Bool == false)
      #expect(along?["alike"] as? Int == sample["rounds"] as? Int)
      let oracle = try #require((sample["oracle"] as? [String: Any])?["rounds"] as? Int)
      #expect(oracle >= 1 && oracle <= sample["rounds"] as? Int ?? 0)
    }
  }

  /// A rule that reads what the trace does not hold is answered by the model that made it, and by no other.
  @Test func whatTheTraceLacksTheModelAnswers() throws {
    let folder = try Folder()
    let trace = try Self.recorded.get().slow
    let asked = ["replay", trace, "--what-if", "saber", "--sample", "lists/dev/0"]
    let result = try Command.run(asked)
    #expect(result.code == 0 && result.output.contains("the trace alone does not suffice: saber reads rows of positions that hold a token"))
    #expect(result.output.contains("complete, "))
    for model in ["nowhere", try Self.otherModel(in: folder)] {
      let refused = try Command.run(asked + ["--model", model])
      #expect(refused.code == 2 && refused.output == "" && refused.errors.hasPrefix("unmask: the trace does not suffice: saber reads"))
      #expect(refused.errors.count { $0 == "\n" } == 1, "\(refused.errors)")
    }
  }

  @Test(arguments: [
    (["--without", "tresholds"], "there is no rule in the run's list named `tresholds`; did you mean `threshold`?; known: threshold, sched"),
    (["--set", "sched.hihg=1"], "sched has no setting `hihg`; did you mean `high`?"),
    (["--set", "threshold.confidence=x"], "threshold: `confidence` is text (x), expected a number"),
    (["--what-if", "treshold"], "there is no strategy, nor a file, named `treshold`; did you mean `threshold`?"),
    (["--what-if", "threshold", "--sample", "lists/dev/7"], "there is no sample in this trace of 3 named `lists/dev/7`; did you mean `lists/dev/"),
    (["--what-if", "threshold", "--without", "sched"], "--without and --set change the run's own list"),
  ])
  func mistakesAreOneClearLine(_ arguments: [String], _ message: String) throws {
    let result = try Command.run(["replay", try Self.recorded.get().trace] + arguments)
    #expect(result.code == 2 && result.output == "")
    #expect(result.errors.hasPrefix("unmask: " + message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  /// What a file says cannot move the cursor, wherever it is printed.
  @Test func whatATraceSaysIsSafeToPrint() throws {
    let folder = try Folder()
    let path = folder.path + "/hostile.h5"
    let trace = try TraceFile.read(try Self.recorded.get().slow)
    let samples = try trace.samples().map { sample in
      var hostile = sample
      hostile.problem += "\u{1B}[2J\n"
      hostile.edits = sample.edits.map { recorded in
        var edit = recorded.edit
        edit.author += "\u{1B}[2J\n"
        return RecordedEdit(round: recorded.round, edit: edit)
      }
      return hostile
    }
    var attributes = trace.attributes
    attributes.modelDigest = "\u{1B}[2J\n"
    try TraceFile.write(try Trace(attributes: attributes, samples: samples), to: path)
    let asked: [([String], Int32)] = [
      (["replay", path, "--verify"], 1), (["replay", path, "--oracle"], 0), (["replay", path, "--set", "quota.steps=4"], 0),
      (["explain", path, "--position", "0", "--sample", samples[0].problem], 0), (["explain", path, "--position", "0", "--sample", "x"], 2),
    ]
    for (arguments, code) in asked {
      let result = try Command.run(arguments)
      let printed = result.output + result.errors
      #expect(result.code == code && printed.contains("?[2J"), "\(arguments): \(printed)")
      #expect(!printed.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control }, "\(arguments)")
    }
  }

  /// Where two lists part, both canvases stand one above the other, with what their signs mean. Of an oracle that is not there nothing is explained.
  @Test func thePartingIsDrawn() throws {
    let result = try Command.run(["replay", try Self.recorded.get().slow, "--set", "quota.steps=4", "--sample", "lists/dev/0"])
    #expect(result.code == 0 && result.output.contains("lists/dev/0, round 1: the first difference (▒ masked, · end token, [ ] revealed"), "\(result.output)")
    let lines = result.output.split(separator: "\n")
    let below = try #require(lines.lastIndex { $0.hasPrefix("what if   ") })
    #expect(lines[below - 1].hasPrefix("recorded  ") && lines[below + 1].contains("^"), "\(result.output)")
    #expect(result.output.contains("oracle: the fewest rounds") && !result.output.contains("no oracle"))
    let folder = try Folder()
    let edits = folder.path + "/t.h5"
    #expect(try Command.run(["decode", "--problem", "lists/dev/1", "--trace", edits]).code == 0)
    let without = try Command.run(["replay", edits, "--what-if", "quota: {steps: 4}"])
    #expect(without.code == 0 && without.output.contains("no oracle: ") && !without.output.contains("oracle: the fewest rounds"), "\(without.errors)")
  }

  @Test func aPositionIsExplained() throws {
    let recorded = try Self.recorded.get()
    let sample = try #require(try TraceFile.read(recorded.trace).samples().first)
    for position in [0, sample.response.count - 1] {
      let asked = ["explain", recorded.trace, "--sample", sample.problem, "--position", "\(position)"]
      let text = try Command.run(asked)
      #expect(text.code == 0 && text.output.contains("\(sample.problem), position \(position): "), "\(text.errors)")
      let explanation = try Self.object(try Command.run(asked + ["--json"]).output)
      let rounds = try #require(explanation["rounds"] as? [[String: Any]])
      #expect(rounds.count == sample.rounds.count && explanation["token"] as? Int == Int(sample.response[position]))
      let edit = try #require(sample.edits.last { $0.edit.position == position })
      #expect(text.output.contains("revealed in round \(edit.round + 1) of \(rounds.count) by \(edit.edit.author)"))
      let bars = try #require(rounds[edit.round]["bars"] as? [[String: Any]])
      // The reader of JSON is not good for the last digit.
      #expect(bars.contains { $0["rule"] as? String == "threshold" && abs(($0["value"] as? Double ?? -1) - edit.edit.confidence) < 1e-12 })
    }
  }

  /// Without beliefs in the trace the model tells them, and without it the edits are what there is.
  @Test func aTraceOfEditsIsExplainedByTheModel() throws {
    let folder = try Folder()
    let trace = folder.path + "/t.h5"
    #expect(try Command.run(["decode", "--problem", "lists/dev/1", "--trace", trace]).code == 0)
    let asked = ["explain", trace, "--position", "0"]
    let result = try Command.run(asked)
    #expect(result.code == 0 && result.output.contains("the trace alone does not suffice: the trace records no beliefs"))
    #expect(result.output.contains("threshold: confidence "))
    let bare = try Command.run(asked + ["--model", "nowhere"])
    #expect(bare.code == 0 && bare.output.contains("beliefs and bars are not known: the trace records no beliefs"))
    #expect(bare.output.contains("lists/dev/1, position 0: token ") && bare.output.contains("revealed in round "))
    let beyond = try Command.run(["explain", trace, "--position", "400"])
    #expect(beyond.code == 2 && beyond.errors.contains("`--position` is 400, expected 0 to "))
  }
}

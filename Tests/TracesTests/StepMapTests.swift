import Diffusion
import Foundation
import Support
import Testing

@testable import Traces

@Suite struct StepMapTests {
  private func read(_ text: String, _ change: (inout StepMapImport) -> Void = { _ in }) throws -> Trace {
    let folder = try Folder()
    try folder.write(Array(text.utf8), "maps.json")
    var reader = StepMapImport()
    change(&reader)
    return try reader.read(folder.file("maps.json"))
  }

  private func refusal(_ text: String, _ change: (inout StepMapImport) -> Void = { _ in }) throws -> String {
    do {
      _ = try read(text, change)
      return "accepted"
    } catch {
      guard case TraceError.notAStepMap(_, let reason) = error else { return "\(error)" }
      return reason
    }
  }

  /// A decode that revokes nothing is wholly in its step map: what comes back has the same edits in the same rounds.
  @Test func whatIsExportedIsImportedAgain() throws {
    var samples: [SampleTrace] = []
    for index in 0..<4 {
      let canvas = try Canvas.toy(24, blocks: 8, prompt: index, seed: UInt64(index), pinned: index % 2 == 1 ? [1: 4, 6: 7] : [:])
      samples.append(try Samples.record(canvas, index < 2 ? [OneByOne()] : [Threshold(0.6)], problem: "p/\(index)", seed: index, correct: index % 3 - 1))
    }
    let trace = try Samples.assemble(samples)
    let text = try ExportTests.text(trace, StepMapFormat.self)
    let read = try read(text) {
      $0.vocabulary = Samples.toy.vocabulary
      $0.blockLength = 8
    }
    #expect(read.validate() == [] && read.sampleCount == 4)
    for (mine, theirs) in zip(samples, try read.samples()) {
      #expect(mine.problem == theirs.problem && mine.seed == theirs.seed && mine.correct == theirs.correct && mine.answerTokens == theirs.answerTokens)
      #expect(mine.prompt == theirs.prompt && mine.initial == theirs.initial && mine.pinned == theirs.pinned && mine.response == theirs.response)
      #expect(mine.rounds.map(\.masked) == theirs.rounds.map(\.masked) && mine.rounds.map(\.window) == theirs.rounds.map(\.window))
      let key = { (edit: RecordedEdit) in [edit.round, edit.edit.position, Int(edit.edit.token)] }
      #expect(mine.edits.map(key).sorted { $0.lexicographicallyPrecedes($1) } == theirs.edits.map(key))
      #expect(theirs.edits.allSatisfy { $0.edit.confidence.isNaN && $0.edit.author == StepMapImport.author })
    }
    #expect(try ExportTests.text(read, StepMapFormat.self) == text)
    #expect(TraceSummary(read).advice.contains { $0.contains("have no confidence") })
  }

  /// Decodes that revoke, insert and delete keep their response, and of every position the round that wrote what stayed.
  @Test func whatWasRevokedIsLeftOut() throws {
    let trace = try Samples.trace()
    for (sample, again) in zip(try trace.samples(), try read(try ExportTests.text(trace, StepMapFormat.self)).samples()) {
      #expect(sample.response == again.response && again.roundCount <= sample.roundCount)
      #expect(try sample.stepMap() == again.stepMap())
      for (position, step) in try sample.stepMap().enumerated() where step >= 0 {
        let frames = try Replay(sample).frames
        #expect(frames.last?.response[position] == sample.response[position])
        #expect(sample.edits.contains { $0.round == step && $0.edit.token == sample.response[position] })
      }
    }
  }

  @Test(arguments: [
    #"[{"token_ids": [7, 8, 9], "step_map": [0, 2, 0]}]"#, #"{"tokens": [7, 8, 9], "step_map": [0, 2, 0]}"#,
    "{\"output_ids\": [7, 8, 9],\n \"meta_info\": {\"step_maps\": [1, 3, 1]}}\n",
    #"{"response_ids": [7, 8, 9], "first_unmask_times": [1, 3, 1], "prompt": "text"}"#,
    #" [{"token_ids": [7, 8, 9], "step_map": [0, 2, 0], "reward": 0.5, "id": 3, "response": null}] "#, #"{"text": "abc", "step_map": [0, 2, 0]}"#,
  ])
  func namesThatOthersUse(_ text: String) throws {
    let sample = try #require(try read(text) { $0.encode = { _ in [7, 8, 9] } }.samples().first)
    #expect(sample.response == [7, 8, 9] && sample.rounds.map(\.kind) == [.ordinary, .passed, .ordinary] && sample.rounds.map(\.masked) == [3, 1, 1])
    #expect(try sample.stepMap() == [0, 2, 0] && sample.correct == -1)
  }

  @Test func givenTokensArePinned() throws {
    let samples = try read("{\"token_ids\":[5,6],\"step_map\":[-1,1]}\n\n{\"token_ids\":[5,6],\"step_map\":[null,-1],\"correct\":true}\n").samples()
    #expect(samples.map(\.pinned) == [[true, false], [true, true]] && samples.map(\.roundCount) == [1, 0] && samples.map(\.correct) == [-1, 1])
  }

  @Test(arguments: [
    ("", "the file is empty"), ("[]", "the list is empty"), ("{", "not valid JSON"), ("[1]", "[0]"), (#"{"token_ids":[1]}"#, "there is no `step_map`"),
    (#"{"step_map":[1]}"#, "there are no `token_ids`"), (#"{"text":"a","step_map":[1]}"#, "its text needs a model's tokenizer"),
    (#"{"token_ids":[1,2],"step_map":[1]}"#, "it has 2 tokens and 1 steps"), (#"{"token_ids":[],"step_map":[]}"#, "it has 0 tokens"),
    (#"{"token_ids":[1],"step_map":[100]}"#, "round 99 is more than 16 rounds per token"),
    (#"{"token_ids":[1],"step_map":[9223372036854775807]}"#, "more than 16"),
    (#"{"token_ids":[-3],"step_map":[0]}"#, "token is -3"), (#"{"token_ids":[3000000000],"step_map":[0]}"#, "line 1"),
    (#"{"token_ids":[[1]],"step_map":[0]}"#, "token_ids[0]"),
    ("{\"token_ids\":[1],\"step_map\":[0]}\n{\"token_ids\":[1],\"step_map\":[\"a\"]}", "line 2: step_map[0]"),
  ])
  func mistakesAreSaid(_ text: String, _ reason: String) throws {
    let found = try refusal(text)
    #expect(found.contains(reason), "\(found)")
  }

  @Test func tokensAreCheckedAgainstTheModel() throws {
    let vocabulary = Samples.toy.vocabulary
    let text = { (token: Int) in #"{"token_ids":[1,\#(token)],"step_map":[0,0]}"# }
    #expect(try refusal(text(Int(vocabulary.mask))) == "accepted")
    for token in [Int(vocabulary.mask), vocabulary.size] {
      #expect(try refusal(text(token)) { $0.vocabulary = vocabulary }.contains("not in the vocabulary"))
    }
    #expect(try refusal(text(1)) { $0.blockLength = 3 }.contains("block length 3 is no divisor"))
    // Brackets without end are an answer too.
    #expect(try refusal(String(repeating: "[", count: 100_000)) != "accepted")
  }
}

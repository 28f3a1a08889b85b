import Diffusion
import Support
import Testing

@testable import Traces

@Suite struct RoundTripTests {
  @Test(arguments: [TraceLevel.none, .edits, .beliefs(4), .beliefs(40)])
  func whatIsWrittenIsRead(level: TraceLevel) throws {
    let folder = try Folder()
    let trace = try Samples.trace(level: level)
    #expect(trace.validate().map(\.description) == [])
    try TraceFile.write(trace, to: folder.file())
    let read = try TraceFile.read(folder.file())
    #expect(read.differences(from: trace) == [])
    #expect(read.attributes == trace.attributes)
    #expect(read.seal == .whole)
    #expect(read.validate() == [])
    for group in TraceSchema.groups {
      for field in group.fields {
        guard let a = trace[group.name]?[field.name], let b = read[group.name]?[field.name] else { continue }
        #expect(a.firstDifference(from: b) == nil, "\(group.name)/\(field.name)")
      }
    }
    #expect(try folder.names == ["trace.h5"])
  }

  /// The second file is written in another second: what a library stamps with the clock would show.
  @Test func equalTracesMakeEqualFilesAndTimesDoNotCount() async throws {
    let folder = try Folder()
    var trace = try Samples.trace(level: .beliefs(3))
    trace.attributes.created = "2025-01-01T00:00:00Z"
    try TraceFile.write(trace, to: folder.file("a"))
    try await Task.sleep(for: .milliseconds(1_100))
    try TraceFile.write(trace, to: folder.file("b"))
    let (one, other) = try (folder.bytes("a"), folder.bytes("b"))
    let places = zip(one, other).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    #expect(one == other, "\(one.count) and \(other.count) bytes, \(places.count) differ: \(places.prefix(40).map { "\($0): \(one[$0]) \(other[$0])" })")
    var samples = try trace.samples()
    for index in samples.indices { samples[index].seconds += 1 }
    let slower = try Trace(
      attributes: Trace.Attributes(
        config: trace.attributes.config, runDigest: "run", modelDigest: "model", level: .beliefs(3), vocabulary: trace.attributes.vocabulary), samples: samples)
    #expect(slower.differences(from: trace) == [])
    samples[1].edits[0].edit.confidence = samples[1].edits[0].edit.confidence.nextUp
    let changed = try Trace(attributes: trace.attributes, samples: samples)
    #expect(changed.differences(from: trace).count == 1)
    #expect(changed.differences(from: trace).first?.hasPrefix("/edits/confidence[") == true)
  }

  @Test(arguments: [TraceLevel.edits, .beliefs(4)])
  func samplesAndEncodingsAreTheSame(level: TraceLevel) throws {
    let trace = try Samples.trace(level: level)
    let samples = try trace.samples()
    #expect(try Trace(attributes: trace.attributes, samples: samples).differences(from: trace) == [])
    let decoded = try samples.map { try #require(SampleTrace(decoding: $0.encoded[...])) }
    #expect(try Trace(attributes: trace.attributes, samples: decoded).differences(from: trace) == [])
    #expect(try #require(Trace(decoding: trace.encoded)).differences(from: trace) == [])
    #expect(Trace(decoding: trace.encoded)?.attributes == trace.attributes)
    let bytes = samples[0].encoded
    for end in bytes.indices { #expect(SampleTrace(decoding: bytes[..<end]) == nil) }
  }

  @Test func everyKindOfEditAndRoundIsThere() throws {
    let trace = try Samples.trace()
    #expect(Set(trace["edits"]?.integers("kind") ?? []) == [0, 1, 2, 3, 4])
    #expect(Set(trace["edits"]?.integers("branch") ?? []) == [-1, 1])
    #expect(Set(trace["rounds"]?.integers("kind") ?? []) == [0, 1])
  }

  @Test func replayShowsEachRound() throws {
    let canvas = try Canvas.toy(8, pinned: [2: 3])
    let sample = try Samples.record(canvas, [OneByOne()])
    let replay = try Replay(sample)
    #expect(replay.frames.count == 8)
    #expect(replay.frames.first?.response == canvas.recorded)
    #expect(replay.frames.last?.response == sample.response)
    #expect(replay.frames.allSatisfy { $0.states[2] == .pinned })
    #expect(replay.frames.dropFirst().allSatisfy { $0.states.count { $0 == .justRevealed } == 1 })
    #expect(replay.frames.map { frame in frame.states.count { $0 == .masked } } == Array((0...7).reversed()))
  }

  @Test func emptyTracesAndSamplesWithoutRounds() throws {
    let folder = try Folder()
    try TraceFile.write(try Samples.assemble([]), to: folder.file())
    #expect(try TraceFile.read(folder.file()).validate() == [])
    let canvas = try Canvas.toy(2, blocks: 2, pinned: [0: 1, 1: 22])
    let sample = TraceBuilder(canvas: canvas, problem: "", seed: 0, level: .edits).finish(seconds: 0)
    try TraceFile.write(try Samples.assemble([sample, sample]), to: folder.file())
    #expect(try TraceFile.read(folder.file()).validate() == [])
  }

  @Test func textsThatCannotBeStoredAreRefused() throws {
    let folder = try Folder()
    var samples = try Samples.trace().samples()
    samples[0].problem = "a\u{0}b"
    let trace = try Samples.assemble(samples)
    #expect(throws: TraceError.self) { try TraceFile.write(trace, to: folder.file()) }
    #expect(try folder.names == [])
  }

  @Test func summariesCount() throws {
    let trace = try Samples.trace(level: .beliefs(2))
    let summary = TraceSummary(trace)
    #expect(summary.samples == 4)
    #expect(summary.edits.main + summary.edits.other == trace["edits"]?["kind"]?.count)
    #expect(summary.authors.reduce(0) { $0 + $1.count } == summary.edits.main)
    #expect(summary.description.contains("one-by-one reveal"))
  }
}

extension RoundTripTests {
  /// How far rounds were from the full model, in some of them only.
  @Test func divergencesAreKept() throws {
    let folder = try Folder()
    let plain = try Samples.trace(level: .fidelity(4))
    #expect(plain.divergence == nil && plain["rounds"]?["fidelity_kl"] == nil)
    var samples = try plain.samples()
    samples[0].rounds[0].divergence = Divergence(kl: 0.25, top1: 0.5, decisions: 1)
    samples[1].rounds[0].divergence = Divergence(kl: 0.75, top1: 1, decisions: 0)
    let trace = try Trace(attributes: plain.attributes, samples: samples)
    #expect(trace.divergence == Divergence(kl: 0.5, top1: 0.75, decisions: 0.5))
    try TraceFile.write(trace, to: folder.file())
    let read = try TraceFile.read(folder.file())
    #expect(read.validate() == [] && read.differences(from: trace) == [])
    #expect(try read.samples().map { $0.rounds.map(\.divergence) } == samples.map { $0.rounds.map(\.divergence) })
    let decoded = try samples.map { try #require(SampleTrace(decoding: $0.encoded[...])) }
    #expect(decoded.map { $0.rounds.map(\.divergence) } == samples.map { $0.rounds.map(\.divergence) })
    #expect(TraceSummary(trace).description.contains("fidelity KL 5.00e-1 nats, same best token 75.00 %, same decisions 50.00 %"))
    samples[1].rounds[0].divergence?.top1 = 2
    #expect(try Trace(attributes: plain.attributes, samples: samples).validate().first?.message == "fidelity_top1 is 2.0, not a share")
  }
}

import Diffusion
import Support
import Testing

@testable import Traces

/// Prints what traces take on disk and in time, for the format page; the bounds are generous.
@Suite struct SizeTests {
  @Test(arguments: [TraceLevel.edits, .beliefs(8)])
  func bytesPerRound(level: TraceLevel) throws {
    let folder = try Folder()
    let clock = ContinuousClock()
    var samples: [SampleTrace] = []
    for index in 0..<60 {
      samples.append(try Samples.record(try Canvas.toy(64, blocks: 16, prompt: 20, seed: UInt64(index)), [OneByOne()], seed: index, level: level))
    }
    let rounds = samples.reduce(0) { $0 + $1.roundCount }
    let trace = try Samples.assemble(samples, level: level)
    let start = clock.now
    let size = try TraceFile.write(trace, to: folder.file())
    let written = clock.now
    let read = try TraceFile.read(folder.file())
    let done = clock.now
    #expect(read.validate() == [])
    let validated = clock.now
    let journal = try Journal(folder.file("journal"), runDigest: "run")
    let opened = clock.now
    for sample in samples { try journal.append(sample) }
    let appended = clock.now - opened
    let raw = TraceSummary(trace).tables.reduce(0) { $0 + $1.bytes }
    print(
      "\(level.name): \(rounds) rounds, \(size) bytes = \(size / rounds) per round (\(raw / rounds) uncompressed); write \(written - start), read \(done - written), validate \(validated - done); journal \(try folder.bytes("journal").count / rounds) bytes per round, \(appended / samples.count) per append"
    )
    #expect(size / rounds < (level == .edits ? 120 : 2000))
  }

  /// What a file takes before there is much in it: goldens are small.
  @Test(arguments: [TraceLevel.none, .edits, .beliefs(8)])
  func smallTraces(level: TraceLevel) throws {
    let folder = try Folder()
    let empty = try TraceFile.write(try Samples.assemble([], level: level), to: folder.file())
    let sample = try Samples.record(try Canvas.toy(32, blocks: 16), [OneByOne()], level: level)
    let one = try TraceFile.write(try Samples.assemble([sample], level: level), to: folder.file())
    let raw = TraceSummary(try Samples.assemble([sample], level: level)).tables.reduce(0) { $0 + $1.bytes }
    print("\(level.name): \(empty) bytes without samples, \(one) with one of \(sample.roundCount) rounds (\(raw) uncompressed)")
    #expect(empty < 24_000 && one < empty + raw)
  }

  /// LLaDA-8B at a response length of 256, one token per round: made-up numbers with its vocabulary, which compress no better than real ones.
  @Test(arguments: [32, 256]) func largeModels(blockLength: Int) throws {
    let folder = try Folder()
    var stream = SeededStream(SeededRandom(seed: 5))
    let samples = try (0..<4).map { _ in try Self.large(blockLength, &stream) }
    let all = try TraceFile.write(try Samples.assemble(samples, level: .beliefs(8)), to: folder.file())
    let edits = try TraceFile.write(try Samples.assemble(samples), to: folder.file())
    let rows = samples[0].beliefs?.round.count ?? 0
    print("LLaDA-8B, length 256, blocks of \(blockLength): edits \(edits / 1024), beliefs \(all / 1024) bytes per round; \(rows / 256) rows per round")
    #expect(edits / 1024 < 200 && (all - edits) / 4 / rows < 120)
  }

  private static func large(_ blockLength: Int, _ stream: inout SeededStream) throws -> SampleTrace {
    let vocabulary = Vocabulary(size: 126_464, mask: 126_336, end: 126_081)
    let canvas = try Canvas(prompt: Array(0..<100), length: 256, blockLength: blockLength, vocabulary: vocabulary)
    var sample = SampleTrace(problem: "gsm8k/test/0", seed: 0, canvas: canvas)
    var beliefs = RecordedBeliefs(candidates: 8)
    for round in 0..<256 {
      let window = round / blockLength * blockLength..<(round / blockLength + 1) * blockLength
      for position in round..<window.upperBound {
        let logits = (0..<8).map { _ in Float.random(in: 5...20, using: &stream) }.sorted(by: >)
        beliefs.round.append(round)
        beliefs.position.append(position)
        for _ in 0..<8 { beliefs.topTokens.append(Token.random(in: 0..<126_000, using: &stream)) }
        beliefs.topLogits += logits
        let mass = Mass(maximum: Double(logits[0]), sum: .random(in: 1...9, using: &stream), weighted: -.random(in: 0...9, using: &stream))
        beliefs.logSumExp.append(mass.logSumExp)
        beliefs.entropy.append(mass.entropy)
        beliefs.mass.append(mass.sum)
        beliefs.moment.append(mass.weighted)
      }
      var edit = Edit(.reveal, at: round, token: .random(in: 0..<126_000, using: &stream))
      edit.author = "quota"
      edit.confidence = .random(in: 0...1, using: &stream)
      edit.margin = .random(in: 0...1, using: &stream)
      edit.entropy = .random(in: 0...1, using: &stream)
      sample.edits.append(RecordedEdit(round: round, edit: edit))
      sample.rounds.append(
        RecordedRound(
          index: round, kind: .ordinary, cost: Cost(canvases: 1, positions: 356, logitRows: window.upperBound - round), window: window, masked: 256 - round,
          forwardSeconds: .random(in: 0.04...0.05, using: &stream), decideSeconds: .random(in: 1e-4...2e-4, using: &stream), isFinal: round == 255))
    }
    (sample.response, sample.roundCount, sample.answerTokens, sample.beliefs) = (sample.edits.map(\.edit.token), 256, 256, beliefs)
    for round in sample.rounds { sample.cost += round.cost }
    return sample
  }
}

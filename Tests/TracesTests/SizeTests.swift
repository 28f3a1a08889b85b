import Diffusion
import Support
import Testing

@testable import Traces

@Suite struct SizeTests {
  /// Prints what a round costs on disk and in time; the bounds are generous.
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
}

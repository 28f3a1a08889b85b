import Diffusion
import Models
import Strategies
import Support
import Synchronization
import Testing
import Traces

@testable import Workbench

/// Decodes made again: equal ones are found equal, and the smallest change is found where it is.
@Suite struct VerificationTests {
  @Test(arguments: Catalog.standard.names) func sameModelSameDecode(_ name: String) throws {
    for level in [TraceLevel.none, .edits, .beliefs(4)] {
      let session = try ToyTrace.session(try ToyTrace.make(Setting(.text(name)), level: level, ToyTrace.Geometry(blocks: 16)))
      for index in session.samples.indices {
        let checked = try #require(try Verification(session, index, on: ToyTrace.toy))
        #expect(
          checked.first == nil && checked.reproduced == session.samples[index].rounds.count && !checked.parts, "\(name): \(String(describing: checked.first))")
      }
    }
  }

  @Test func drawsAreRepeated() throws {
    let geometry = ToyTrace.Geometry(blocks: 16, sampling: Sampling(temperature: 1.3))
    let session = try ToyTrace.session(try ToyTrace.make("quota", geometry, count: 3))
    for index in session.samples.indices { #expect(try Verification(session, index, on: ToyTrace.toy)?.first == nil) }
    // The third canvas is the first one again: its draws are those of a second occurrence.
    var samples = session.samples
    samples[2] = samples[0]
    let trace = try ToyTrace.trace(samples, session.strategy, geometry, session.level)
    let doubled = try ToyTrace.session(trace)
    #expect(try Verification(doubled, 0, on: ToyTrace.toy)?.first == nil)
    #expect(try Verification(doubled, 2, on: ToyTrace.toy)?.first != nil)
  }

  /// One logit of one row a bit larger, from a round on: found in that round, at that position, with its size.
  @Test(arguments: [(0, 0), (2, 1), (3, 4)]) func theFirstDifferenceIsFound(_ round: Int, _ rank: Int) throws {
    let session = try ToyTrace.session(try ToyTrace.make(["quota": ["steps": 8]]))
    let canvas = try session.canvases(of: 0)[round]
    let position = canvas.eligible[min(rank, canvas.eligible.count - 1)]
    let nudged = Nudged(prompt: canvas.prompt, response: canvas.response, position: position)
    let checked = try #require(try Verification(session, 0, on: nudged))
    let first = try #require(checked.first)
    #expect(first.round == round && first.position == position && first.column == "beliefs/top_logits")
    let (recorded, now) = try #require(first.beliefs)
    let (old, new) = (recorded.candidates[0].logit, now.candidates[0].logit)
    #expect(new == old.nextUp && first.size == Double(new - old) && first.recorded == "\(Double(old))" && first.now == "\(Double(new))")
    #expect(checked.largestLogit == Double(new - old))
    // The decisions stand, so everything after it is compared too.
    #expect(!checked.parts && checked.compared == checked.rounds && checked.reproduced == checked.rounds - 1)
    // Without beliefs the edits that read the row tell.
    let plain = try ToyTrace.session(try ToyTrace.make(["quota": ["steps": 8]], level: .edits))
    let edits = try #require(try Verification(plain, 0, on: nudged))
    let isRevealed = session.samples[0].edits.contains { $0.round == round && $0.edit.position == position }
    #expect((edits.first != nil) == isRevealed)
    if isRevealed { #expect(edits.first?.round == round && edits.first?.position == position && edits.largestConfidence > 0) }
  }

  @Test func anotherModelParts() throws {
    let session = try ToyTrace.session(try ToyTrace.make("threshold"))
    let checked = try #require(try Verification(session, 0, on: ToyDenoiser(sharpness: 4, seed: 99)))
    #expect(checked.first?.round == 0 && checked.parts && checked.compared < checked.rounds && checked.reproduced == 0)
    // Whatever came out differently, it is said by how much.
    for seed in 2...20 as ClosedRange<UInt64> {
      for level in [TraceLevel.edits, .beliefs(8)] {
        let session = try ToyTrace.session(try ToyTrace.make(["quota": ["steps": 8]], level: level))
        let first = try #require(try Verification(session, 0, on: ToyDenoiser(sharpness: 4, seed: seed))?.first)
        #expect(first.round == nil || first.size ?? 0 > 0, "\(first)")
      }
    }
  }

  @Test func anotherStrategyParts() throws {
    let trace = try ToyTrace.make(["threshold": ["confidence": 0.5]])
    let strict = try ToyTrace.trace(try trace.samples(), [["threshold": ["confidence": 0.9]]], ToyTrace.Geometry(), .beliefs(8))
    let checked = try #require(try Verification(ToyTrace.session(strict), 0, on: ToyTrace.toy))
    #expect(checked.first?.column.hasPrefix("edits") == true && checked.parts && checked.largestLogit == 0)
  }

  @Test func itStopsWhenTold() throws {
    let session = try ToyTrace.session(try ToyTrace.make("quota"))
    #expect(try Verification(session, 0, on: ToyTrace.toy, while: { false }) == nil)
  }

  /// What a run records can be run again from its trace alone, benchmark, problem and seed included.
  @Test func runsAreRebuilt() throws {
    let folder = try Folder()
    let text = """
      name: rebuilt
      benchmark: {name: lists, split: dev, limit: 2}
      seeds: [5]
      decoding: {temperature: 1.5}
      trace: beliefs
      strategies:
        drawn: [threshold: {confidence: 0.3}]
        voted: [hex: {}]
      """
    for plan in try Experiment(YAML.parse(text)).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load) {
      let result = try #require(try Runner(output: folder.path).result(plan))
      let trace = try TraceFile.read(result.directory + "/trace.h5")
      let session = try TraceSession(trace, catalog: .standard, benchmarks: .standard, tokenizer: plan.tokenizer)
      for index in session.samples.indices {
        let checked = try #require(try Verification(session, index, on: plan.model.denoiser))
        #expect(checked.first == nil && checked.rounds > 0, "\(String(describing: checked.first))")
      }
    }
  }

  @Test func samplesAreFoundByName() throws {
    let session = try ToyTrace.session(try ToyTrace.make("quota", count: 3))
    #expect(try session.indices(of: nil) == [0, 1, 2])
    #expect(try session.indices(of: "toy/1") == [1])
    #expect(
      mistakes { try session.indices(of: "toi/1") } == "there is no sample in this trace of 3 named `toi/1`; did you mean `toy/1`?; known: toy/1, toy/0, toy/2")
  }

  @Test func otherProgramsTracesSayWhatIsMissing() throws {
    var trace = try ToyTrace.make("quota")
    trace.attributes.config = "{}"
    #expect(mistakes { try ToyTrace.session(trace) } == "the trace does not say how it was decoded: its `config` has no `strategy` and `decoding`")
    trace = try ToyTrace.make("quota")
    trace.attributes.vocabulary = nil
    #expect(mistakes { try ToyTrace.session(trace) }.contains("it has no attributes `vocabulary_size`"))
  }
}

/// The toy model with the largest logit of one row of one canvas a bit larger.
struct Nudged: Denoiser {
  let prompt: [Token]
  let response: [Token]
  let position: Int

  var vocabulary: Vocabulary { ToyTrace.toy.vocabulary }
  var abilities: Abilities { ToyTrace.toy.abilities }

  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for (query, response) in zip(queries, try ToyTrace.toy.believe(queries)) {
      var rows = response.rows
      for (place, row) in query.rows.enumerated() where query.tokens == prompt + self.response && row == query.promptLength + position {
        var logits = try ToyTrace.toy.logits(row, of: query)
        let top = Int(rows[place].top[0].token)
        logits[top] = logits[top].nextUp
        guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: query.reading) }) else { throw .nonFinite(row: row, sequence: 0) }
        rows[place] = summary
      }
      responses.append(Response(rows: rows, cost: response.cost))
    }
    return responses
  }
}

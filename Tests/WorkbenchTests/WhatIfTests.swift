import Diffusion
import Strategies
import Support
import Testing
import Traces

@testable import Workbench

/// What another list would have done: the exact part is its own decode as far as it goes, and the rest is told apart from it.
@Suite struct WhatIfTests {
  static let lists: [Setting] = [
    "quota", "threshold", ["threshold": ["confidence": 0.5]], ["threshold": ["confidence": 0.3]], "factor", "frechet", "hierarchy", "localleap",
    ["quota": ["steps": 8]], [["threshold": ["confidence": 0.6]], "prophet"],
  ]

  static func ask(_ session: TraceSession, _ strategy: Setting, index: Int = 0) throws -> WhatIf {
    let canvases = try session.canvases(of: index)
    let tape = try TapeDenoiser(session, index, canvases: canvases)
    return try WhatIf(session, index, session.pipeline(strategy), canvases: canvases, on: tape, holds: tape.holds)
  }

  /// A true decode of a list from the trace's first canvas.
  static func decode(_ session: TraceSession, _ strategy: Setting, index: Int = 0) throws -> Decoded {
    Support.decode([try session.session(index, session.pipeline(strategy))], with: ToyTrace.toy)[0]
  }

  @Test(arguments: lists) func theRunsOwnListAgreesThroughout(_ strategy: Setting) throws {
    let session = try ToyTrace.session(try ToyTrace.make(strategy))
    for index in session.samples.indices {
      let answer = try Self.ask(session, session.strategy, index: index)
      #expect(answer.parting == nil && answer.ending == .complete && answer.fault == nil)
      #expect(answer.own.count == answer.rounds && answer.own.allSatisfy(\.agrees))
      #expect(answer.counts.rounds == answer.rounds && answer.counts.onlyOther + answer.counts.onlyRecorded + answer.counts.otherToken == 0)
      #expect(answer.counts.both == session.samples[index].response.count - session.samples[index].pinned.count { $0 })
    }
  }

  /// Against every true decode, on the model: the same canvases round by round, up to the first that the trace does not hold.
  @Test(arguments: lists) func theExactPartIsADecode(_ recorded: Setting) throws {
    let session = try ToyTrace.session(try ToyTrace.make(recorded))
    let canvases = try session.canvases(of: 0)
    for other in Self.lists {
      let answer = try Self.ask(session, other)
      let truth = try Self.decode(session, other)
      #expect(answer.own.map(\.other.response) == truth.rounds.prefix(answer.own.count).map(\.canvas.response))
      switch answer.ending {
      case .complete: #expect(answer.own.count == truth.rounds.count && answer.own.last?.other.response == truth.response)
      case .unseen:
        let next = try #require(answer.own.last).other.response
        #expect(answer.own.count < truth.rounds.count && !canvases.dropLast().contains { $0.response == next })
      default: Issue.record("\(answer.ending)")
      }
      let first = truth.rounds.indices.first { $0 + 1 >= canvases.count || truth.rounds[$0].canvas.response != canvases[$0 + 1].response }
      #expect(answer.parting?.index == first)
    }
  }

  /// Rules without a memory decide on a recorded canvas what they would decide on it afresh.
  @Test(arguments: ["threshold", "factor", "frechet", "hierarchy", "localleap"]) func alongTheRecordRulesDecideOnItsCanvases(_ name: String) throws {
    let session = try ToyTrace.session(try ToyTrace.make([["quota": ["steps": 8]]]))
    let canvases = try session.canvases(of: 0)
    let answer = try Self.ask(session, Setting(.text(name)))
    #expect(answer.along.count == answer.rounds && answer.alongFault == nil)
    for (decision, canvas) in zip(answer.along, canvases) {
      var fresh = try session.session(0, session.pipeline(Setting(.text(name))))
      fresh.move(to: canvas)
      var made: Round?
      _ = Decoder(ToyTrace.toy).decode([fresh], record: { made = made ?? $1 }, while: { made == nil })
      #expect(decision.shown == canvas && decision.other.response == made?.canvas.response)
    }
    let counts = answer.counts
    #expect(counts.both + counts.onlyRecorded + counts.otherToken == 16, "the record reveals each position once")
  }

  @Test func theModelAnswersForAnyCanvas() throws {
    let session = try ToyTrace.session(try ToyTrace.make("threshold"))
    for strategy: Setting in ["saber", ["freedave": ["base": ["threshold"]]], "hex", ["credit", "localleap", "sched"]] {
      let canvases = try session.canvases(of: 0)
      let answer = try WhatIf(session, 0, session.pipeline(strategy), canvases: canvases, on: ToyTrace.toy, holds: { _ in true })
      #expect(try answer.ending == .complete && answer.own.last?.other.response == Self.decode(session, strategy).response)
    }
  }

  @Test func aRuleIsLeftOutOrASettingChanged() throws {
    let list: Setting = [["credit": ["decay": 0.7, "fusion": 0.65]], ["threshold": ["confidence": 0.9]]]
    #expect(try StrategyChange.apply(to: list, without: ["credit"], set: []) == [["threshold": ["confidence": 0.9]]])
    let changed = try StrategyChange.apply(to: list, without: [], set: ["credit.decay=0.5", "threshold.confidence=1"])
    #expect(changed == [["credit": ["decay": 0.5, "fusion": 0.65]], ["threshold": ["confidence": 1]]])
    let mistakes: [(without: [String], set: [String], words: String)] = [
      (["credits"], [], "there is no rule in the run's list named `credits`; did you mean `credit`?; known: credit, threshold"),
      (["credit", "threshold"], [], "without credit, threshold no rule is left"),
      ([], ["threshold.confidense=1"], "threshold has no setting `confidense`; did you mean `confidence`?; known: confidence"),
      ([], ["threshold"], "`--set` is threshold, expected rule.key=value, as threshold.confidence=0.8"),
      ([], ["quota.steps=4"], "there is no rule in the run's list named `quota`; known: credit, threshold"),
    ]
    for (without, set, words) in mistakes {
      let error = #expect(throws: ConfigurationError.self) { try StrategyChange.apply(to: list, without: without, set: set) }
      #expect(error?.description == words)
    }
  }
}

/// The fewest rounds going by recorded beliefs.
@Suite struct OracleTests {
  static func oracle(_ trace: Trace) throws -> (Oracle, SampleTrace) {
    let session = try ToyTrace.session(trace)
    return (try Oracle(session.samples[0], canvases: session.canvases(of: 0)), session.samples[0])
  }

  /// Where no token depends on another, everything in reach is known at once: a round per block.
  @Test(arguments: [4, 8, 16]) func independentTokensTakeARoundPerBlock(_ blocks: Int) throws {
    let (oracle, sample) = try Self.oracle(try ToyTrace.make("quota", ToyTrace.Geometry(blocks: blocks), on: ToyDenoiser(context: 0)))
    #expect(oracle.rounds.count == 16 / blocks && oracle.given.isEmpty && sample.rounds.count == 16)
    #expect(oracle.rounds == stride(from: 0, to: 16, by: blocks).map { Array($0..<$0 + blocks) })
  }

  @Test(arguments: WhatIfTests.lists) func noRecordedDecodeBeatsIt(_ strategy: Setting) throws {
    for seed in 0..<8 as Range<UInt64> {
      let toy = ToyDenoiser(context: 2, radius: 6, sharpness: 5, seed: seed)
      let (oracle, sample) = try Self.oracle(try ToyTrace.make(strategy, ToyTrace.Geometry(pinned: [2: 5]), on: toy))
      #expect(oracle.rounds.count <= sample.rounds.count && oracle.given.isEmpty)
      #expect(oracle.rounds.joined().sorted() == (0..<16).filter { $0 != 2 })
    }
  }

  /// Early stops reveal what no belief was recorded of, revisers reveal other tokens first: neither is faster than the bound drawn from its own record.
  @Test(
    arguments: [
      "saber", "hex", ["freedave": ["base": ["threshold"]]], [["quota": ["steps": 16]], ["sched": ["high": 2, "low": 0.5]]],
      [["threshold": ["confidence": 0.3]], ["prophet": ["answer_start": 0, "gaps": [0.5, 0.5, 0.5]]]],
    ] as [Setting]) func neitherStopsNorRevisersBeatIt(_ strategy: Setting) throws
  {
    for seed in 0..<8 as Range<UInt64> {
      let toy = ToyDenoiser(context: 2, radius: 6, sharpness: 5, seed: seed)
      for blocks in [4, 16] {
        let (oracle, sample) = try Self.oracle(try ToyTrace.make(strategy, ToyTrace.Geometry(blocks: blocks), on: toy))
        #expect(oracle.rounds.count <= sample.rounds.count)
        #expect(oracle.rounds.joined().sorted() == Array(0..<16) && Set(oracle.given).isSubset(of: 0..<16))
      }
    }
  }

  /// Position `p` is right once every position before it is there: a chain, one round each, whatever was recorded.
  @Test func aChainTakesARoundPerLink() throws {
    let vocabulary = Vocabulary(size: 6, mask: 5, end: 4)
    let chain = RowsDenoiser(vocabulary) { query, row in
      let isReady = query.tokens[query.promptLength..<row].allSatisfy { $0 == 1 }
      return isReady ? [0, 5, 0, 0, 0, 0] : [4, 0, 0, 0, 0, 0]
    }
    let (oracle, sample) = try Self.oracle(try ToyTrace.make("quota", ToyTrace.Geometry(length: 4, blocks: 4), count: 1, on: chain))
    #expect(sample.response == [1, 1, 1, 1])
    #expect(oracle.rounds == [[0], [1], [2], [3]] && oracle.given.isEmpty)
    // Revealed all at once, the final tokens are those that the model believed at once.
    let (quick, greedy) = try Self.oracle(
      try ToyTrace.make([["threshold": ["confidence": 0.1]]], ToyTrace.Geometry(length: 4, blocks: 4), count: 1, on: chain))
    #expect(greedy.response == [1, 0, 0, 0] && quick.rounds == [[0, 1, 2, 3]])
  }

  /// Tokens that were drawn and never the likeliest are taken when the trace took them.
  @Test func drawnTokensAreGiven() throws {
    let geometry = ToyTrace.Geometry(blocks: 16, sampling: Sampling(temperature: 3))
    let (oracle, sample) = try Self.oracle(try ToyTrace.make("quota", level: .beliefs(24), geometry))
    #expect(!oracle.given.isEmpty && oracle.rounds.count <= sample.rounds.count)
    #expect(oracle.rounds.joined().sorted() == Array(0..<16))
  }
}

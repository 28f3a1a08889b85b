import Diffusion
import Strategies
import Support
import Testing
import Traces

@testable import Workbench

/// Why positions were revealed when they were.
@Suite struct ExplanationTests {
  static func explain(_ session: TraceSession, _ position: Int, on denoiser: (any Denoiser)? = nil, index: Int = 0) throws -> Explanation {
    let canvases = try session.canvases(of: index)
    var explanation = try Explanation(session, index, position: position, canvases: canvases)
    try explanation.decide(session, index, canvases: canvases, on: try denoiser ?? ToyTrace.tape(session, index))
    return explanation
  }

  /// Noting comparisons changes no decision, whatever the strategy.
  @Test(arguments: Catalog.standard.names) func explainingChangesNothing(_ name: String) throws {
    for geometry in TapeTests.geometries {
      let session: TraceSession
      do { session = try ToyTrace.session(try ToyTrace.make(Setting(.text(name)), level: .edits, geometry)) } catch is ConfigurationError { continue }
      let pipeline = try session.pipeline()
      let start = try session.session(0, pipeline, isExplained: true)
      let explained = decode([start], with: ToyTrace.toy)[0]
      let plain = decode([try session.session(0, pipeline)], with: ToyTrace.toy)[0]
      #expect(explained.session.canvas == plain.session.canvas && explained.rounds.map(\.edits.count) == plain.rounds.map(\.edits.count))
      #expect(zip(explained.rounds, plain.rounds).allSatisfy { zip($0.edits, $1.edits).allSatisfy { $0.position == $1.position && $0.token == $1.token } })
      #expect(plain.rounds.allSatisfy { $0.comparisons.isEmpty })
      for round in explained.rounds {
        for comparison in round.comparisons { #expect(comparison.position.map { round.shown.response.indices.contains($0) } ?? true) }
      }
    }
  }

  /// For rules that decide by a bar alone: a position is revealed just where it meets one, be it that of the progress clause.
  @Test(
    arguments: [
      "threshold", ["threshold": ["confidence": 0.5]], ["threshold": ["confidence": 0.99]], "localleap", "hierarchy", "quota", ["quota": ["steps": 8]],
    ] as [Setting]) func barsDecide(_ strategy: Setting) throws
  {
    let session = try ToyTrace.session(try ToyTrace.make(strategy))
    var met = 0
    var missed = 0
    for position in 0..<16 {
      for round in try Self.explain(session, position).rounds where round.isOpen {
        #expect(!round.comparisons.isEmpty && round.belief != nil)
        let revealing = round.edits.contains { $0.kind == .reveal }
        #expect(round.comparisons.contains(where: \.isMet) == revealing)
        if revealing { met += 1 } else { missed += 1 }
      }
    }
    #expect(met > 0 && missed > 0)
  }

  /// The canvas's own bars: where an early stop fires all are met, and before that some is missed.
  @Test func earlyStopsHaveBars() throws {
    let strategy: Setting = [["quota": ["steps": 16]], ["sched": ["high": 2, "low": 0.5]]]
    let session = try ToyTrace.session(try ToyTrace.make(strategy, ToyTrace.Geometry(blocks: 16)))
    let explanation = try Self.explain(session, 15)
    #expect(explanation.departure == nil && explanation.rounds.count > 1)
    var fired = 0
    for round in explanation.rounds {
      let bars = round.comparisons.filter { $0.rule == "sched" }
      #expect(bars.map(\.name) == ["progress", "gap", "stable rounds"] && bars.allSatisfy { $0.position == nil })
      let isFired = session.samples[0].edits.contains { $0.round == round.index && $0.edit.author == "sched" }
      #expect(bars.allSatisfy(\.isMet) == isFired)
      if isFired { fired += 1 }
    }
    #expect(fired == 1)
  }

  @Test(arguments: ["threshold", "factor", "frechet", "localleap", "hierarchy", "quota"]) func theTapeTellsWhatTheModelTells(_ name: String) throws {
    let session = try ToyTrace.session(try ToyTrace.make(Setting(.text(name)), ToyTrace.Geometry(pinned: [3: 4])))
    for position in [0, 3, 9, 15] {
      let (tape, model) = (try Self.explain(session, position), try Self.explain(session, position, on: ToyTrace.toy))
      #expect(tape.json(source: "") { "\($0)" }.json == model.json(source: "") { "\($0)" }.json)
      #expect(tape.departure == nil && tape.isPinned == (position == 3))
      for (round, canvas) in zip(tape.rounds, try session.canvases(of: 0)) {
        #expect(round.isOpen == canvas.eligible.contains(position) && round.shown == canvas.recorded[position])
      }
    }
  }

  /// What the trace holds needs no deciding: it tells the same beliefs, bit for bit, whatever strategy made it.
  @Test(arguments: ["threshold", "quota", "saber", "hierarchy"]) func recordedBeliefsAreTold(_ name: String) throws {
    let session = try ToyTrace.session(try ToyTrace.make(Setting(.text(name)), ToyTrace.Geometry(pinned: [3: 4])))
    for position in [0, 9, 15] {
      let plain = try Explanation(session, 0, position: position, canvases: session.canvases(of: 0))
      let decided = try Self.explain(session, position, on: ToyTrace.toy)
      #expect(plain.decided == 0 && plain.unknown == "bars" && decided.decided == decided.rounds.count)
      for (mine, model) in zip(plain.rounds, decided.rounds) where mine.isOpen {
        let (a, b) = (try #require(mine.belief), try #require(model.belief))
        #expect(a.token == b.token && a.confidence == b.confidence && a.margin == b.margin && a.entropy == b.entropy)
        #expect(a.runnerUp?.token == b.runnerUp?.token && a.runnerUp?.probability == b.runnerUp?.probability)
      }
    }
  }

  /// Revoked positions have more than one story.
  @Test func revocationsAreTold() throws {
    let session = try ToyTrace.session(try ToyTrace.make("saber", level: .edits, ToyTrace.Geometry(blocks: 16)))
    let position = try #require(session.samples[0].edits.first { $0.edit.kind == .remask }?.edit.position)
    let explanation = try Self.explain(session, position, on: ToyTrace.toy)
    let edits = explanation.rounds.flatMap(\.edits)
    #expect(edits.contains { $0.kind == .remask } && edits.count { $0.kind == .reveal } >= 2)
    let text = ExplanationText(explanation, source: "source") { "<\($0)>" }.text
    #expect(text.contains("masked again by saber") && text.contains("after it was masked again"))
  }

  @Test func positionsSurviveInsertions() throws {
    // Position 5 of the response stood at 4 before a mask was inserted in front of it.
    let canvas = try Canvas.toy(8)
    let rule = Custom { step in
      if step.index == 0 { step.insertMask(before: 2) } else { for position in step.open { step.reveal(position) } }
    }
    let session = try Session(id: 0, canvas: canvas, pipeline: try Pipeline([rule]))
    let sample = try ToyTrace.record(session, problem: "p", level: .edits, on: ToyTrace.toy).get()
    let trace = try ToyTrace.trace([sample], ["threshold"], ToyTrace.Geometry(length: 8, blocks: 8), .edits)
    let open = try ToyTrace.session(trace)
    let explanation = try Explanation(open, 0, position: 5, canvases: open.canvases(of: 0))
    #expect(explanation.rounds.map(\.position) == [4, 5] && explanation.rounds.map(\.edits.count) == [0, 1])
    let inserted = try Explanation(open, 0, position: 2, canvases: open.canvases(of: 0))
    #expect(inserted.rounds.map(\.position) == [nil, 2])
    #expect(inserted.rounds[0].edits.isEmpty)
  }

  @Test func otherDecisionsEndTheStory() throws {
    let trace = try ToyTrace.make(["threshold": ["confidence": 0.5]])
    let strict = try ToyTrace.session(
      try ToyTrace.trace(try trace.samples(), [["threshold": ["confidence": 0.9]]], ToyTrace.Geometry(), .beliefs(8)))
    let explanation = try Self.explain(strict, 15)
    let departure = try #require(explanation.departure)
    #expect(explanation.rounds[departure...].allSatisfy { $0.comparisons.isEmpty && (!$0.isOpen || $0.belief != nil) })
    let text = ExplanationText(explanation, source: "s") { "\($0)" }.text
    #expect(text.contains("from round \(departure + 1) on bars are not known: its decision is not the recorded one") && !text.contains("no rule held it"))
  }

  @Test func positionsOutOfTheResponseAreRefused() throws {
    let session = try ToyTrace.session(try ToyTrace.make("threshold"))
    for position in [-1, 16] {
      #expect(
        mistakes { try Self.explain(session, position) }
          == "`--position` is \(position), expected 0 to 15, the positions of `toy/0`")
    }
  }

  /// Without rounds the token is known, and nothing else is claimed.
  @Test func whatIsNotRecordedIsNotTold() throws {
    let trace = try ToyTrace.make("threshold", level: .none)
    let session = try ToyTrace.session(trace)
    let explanation = try Explanation(session, 0, position: 3, canvases: session.canvases(of: 0))
    let token = session.samples[0].response[3]
    #expect(!explanation.isRecorded && explanation.token == token && token >= 0)
    let text = ExplanationText(explanation, source: "source") { "<\($0)>" }.text
    #expect(text == "toy/0, position 3: <\(token)>; when and why is not known\nsource\nno rounds are recorded")
    #expect(mistakes { try Explanation(session, 0, position: 16, canvases: session.canvases(of: 0)) }.hasPrefix("`--position` is 16, expected 0 to 15"))
  }

  /// What a file says cannot move the cursor, and a round of many attempts is told in part.
  @Test func hostileTracesAreToldInBounds() throws {
    let trace = try ToyTrace.make("threshold", level: .edits, count: 1)
    var sample = try trace.samples()[0]
    let first = sample.edits[0]
    sample.problem = "p\u{1B}[2J\nq"
    var attempt = first.edit
    attempt.branch = 0
    let attempts = (0..<250).map { _ in RecordedEdit(round: first.round, edit: attempt) }
    sample.edits = (attempts + sample.edits).map { recorded in
      var changed = recorded.edit
      changed.author = "a\u{1B}]0;b\u{7}\n"
      return RecordedEdit(round: recorded.round, edit: changed)
    }
    let session = try ToyTrace.session(try ToyTrace.trace([sample], ["threshold"], ToyTrace.Geometry(), .edits))
    let explanation = try Explanation(session, 0, position: first.edit.position, canvases: session.canvases(of: 0))
    #expect(explanation.rounds[first.round].edits.count == 251)
    let text = ExplanationText(explanation, source: "s\u{1B}") { "\($0)" }.text
    #expect(text.hasPrefix("p?[2J?q, position ") && text.contains("by a?]0;b??"))
    #expect(!text.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
    #expect(text.contains("; and 151 more") && text.ranges(of: "tried on branch 0").count == 100)
  }

  /// Four positions in two blocks whose rows a test can follow by hand: sure ones, one that has to wait, and one out of reach.
  @Test func readsAsText() throws {
    let vocabulary = Vocabulary(size: 6, mask: 5, end: 4)
    let rows = RowsDenoiser(vocabulary) { query, row in
      switch row - query.promptLength {
      case 0: [0, 9, 0, 0, 0, -9]
      // Sure once position 0 holds its token.
      case 1: query.tokens[query.promptLength] == 1 ? [0, 0, 8, 0, 0, -9] : [1, 0, 2, 0, 0, -9]
      default: [0, 0, 0, 7, 0, -9]
      }
    }
    let strategy: Setting = ["threshold", ["sched": ["high": 20, "low": 9]]]
    let session = try ToyTrace.session(try ToyTrace.make(strategy, level: .edits, ToyTrace.Geometry(length: 4, blocks: 2), count: 1, on: rows))
    let texts = try [0, 1, 3].map { position in
      ExplanationText(try Self.explain(session, position, on: rows), source: "source") { "‘\($0)’" }.text
    }
    #expect(
      texts == [
        """
        toy/0, position 0: ‘1’, revealed in round 1 of 3 by threshold
        source

        round  candidate  confidence  margin  runner-up   what happened
        ─────  ─────────  ──────────  ──────  ──────────  ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            1  ‘1’            0.9995  0.9994  ‘0’ 0.0001  revealed by threshold; threshold: confidence 0.9995 ≥ 0.9
                                                          sched, whole canvas: progress 0.4286 ≥ 0; gap 6 < 20, missed by 14; stable rounds 0 ≤ 0, reached but not exceeded
          2–3                                             holds ‘1’
        """,
        """
        toy/0, position 1: ‘2’, revealed in round 2 of 3 by threshold
        source

        round  candidate  confidence  margin  runner-up   what happened
        ─────  ─────────  ──────────  ──────  ──────────  ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            1  ‘2’            0.5637  0.3563  ‘0’ 0.2074  threshold: confidence 0.5637 < 0.9, missed by 0.3363
                                                          sched, whole canvas: progress 0.4286 ≥ 0; gap 6 < 20, missed by 14; stable rounds 0 ≤ 0, reached but not exceeded
            2  ‘2’            0.9987  0.9983  ‘0’ 0.0003  revealed by threshold; threshold: confidence 0.9987 ≥ 0.9
                                                          sched, whole canvas: progress 0.5714 ≥ 0; gap 7.3333 < 17.25, missed by 9.9167; stable rounds 1 > 0
            3                                             holds ‘2’
        """,
        """
        toy/0, position 3: ‘3’, revealed in round 3 of 3 by threshold
        source

        round  candidate  confidence  margin  runner-up   what happened
        ─────  ─────────  ──────────  ──────  ──────────  ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            1  ‘3’            0.9964  0.9955  ‘0’ 0.0009  out of reach: the current block is 0 to 1
                                                          sched, whole canvas: progress 0.4286 ≥ 0; gap 6 < 20, missed by 14; stable rounds 0 ≤ 0, reached but not exceeded
            2  ‘3’            0.9964  0.9955  ‘0’ 0.0009  out of reach: the current block is 0 to 1
                                                          sched, whole canvas: progress 0.5714 ≥ 0; gap 7.3333 < 17.25, missed by 9.9167; stable rounds 1 > 0
            3  ‘3’            0.9964  0.9955  ‘0’ 0.0009  revealed by threshold; threshold: confidence 0.9964 ≥ 0.9
                                                          sched, whole canvas: progress 0.7143 ≥ 0; gap 7 < 11.75, missed by 4.75; stable rounds 2 > 0
        """,
      ], "\(texts.joined(separator: "\n\n"))")
  }
}

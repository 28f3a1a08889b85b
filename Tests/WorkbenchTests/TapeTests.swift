import Diffusion
import Strategies
import Support
import Synchronization
import Testing
import Traces

@testable import Workbench

/// A trace in place of the model: strategies decided on it do bit for bit what they did on the model, or are refused by the name of what they need.
@Suite struct TapeTests {
  static let geometries = [
    ToyTrace.Geometry(blocks: 16), ToyTrace.Geometry(pinned: [0: 3, 7: 5, 15: 1]), ToyTrace.Geometry(blocks: 16, sampling: Sampling(temperature: 0.8)),
  ]

  /// What became of a strategy on the tapes of its own traces.
  enum Fate: Hashable { case equal, refused, unanswered, notBuilt }

  static func fate(_ name: String, k: Int, _ geometry: ToyTrace.Geometry) throws -> Fate {
    let trace: Trace
    do { trace = try ToyTrace.make(Setting(.text(name)), level: .beliefs(k), geometry) } catch is ConfigurationError { return .notBuilt }
    let session = try ToyTrace.session(trace)
    let pipeline = try session.pipeline()
    var again: [SampleTrace] = []
    for index in session.samples.indices {
      let tape = try ToyTrace.tape(session, index)
      if let refusal = tape.refusal(of: pipeline, sampling: session.sampling) {
        #expect(refusal.contains("trace"), "\(name): \(refusal)")
        return .refused
      }
      let start = try session.session(index, pipeline, observed: session.level.needs)
      switch ToyTrace.record(start, problem: session.samples[index].problem, level: session.level, on: tape) {
      case .success(let sample): again.append(sample)
      case .failure(let error):
        #expect(error.description.contains("token") && error.description.contains("recorded"), "\(name): \(error)")
        return .unanswered
      }
    }
    let copy = try ToyTrace.trace(again, session.strategy, geometry, session.level)
    #expect(copy.differences(from: trace) == [], "\(name), k = \(k), \(geometry)")
    return .equal
  }

  @Test(arguments: Catalog.standard.names) func strategiesDecideOnATapeAsOnTheModel(_ name: String) throws {
    for geometry in Self.geometries {
      for k in [3, 8, ToyTrace.whole] { _ = try Self.fate(name, k: k, geometry) }
    }
  }

  /// With whole rows nothing but other canvases and other positions is refused; with few candidates most rules still decide.
  @Test func mostStrategiesNeedNoWeights() throws {
    let greedy = Self.geometries[0]
    let fates = { (k: Int) in try Catalog.standard.names.map { try Self.fate($0, k: k, greedy) } }
    let whole = try fates(ToyTrace.whole)
    #expect(whole.count { $0 == .equal } == Catalog.standard.names.count - 3, "two wrappers and one rule that reads revealed positions: \(whole)")
    #expect(!whole.contains(.unanswered) && !whole.contains(.notBuilt))
    #expect(try fates(8).count { $0 == .equal } >= 8)
    // Draws need whole rows, and get them.
    let warm = try Catalog.standard.names.map { try Self.fate($0, k: ToyTrace.whole, Self.geometries[2]) }
    #expect(warm.count { $0 == .equal } >= 8)
    #expect(try Catalog.standard.names.allSatisfy { try [.refused, .notBuilt].contains(Self.fate($0, k: 8, Self.geometries[2])) })
  }

  @Test func needsAreRefusedByName() throws {
    let session = try ToyTrace.session(try ToyTrace.make(["threshold": ["confidence": 0.7]]))
    let tape = try ToyTrace.tape(session)
    for (strategy, words) in [
      (Setting(.text("saber")), "saber reads rows of positions that hold a token"),
      (["sched"], "sched reads rows of masked positions beyond the current block"),
      ([["quota": ["score": "entropy"]]], "quota reads whole rows of logits, and the trace records the best 8 of 24 candidates (k)"),
      (["suppress", "threshold"], "suppress reads rows without suppressed tokens"), (["freedave"], "freedave decodes further canvases of its own"),
      (["hex"], "hex decodes further canvases of its own"),
    ] as [(Setting, String)] {
      let refusal = try #require(try tape.refusal(of: session.pipeline(strategy), sampling: .greedy))
      #expect(refusal.hasPrefix(words), "\(refusal)")
    }
    #expect(tape.refusal(of: try session.pipeline(), sampling: Sampling(temperature: 1))?.contains("temperature above 0") == true)
    // Credit asks for tokens as it goes: those that are among the candidates are answered, others are named.
    let credited = try ToyTrace.session(try ToyTrace.make(["credit", "threshold"], level: .beliefs(4)))
    let start = try credited.session(0, try credited.pipeline())
    guard case .failure(let error) = ToyTrace.record(start, problem: "p", level: .edits, on: try ToyTrace.tape(credited)) else {
      Issue.record("every credited token was among 4 of 24 candidates in every row")
      return
    }
    #expect(error.description.contains("the strategy reads the logit of token"))
  }

  @Test func onlyRecordedCanvasesAreAnswered() throws {
    let trace = try ToyTrace.make("threshold")
    let session = try ToyTrace.session(trace)
    let tape = try ToyTrace.tape(session)
    let canvases = try session.canvases(of: 0)
    #expect(canvases.dropLast().allSatisfy(tape.holds) && canvases.last?.isComplete == true)
    var other = canvases[0]
    other.apply(Edit(.reveal, at: 3, token: 20))
    #expect(!tape.holds(other))
    let query = Query(tokens: other.prompt + other.response, promptLength: other.prompt.count, rows: [])
    #expect(throws: DenoiserError.unsupported("no round of `toy/0` in the trace showed the model this canvas")) { try tape.believe([query]) }
    // A row that was not recorded is not made up.
    let beyond = Query(tokens: canvases[0].prompt + canvases[0].response, promptLength: canvases[0].prompt.count, rows: [canvases[0].prompt.count + 9])
    let error = #expect(throws: DenoiserError.self) { try tape.believe([beyond]) }
    #expect(error?.description.contains("rows of masked positions beyond the current block (position 9, round 1)") == true)
  }

  @Test func tracesThatCannotServeSaySo() throws {
    let edits = try ToyTrace.session(try ToyTrace.make("threshold", level: .edits))
    #expect("\(try #require(throws: ConfigurationError.self) { try ToyTrace.tape(edits) })".contains("run the experiment with `trace: beliefs`"))
    // A file of an earlier version: read as ever, and refused as a tape.
    let trace = try ToyTrace.make("threshold")
    var samples = try trace.samples()
    for index in samples.indices {
      samples[index].beliefs?.mass = []
      samples[index].beliefs?.moment = []
    }
    let old = try Trace(attributes: trace.attributes, samples: samples)
    #expect(old["beliefs"]?["mass"] == nil && old.validate() == [])
    let folder = try Folder()
    try TraceFile.write(old, to: folder.path + "/old.h5")
    let session = try ToyTrace.session(try TraceFile.read(folder.path + "/old.h5"))
    #expect(session.samples[0].beliefs?.isExact == false)
    #expect("\(try #require(throws: ConfigurationError.self) { try ToyTrace.tape(session) })".contains("`mass` and `moment`"))
    #expect(try Oracle(session.samples[0], canvases: session.canvases(of: 0)).rounds.count > 0)
  }

  @Test func canvasesAreThoseThatWereShown() throws {
    let shown = Mutex<[Canvas]>([])
    let session = try ToyTrace.session(try ToyTrace.make("saber", ToyTrace.Geometry(blocks: 4), count: 1))
    let start = try session.session(0, try session.pipeline())
    _ = Decoder(ToyTrace.toy).decode([start], record: { _, round in shown.withLock { $0.append(round.shown) } })
    #expect(try session.canvases(of: 0).dropLast() == shown.withLock { $0 }[...])
  }
}

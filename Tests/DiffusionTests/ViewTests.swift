import Diffusion
import Support
import Testing

@Suite struct ViewTests {
  @Test(arguments: [(0, 4), (3, 8), (5, 2)])
  func shadowBlockVisibility(prompt: Int, block: Int) throws {
    let spy = Spy(ToyDenoiser())
    let canvas = try Canvas.toy(16, blocks: block, prompt: prompt)
    let result = try decode(canvas, [Wino(wide: 0.4, narrow: 0.9)], with: spy)
    #expect(result.error == nil)
    if block > 2 { #expect(result.edits.contains { $0.kind == .remask }) }
    for (batch, round) in zip(spy.batches, result.rounds) {
      let query = try #require(batch.first)
      let window = round.shown.window
      let real = prompt + 16
      #expect(query.tokens == round.shown.prompt + round.shown.response + Array(repeating: 23, count: window.count))
      #expect(query.positionIDs == Array(0..<real) + window.map { prompt + $0 })
      #expect(Array(query.rows.suffix(window.count)) == Array(real..<real + window.count))
      let sees = try #require(query.visibility)
      #expect(sees.count == real + window.count)
      for row in 0..<sees.count {
        for key in 0..<sees.count {
          // Definition, entry by entry: real rows see real rows; a shadow sees all but the real token at its own position.
          let expected = row < real ? key < real : key >= real || key != prompt + window.lowerBound + (row - real)
          if sees[row, key] != expected { Issue.record("row \(row) key \(key)") }
        }
      }
    }
  }

  @Test func shadowRowsLeaveRealRowsAlone() throws {
    let canvas = try Canvas.toy()
    let plain = Custom(needs: Needs(.response, fullRows: true)) { $0.finish() }
    let shadowed = Custom(needs: Needs(.response, fullRows: true), show: { [Wino.view(of: $0)] }) { $0.finish() }
    let a = try decode(canvas, [plain], with: ToyDenoiser()).rounds[0]
    let b = try decode(canvas, [shadowed], with: ToyDenoiser()).rounds[0]
    for position in 0..<16 { #expect(a.belief[position].probabilities == b.belief[position].probabilities) }
    #expect(b.belief.extra(0).isKnown && b.belief.extra(7).isKnown && !b.belief.extra(8).isKnown && !b.belief.extra(-1).isKnown)
    // The block is all masks, so its shadow sees what the block sees, minus itself, plus the shadows.
    #expect(b.belief.extra(0).probabilities != b.belief[0].probabilities)
    #expect(b.cost == Cost(canvases: 1, positions: 3 + 16 + 8, logitRows: 16 + 8))
  }

  @Test func softInputs() throws {
    let canvas = try Canvas.toy(8, blocks: 8)
    let read = { (mixture: [View.Weighted]) throws -> [[Double]?] in
      let rule = Custom(
        needs: Needs(.response, fullRows: true),
        show: { canvas in
          var view = View(canvas)
          view.soft = [2: mixture]
          return [view]
        }
      ) { $0.finish() }
      let round = try decode(canvas, [rule], with: ToyDenoiser()).rounds[0]
      return (0..<8).map { round.belief[$0].probabilities }
    }
    let masked = try read([View.Weighted(token: 23, weight: 1)])
    let plain = try decode(canvas, [Custom(needs: Needs(.response, fullRows: true)) { $0.finish() }], with: ToyDenoiser()).rounds[0]
    #expect(masked == (0..<8).map { plain.belief[$0].probabilities })
    let five = try read([View.Weighted(token: 5, weight: 1)])
    let mixed = try read([View.Weighted(token: 5, weight: 0.5), View.Weighted(token: 23, weight: 0.5)])
    let filled = try Canvas(prompt: canvas.prompt, length: 8, blockLength: 8, vocabulary: canvas.vocabulary, pinned: [2: 5])
    let shown = try decode(filled, [Custom(needs: Needs(.response, fullRows: true)) { $0.finish() }], with: ToyDenoiser()).rounds[0]
    #expect(five == (0..<8).map { shown.belief[$0].probabilities })
    #expect(mixed != five && mixed != masked)
  }

  /// Iteration smoothing's shape: what is still masked is shown as a mixture of the mask and the last best guess.
  struct Smoother: Strategy {
    static let name = "smoother"
    private var guesses: [Slot: [View.Weighted]] = [:]
    init() {}
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func views(of canvas: Canvas) -> [View] {
      var view = View(canvas)
      for position in canvas.masked { view.soft[position] = guesses[canvas.slots[position]] }
      return [view]
    }
    mutating func decide(_ step: inout Step) {
      for position in step.open {
        let row = step.belief[position]
        let share = Float(row.confidence)
        guesses[step.slot(position)] = [View.Weighted(token: row.token, weight: share), View.Weighted(token: step.shown.vocabulary.mask, weight: 1 - share)]
      }
    }
  }

  @Test func softInputsRideAlongWithOtherRules() throws {
    let spy = Spy(ToyDenoiser())
    let result = try decode(try .toy(), [Threshold(0.8), Smoother()], with: spy)
    #expect(result.error == nil && result.session.isFinished)
    #expect(spy.batches[0][0].soft.isEmpty)
    #expect(spy.batches[1][0].soft.keys.allSatisfy { spy.batches[1][0].tokens[$0] == 23 } && !spy.batches[1][0].soft.isEmpty)
  }

  @Test func guidanceOfWeightZeroIsPlain() throws {
    for seed in 0..<4 as Range<UInt64> {
      let canvas = try Canvas.toy(seed: seed)
      let plain = try decode(canvas, [Threshold(0.7)], with: ToyDenoiser(seed: seed))
      let guided = try decode(canvas, [Threshold(0.7)], with: try GuidedDenoiser(ToyDenoiser(seed: seed), weight: 0))
      #expect(plain.rounds.map(\.edits) == guided.rounds.map(\.edits))
      #expect(plain.session.cost == guided.session.cost)
    }
  }

  @Test(arguments: [0.5, 2.0])
  func guidedRows(weight: Double) throws {
    let toy = ToyDenoiser(radius: 100)
    let spy = Spy(toy)
    let canvas = try Canvas.toy(prompt: 5)
    let rule = Custom(needs: Needs(.masked, fullRows: true, hidden: true)) { $0.finish() }
    let result = try decode(canvas, [rule], with: try GuidedDenoiser(spy, weight: weight))
    let round = result.rounds[0]
    #expect(round.cost == Cost(canvases: 2, positions: 2 * 21, logitRows: 2 * 16))
    let (c, u) = (spy.batches[0][0], spy.batches[0][1])
    #expect(u.tokens == Array(repeating: 23, count: 21) && c.tokens == canvas.prompt + canvas.response)
    #expect(c.lineage != u.lineage)
    #expect(spy.survivals[0].count == 2 && Set(spy.survivals[0].map(\.from)) == [c.lineage.branch, u.lineage.branch])
    for position in 0..<16 {
      let with = try toy.logits(5 + position, of: c)
      let without = try toy.logits(5 + position, of: u)
      let full = try #require(round.belief.raw.summary(position)?.full)
      #expect(full == zip(with, without).map { $1 + (Float(weight) + 1) * ($0 - $1) })
      #expect(round.belief.hidden(position)?.count == 6)
    }
  }

  @Test func guidanceRefusals() throws {
    var toy = ToyDenoiser()
    toy.abilities = []
    #expect(throws: ConfigurationError.unsupported("guidance reads whole rows of logits, which this model does not give")) {
      try GuidedDenoiser(toy, weight: 1)
    }
    #expect(throws: ConfigurationError.outOfRange(key: "guidance", value: "-1.0", expected: "0 or more")) { try GuidedDenoiser(ToyDenoiser(), weight: -1) }
    #expect(throws: ConfigurationError.self) { try GuidedDenoiser(ToyDenoiser(), weight: .nan) }
  }

  @Test func hiddenStates() throws {
    let rule = Custom(needs: Needs(hidden: true)) { step in
      let belief = step.belief
      let norm = { (position: Int) in belief.hidden(position).map { $0.reduce(0) { $0 + Double($1 * $1) } } ?? -.infinity }
      if let best = step.open.ranked(by: norm).first { step.reveal(best) }
    }
    let canvas = try Canvas.toy()
    let result = try decode(canvas, [rule], with: ToyDenoiser())
    #expect(result.error == nil && result.rounds.count == 16)
    #expect(result.rounds[0].belief.hidden(0)?.count == 6 && result.rounds[0].belief.hidden(9) == nil)
    #expect(result.edits.map(\.position) != (try decode(canvas, [OneByOne()], with: ToyDenoiser())).edits.map(\.position))
  }

  @Test func abilitiesAreChecked() throws {
    var toy = ToyDenoiser()
    toy.abilities = []
    for needs in [Needs(hidden: true), Needs(fullRows: true), Needs(stale: false)] {
      #expect(throws: ConfigurationError.self) { try toy.check(needs) }
      try ToyDenoiser().check(needs)
    }
    try toy.check(Needs())
    let soft = Custom(show: { canvas in
      var view = View(canvas)
      view.soft = [0: []]
      return [view]
    }) { $0.finish() }
    for (rule, what) in [
      (Wino(wide: 0.5, narrow: 0.1), "shows extra rows, which this model does not take"), (soft, "shows soft inputs, which this model does not take"),
      (Custom(needs: Needs(hidden: true)) { $0.finish() }, "reads hidden states, which this model does not give"),
    ] as [(any Strategy, String)] {
      #expect(try decode(try .toy(), [rule], with: toy).error == .denoiser(.unsupported("the strategy " + what)))
    }
    #expect(try decode(try .toy(), [OneByOne()], with: toy, sampling: Sampling(temperature: 1)).error != nil)
    #expect(try decode(try .toy(), [OneByOne()], with: toy).error == nil)
  }

  @Test func theModelsVocabularyIsTheCanvass() throws {
    let other = Vocabulary(size: 24, mask: 0, end: 22)
    let result = try decode(try .toy(vocabulary: other), [OneByOne()], with: ToyDenoiser())
    #expect(
      result.error?.description
        == "the canvas was made for another vocabulary (24 tokens, mask 0, end 22) than the model's (24 tokens, mask 23, end 22)")
  }
}

import Diffusion
import Support
import Testing

@Suite struct BatchTests {
  static func sessions(seed: UInt64, count: Int) throws -> [Session] {
    var random = SeededStream(SeededRandom(seed: seed)["batch"])
    return try (0..<count).map { id in
      let block = [2, 4, 8].randomElement(using: &random) ?? 4
      let length = block * Int.random(in: 1...4, using: &random)
      let pinned = Bool.random(using: &random) ? [Int.random(in: 0..<length, using: &random): 3 as Token] : [:]
      let canvas = try Canvas.toy(length, blocks: block, prompt: Int.random(in: 0...9, using: &random), seed: UInt64(id), pinned: pinned)
      let inner = try Pipeline([Credit(fusion: 0.4), Threshold(0.6)])
      let rules: [[any Strategy]] = [
        [OneByOne()], [Threshold(0.5)], [Credit(fusion: 0.4), Threshold(0.6)], [Wino(wide: 0.4, narrow: 0.4)], [Threshold(0.7), ViewTests.Smoother()],
        [Speculator(drafts: 3, base: inner)], [Voter(blocks: [block, length], base: inner)], [RuleTests.Reviser()], [OneByOne(), RuleTests.Hasty(left: 5)],
      ]
      let sampling = Bool.random(using: &random) ? Sampling.greedy : Sampling(temperature: 1, topP: 0.9, topK: 12)
      return try Session(
        id: id, canvas: canvas, pipeline: try Pipeline(rules[Int.random(in: 0..<rules.count, using: &random)]), sampling: sampling,
        random: SeededRandom(seed: seed), sample: id)
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func manyAtOnceAreManyAlone(seed: UInt64) throws {
    let toy = ToyDenoiser(radius: 6, seed: seed)
    let together = decode(try Self.sessions(seed: seed, count: 24), with: toy)
    let backwards = decode(try Self.sessions(seed: seed, count: 24).reversed(), with: toy)
    for (session, (batched, turned)) in zip(try Self.sessions(seed: seed, count: 24), zip(together, backwards.reversed())) {
      let alone = decode([session], with: toy)[0]
      #expect(alone.error == nil)
      for other in [batched, turned] {
        #expect(other.error == nil && alone.session.canvas == other.session.canvas && alone.session.cost == other.session.cost)
        // Edits hold NaN where a row was not read, which equals nothing: compare what is printed.
        #expect(alone.rounds.map { "\($0.edits) \($0.cost) \($0.kind)" } == other.rounds.map { "\($0.edits) \($0.cost) \($0.kind)" })
      }
    }
  }

  @Test func anObserverChangesNothing() throws {
    var observed = Needs(.response, topK: 8)
    observed.gather = [1, 2]
    for sampling in [Sampling.greedy, Sampling(temperature: 1)] {
      for rules in [[Threshold(0.6)], [Credit(fusion: 0.5), Threshold(0.6)], [RuleTests.Reviser()]] as [[any Strategy]] {
        let plain = try decode(try .toy(), rules, with: ToyDenoiser(), sampling: sampling)
        let seen = try decode(try .toy(), rules, with: ToyDenoiser(), sampling: sampling, observed: observed)
        #expect(plain.rounds.map(\.edits) == seen.rounds.map(\.edits))
        #expect(seen.rounds[0].belief.positions == Array(0..<16))
      }
    }
  }

  @Test func onlyTheBadOneFails() throws {
    // Wrong in three ways: too long for the model, a prompt token it lacks, an illegal edit; and rows that are not finite.
    var toy = ToyDenoiser()
    toy.maxLength = 30
    let vocabulary = toy.vocabulary
    let counting = SpeculationTests.Wobbler()
    func session(_ id: Int, _ canvas: Canvas, _ rules: [any Strategy]) throws -> Session {
      try Session(id: id, canvas: canvas, pipeline: try Pipeline(rules))
    }
    let good = try Canvas.toy()
    let batch = [
      try session(0, good, [counting, Threshold(0.5)]), try session(1, try .toy(32), [OneByOne()]),
      try session(2, try Canvas(prompt: [99], length: 8, blockLength: 8, vocabulary: vocabulary), [OneByOne()]),
      try session(3, good, [Custom { $0.reveal(77) }]), try session(4, good, [counting, Threshold(0.7)]),
      try session(5, good, [Custom { $0.insertMask(before: 0) }]),
    ]
    let spy = Spy(toy)
    let results = decode(batch, with: spy)
    // Session 1 was refused before it began; every other has ended, whichever way, and is forgotten.
    #expect(spy.forgotten.sorted() == [0, 2, 3, 4, 5])
    #expect(results[1].error == .denoiser(.tooLong(length: 35, limit: 30)))
    #expect(results[2].error == .denoiser(.unknownToken(token: 99, vocabulary: 24)))
    #expect(results[3].error == .illegal(strategy: "custom", round: 0, position: 77, reason: "the response has no position 77"))
    #expect(results[5].error == .denoiser(.tooLong(length: 31, limit: 30)) && results[5].rounds.count == 12)
    for index in [0, 4] {
      #expect(results[index].error == nil)
      #expect(results[index].edits == decode([batch[index]], with: toy)[0].edits)
    }
  }

  @Test func nonFiniteRowsStopOneSequence() throws {
    let vocabulary = Vocabulary(size: 4, mask: 3, end: 2)
    let denoiser = RowsDenoiser(vocabulary) { query, row in query.tokens[0] == 1 && row == 2 ? [0, .nan, 0, 0] : [0, 1, 2, 3] }
    let sessions = try (0..<2).map { id in
      let canvas = try Canvas(prompt: [Token(id)], length: 4, blockLength: 4, vocabulary: vocabulary)
      return try Session(id: id, canvas: canvas, pipeline: try Pipeline([OneByOne()]))
    }
    let results = decode(sessions, with: denoiser)
    #expect(results[0].error == nil && results[0].response == [2, 2, 2, 2])
    #expect(results[1].error == .denoiser(.nonFinite(row: 2, sequence: 0)))
  }

  @Test func abandonedSessionsHaveNoOutcome() throws {
    let session = try Session(id: 0, canvas: try .toy(), pipeline: try Pipeline([OneByOne()]))
    var left = 3
    let outcomes = Decoder(ToyDenoiser())
      .decode(
        [session],
        while: {
          left -= 1
          return left >= 0
        })
    #expect(outcomes.count == 1 && outcomes[0] == nil)
  }
}

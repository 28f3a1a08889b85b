import Diffusion
import Support
import Testing

@Suite struct SpeculationTests {
  static let bases: [[any Strategy]] = [
    [OneByOne()], [Threshold(0.6)], [Credit(fusion: 0.65), Threshold(0.6)], [Credit(fusion: 2), OneByOne()], [Wobbler(), Threshold(0.5)],
  ]

  /// Passes every third decision, and remembers how many views it gave.
  struct Wobbler: Strategy {
    static let name = "wobbler"
    var looked = 0
    init() {}
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func views(of canvas: Canvas) -> [View] {
      looked += 1
      return [View(canvas)]
    }
    mutating func decide(_ step: inout Step) {
      if looked != step.index + 1 { step.reveal(-1) }
      if step.index % 3 == 2 { step.pass() } else if let first = step.open.last { step.reveal(first) }
    }
  }

  @Test(arguments: bases.indices, [1, 2, 4, 9])
  func equalsItsBase(base: Int, drafts: Int) throws {
    for (seed, context) in zip(0..<6 as Range<UInt64>, [0, 0.3, 1, 2, 0, 1]) {
      for sampling in [Sampling.greedy, Sampling(temperature: 0.8)] {
        let toy = ToyDenoiser(context: context, radius: seed < 4 ? 3 : 100, seed: seed)
        let canvas = try Canvas.toy(16, blocks: 8, seed: seed)
        let rules = Self.bases[base]
        let alone = try decode(canvas, rules, with: toy, sampling: sampling)
        let ahead = try decode(canvas, [Speculator(drafts: drafts, base: try Pipeline(rules))], with: toy, sampling: sampling)
        #expect(alone.error == nil && ahead.error == nil)
        #expect(alone.edits == ahead.edits)
        #expect(alone.session.canvas == ahead.session.canvas)
        #expect(ahead.rounds.count <= alone.rounds.count)
        if drafts == 1 { #expect(alone.session.cost == ahead.session.cost) }
      }
    }
  }

  @Test(arguments: [2, 4, 8])
  func contextFreeReachesTheBound(drafts: Int) throws {
    let canvas = try Canvas.toy(32, blocks: 16)
    let result = try decode(canvas, [Speculator(drafts: drafts, base: try Pipeline([OneByOne()]))], with: ToyDenoiser(context: 0))
    // A block of B: its first round stands alone, and every later one decides up to `drafts` positions.
    #expect(result.rounds.count == 2 * (1 + (16 - 1 + drafts - 1) / drafts))
  }

  @Test func branchesForkFromTheTrunkAndOneSurvives() throws {
    let spy = Spy(ToyDenoiser(context: 0))
    let result = try decode(try .toy(16, blocks: 8), [Speculator(drafts: 4, base: try Pipeline([OneByOne()]))], with: spy)
    for (batch, kept) in zip(spy.batches, spy.survivals) {
      #expect(batch.map(\.lineage.branch) == Array(0..<batch.count))
      #expect(batch.allSatisfy { $0.lineage.parent == 0 && $0.lineage.session == 0 })
      // Without context every draft comes true, so the last view's state is the one that goes on.
      #expect(kept == [Survival(session: 0, from: batch.count - 1, to: 0)])
    }
    #expect(result.session.cost.canvases == spy.batches.reduce(0) { $0 + $1.count })
    #expect(spy.batches.map(\.count) == [1, 4, 3, 1, 4, 3])
  }

  @Test func indicesCountDecisionsNotCalls() throws {
    let last = Custom { step in
      if let next = step.open.first { step.reveal(next, as: Token(step.index)) }
    }
    let toy = ToyDenoiser(context: 0)
    let canvas = try Canvas.toy(12, blocks: 12)
    let ahead = try decode(canvas, [Speculator(drafts: 3, base: try Pipeline([last]))], with: toy)
    #expect(ahead.response == Array(0..<12) && ahead.rounds.count == 5)
  }

  @Test func aFaultOfTheBaseIsTheBases() throws {
    let bad = Custom { step in if step.index == 4 { step.reveal(99) } else { step.reveal(step.open[0]) } }
    let result = try decode(try .toy(), [Speculator(drafts: 3, base: try Pipeline([bad]))], with: ToyDenoiser(context: 0))
    #expect(result.error == .illegal(strategy: "custom", round: 4, position: 99, reason: "the response has no position 99"))
  }
}

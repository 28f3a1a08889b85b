import Diffusion
import Support
import Testing

/// Transforms, early stops, revisers, passes and faults.
@Suite struct RuleTests {
  @Test func aTransformChangesTheBeliefOfTheRulesAfterIt() throws {
    let boost = Custom(needs: Needs(topK: 5)) { step in
      for position in step.open {
        let raw = step.belief.raw[position]
        guard let second = raw.candidates.dropFirst().first(where: { $0.token != 23 && $0.token != raw.token }) else { continue }
        let isAdded = step.belief.add(50, to: second.token, at: position)
        #expect(isAdded)
        #expect(step.belief[position].token == second.token && step.belief[position].confidence > 0.99)
        #expect(step.belief.raw[position].token == raw.token && step.belief.raw[position].confidence == raw.confidence)
      }
    }
    let canvas = try Canvas.toy(8, blocks: 8)
    let plain = try decode(canvas, [Threshold(0.99)], with: ToyDenoiser())
    let boosted = try decode(canvas, [boost, Threshold(0.99)], with: ToyDenoiser())
    #expect(boosted.rounds.count == 1 && plain.rounds.count > 1)
    #expect(boosted.edits.allSatisfy { $0.confidence > 0.99 && $0.author == "threshold" })
    // What a recorder sees is the model's own belief.
    #expect(boosted.rounds[0].belief[0].confidence == plain.rounds[0].belief[0].confidence)
  }

  @Test(arguments: 0..<5 as Range<UInt64>)
  func creditOfNothingIsItsHost(seed: UInt64) throws {
    let canvas = try Canvas.toy(seed: seed)
    let host = try decode(canvas, [Threshold(0.7)], with: ToyDenoiser(seed: seed))
    let credit = try decode(canvas, [Credit(fusion: 0), Threshold(0.7)], with: ToyDenoiser(seed: seed))
    #expect(host.edits == credit.edits)
  }

  /// Fills everything once the shown canvas has at most `left` masks.
  struct Hasty: Strategy {
    static let name = "hasty"
    static let role = Role.earlyStop
    let left: Int
    var needs: Needs { Needs(.masked) }
    init(left: Int) { self.left = left }
    init(_ parameters: inout Parameters) throws(ConfigurationError) { left = try parameters.int("left", default: 4, in: 0...) }
    mutating func decide(_ step: inout Step) { if step.shown.masked.count <= left { step.finish() } }
  }

  @Test func anEarlyStopFillsEveryBlock() throws {
    let canvas = try Canvas.toy(16, blocks: 4)
    let result = try decode(canvas, [OneByOne(), Hasty(left: 10)], with: ToyDenoiser())
    #expect(result.rounds.count == 7 && result.session.isFinished)
    let last = try #require(result.rounds.last)
    #expect(last.edits.map(\.author) == ["one-by-one"] + Array(repeating: "hasty", count: 9))
    for commit in last.changes.commits { #expect(commit.token == last.belief[commit.position].token) }
  }

  /// Saber's shape: reveals two, then masks again the weaker of what is revealed, which may be one of the two.
  struct Reviser: Strategy {
    static let name = "reviser"
    static let role = Role.reviser
    var needs: Needs { Needs([.window, .revealed]) }
    private var budget = 12
    init() {}
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func decide(_ step: inout Step) {
      let belief = step.belief
      let chosen = step.open.ranked { belief[$0].confidence }.prefix(2)
      for position in chosen { step.reveal(position) }
      guard step.canvas.masked.count > 0, budget > 0 else { return }
      let revealed = (0..<step.shown.window.upperBound).filter { !step.canvas.isMasked($0) && !step.shown.pinned[$0] }
      guard let weakest = revealed.ranked(by: { -belief[$0].confidence }).first else { return }
      step.remask(weakest)
      budget -= 1
    }
  }

  @Test func aTransientRevealIsNoChange() throws {
    var transient = 0
    var revoked = 0
    for seed in 0..<4 as Range<UInt64> {
      let result = try decode(try .toy(seed: seed, pinned: [1: 4]), [Reviser()], with: ToyDenoiser(context: 2, seed: seed))
      #expect(result.error == nil && result.response[1] == 4)
      for round in result.rounds {
        let (commits, remasks) = round.changes
        for position in 0..<16 {
          let (old, new) = (round.shown.response[position], round.canvas.response[position])
          #expect(commits.contains { $0.position == position && $0.token == new } == (old != new && new != 23))
          #expect(remasks.contains(position) == (old != 23 && new == 23))
        }
        for edit in round.edits where edit.kind == .remask {
          if round.shown.isMasked(edit.position) { transient += 1 } else { revoked += 1 }
        }
      }
    }
    #expect(transient > 0 && revoked > 0)
  }

  @Test func passingKeepsProgressOut() throws {
    let idle = Custom { step in if step.index < 3 { step.pass() } }
    let result = try decode(try .toy(4, blocks: 4), [idle], with: ToyDenoiser())
    #expect(result.rounds.map(\.kind) == [.passed, .passed, .passed, .ordinary, .ordinary, .ordinary, .ordinary])
    #expect(result.edits.allSatisfy { $0.author == "progress" } && result.edits.count == 4)
  }

  @Test func progressIsOneByOneAndOnlyWhereNothingHappened() throws {
    let canvas = try Canvas.toy()
    let shy = try decode(canvas, [Threshold(1)], with: ToyDenoiser(sharpness: 2))
    let one = try decode(canvas, [OneByOne()], with: ToyDenoiser(sharpness: 2))
    #expect(shy.edits.map(\.position) == one.edits.map(\.position) && shy.response == one.response)
    for round in try decode(canvas, [Threshold(0.6)], with: ToyDenoiser()).rounds {
      #expect(Set(round.edits.map(\.author)).count == 1)
      if round.edits[0].author == "progress" { #expect(round.edits.count == 1) }
    }
  }

  @Test func aRuleThatNeverEndsIsStopped() throws {
    let idle = Custom { $0.pass() }
    let result = try decode(try .toy(), [idle], with: ToyDenoiser(), maxRounds: 9)
    #expect(result.error == .tooManyRounds(limit: 9, masked: 16) && result.rounds.count == 9)
    let flicker = Custom(needs: Needs([.window, .revealed])) { step in
      for position in step.open.prefix(1) { step.reveal(position) }
      for position in step.shown.response.indices where !step.shown.isMasked(position) { step.remask(position) }
    }
    #expect(try decode(try .toy(), [flicker], with: ToyDenoiser(), maxRounds: 30).error == .tooManyRounds(limit: 30, masked: 15))
  }

  static let illegal: [(String, Int, @Sendable (inout Step) -> Void)] = [
    // The prompt has no positions in a step: what lies before the response does not exist.
    ("the response has no position -1", -1, { $0.reveal(-1, as: 1) }),
    ("the response has no position 16", 16, { $0.reveal(16, as: 1) }),
    ("the response has no position 17", 17, { $0.insertMask(before: 17) }),
    ("the response has no position \(Int.min)", Int.min, { $0.delete(Int.min) }),
    ("it is pinned", 5, { $0.replace(5, with: 2) }),
    ("it is pinned", 5, { $0.remask(5) }),
    ("it is revealed already", 5, { $0.reveal(5, as: 2) }),
    (
      "it is revealed already", 0,
      {
        $0.reveal(0, as: 2); $0.reveal(0, as: 2)
      }
    ),
    ("the mask token cannot be revealed", 1, { $0.reveal(1, as: 23) }),
    ("no token 24 in a vocabulary of 24 (was its row asked for in `needs`?)", 1, { $0.reveal(1, as: 24) }),
    ("no token -7 in a vocabulary of 24 (was its row asked for in `needs`?)", 1, { $0.reveal(1, as: -7) }),
    ("no token -1 in a vocabulary of 24 (was its row asked for in `needs`?)", 12, { $0.reveal(12) }),
    ("it is masked", 1, { $0.replace(1, with: 2) }),
    ("it is masked already", 1, { $0.remask(1) }),
    ("an insertion here would move a pinned position", 3, { $0.insertMask(before: 3) }),
    ("a deletion here would change or move a pinned position", 5, { $0.delete(5) }),
  ]

  @Test(arguments: illegal.indices)
  func illegalEditsAreCaughtAndNotApplied(_ index: Int) throws {
    let (reason, position, edit) = Self.illegal[index]
    let rule = Custom { step in
      step.reveal(2)
      edit(&step)
      step.reveal(3)
    }
    let canvas = try Canvas.toy(16, blocks: 8, pinned: [5: 1])
    let result = try decode(canvas, [Threshold(1), rule], with: ToyDenoiser())
    #expect(result.error == .illegal(strategy: "custom", round: 0, position: position, reason: reason))
    #expect(result.session.canvas == canvas && result.rounds.isEmpty)
  }

  @Test func twoRulesCannotBothShowMore() throws {
    let soft = Custom(show: { canvas in
      var view = View(canvas)
      view.soft = [0: []]
      return [view]
    }) { $0.finish() }
    let reason = "two rules of the list show the model more than the canvas; keep one"
    for rules in [[Wino(wide: 0.5, narrow: 0.1), soft], [soft, Threshold(0.5), Wino(wide: 0.5, narrow: 0.1)]] as [[any Strategy]] {
      let names = rules.map { type(of: $0).name }.joined(separator: " + ")
      #expect(try decode(try .toy(), rules, with: ToyDenoiser()).error == .badView(strategy: names, round: 0, reason: reason))
    }
  }

  @Test func illegalViewsAreCaught() throws {
    let views: [(String, @Sendable (Canvas) -> [View])] = [
      ("it shows the model nothing", { _ in [] }),
      (
        "an extra row stands at position 16, which the response does not have",
        { canvas in
          var view = View(canvas)
          view.extra = [View.Extra(token: 1, position: 16)]
          return [view]
        }
      ),
      (
        "an extra row shows token 24, not one of 24",
        { canvas in
          var view = View(canvas)
          view.extra = [View.Extra(token: 24, position: 0)]
          return [View(canvas), view]
        }
      ),
      (
        "the soft input at position 3 holds nan of token 2",
        { canvas in
          var view = View(canvas)
          view.soft = [3: [View.Weighted(token: 2, weight: .nan)]]
          return [view]
        }
      ),
    ]
    for (reason, show) in views {
      let result = try decode(try .toy(), [Custom(show: show) { $0.finish() }], with: ToyDenoiser())
      #expect(result.error == .badView(strategy: "custom", round: 0, reason: reason))
    }
  }
}

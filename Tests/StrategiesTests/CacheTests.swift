import Diffusion
import Foundation
import Models
import Strategies
import Support
import Testing

/// Caches against no cache, against each other, and under strategies that fork trajectories.
@Suite struct CacheTests {
  /// Every policy with settings under which it does something on short responses.
  static let policies: [Setting] = [
    ["policy": "prefix"], ["policy": "dual"], ["policy": "dual", "refresh": 3], ["policy": "vicinity", "prefix_look": 4, "after_look": 4, "warmup": 1],
    ["policy": "dkv", "refresh": 4], ["policy": "dkv", "variant": "greedy", "refresh": 3],
    ["policy": "window", "window_tokens": 12, "active_tokens": 6, "refresh": 4],
    ["policy": "features", "prompt_refresh": 5, "response_refresh": 3, "ratio": 0.25],
  ]
  /// Every policy with settings under which every round computes everything.
  static let fresh: [Setting] = [
    ["policy": "prefix", "refresh": 1], ["policy": "dual", "refresh": 1], ["policy": "vicinity", "refresh": 1], ["policy": "dkv", "refresh": 1],
    ["policy": "dkv", "variant": "greedy", "refresh": 1], ["policy": "window", "refresh": 1],
    ["policy": "features", "prompt_refresh": 1, "response_refresh": 1], ["policy": "features", "prompt_refresh": 1, "response_refresh": 9, "ratio": 1.0],
    ["policy": "vicinity", "prefix_look": 1000, "after_look": 1000, "warmup": 0],
  ]
  static let prompt: [Token] = [96, 73, 71, 75, 1, 70, 63, 81, 1, 17, 25, 1, 64, 77, 77, 73, 81, 14, 0]

  /// What a decode did, round by round, to the last bit.
  struct Record: Equatable {
    var response: [Token] = []
    var rounds: [[Edit]] = []
    var positions: [Int] = []
    var kinds: [UInt8] = []

    static func == (a: Record, b: Record) -> Bool { a.response == b.response && a.bits == b.bits }
    var bits: [[UInt64]] {
      rounds.map { $0.flatMap { [UInt64($0.position), UInt64(bitPattern: Int64($0.token)), $0.confidence.bitPattern, $0.entropy.bitPattern] } }
    }
  }

  static func model(_ name: String = "llada") throws -> TransformerDenoiser {
    name == "llada" ? try Case.denoiser.get() : try TransformerDenoiser(directory: fixture(name))
  }
  static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../ModelsTests/Fixtures/checkpoints/\(name)").path
  }

  static func canvas(_ vocabulary: Vocabulary, _ length: Int = 24, _ block: Int = 12, prompt: [Token] = prompt) throws -> Canvas {
    try Canvas(prompt: prompt, length: length, blockLength: block, vocabulary: vocabulary)
  }

  static func pipeline(_ rules: Setting, _ vocabulary: Vocabulary, _ length: Int = 24, _ block: Int = 12) throws -> Pipeline {
    try Catalog.standard.build(rules, context: Parameters.Context(genLength: length, blockLength: block, vocabulary: vocabulary)).pipeline
  }

  /// Decodes one response with everything recorded.
  static func decode(
    _ rules: Setting, _ denoiser: any Denoiser, length: Int = 24, block: Int = 12, prompt: [Token] = prompt, id: Int = 0
  ) throws -> Record {
    let session = try Session(
      id: id, canvas: canvas(denoiser.vocabulary, length, block, prompt: prompt), pipeline: pipeline(rules, denoiser.vocabulary, length, block))
    var record = Record()
    let outcome = Decoder(denoiser).decode([session]) { _, round in
      record.rounds.append(round.edits)
      record.positions.append(round.cost.positions)
      record.kinds.append(round.kind.rawValue)
    }
    guard case .finished(let finished)? = outcome[0] else {
      Issue.record("\(String(describing: outcome[0]))")
      return record
    }
    record.response = finished.canvas.response
    return record
  }

  static func cached(_ setting: Setting, _ model: TransformerDenoiser) throws -> CachedDenoiser {
    CachedDenoiser(model, try #require(try CacheCatalog.standard.build(setting)))
  }

  @Test(arguments: fresh, [["quota"], [["threshold": ["confidence": 0.6]]], ["credit", "localleap"]] as [Setting])
  func refreshInEveryRoundIsNoCache(_ setting: Setting, _ rules: Setting) throws {
    let model = try Self.model()
    #expect(try Self.decode(rules, Self.cached(setting, model)) == Self.decode(rules, model))
  }

  @Test(arguments: fresh) func refreshInEveryRoundIsNoCacheWhereRowsPredictTheNext(_ setting: Setting) throws {
    let model = try Self.model("dream-bf16")
    let prompt: [Token] = [1, 2, 3, 4, 5]
    let plain = try Self.decode(["quota"], model, length: 16, block: 8, prompt: prompt)
    #expect(try Self.decode(["quota"], Self.cached(setting, model), length: 16, block: 8, prompt: prompt) == plain)
  }

  @Test func noNeighbourhoodAndNoWarmUpIsDual() throws {
    let model = try Self.model()
    let vicinity = try Self.decode(["quota"], Self.cached(["policy": "vicinity", "prefix_look": 0, "after_look": 0, "warmup": 0], model))
    let dual = try Self.decode(["quota"], Self.cached(["policy": "dual"], model))
    #expect(vicinity == dual)
    #expect(vicinity.positions == dual.positions)
  }

  @Test func oneBlockIsPrefixAndDualAlike() throws {
    let model = try Self.model()
    let prefix = try Self.decode(["quota"], Self.cached(["policy": "prefix"], model), block: 24)
    #expect(try prefix == Self.decode(["quota"], Self.cached(["policy": "dual"], model), block: 24))
    #expect(prefix.positions == [43] + Array(repeating: 24, count: 23))
  }

  /// The first round of a block is a full pass that is also decoded, every later one reads the cache.
  @Test func positionsAreCounted() throws {
    let model = try Self.model()
    let full = 19 + 24
    let dual = try Self.decode(["quota"], Self.cached(["policy": "dual"], model))
    #expect(dual.positions == [full] + Array(repeating: 12, count: 11) + [full] + Array(repeating: 12, count: 11))
    #expect(dual.kinds == [2] + Array(repeating: 0, count: 11) + [2] + Array(repeating: 0, count: 11))
    let prefix = try Self.decode(["quota"], Self.cached(["policy": "prefix"], model))
    #expect(prefix.positions == [full] + Array(repeating: 24, count: 11) + [full] + Array(repeating: 12, count: 11))
    // Of 24 positions in one block: masks, and what the last round revealed; every fourth round is full.
    let delayed = try Self.decode(["quota"], Self.cached(["policy": "dkv", "refresh": 4], model), block: 24)
    #expect(delayed.positions == (0..<24).map { $0 < 2 || $0 % 4 == 0 ? full : 24 - $0 + 1 })
    // Six masks, and what was revealed since the phase's second round; in the second what its first revealed.
    let window = try Self.decode(["quota"], Self.cached(["policy": "window", "window_tokens": 12, "active_tokens": 6, "refresh": 4], model), block: 24)
    #expect(window.positions == (0..<24).map { $0 % 4 == 0 ? full : min(6, 24 - $0) + max($0 % 4 - 1, $0 % 4 == 1 ? 1 : 0) })
  }

  /// Drafts take the state of the draft before them along: the text, and every accepted decision, is the base's own over the same cache.
  @Test(arguments: policies, [["quota"], [["threshold": ["confidence": 0.7]]]] as [Setting])
  func draftsOverACacheAreTheBaseOverIt(_ setting: Setting, _ base: Setting) throws {
    let model = try Self.model()
    let plain = try Self.decode(base, Self.cached(setting, model))
    let drafted = try Self.decode([["freedave": ["base": base, "drafts": 4]]], Self.cached(setting, model))
    #expect(drafted.response == plain.response)
    #expect(drafted.rounds.flatMap { $0 }.map(\.position) == plain.rounds.flatMap { $0 }.map(\.position))
    #expect(drafted.bits.flatMap { $0 } == plain.bits.flatMap { $0 })
    #expect(drafted.rounds.count <= plain.rounds.count)
  }

  static let forking: [Setting] = [
    [["freedave": ["base": ["quota"], "drafts": 3]]], [["hex": ["blocks": [8, 12]]]],
    [["hex": ["blocks": [8, 12], "base": [["freedave": ["base": ["quota"], "drafts": 3]]]]]],
  ]

  /// Views one at a time, views in a batch, and sessions in a batch: the same bits.
  @Test(arguments: policies, forking) func batchesAreTheirPartsOneByOne(_ setting: Setting, _ rules: Setting) throws {
    let model = try Self.model()
    let together = try Self.decode(rules, Self.cached(setting, model))
    #expect(try Self.decode(rules, OneAtATime(base: Self.cached(setting, model))) == together)
  }

  @Test(arguments: policies) func sessionsDoNotMeet(_ setting: Setting) throws {
    let model = try Self.model()
    let prompts: [[Token]] = [Self.prompt, Array(Self.prompt.dropFirst(4)), Array(Self.prompt.dropLast(7))]
    let alone = try prompts.map { try Self.decode([["threshold": ["confidence": 0.5]]], Self.cached(setting, model), prompt: $0).response }
    let shared = try Self.cached(setting, model)
    let sessions = try prompts.enumerated().map { id, prompt in
      try Session(
        id: id, canvas: Self.canvas(model.vocabulary, prompt: prompt), pipeline: Self.pipeline([["threshold": ["confidence": 0.5]]], model.vocabulary))
    }
    let outcomes = Decoder(shared).decode(sessions)
    for (outcome, response) in zip(outcomes, alone) {
      guard case .finished(let session)? = outcome else {
        Issue.record("\(String(describing: outcome))")
        continue
      }
      #expect(session.canvas.response == response)
    }
    #expect(shared.bytes == 0, "ended sessions are forgotten")
  }

  /// A revoked position is computed anew wherever it lies.
  @Test(arguments: policies) func revisersEnd(_ setting: Setting) throws {
    let model = try Self.model()
    let record = try Self.decode([["saber": [:]]], Self.cached(setting, model))
    #expect(!record.response.contains(model.vocabulary.mask))
    #expect(!record.response.isEmpty)
  }

  /// Tokens that a reviser takes back before the block: what is held of them belongs to a token that is gone, whatever stands there now.
  @Test func whatChangedBeforeTheBlockIsComputed() throws {
    let (mask, prompt): (Token, [Token]) = (9, [1, 2, 3, 4])
    func shown(_ first: [Token], _ second: [Token]) -> CacheView { CacheView(tokens: prompt + first + second, promptLength: 4, window: 8..<12, mask: mask) }
    let opening = shown([5, 5, 5, 5], [9, 9, 9, 9])
    for (setting, rows) in [("prefix", Array(8..<12)), ("dual", Array(8..<12)), ("vicinity", Array(8..<12))] {
      let parts: Setting = setting == "vicinity" ? ["policy": "vicinity", "prefix_look": 0, "after_look": 0, "warmup": 0] : ["policy": Setting(.text(setting))]
      var policy = try #require(try CacheCatalog.standard.build(parts)).policy
      #expect(policy.plan(opening) == .full)
      #expect(policy.plan(shown([5, 5, 5, 5], [6, 9, 9, 9])) == .part(rows: rows), "\(setting)")
      #expect(policy.plan(shown([5, 9, 5, 5], [6, 9, 9, 9])) == .part(rows: [5] + rows), "\(setting): masked again")
      #expect(policy.plan(shown([5, 7, 5, 5], [6, 9, 9, 9])) == .part(rows: [5] + rows), "\(setting): another token")
      #expect(policy.plan(shown([5, 5, 5, 5], [6, 9, 9, 9])) == .part(rows: rows), "\(setting): the old token")
    }
    // A row that is masked again within a phase keeps the mask's keys and values: it is computed again once it is revealed.
    var window = try #require(try CacheCatalog.standard.build(["policy": "window", "window_tokens": 4, "active_tokens": 1, "refresh": 9])).policy
    #expect(window.plan(opening) == .full)
    func rows(_ first: [Token], _ second: [Token]) -> [Int] { if case .part(let rows, _, _) = window.plan(shown(first, second)) { rows } else { [] } }
    #expect(rows([5, 5, 5, 5], [6, 9, 9, 9]) == [8, 9])
    #expect(rows([5, 9, 5, 5], [6, 9, 9, 9]) == [5])
    #expect(rows([5, 7, 5, 5], [6, 9, 9, 9]) == [5, 9])
  }

  /// What a rule asks for beyond the block changes nothing of what is computed there later.
  @Test(arguments: policies) func whatIsReadAheadOpensNothing(_ setting: Setting) throws {
    let model = try Self.model()
    let base: Setting = ["quota"]
    let plain = try Self.decode(base, Self.cached(setting, model), block: 8)
    let ahead = try Self.decode([["freedave": ["base": base, "drafts": 3, "across_blocks": true]]], Self.cached(setting, model), block: 8)
    #expect(ahead.response == plain.response)
    #expect(ahead.bits.flatMap { $0 } == plain.bits.flatMap { $0 })
  }

  /// Rules that read beyond what a round computes get what was said last.
  @Test(arguments: policies, [["prophet", "quota"], ["sched", "quota"]] as [Setting]) func staleRowsDo(_ setting: Setting, _ rules: Setting) throws {
    let model = try Self.model()
    let record = try Self.decode(rules, Self.cached(setting, model))
    #expect(!record.response.contains(model.vocabulary.mask))
    #expect(try Self.decode(rules, OneAtATime(base: Self.cached(setting, model))) == record)
  }

  // MARK: The meter

  @Test func whatIsNotHeldBackDoesNotDiverge() throws {
    let model = try Self.model()
    let metered = try Self.meter(MeteredDenoiser(Self.cached(["policy": "dual", "refresh": 1], model), against: model))
    #expect(metered.allSatisfy { $0 == Divergence(kl: 0, top1: 1, decisions: 1) })
    #expect(metered.count == 24)
  }

  @Test func aCacheDivergesAndDecidesAsBefore() throws {
    let model = try Self.model()
    let denoiser = MeteredDenoiser(try Self.cached(["policy": "dual"], model), against: model)
    let metered = try Self.meter(denoiser)
    // A block's first round is a full pass.
    #expect(metered[0] == Divergence(kl: 0, top1: 1) && metered[12] == Divergence(kl: 0, top1: 1))
    #expect(metered.contains { $0.kl > 0 })
    #expect(metered.allSatisfy { $0.kl >= 0 && $0.kl.isFinite && (0...1).contains($0.top1) && (0...1).contains($0.decisions) })
    let plain = try Self.decode(["quota"], Self.cached(["policy": "dual"], model))
    #expect(try Self.decode(["quota"], MeteredDenoiser(Self.cached(["policy": "dual"], model), against: model)) == plain)
  }

  /// Of several members the first believes what the full model does, and the others do not.
  @Test func everyMemberIsMeasured() throws {
    let denoiser = MeteredDenoiser(FirstAlone(), against: FirstAlone.first)
    let alone = try Self.meter(denoiser)
    #expect(alone.count == 24 && alone.allSatisfy { $0 == Divergence(kl: 0, top1: 1) })
    let members = try Self.meter(denoiser, ["hex": ["blocks": [8, 12]]])
    let both = try #require(members.first)
    #expect(both.kl > 0 && both.top1 < 1, "\(both)")
  }

  private static func meter(_ denoiser: any Denoiser, _ rules: Setting = "quota") throws -> [Divergence] {
    let session = try Session(id: 0, canvas: canvas(denoiser.vocabulary), pipeline: pipeline([rules], denoiser.vocabulary))
    var found: [Divergence] = []
    _ = Decoder(denoiser).decode([session]) { _, round in if let divergence = round.divergence { found.append(divergence) } }
    return found
  }

  // MARK: Settings

  @Test func mistakesAreNamed() {
    func message(_ setting: Setting) -> String {
      do { return String(describing: try CacheCatalog.standard.build(setting)) } catch { return "\(error)" }
    }
    #expect(message("duel").contains("no cache policy named `duel`; did you mean `dual`?"))
    #expect(message(["policy": "dual", "refesh": 3]).contains("did you mean `refresh`?"))
    #expect(message(["policy": "window", "active_tokens": 99]).contains("at most window_tokens (64)"))
    #expect(message(["refresh": 3]).contains("policy"))
    #expect(message(["policy": "none", "refresh": 3]).contains("no cache takes no settings"))
    #expect(message("none") == "nil")
  }

  @Test func aStrategyThatNeedsFreshRowsIsRefused() throws {
    let model = try Self.cached(["policy": "dual"], Self.model())
    #expect(throws: ConfigurationError.self) { try model.check(Needs(stale: false)) }
  }
}

/// Hands queries on one by one.
struct OneAtATime: Denoiser {
  let base: any Denoiser
  var vocabulary: Vocabulary { base.vocabulary }
  var abilities: Abilities { base.abilities }
  var maxLength: Int { base.maxLength }

  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for query in queries { responses += try base.believe([query]) }
    return responses
  }

  func settle(_ survivals: [Survival]) { base.settle(survivals) }
  func forget(session: Int) { base.forget(session: session) }
}

/// One model for the first sequence of a batch, and another for the rest.
private struct FirstAlone: Denoiser {
  private static let known = Vocabulary(size: 128, mask: 127, end: 126)
  static let first = ToyDenoiser(vocabulary: known, seed: 1)
  private let others = ToyDenoiser(vocabulary: known, seed: 2)

  var vocabulary: Vocabulary { Self.first.vocabulary }
  var abilities: Abilities { Self.first.abilities }
  var maxLength: Int { Self.first.maxLength }

  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    try Self.first.believe(Array(queries.prefix(1))) + others.believe(Array(queries.dropFirst()))
  }
}

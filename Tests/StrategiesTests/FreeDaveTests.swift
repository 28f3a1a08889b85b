import Diffusion
import Strategies
import Support
import Testing

@Suite struct FreeDaveTests {
  /// Every kind of deterministic base.
  static let bases: [Setting] = [
    ["quota"], [["quota": ["steps": 8]]], [["quota": ["score": "entropy"]]], [["quota": ["score": "margin", "steps": 32]]],
    [["threshold": ["confidence": 0.6]]],
    [["threshold": ["confidence": 2]]], [["factor": ["factor": 0.8]]], [["factor": ["quirk": true]]], ["frechet"], ["hierarchy"], ["localleap"],
    [["timesteps": ["blocks": true]]], [["timesteps": ["blocks": true, "steps": 8]]], ["saber"], [["saber": ["minimum": 3]]],
    ["credit", ["threshold": ["confidence": 0.7]]], ["suppress", "credit", "hierarchy"],
    ["credit", "localleap", ["sched": ["high": 3, "low": 1]]], ["quota", ["prophet": ["answer_start": 10, "gaps": [6, 3, 1]]]], ["saber", "sched"],
  ]

  static func freedave(_ base: Setting, _ settings: [(String, Setting)]) -> Setting {
    [["freedave": Setting(.map(settings.map { Setting.Entry($0.0, $0.1) } + [Setting.Entry("base", base)]))]]
  }

  @Test(arguments: bases.indices, [2, 4, 8, 16])
  func keepsTheTextAndEveryDecision(base: Int, drafts: Int) throws {
    for seed in 0..<3 as Range<UInt64> {
      for model in Toy.models(seed) {
        for (pinned, across) in [([:], false), ([5: 1], false), ([:], true)] as [([Int: Token], Bool)] {
          let base = Self.bases[base]
          let alone = try Toy.run(base, seed: seed, pinned: pinned, model: model)
          let settings: [(String, Setting)] = [("drafts", .init(.integer(drafts))), ("across_blocks", .init(.bool(across)))]
          let ahead = try Toy.run(Self.freedave(base, settings), seed: seed, pinned: pinned, model: model)
          #expect(alone.error == nil && ahead.error == nil)
          #expect(alone.edits == ahead.edits)
          #expect(alone.response == ahead.response)
          #expect(ahead.rounds.count <= alone.rounds.count)
        }
      }
    }
  }

  @Test func savesWhatItCanAndShowsItsCost() throws {
    let model = ToyDenoiser(context: 0)
    let alone = try Toy.run("quota", 32, blocks: 16, model: model)
    for drafts in [2, 4, 8] {
      let ahead = try Toy.run(Self.freedave("quota", [("drafts", .init(.integer(drafts)))]), 32, blocks: 16, model: model)
      #expect(ahead.rounds.count == 2 * (1 + (15 + drafts - 1) / drafts))
      // Every row of a batch is a canvas: with drafts that all come true, what is saved in rounds is paid in canvases all the same.
      #expect(ahead.session.cost.canvases >= alone.session.cost.canvases - 2)
    }
    #expect(try Toy.run(Self.freedave("quota", [("drafts", 1)]), 32, blocks: 16, model: model).session.cost == alone.session.cost)
  }

  @Test func draftsAcrossBlocksSaveMore() throws {
    let model = ToyDenoiser(context: 0)
    let within = try Toy.run(Self.freedave("quota", []), 32, blocks: 4, model: model)
    let across = try Toy.run(Self.freedave("quota", [("across_blocks", true)]), 32, blocks: 4, model: model)
    #expect(across.rounds.count < within.rounds.count && across.edits == within.edits)
  }

  /// A draft that is a part of what the threshold decides is accepted, and then the threshold sees another canvas than it would have.
  @Test func subsetIsNotLossless() throws {
    var differs = 0
    for seed in 0..<60 as Range<UInt64> {
      let base: Setting = [["threshold": ["confidence": 0.4]]]
      let model = ToyDenoiser(context: 2, seed: seed)
      let alone = try Toy.run(base, 32, blocks: 16, seed: seed, model: model)
      let subset = try Toy.run(Self.freedave(base, [("match", "subset")]), 32, blocks: 16, seed: seed, model: model)
      #expect(subset.error == nil)
      if alone.response != subset.response { differs += 1 }
      let single = try Toy.run(Self.freedave("quota", [("match", "subset")]), 32, blocks: 16, seed: seed, model: model)
      #expect(try single.response == Toy.run("quota", 32, blocks: 16, seed: seed, model: model).response)
    }
    #expect(differs > 0)
  }

  @Test func exitsEarlyAfterABlockOfEnds() throws {
    let vocabulary = Toy.vocabulary
    let model = RowsDenoiser(vocabulary) { _, row in (0..<vocabulary.size).map { $0 == Int(vocabulary.end) ? 5 + Float(row % 3) : 0 } }
    for (exits, rounds) in [(false, 12), (true, 3)] {
      let settings: [(String, Setting)] = [("drafts", 2), ("early_exit", .init(.bool(exits)))]
      let result = try decode(try .toy(16, blocks: 4), try Toy.pipeline(Self.freedave("quota", settings), 16, blocks: 4).rules, with: model)
      #expect(result.error == nil && result.response.allSatisfy { $0 == vocabulary.end })
      #expect(result.rounds.count == rounds)
    }
  }

  /// Draws at temperature, edits lengths, shows two canvases: nothing a draft can follow.
  struct Stretcher: Strategy {
    static let name = "stretcher"
    static let editsLengths = true
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func decide(_ step: inout Step) {}
  }
  struct Twins: Strategy {
    static let name = "twins"
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func views(of canvas: Canvas) -> [View] { [View(canvas), View(canvas, branch: 1)] }
    mutating func decide(_ step: inout Step) {}
  }

  @Test(
    arguments: [
      (["hex"], "freedave under its `base`"), (["freedave"], "freedave under its `base`"), (["stretcher"], "stretcher edits lengths"),
      (["twins"], "several views"), (["threshold", "hex"], "stands alone"), (["sched", "prophet"], "early stops"), (["treshold"], "did you mean `threshold`?"),
    ] as [(Setting, String)])
  func refusesABaseAndSaysWhy(base: Setting, reason: String) throws {
    let catalog = Catalog.standard + [Stretcher.self, Twins.self]
    let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(Self.freedave(base, []), catalog: catalog) }
    #expect("\(error)".contains(reason), "\(error)")
  }

  @Test func refusesTemperature() throws {
    let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(Self.freedave("quota", []), sampling: Sampling(temperature: 0.5)) }
    #expect("\(error)".contains("temperature is 0.5"), "\(error)")
  }
}

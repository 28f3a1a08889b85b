import Diffusion
import Foundation
import Strategies
import Support
import Testing

@Suite struct HexTests {
  static func hex(_ base: Setting, _ settings: [(String, Setting)]) -> Setting {
    [["hex": Setting(.map(settings.map { Setting.Entry($0.0, $0.1) } + [Setting.Entry("base", base)]))]]
  }

  static let bases: [Setting] = [
    [["quota": ["steps": 8]]], ["credit", ["threshold": ["confidence": 0.6]]], ["saber"],
    [["freedave": ["drafts": 3, "base": [["threshold": ["confidence": 0.6]]]]]],
  ]

  @Test(arguments: bases.indices)
  func aMemberIsItsBaseAlone(base: Int) throws {
    let blocks = [4, 8, 16]
    for seed in 0..<4 as Range<UInt64> {
      let pinned: [Int: Token] = seed == 2 ? [5: 1] : [:]
      let base = Self.bases[base]
      let vote = try Toy.run(Self.hex(base, [("blocks", [4, 8, 16])]), seed: seed, pinned: pinned)
      #expect(vote.error == nil)
      let alone = try blocks.map { try Toy.run(base, 16, blocks: $0, seed: seed, pinned: pinned) }
      for (member, decoded) in alone.enumerated() {
        let noted = vote.rounds.flatMap(\.edits).filter { $0.branch == member }
        #expect(noted.map { [$0.position, Int($0.token)] } == decoded.edits.map { [$0.position, Int($0.token)] })
      }
      #expect(vote.rounds.count == alone.map(\.rounds.count).max())
      #expect(vote.session.cost.canvases == alone.reduce(0) { $0 + $1.session.cost.canvases })
      #expect(alone.contains { $0.response == vote.response })
      #expect(vote.rounds.dropLast().allSatisfy { $0.kind == .passed && $0.canvas == $0.shown })
      #expect(vote.edits.allSatisfy { $0.author == "hex" } && vote.edits.count == 16 - pinned.count)
    }
  }

  @Test func samplesDifferAtTemperatureAndOnlyThere() throws {
    for (temperature, differ) in [(0.0, false), (1.5, true)] {
      let settings: [(String, Setting)] = [("blocks", [8]), ("samples", 4), ("temperature", .init(.number(temperature)))]
      let vote = try Toy.run(Self.hex("quota", settings), seed: 3)
      let texts = (0..<4).map { member in vote.rounds.flatMap(\.edits).filter { $0.branch == member }.map(\.token) }
      #expect((Set(texts).count > 1) == differ)
      #expect(try Toy.run(Self.hex("quota", settings), seed: 3).response == vote.response)
    }
  }

  /// Stopping early may leave out members, never change the answer.
  @Test func aDecidedMajorityStops() throws {
    var saved = 0
    for seed in 0..<30 as Range<UInt64> {
      let settings: [(String, Setting)] = [("blocks", [1, 2, 4, 8, 16])]
      let base: Setting = [["threshold": ["confidence": 0.3]]]
      let all = try Toy.run(Self.hex(base, settings), seed: seed, model: ToyDenoiser(context: 0.05, seed: seed))
      let early = try Toy.run(Self.hex(base, settings + [("stop", "majority")]), seed: seed, model: ToyDenoiser(context: 0.05, seed: seed))
      let answer = { (decoded: Decoded) in decoded.response.prefix { $0 != Toy.vocabulary.end }.last }
      #expect(answer(all) == answer(early))
      #expect(early.rounds.count <= all.rounds.count)
      saved += all.rounds.count - early.rounds.count
    }
    #expect(saved > 0)
  }

  @Test func voteFollowsTheRecordings() throws {
    for vector in try VectorTests.vectors("hex-vote") {
      let answers = try vector.inputs.at("answers").items.map { $0.value == .null ? nil : $0 }
      let likelihoods = try vector.inputs.at("log_likelihoods").items.map { try $0.double }
      for (tie, key) in [(Vote.Tie.first, "frequency"), (.nll, "frequency_tie_lowest_nll")] {
        let expected = try vector.outputs.at(key).at("winner")
        let winner = Vote.winner(answers, likelihoods: likelihoods, tie: tie).flatMap { answers[$0] }
        #expect(winner == (expected.value == .null ? nil : expected))
      }
    }
  }

  @Test func aDecisionCannotBeOverturned() {
    let random = SeededRandom(seed: 4)
    for trial in 0..<500 {
      let answers = (0..<random[trial].integer(below: 6) + 1).map { index -> Int? in
        let answer = random[trial][index].integer(below: 4)
        return answer == 3 ? nil : answer
      }
      let missing = random[trial][-1].integer(below: 4)
      guard Vote.isDecided(answers, missing: missing) else { continue }
      let likelihoods = Array(repeating: 0.0, count: answers.count + missing)
      let now = Vote.winner(answers, likelihoods: likelihoods, tie: .first).flatMap { answers[$0] }
      for late in 0..<3 {
        let all = answers + Array(repeating: late, count: missing)
        for tie in Vote.Tie.allCases { #expect(Vote.winner(all, likelihoods: likelihoods, tie: tie).flatMap { all[$0] } == now) }
      }
    }
    #expect(Vote.winner([nil, nil] as [Int?], likelihoods: [0, 0], tie: .first) == nil)
  }

  @Test func tiesGoToTheLikeliestPath() throws {
    // Two block lengths, two answers: the tie rule decides, and both rules are met with either outcome.
    var outcomes: Set<Bool> = []
    for seed in 0..<40 as Range<UInt64> {
      let first = try Toy.run(Self.hex("quota", [("blocks", [4, 16])]), seed: seed)
      let likely = try Toy.run(Self.hex("quota", [("blocks", [4, 16]), ("tie", "nll")]), seed: seed)
      outcomes.insert(first.response == likely.response)
      #expect(first.error == nil && likely.error == nil)
    }
    #expect(outcomes == [true, false])
  }

  @Test func numbersAreReadAsRecorded() throws {
    for vector in try VectorTests.vectors("hex-extract-gsm8k") {
      let text = try #require(vector.inputs.text)
      let expected = vector.outputs.value == .null ? nil : try vector.outputs.double
      #expect(AnswerExtraction.number(in: text) == expected, "\(text)")
    }
    #expect(AnswerExtraction.number(in: #"\boxed{1_000}"#) == 1000)
    #expect(AnswerExtraction.number(in: #"\boxed{-Infinity}"#) == -.infinity)
  }

  @Test func expressionsAreReadAsRecorded() throws {
    for vector in try VectorTests.vectors("hex-extract-math") {
      let text = try #require(vector.inputs.text)
      #expect(AnswerExtraction.expression(in: text) == vector.outputs.text, "\(text)")
    }
  }

  @Test(
    arguments: [
      (["hex"], [], "put every block length into one"), (["quota"], [("blocks", [3])], "divisors of gen_length"),
      ([["timesteps": ["steps": 16]]], [("blocks", [8])], "block_length"), (["quota"], [("blocks", "autors")], "authors"),
      ([["freedave": ["base": "quota"]]], [("temperature", 0.9)], "temperature is 0.9"),
    ] as [(Setting, [(String, Setting)], String)])
  func refusesAndSaysWhy(base: Setting, settings: [(String, Setting)], reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(Self.hex(base, settings)) }
    #expect("\(error)".contains(reason), "\(error)")
  }
}

import Diffusion
import Foundation
import Strategies
import Support
import Testing

/// What lists of rules mean, as equalities.
@Suite struct CompositionTests {
  /// What each round changed, rounds that passed left out.
  static func commits(_ decoded: Decoded) -> [[[Int]]] {
    decoded.rounds.map { $0.changes.commits.map { [$0.position, Int($0.token)] } }.filter { !$0.isEmpty }
  }

  /// Both lists make the same edits on many models.
  func same(_ left: Setting, _ right: Setting, blocks: Int = 8, sampling: Sampling = .greedy, authors: Bool = false) throws {
    for seed in 0..<6 as Range<UInt64> {
      for model in Toy.models(seed) {
        // A pass moves the draws of later decisions, and pins make a quota pass.
        let pinned: [Int: Token] = seed % 3 == 2 && sampling == .greedy ? [3: 4, 9: 1] : [:]
        let a = try Toy.run(left, blocks: blocks, seed: seed, pinned: pinned, sampling: sampling, model: model)
        let b = try Toy.run(right, blocks: blocks, seed: seed, pinned: pinned, sampling: sampling, model: model)
        #expect(a.error == nil && b.error == nil)
        #expect(Self.commits(a) == Self.commits(b))
        if authors { #expect(a.edits.map(\.author) == b.edits.map(\.author)) }
      }
    }
  }

  static let hosts: [Setting] = ["threshold", "factor", "frechet", "hierarchy", "localleap", "quota"]

  @Test(arguments: hosts.indices)
  func creditWithoutFusionIsItsHost(host: Int) throws {
    try same([["credit": ["fusion": 0]], Self.hosts[host]], [Self.hosts[host]], authors: true)
  }

  @Test func localLeapWithoutReachIsThreshold() throws {
    try same([["localleap": ["radius": 0, "anchor": 0.6, "relaxed": 0.1]]], [["threshold": ["confidence": 0.6]]])
    try same([["localleap": ["relaxed": 0.6, "anchor": 0.6]]], [["threshold": ["confidence": 0.6]]])
  }

  @Test func thresholdAboveOneIsOneByOne() throws {
    for sampling in [Sampling.greedy, Sampling(temperature: 0.8)] {
      try same([["threshold": ["confidence": 1.5]]], ["quota"], sampling: sampling)
      try same([["hierarchy": ["high": 1, "low": 1]]], ["quota"], sampling: sampling)
      try same([["saber": ["minimum": 1, "ratio": 1]], ["threshold": ["confidence": 9]]], [["saber": ["minimum": 1, "ratio": 1]]], sampling: sampling)
    }
  }

  @Test func certainBoundsRevealOneByOne() throws {
    try same([["frechet": ["delta": 1]]], ["quota"])
    try same([["factor": ["factor": 0]]], ["quota"])
    // Where all confidences are alike, the bound is the factor rule with factor 1 - delta; both take everything when nothing is asked.
    try same([["threshold": ["confidence": 0]]], [["factor": ["factor": 1000]]])
    try same([["threshold": ["confidence": 0]]], [["hierarchy": ["high": 0, "low": 0]]])
  }

  @Test func stopsThatNeverFireChangeNothing() throws {
    for host in Self.hosts {
      try same([host, "prophet"], [host], authors: true)
      try same([host, ["prophet": ["answer_start": 3, "gaps": [1e9, 1e9, 1e9]]]], [host], authors: true)
      try same([host, ["sched": ["high": 1e9, "low": 1e9]]], [host], authors: true)
    }
  }

  @Test func stopsTestWhatTheModelSaw() throws {
    // The stop reads the shown canvas and raw rows: neither its place in the list nor credit moves the round it fires in.
    for seed in 0..<8 as Range<UInt64> {
      let stop: Setting = ["sched": ["high": 5, "low": 1, "max_change": 1]]
      let rounds = try [[stop, ["threshold": ["confidence": 2]]], [["threshold": ["confidence": 2]], stop]].map { list in
        try Toy.run(Setting(.list(list)), seed: seed).rounds.count
      }
      #expect(rounds[0] == rounds[1])
    }
  }

  @Test func allInFillsWhatWasTakenBack() throws {
    for list in [["saber", ["sched": ["high": 0, "low": 0, "max_change": 1]]], [["sched": ["high": 0, "low": 0, "max_change": 1]], "saber"]] as [Setting] {
      #expect(try Toy.run(list).rounds.count == 1)
    }
  }

  @Test func suppressionIsForTheRulesAfterIt() throws {
    let banned: Setting = ["suppress": ["tokens": [0, 1, 2, 3, 4, 5]]]
    for seed in 0..<6 as Range<UInt64> {
      for host in Self.hosts {
        #expect(try Toy.run([banned, host], seed: seed).response.allSatisfy { $0 > 5 })
        #expect(try Toy.run([banned, "credit", host], seed: seed).response.allSatisfy { $0 > 5 })
        #expect(try Toy.run(["credit", banned, host], seed: seed).response.allSatisfy { $0 > 5 })
      }
    }
    try same([["suppress": ["tokens": []]], "threshold"], ["threshold"])
  }

  @Test func aRuleThatDoesNothingShiftsNoDraws() throws {
    let hot = Sampling(temperature: 0.9, topP: 0.95, topK: 12)
    try same([["quota": ["score": "random"]], "prophet"], [["quota": ["score": "random"]]], sampling: hot)
    try same([["credit": ["fusion": 0]], ["timesteps": ["score": "origin"]]], [["timesteps": ["score": "origin"]]], blocks: 16, sampling: hot)
  }

  @Test func creditRaisesWhatKeepsWinning() throws {
    // The lower bound on a commit: p >= bar / (bar + (1 - bar) (1 + 1 / (1 - decay)) ^ fusion).
    let (bar, decay, fusion) = (0.9, 0.8, 0.7)
    let least = bar / (bar + (1 - bar) * pow(1 + 1 / (1 - decay), fusion))
    for seed in 0..<6 as Range<UInt64> {
      let list: Setting = [["credit": ["decay": 0.8, "fusion": 0.7]], ["threshold": ["confidence": 0.9]]]
      for round in try Toy.run(list, seed: seed).rounds {
        for edit in round.edits where edit.author == "threshold" {
          #expect((round.belief.raw[edit.position].probability(of: edit.token) ?? 1) > least - 1e-9)
        }
      }
    }
  }

  @Test func timestepsScoresWhatItDrawsFrom() throws {
    // At temperature 0 without cuts there is nothing to temper.
    try same([["timesteps": ["original": true]]], ["timesteps"], blocks: 16)
    let cold = Sampling(temperature: 0.05)
    var differs = false
    for seed in 0..<6 as Range<UInt64> {
      for score in ["entropy", "confidence", "margin"] as [Setting] {
        let own = try Toy.run([["timesteps": ["score": score]]], blocks: 16, seed: seed, sampling: cold)
        let raw = try Toy.run([["timesteps": ["score": score, "original": true]]], blocks: 16, seed: seed, sampling: cold)
        #expect(own.error == nil && raw.error == nil)
        differs = differs || own.edits.map(\.position) != raw.edits.map(\.position)
      }
    }
    #expect(differs)
  }

  @Test func theOrderOfTimestepsCanBeDrawn() throws {
    let orders = try [0, 1e-9, 5].map { try Toy.run([["timesteps": ["alg_temp": .init(.number($0))]]], blocks: 16).edits.map(\.position) }
    #expect(orders[0] == orders[1] && orders[0] != orders[2])
  }

  @Test func blocksGetTheirShareOfTimesteps() throws {
    let blocked = try Toy.run([["timesteps": ["blocks": true]]], blocks: 8)
    #expect(blocked.rounds.map { $0.edits.count } == [0, 1, 1, 1, 1, 1, 1, 2, 0, 1, 1, 1, 1, 1, 1, 2])
    #expect(blocked.rounds.allSatisfy { ($0.kind == .passed) == $0.edits.isEmpty })
  }

  @Test(
    arguments: [
      (["prophet", "sched"], "both early stops"), (["freedave", "threshold"], "stands alone"), (["credit", "hex"], "stands alone"),
      (["timesteps"], "unless `blocks: true`"), ([["quota": ["steps": 5]]], "multiple of the number of blocks"),
      ([["timesteps": ["steps": 5, "blocks": true]]], "multiple of the number of blocks"), ([["sched": ["masked_only": false]]], "region: tail"),
      ([["prophet": ["gaps": [1, 2]]]], "one fewer than `gaps`"), ([["localleap": ["ancor": 1]]], "did you mean `anchor`?"),
      ([["credit": ["decay": 2]]], "0.0 to 1.0"), ([["suppress": ["tokens": "End"]]], "a list of token ids"),
      ([["saber": ["minimum": 0]]], "1 or more"), (["sabre"], "did you mean `saber`?"),
    ] as [(Setting, String)])
  func meaninglessListsAreRefused(list: Setting, reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(list) }
    #expect("\(error)".contains(reason), "\(error)")
  }
}

import Diffusion
import Support
import Testing

@Suite struct VotingTests {
  @Test(arguments: [Sampling.greedy, Sampling(temperature: 0.7)], [false, true])
  func membersAreTheirBaseAlone(sampling: Sampling, speculative: Bool) throws {
    let blocks = [4, 8, 16]
    let random = SeededRandom(seed: 3)
    for seed in 0..<4 as Range<UInt64> {
      let toy = ToyDenoiser(seed: seed)
      let canvas = try Canvas.toy(16, blocks: 8, seed: seed, pinned: seed == 2 ? [5: 1] : [:])
      let rules: [any Strategy] = [Credit(fusion: 0.5), Threshold(0.6)]
      let base = try Pipeline(speculative ? [Speculator(drafts: 3, base: try Pipeline(rules))] : rules)
      let vote = try decode(canvas, [Voter(blocks: blocks, base: base)], with: toy, sampling: sampling, random: random, sample: 7)
      #expect(vote.error == nil)
      var longest = 0
      var answers: [[Token]] = []
      for (member, block) in blocks.enumerated() {
        let own = try #require(canvas.restarted(blockLength: block))
        // A member's draws come from the trajectory's own source.
        let alone = try decode(own, base.rules, with: toy, sampling: sampling, random: random[7]["member"], sample: member)
        let noted = vote.rounds.flatMap(\.edits).filter { $0.branch == member }
        #expect(
          noted
            == alone.edits.map { edit in
              var copy = edit
              copy.branch = member
              return copy
            })
        longest = max(longest, alone.rounds.count)
        answers.append(alone.response)
      }
      #expect(vote.rounds.count == longest)
      #expect(answers.contains(vote.response))
      #expect(vote.rounds.dropLast().allSatisfy { $0.canvas == $0.shown && $0.kind == .passed })
      #expect(vote.edits.count == canvas.masked.count && vote.edits.allSatisfy { $0.author == "voter" })
    }
  }

  @Test func theMostFrequentAnswerWins() throws {
    let toy = ToyDenoiser()
    let canvas = try Canvas.toy(16, blocks: 16)
    let base = try Pipeline([Threshold(0.5)])
    let alone = try decode(canvas, base.rules, with: toy)
    #expect(try decode(canvas, [Voter(blocks: [16], base: base)], with: toy).response == alone.response)
    #expect(try decode(canvas, [Voter(blocks: [8, 16, 16, 16], base: base)], with: toy).response == alone.response)
  }

  @Test func branchesOfMembersNeverMeet() throws {
    let spy = Spy(ToyDenoiser(context: 0.2))
    let base = try Pipeline([Speculator(drafts: 3, base: try Pipeline([OneByOne()]))])
    _ = try decode(try .toy(), [Voter(blocks: [4, 8, 16], base: base)], with: spy)
    for (batch, kept) in zip(spy.batches, spy.survivals) {
      #expect(Set(batch.map(\.lineage.branch)).count == batch.count)
      #expect(batch.allSatisfy { $0.lineage.branch % 3 == $0.lineage.parent % 3 && $0.lineage.parent < 3 })
      #expect(Set(kept.map(\.to)).count == kept.count && kept.allSatisfy { $0.from % 3 == $0.to })
    }
  }
}

import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Comparisons of made-up outcomes: what is paired, what is said.
@Suite struct PairComparisonTests {
  /// A side with one sample per problem and seed; `right`, `rounds` and the like are asked with problem and seed.
  static func side(
    _ label: String, problems: Range<Int> = 0..<40, seeds: [Int] = [0], isTimed: Bool = true, rounds: Int = 10, right: (Int, Int) -> Bool
  ) throws -> Pairing.Side {
    var samples: [Pairing.Sample] = []
    for seed in seeds {
      for problem in problems {
        let isRight = right(problem, seed)
        let line = """
          {"answer_tokens":\(8 + problem % 5),"canvases":\(rounds),"correct":\(isRight),"extracted":"\(isRight ? "right" : label)","kind":"k","level":1,
          "logit_rows":1,"positions":\(rounds * (20 + problem % 3)),"problem":"made/test/\(problem)","rounds":\(rounds + problem % 4),"score":0,"seed":\(seed),
          "text":"","tokens":[]}
          """
        samples.append(Pairing.Sample(outcome: try #require(Outcome(line: Array(line.utf8))), seconds: Double(rounds) / 1000 * (1 + Double(problem % 7) / 10)))
      }
    }
    let folders = seeds.map { ($0, "results/made/\(label)-\($0)") }
    return Pairing.Side(label: label, directories: Dictionary(uniqueKeysWithValues: folders), isTimed: isTimed, samples: samples)
  }

  static func compare(_ candidate: Pairing.Side, _ baseline: Pairing.Side) throws -> PairComparison {
    let pairing = try Pairing(title: "made/test on toy, 16/8", baseline: baseline, candidate: candidate)
    return PairComparison(pairing, Bootstrap(count: pairing.count, draws: 500))
  }

  private static func refusal(_ body: () throws -> Pairing) -> String {
    do { return "none: \(try body().count)" } catch { return "\(error)" }
  }

  @Test func thePageSaysWhatIsShown() throws {
    let baseline = try Self.side("plain", rounds: 40) { problem, _ in problem % 10 != 0 }
    let candidate = try Self.side("fast one") { problem, _ in problem % 10 != 0 && problem % 9 != 1 || problem == 20 }
    let comparison = try Self.compare(candidate, baseline)
    #expect(
      comparison.page() == """
        made/test on toy, 16/8: fast one against plain, 40 problems
          baseline   results/made/plain-0
          candidate  results/made/fast one-0

                           plain    fast one  effect  95 % interval       p
        ────────────  ──────────  ──────────  ──────  ─────────────  ──────
        accuracy %    90.0 ± 4.8  82.5 ± 6.1    -7.5  -21.1 to +4.7  0.3750
        rounds              41.5        11.5  ÷ 3.61   3.53 to 3.68  0.0040
        positions            839         210  ÷ 4.00   4.00 to 4.00  0.0040
        ms                  51.5        12.9  ÷ 4.00   4.00 to 4.00  0.0040
        tokens/round        0.24        0.87  × 3.61   3.53 to 3.68  0.0040
        QPS, rounds                           × 2.55   1.49 to 4.11  0.0040
        QPS, time                             × 2.82   1.66 to 4.49  0.0040

        answers: 4 problems right before and wrong now, 1 wrong before and right now; 80.0 ± 6.4 percent of the final answers are the same
        99 percent of the accuracy kept: not shown, p 0.8865; about 9,480 problems show it, if both are equally accurate
        99.9 percent of the accuracy kept: not shown, p 0.9080; about 954,000 problems show it, if both are equally accurate
        a difference of 1.0 points: about 9,910 problems show it, if 12.5 percent of them change
        right before, wrong now: made/test/1, made/test/19, made/test/28, made/test/37
        wrong before, right now: made/test/20
          unmask replay results/made/plain-0/trace.h5 --against 'results/made/fast one-0/trace.h5' --sample made/test/1

        Neither a difference in accuracy nor the lack of one is shown: 40 problems are too few; fast one takes 3.61 times fewer rounds.
        """)
    #expect(!comparison.page(canReplay: false).contains("unmask replay"))
  }

  @Test func aSweepIsCorrectedForItsSize() throws {
    let baseline = try Self.side("plain", rounds: 40) { problem, _ in problem % 10 != 0 }
    let bad = try Self.side("bad", isTimed: false) { problem, _ in problem % 3 == 0 }
    let same = try Self.side("same", problems: 0..<30) { problem, _ in problem % 10 != 0 }
    let sweep = PairComparisonSweep(try [bad, same].map { try Self.compare($0, baseline) }, remarks: ["something to know"])
    #expect(sweep.worse.map(\.pairing.candidate.label) == ["bad"])
    #expect(sweep.comparisons.map { $0.adjusted >= $0.p } == [true, true] && sweep.comparisons[0].adjusted == 2 * sweep.comparisons[0].p)
    #expect(
      sweep.page == """
        made/test on toy, 16/8, 40 problems: against plain, 90.0 ± 4.8 percent right
        accuracy  problems     %  difference   95 % interval  lost  won        p     Holm  keeps 99 %  keeps 99.9 %  same answers %
        ────────  ────────  ────  ──────────  ──────────────  ────  ───  ───────  ───────  ──────────  ────────────  ──────────────
        bad             40  35.0       -55.0  -70.7 to -33.7    24    2  <0.0001  <0.0001    0.999990      0.999992            30.0
        same            30  90.0         0.0  -11.4 to +11.4     0    0   1.0000   1.0000      0.3008        0.4347            90.0

        cost  rounds ÷  95 % interval  positions ÷  95 % interval  speedup  95 % interval  QPS, time  95 % interval
        ────  ────────  ─────────────  ───────────  ─────────────  ───────  ─────────────  ─────────  ─────────────
        bad       3.61   3.53 to 3.68         4.00   4.00 to 4.00   shared                    shared
        same      3.62   3.53 to 3.72         4.00   4.00 to 4.00     4.00   4.00 to 4.00       4.00   4.00 to 4.00

        lost, won: problems right with the baseline alone, with the candidate alone; p: exact paired test; Holm: the same for all comparisons together
        keeps: p of keeping that share of the baseline's accuracy, `yes` where Holm's correction leaves it below 0.05; intervals are each row's own
        rounds ÷, positions ÷, speedup: the baseline's over the candidate's; QPS: speedup (or rounds ÷) times the ratio of accuracies to the fourth
        note: something to know
        note: plain has 10 more samples (40 problems, the first made/test/0, seed 0), which take no part

        Of 2 comparisons, less accurate than the baseline: bad; more accurate: none; shown to keep 99 percent of its accuracy: none.
        Neither is shown for same; to see a difference of 1.0 points takes up to 883 problems.
        """)
  }

  @Test func oneSeedIsMcNemarAndCopiesOfItSayNoMore() throws {
    let right = { (problem: Int, _: Int) in problem % 7 != 0 }
    let other = { (problem: Int, _: Int) in problem % 7 != 1 && problem % 5 != 0 }
    let once = try Self.compare(Self.side("b", right: other), Self.side("a", right: right))
    let copies = try Self.compare(Self.side("b", seeds: [0, 1, 2], right: other), Self.side("a", seeds: [0, 1, 2], right: right))
    #expect(once.p == SignFlipTest.p(Array(repeating: -1, count: once.lost.count) + Array(repeating: 1, count: once.won.count)))
    #expect(abs(copies.p - once.p) < 1e-12 && copies.pairing.weight == 1 && copies.pairing.seeds == 3)
    #expect(abs(copies.difference.low - once.difference.low) < 1e-9 && abs(copies.candidateAccuracy.error - once.candidateAccuracy.error) < 1e-12)
    #expect(zip(copies.kept, once.kept).allSatisfy { abs($0.p - $1.p) < 1e-9 } && copies.lost == once.lost)
    for (own, other) in zip(copies.costs, once.costs) { #expect(abs(own.effect.low - other.effect.low) < 1e-9 && own.effect.p == other.effect.p) }
  }

  @Test func seedsThatTellDifferentThingsAreWorthMore() throws {
    let random = SeededRandom(seed: 1)
    let coin = { (word: Int) in { (problem: Int, seed: Int) in random[word][problem][seed].uniform < 0.5 } }
    let few = try Self.compare(Self.side("b", problems: 0..<200, right: coin(1)), Self.side("a", problems: 0..<200, right: coin(2)))
    let many = try Self.compare(
      Self.side("b", problems: 0..<200, seeds: [0, 1, 2, 3], right: coin(1)), Self.side("a", problems: 0..<200, seeds: [0, 1, 2, 3], right: coin(2)))
    #expect((3...4).contains(many.pairing.weight))
    let widths = [few, many].map { $0.difference.high - $0.difference.low }
    #expect(widths[1] < 0.65 * widths[0], "four seeds of coins are four times the problems")
  }

  @Test func exchangedSidesAreMirrored() throws {
    let a = try Self.side("a", rounds: 30) { problem, _ in problem % 4 != 0 }
    let b = try Self.side("b", rounds: 12) { problem, _ in problem % 6 != 1 }
    let (there, back) = (try Self.compare(b, a), try Self.compare(a, b))
    #expect(there.p == back.p && there.lost == back.won && there.won == back.lost && there.agreement == back.agreement)
    for (own, other) in zip(there.costs, back.costs) {
      #expect(abs(own.effect.value * other.effect.value - 1) < 1e-12 && abs(own.effect.p - other.effect.p) < 1e-12, "\(own.kind)")
    }
    // Fewer rounds at the accuracies 30/40 and 34/40.
    let rounds = there.costs[0].effect.value
    let quality = there.costs.first { $0.kind == .qualityPerRounds }?.effect.value ?? .nan
    #expect(abs(quality - rounds * pow(there.candidateAccuracy.value / there.baselineAccuracy.value, 4)) < 1e-12)
  }

  @Test func onlyCommonSamplesArePaired() throws {
    let baseline = try Self.side("a", problems: 0..<40, seeds: [0, 1]) { problem, _ in problem != 3 }
    let candidate = try Self.side("b", problems: 10..<50, seeds: [1, 2]) { _, _ in true }
    let pairing = try Pairing(title: "t", baseline: baseline, candidate: candidate)
    #expect(pairing.count == 30 && pairing.seeds == 1)
    #expect(
      pairing.remarks == [
        "a has 50 more samples (40 problems, the first made/test/0, seeds 0, 1), which take no part",
        "b has 50 more samples (40 problems, the first made/test/10, seeds 1, 2), which take no part",
      ])
    let other = try Self.side("c", problems: 60..<62, seeds: [3]) { _, _ in true }
    #expect(
      Self.refusal { try Pairing(title: "t", baseline: baseline, candidate: other) } == """
        c and a have no sample in common: 2 problems, the first made/test/60, seed 3 against 40 problems, the first made/test/0, seeds 0, 1; \
        a pair is the same problem with the same seed
        """)
  }

  @Test func theVerdictIsWhatIsShown() throws {
    let plain = { (rounds: Int) in try Self.side("plain", problems: 0..<400, rounds: rounds) { problem, _ in problem % 10 != 0 } }
    let same = try Self.compare(Self.side("same", problems: 0..<400) { problem, _ in problem % 10 != 0 }, plain(40))
    #expect(same.isKept(0) && !same.isKept(1))
    #expect(same.verdict == "No difference in accuracy is shown, and at least 99 percent of the accuracy is kept, with 3.61 times fewer rounds.")
    #expect(same.page().contains("99 percent of the accuracy kept: shown, p 0.0283\n99.9 percent of the accuracy kept: not shown, p"))
    let good = try Self.compare(Self.side("good", problems: 0..<400) { problem, _ in problem % 50 != 0 }, plain(10))
    #expect(good.isBetter && good.verdict == "good is better than plain: 8.0 points more accurate, with as many rounds.")
    let bad = try Self.compare(Self.side("bad", problems: 0..<400, rounds: 20) { problem, _ in problem % 5 != 0 }, plain(10))
    #expect(bad.isWorse && bad.verdict == "bad is worse than plain: 10.0 points less accurate, for 1.87 times more rounds.")
  }

  @Test func nothingRightIsNoTrap() throws {
    let none = try Self.side("a", isTimed: false) { _, _ in false }
    let comparison = try Self.compare(Self.side("b") { _, _ in false }, none)
    #expect(comparison.p == 1 && !comparison.isKept(0) && comparison.costs.map(\.kind) == [.rounds, .positions, .tokensPerRound, .qualityPerRounds])
    #expect(comparison.page().contains("no number of problems shows it") && comparison.page().contains("no speed is compared"))
    #expect(comparison.json["costs"]?["qps_rounds"]?["ratio"]?.json == "null")
  }

  @Test(arguments: [(0.2, "1"), (17.0, "17"), (999.5, "1,000"), (1001, "1,010"), (3238, "3,240"), (152_706, "153,000"), (.infinity, "∞")])
  func estimatesAreRoundedUp(_ number: Double, _ text: String) { #expect(PairComparison.estimated(number) == text) }
}

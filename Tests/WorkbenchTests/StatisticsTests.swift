import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Tests and intervals against SciPy, statsmodels, numerical maximum likelihood and simulation: `Fixtures/statistics.py` made the answers.
@Suite struct StatisticsReferenceTests {
  struct Reference: Decodable {
    struct Discordance: Decodable { let onlyCandidate: Int, onlyBaseline: Int, p: Double }
    struct Flips: Decodable { let differences: [Int], p: Double }
    struct Family: Decodable { let p: [Double], adjusted: [Double] }
    struct Quantile: Decodable { let share: Double, z: Double }
    struct Ratio: Decodable { let above: [Double], below: [Double], low: Double, high: Double }
    struct Quantiles: Decodable { let values: [Double], ends: [Double] }
    struct Kept: Decodable { let table: [Double], share: Double, z: Double, p: Double }
    struct Difference: Decodable { let table: [Double], low: Double, high: Double }
    struct ToSee: Decodable { let difference: Double, discordant: Double, problems: Double, power: Double }
    struct ToShow: Decodable { let share: Double, accuracy: Double, discordant: Double, problems: Double, power: Double, error: Double }
    let versions: [String: String]
    let mcnemar: [Discordance], signFlip: [Flips], holm: [Family], normal: [Quantile], bootstrap: Ratio, quantiles: Quantiles
    let noninferiority: [Kept], difference: [Difference], toSee: [ToSee], toShow: [ToShow]
  }

  let reference: Reference

  init() throws {
    let file = try #require(Bundle.module.url(forResource: "statistics", withExtension: "json", subdirectory: "Fixtures"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    reference = try decoder.decode(Reference.self, from: Data(contentsOf: file))
  }

  static func table(_ counts: [Double]) -> PairedTable {
    PairedTable(bothRight: counts[0], onlyCandidate: counts[1], onlyBaseline: counts[2], bothWrong: counts[3])
  }

  @Test func exactTests() {
    #expect(reference.versions.keys.sorted() == ["numpy", "scipy", "statsmodels"])
    for row in reference.mcnemar {
      // With one seed the sign-flip test is McNemar's, whatever else was decoded.
      let differences = Array(repeating: 1, count: row.onlyCandidate) + Array(repeating: 0, count: 9) + Array(repeating: -1, count: row.onlyBaseline)
      #expect(abs(SignFlipTest.p(differences) - row.p) < 1e-12 * row.p)
    }
    for row in reference.signFlip { #expect(abs(SignFlipTest.p(row.differences) - row.p) < 1e-12, "\(row.differences)") }
  }

  @Test func familiesAndQuantiles() {
    for row in reference.holm { #expect(zip(Holm.adjusted(row.p), row.adjusted).allSatisfy { abs($0 - $1) < 1e-14 }) }
    for row in reference.normal {
      #expect(abs(Normal.quantile(above: row.share) - row.z) < 1e-8 * max(1, abs(row.z)), "\(row.share)")
      #expect(abs(Normal.above(Normal.quantile(above: row.share)) - row.share) < 1e-13)
    }
    let (low, high) = Bootstrap.interval(reference.quantiles.values)
    #expect(abs(low - reference.quantiles.ends[0]) < 1e-13 && abs(high - reference.quantiles.ends[1]) < 1e-13)
  }

  @Test func ratiosOfSums() {
    let row = reference.bootstrap
    let ratio = Bootstrap(count: row.above.count, draws: 10_000).ratio(row.above, over: row.below)
    #expect(abs(ratio.value - row.above.reduce(0, +) / row.below.reduce(0, +)) < 1e-12)
    // Other draws: an end's own error with 10,000 is about 2 percent of the width.
    let tolerance = 0.06 * (row.high - row.low)
    #expect(abs(ratio.low - row.low) < tolerance && abs(ratio.high - row.high) < tolerance)
  }

  @Test func scoreTests() {
    // The numerical search is good to about 1e-7.
    for row in reference.noninferiority {
      let found = NonInferiority(Self.table(row.table), keeping: row.share)
      #expect(abs(found.z - row.z) < 1e-6 && abs(found.p - row.p) < 1e-6, "\(row)")
    }
    for row in reference.difference {
      let (low, high) = Self.table(row.table).differenceInterval()
      #expect(abs(low - row.low) < 1e-6 && abs(high - row.high) < 1e-6, "\(row)")
    }
  }

  @Test func sampleSizes() {
    for row in reference.toSee {
      #expect(SampleSize.toSee(difference: row.difference, discordant: row.discordant) == row.problems)
      // Simulated: four of five find it, and some more where every change is for the worse.
      #expect((0.785...0.88).contains(row.power))
    }
    for row in reference.toShow {
      let problems = SampleSize.toShow(keeping: row.share, accuracy: row.accuracy, discordant: row.discordant)
      #expect(abs(problems - row.problems) <= 1, "\(row)")
      #expect((row.discordant > 0 ? 0.78...0.83 : 0.94...0.97).contains(row.power))
      // Where no problem tells them apart the normal law is a little too bold: 7.5 percent for 5.
      #expect((row.discordant > 0 ? 0.035...0.06 : 0.05...0.08).contains(row.error))
    }
  }
}

/// What has to hold of tests and intervals whatever the data.
@Suite struct StatisticsTests {
  /// Every pattern of signs of some sizes.
  static func patterns(_ sizes: [Int]) -> [[Int]] {
    (0..<(1 << sizes.count)).map { bits in sizes.enumerated().map { bits >> $0 & 1 == 0 ? $1 : -$1 } }
  }

  @Test(arguments: [[1, 1, 1, 1, 1, 1], [2, 1, 3, 1, 2], [0, 4, 1, 1, 2, 3, 3], [5], [0, 0]])
  func theSignFlipTestIsExact(_ sizes: [Int]) {
    let all = Self.patterns(sizes)
    let p = all.map { SignFlipTest.p($0) }
    for (pattern, own) in zip(all, p) {
      // Under the null every pattern is as likely: as small a p comes as often as it says, so no level is exceeded.
      #expect(abs(Double(p.count { $0 <= own + 1e-12 }) / Double(all.count) - own) < 1e-12)
      #expect(SignFlipTest.p(pattern.map { -$0 }) == own && abs(SignFlipTest.p(pattern.reversed() + [0, 0]) - own) < 1e-15)
    }
  }

  @Test func manyProblemsNeitherOverflowNorVanish() {
    #expect(SignFlipTest.p([]) == 1)
    #expect(SignFlipTest.p(Array(repeating: 1, count: 3000)) == 0, "below the smallest number")
    let close = SignFlipTest.p(Array(repeating: 1, count: 1050) + Array(repeating: -1, count: 950))
    // The normal law with a continuity correction: z = 99 / sqrt(2000).
    #expect(abs(close - 2 * Normal.above(99 / 2000.0.squareRoot())) < 1e-4)
  }

  @Test func holmIsMonotoneAndNoMoreThanBonferroni() {
    let random = SeededRandom(seed: 3)
    for trial in 0..<50 {
      let p = (0..<(1 + trial % 7)).map { random[trial][$0].uniform * random[trial][$0][1].uniform }
      let adjusted = Holm.adjusted(p)
      for i in p.indices {
        #expect(adjusted[i] >= p[i] && adjusted[i] <= min(1, p[i] * Double(p.count)))
        for j in p.indices where p[i] < p[j] { #expect(adjusted[i] <= adjusted[j]) }
      }
      let order = Array(p.indices.reversed())
      #expect(order.map { Holm.adjusted(order.map { p[$0] })[p.count - 1 - $0] } == order.map { adjusted[$0] })
    }
    // What was not tested takes no part.
    let some = Holm.adjusted([0.02, .nan, 0.03])
    #expect(some[0] == 0.04 && some[1].isNaN && some[2] == 0.04)
    #expect(Holm.adjusted([]).isEmpty)
  }

  @Test func noLossIsNotShownByFewProblems() {
    func kept(_ problems: Double, _ share: Double = 0.99) -> NonInferiority {
      NonInferiority(PairedTable(bothRight: problems, onlyCandidate: 0, onlyBaseline: 0, bothWrong: 0), keeping: share)
    }
    #expect(!kept(20).isShown && kept(20).p > 0.3)
    #expect(!kept(267).isShown && kept(268).isShown, "1.645^2 * 0.99 / 0.01 = 267.9")
    #expect(!kept(2702, 0.999).isShown && kept(2703, 0.999).isShown)
    let table = PairedTable(bothRight: 150, onlyCandidate: 4, onlyBaseline: 7, bothWrong: 20)
    let p = [0.8, 0.9, 0.95, 0.99, 0.999, 1].map { NonInferiority(table, keeping: $0).p }
    #expect(p == p.sorted(), "keeping more is harder to show")
    // What neither gets right says nothing of the ratio.
    let more = PairedTable(bothRight: 150, onlyCandidate: 4, onlyBaseline: 7, bothWrong: 900)
    #expect(abs(NonInferiority(more, keeping: 0.99).z - NonInferiority(table, keeping: 0.99).z) < 1e-12)
    // Keeping all of it is McNemar's statistic.
    #expect(abs(NonInferiority(table, keeping: 1).z - (4 - 7) / 11.0.squareRoot()) < 1e-12)
    let none = NonInferiority(PairedTable(bothRight: 0, onlyCandidate: 0, onlyBaseline: 0, bothWrong: 5), keeping: 0.99)
    #expect(none.p == 1 && !none.isShown)
  }

  @Test func seedsAreMeansPerProblem() {
    let table = PairedTable([[(true, true), (true, false)], [(false, false), (false, false)], [(false, true), (false, true)]])
    #expect(table == PairedTable(bothRight: 0.5, onlyCandidate: 1, onlyBaseline: 0.5, bothWrong: 1))
    #expect(table.count == 3 && table.discordant == 0.5 && abs(table.difference - 0.5 / 3) < 1e-15)
  }

  @Test func differenceIntervals() {
    let table = PairedTable(bothRight: 70, onlyCandidate: 3, onlyBaseline: 9, bothWrong: 18)
    let own = table.differenceInterval()
    let mirrored = PairedTable(bothRight: 70, onlyCandidate: 9, onlyBaseline: 3, bothWrong: 18).differenceInterval()
    #expect(abs(own.low + mirrored.high) < 1e-9 && abs(own.high + mirrored.low) < 1e-9)
    #expect(own.low < table.difference && table.difference < own.high)
    let twice = PairedTable(bothRight: 140, onlyCandidate: 6, onlyBaseline: 18, bothWrong: 36).differenceInterval()
    let weighted = table.differenceInterval(weight: 2)
    #expect(abs(weighted.low - twice.low) < 1e-9 && abs(weighted.high - twice.high) < 1e-9)
    // z^2 / (n + z^2) where no problem tells them apart.
    let same = PairedTable(bothRight: 60, onlyCandidate: 0, onlyBaseline: 0, bothWrong: 40).differenceInterval()
    #expect(abs(same.high - 3.8414588 / 103.8414588) < 1e-7 && abs(same.low + same.high) < 1e-12)
    let all = PairedTable(bothRight: 0, onlyCandidate: 5, onlyBaseline: 0, bothWrong: 0).differenceInterval()
    #expect(all.low > 0 && all.low < 1 && abs(all.high - 1) < 1e-9)
  }

  @Test(arguments: [(0.8, 0.05, 0.08, 120), (0.55, 0.2, 0.1, 50), (0.95, 0.01, 0.02, 100)])
  func differenceIntervalsHoldTheTruth(_ both: Double, _ candidate: Double, _ baseline: Double, _ problems: Int) {
    let random = SeededRandom(seed: 11)
    var hits = 0
    for trial in 0..<2000 {
      var counts = [0.0, 0, 0, 0]
      for problem in 0..<problems {
        let x = random[trial][problem].uniform
        counts[x < both ? 0 : x < both + candidate ? 1 : x < both + candidate + baseline ? 2 : 3] += 1
      }
      let (low, high) = StatisticsReferenceTests.table(counts).differenceInterval()
      if low <= candidate - baseline, candidate - baseline <= high { hits += 1 }
    }
    // 95 percent; two standard errors of the simulation are 1.
    #expect((0.935...0.975).contains(Double(hits) / 2000), "\(hits)")
  }

  @Test func ratioIntervalsHoldTheTruth() {
    let random = SeededRandom(seed: 5)
    var hits = 0
    for trial in 0..<400 {
      // A problem's length drives both costs, so that pairing matters; the truth is 3.
      let lengths = (0..<60).map { 10 + 40 * random[trial][$0].uniform }
      let above = lengths.enumerated().map { 3 * $1 * (0.5 + random[trial][$0][1].uniform) }
      let below = lengths.enumerated().map { $1 * (0.5 + random[trial][$0][2].uniform) }
      let ratio = Bootstrap(count: 60, draws: 400, seed: UInt64(trial)).ratio(above, over: below)
      if ratio.low <= 3, 3 <= ratio.high { hits += 1 }
    }
    #expect((0.91...0.975).contains(Double(hits) / 400), "\(hits)")
  }

  @Test func drawsSayHowLikelyNoEffectIs() {
    let draws = (1...999).map(Double.init)
    #expect(DrawnEstimate(500, draws: draws, null: 0).p == 2.0 / 1000, "never 0")
    #expect(DrawnEstimate(500, draws: draws, null: 20).p == 2.0 * 21 / 1000)
    #expect(DrawnEstimate(500, draws: draws, null: 980).p == 2.0 * 21 / 1000)
    #expect(DrawnEstimate(500, draws: draws, null: 500).p == 1)
    let same = Bootstrap(count: 4, draws: 50).ratio([1, 2, 3, 4], over: [1, 2, 3, 4])
    #expect(same == DrawnEstimate(1, draws: Array(repeating: 1, count: 50), null: 1) && same.p == 1 && same.low == 1 && same.high == 1)
    let none = DrawnEstimate(.nan, draws: [.nan], null: 1)
    #expect(none.p.isNaN && none.low.isNaN)
  }

  @Test func problemsThatAComparisonTakes() {
    #expect(SampleSize.toSee(difference: 0, discordant: 0.1) == .infinity)
    #expect(SampleSize.toSee(difference: -0.02, discordant: 0.04) == SampleSize.toSee(difference: 0.02, discordant: 0.04))
    #expect(SampleSize.toSee(difference: 0.01, discordant: 0) == SampleSize.toSee(difference: 0.01, discordant: 0.01), "it takes that many at least")
    #expect(SampleSize.toShow(keeping: 0.99, accuracy: 0, discordant: 0) == .infinity)
    #expect(SampleSize.toShow(keeping: 0.99, accuracy: 1, discordant: 0.5).isFinite)
    let sizes = [0.0, 0.02, 0.05, 0.2].map { SampleSize.toShow(keeping: 0.99, accuracy: 0.8, discordant: $0) }
    #expect(sizes == sizes.sorted(), "the more they differ the more it takes")
  }
}

import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Cells made up for fronts.
enum ParetoFixture {
  static let title = CellResults.Group(model: "toy", benchmark: "sums/test", geometry: "8/4", config: "{}")

  static func cell(
    _ strategy: String, _ setting: String = "", isBaseline: Bool = false, costs: [Double], qualities: [Double], digest: String = "0123456789abcdef"
  ) -> Pareto.Cell {
    Pareto.Cell(
      strategy: strategy, setting: setting, isBaseline: isBaseline, costs: costs, qualities: qualities,
      tokens: costs.map { $0.isNaN ? .nan : 6 }, rounds: costs, runs: [.init(digest: digest, directory: "nowhere", model: "toy")])
  }

  /// The same cost and quality on every problem: every draw is the sample.
  static func flat(_ strategy: String, _ setting: String, isBaseline: Bool = false, _ cost: Double, _ quality: Double, count: Int = 10) -> Pareto.Cell {
    cell(
      strategy, setting, isBaseline: isBaseline, costs: Array(repeating: cost, count: count), qualities: Array(repeating: quality, count: count))
  }

  /// Costs and answers that differ from problem to problem.
  static func rough(_ strategy: String, _ setting: String, isBaseline: Bool = false, cost: Int, rightOf8: Int, count: Int = 40) -> Pareto.Cell {
    let random = SeededRandom(seed: 1)[strategy + setting]
    return cell(
      strategy, setting, isBaseline: isBaseline, costs: (0..<count).map { Double(cost + random[0][$0].integer(below: 3)) },
      qualities: (0..<count).map { random[1][$0].integer(below: 8) < rightOf8 ? 1 : 0 })
  }

  static let roughCells = [
    rough("plain", "", isBaseline: true, cost: 16, rightOf8: 7), rough("bar", "confidence=0.5", cost: 2, rightOf8: 3),
    rough("bar", "confidence=0.9", cost: 4, rightOf8: 7), rough("leap", "radius=2", cost: 3, rightOf8: 5), rough("leap", "radius=8", cost: 6, rightOf8: 6),
  ]

  static func pareto(_ cells: [Pareto.Cell], problems: Int, kept: [Double] = [0.99], draws: Int = 400) -> Pareto {
    var options = Pareto.Options()
    options.kept = kept
    options.draws = draws
    return Pareto([Pareto.Group(title, cells, problems: problems, options)], options)
  }
}

/// Fronts of cells, with what the problems leave open.
@Suite struct ParetoTests {
  private func group(_ cells: [Pareto.Cell], problems: Int = 10, kept: [Double] = [0.99]) -> Pareto.Group {
    ParetoFixture.pareto(cells, problems: problems, kept: kept).groups[0]
  }

  @Test func whatWinsOrLosesInEveryDrawIsSure() {
    let problems = 12
    let costs = (0..<problems).map { Double($0 % 4) }
    // Cheaper and better on every problem, the same but for its name, and never better.
    let group = group(
      [
        ParetoFixture.cell("good", costs: costs.map { 1 + $0 }, qualities: costs.map { $0 > 0 ? 1 : 0.5 }),
        ParetoFixture.cell("twin", costs: costs.map { 1 + $0 }, qualities: costs.map { $0 > 0 ? 1 : 0.5 }),
        ParetoFixture.cell("bad", costs: costs.map { 2 + $0 }, qualities: costs.map { $0 > 0 ? 0.5 : 0.25 }),
      ], problems: problems)
    #expect(group.points.map(\.isOnFront) == [true, true, false])
    #expect(group.points.map(\.isOnOwnFront) == [true, true, true])
    #expect(group.points.map(\.frontProbability) == [1, 1, 0])
  }

  @Test func speedupsAtAKeptQualityAreExact() throws {
    // Level 0.9 of a baseline that is always right lies 4/5 of the way from (1, 0.5) to (3, 1): cost 2.6 of 10.
    let group = group(
      [
        ParetoFixture.flat("base", "", isBaseline: true, 10, 1), ParetoFixture.flat("s", "a=1", 1, 0.5), ParetoFixture.flat("s", "a=2", 3, 1),
        ParetoFixture.flat("poor", "", 1, 0.25),
      ], kept: [0.9, 0.5])
    let speedups = try #require(group.strategies.first { $0.strategy == "s" }).speedups
    for (found, expected) in zip(speedups, [10 / 2.6, 10]) {
      let speedup = try #require(found.speedup)
      for value in [speedup.value, speedup.low, speedup.high] { #expect(abs(value - expected) < 1e-12) }
      #expect(found.reached == 1)
    }
    let poor = try #require(group.strategies.first { $0.strategy == "poor" })
    #expect(poor.speedups.allSatisfy { $0.speedup == nil && $0.reached == 0 })
    // Divided by the baseline: (0.1, 0.5) and (0.3, 1) dominate 0.2 * 0.5 + 0.7 * 1.
    #expect(abs((group.strategies[1].hypervolume?.value ?? 0) - 0.8) < 1e-12)
    #expect(group.strategies[0].hypervolume?.value == 0)
    #expect(abs((group.overall.hypervolume?.value ?? 0) - 0.8) < 1e-12)
    #expect(group.points[2].speedup == Pareto.Ranged(10.0 / 3, 10.0 / 3, 10.0 / 3))
    #expect(group.points[1].qps == Pareto.Ranged(0.625, 0.625, 0.625))
  }

  @Test func drawsThatMissALevelWidenItsInterval() throws {
    // One problem in ten is wrong, and the baseline has none wrong: draws with that problem miss the whole level.
    let wrong = (0..<10).map { $0 == 0 ? 0.0 : 1 }
    let group = group(
      [ParetoFixture.flat("base", "", isBaseline: true, 8, 1), ParetoFixture.cell("s", costs: Array(repeating: 2, count: 10), qualities: wrong)],
      kept: [0.9, 1])
    let speedups = group.strategies[1].speedups
    let speedup = try #require(speedups[0].speedup)
    #expect(speedup.value == 4 && speedup.low == 0 && speedup.high == 4)
    #expect(speedups[0].reached > 0.5 && speedups[0].reached < 1)
    // 0.9^10 = 0.349 of the draws do without it.
    #expect(speedups[1].speedup == nil && abs(speedups[1].reached - 0.349) < 0.1)
  }

  @Test func orderDoesNotMatter() throws {
    let cells = ParetoFixture.roughCells
    let one = group(cells, problems: 40)
    let other = group(cells.reversed(), problems: 40)
    for point in one.points {
      let twin = try #require(other.points.first { $0.label == point.label })
      #expect(point.entries(of: one, .init()) == twin.entries(of: other, .init()))
    }
    for summary in one.strategies { #expect(summary.json == other.strategies.first { $0.strategy == summary.strategy }?.json) }
    #expect(one.overall.json == other.overall.json)
  }

  @Test func whatIsBeatenChangesNothing() throws {
    let cells = ParetoFixture.roughCells
    let one = group(cells, problems: 40)
    // Dearer than everything, and never right.
    let other = group(cells + [ParetoFixture.flat("beaten", "", 99, 0, count: 40)], problems: 40)
    for (point, twin) in zip(one.points, other.points) { #expect(point.entries(of: one, .init()) == twin.entries(of: other, .init())) }
    #expect(one.overall.hypervolume == other.overall.hypervolume)
    #expect(one.overall.speedups[0].speedup == other.overall.speedups[0].speedup)
    #expect(zip(one.strategies, other.strategies).allSatisfy { $0.json == $1.json })
  }

  @Test func whatWasDroppedEarlyIsOnNoFront() throws {
    let half = (0..<10).map { $0 < 5 ? 1.0 : .nan }
    let baseline = ParetoFixture.cell("base", isBaseline: true, costs: (0..<10).map { Double(4 + 2 * $0) }, qualities: Array(repeating: 1, count: 10))
    // Half the baseline's cost on each problem that it has, so twice as fast, whichever problems are drawn.
    let early = ParetoFixture.cell("early", costs: zip(baseline.costs, half).map { $0 / 2 * $1 }, qualities: half)
    let group = group([baseline, early])
    let point = group.points[1]
    #expect(!point.isComplete && point.samples == 5 && !point.isOnFront && !point.isOnOwnFront && point.frontProbability == 0)
    #expect(point.speedup.map { abs($0.value - 2) < 1e-12 && abs($0.low - 2) < 1e-12 && abs($0.high - 2) < 1e-12 } == true)
    #expect(group.points[0].isOnFront && group.points[0].frontProbability == 1)
    #expect(group.strategies[1].hypervolume?.value == 0 && group.strategies[1].complete == 0 && group.strategies[1].aup == nil)
    #expect(group.remarks == ["sums/test on toy, 8/4: 1 of 2 points have fewer than all 10 problems (dropped early); they are on no front"])
  }

  @Test func withoutABaselineThereAreNoRatios() {
    let cells = [ParetoFixture.flat("one", "", 2, 0.5), ParetoFixture.flat("two", "", 3, 1)]
    let none = group(cells)
    #expect(none.points.allSatisfy { $0.speedup == nil && $0.qps == nil && $0.isOnFront })
    #expect(none.overall.hypervolume == nil && none.overall.speedups.isEmpty)
    #expect(none.remarks.first?.contains("no baseline, so no speedup, QPS or hypervolume") == true)
    let short = ParetoFixture.cell("base", isBaseline: true, costs: [1] + Array(repeating: .nan, count: 9), qualities: [1] + Array(repeating: .nan, count: 9))
    let partial = group(cells + [short])
    #expect(partial.points.allSatisfy { $0.speedup == nil })
    #expect(partial.remarks.first == "sums/test on toy, 8/4: the baseline base has 1 of 10 problems, so there is no speedup, QPS or hypervolume")
  }

  @Test func tablesReadLikeThis() {
    let cells = [
      ParetoFixture.flat("base", "", isBaseline: true, 8, 0.75), ParetoFixture.flat("bar", "confidence=0.5", 2, 0.5),
      ParetoFixture.flat("bar", "confidence=0.9", 4, 0.75),
      ParetoFixture.flat("leap", "", 5, 0.25),
      ParetoFixture.cell("early", costs: [1] + Array(repeating: .nan, count: 9), qualities: [0] + Array(repeating: .nan, count: 9)),
    ]
    #expect(
      ParetoFixture.pareto(cells, problems: 10, kept: [0.99, 0.875]).text == """
        sums/test on toy, 8/4: accuracy against rounds per sample, 10 problems
        front  strategy         setting                    rounds         accuracy %  P(front)                TPF            speedup                QPS  problems
        ─────  ───────────────  ──────────────  ─────────────────  ─────────────────  ────────  ─────────────────  ─────────────────  ─────────────────  ────────
        –      early                            1.00 [1.00, 1.00]    0.0 [0.0, 79.3]         –  6.00 [6.00, 6.00]  8.00 [8.00, 8.00]  0.00 [0.00, 0.00]         1
        ●      bar              confidence=0.5  2.00 [2.00, 2.00]  50.0 [50.0, 50.0]      1.00  3.00 [3.00, 3.00]  4.00 [4.00, 4.00]  0.79 [0.79, 0.79]        10
        ●      bar              confidence=0.9  4.00 [4.00, 4.00]  75.0 [75.0, 75.0]      1.00  1.50 [1.50, 1.50]  2.00 [2.00, 2.00]  2.00 [2.00, 2.00]        10
        ○      leap                             5.00 [5.00, 5.00]  25.0 [25.0, 25.0]      0.00  1.20 [1.20, 1.20]  1.60 [1.60, 1.60]  0.02 [0.02, 0.02]        10
        ○      base (baseline)                  8.00 [8.00, 8.00]  75.0 [75.0, 75.0]      0.00  0.75 [0.75, 0.75]  1.00 [1.00, 1.00]  1.00 [1.00, 1.00]        10

        strategy  settings           hypervolume          ÷ at 99 %  reached %        ÷ at 87.5 %  reached %                   AUP  left out
        ────────  ────────  ────────────────────  ─────────────────  ─────────  ─────────────────  ─────────  ────────────────────  ────────
        base             1  0.000 [0.000, 0.000]  1.00 [1.00, 1.00]        100  1.00 [1.00, 1.00]        100     56.3 [56.3, 56.3]
        bar              2  0.667 [0.667, 0.667]  2.03 [2.03, 2.03]        100  2.46 [2.46, 2.46]        100  112.5 [112.5, 112.5]         1
        leap             1  0.125 [0.125, 0.125]        not reached          0        not reached          0     30.0 [30.0, 30.0]
        early            1  0.000 [0.000, 0.000]        not reached          0        not reached          0
        all              5  0.667 [0.667, 0.667]  2.03 [2.03, 2.03]        100  2.46 [2.46, 2.46]        100
        """)
  }

  @Test func aFreshRunIsHeldAgainstAStoredOne() throws {
    let fresh = ParetoFixture.pareto(ParetoFixture.roughCells, problems: 40)
    func record(_ change: (inout [[String: Any]]) -> Void = { _ in }) throws -> ParetoRecord {
      var points = try #require(try JSONSerialization.jsonObject(with: Data(fresh.json.json.utf8)) as? [[String: Any]])
      change(&points)
      return try JSONDecoder().decode(ParetoRecord.self, from: JSONSerialization.data(withJSONObject: points))
    }
    let same = try record().verdict(on: fresh)
    #expect(same.faults.isEmpty && same.summary == "5 of 5 stored points agree")
    let other = try record { points in
      points[1]["score"] = 0.99
      points[2]["strategy"] = "gone"
      // The estimate lies in the fresh interval, the fresh one not in its: too sure of itself.
      let near = (points[3]["score"] as? Double ?? 0) + 0.01
      for key in ["score", "score_low", "score_high"] { points[3][key] = near }
    }.verdict(on: fresh)
    #expect(other.faults.count == 3 && other.summary == "2 of 5 stored points agree, 3 do not; 1 point is not stored")
    #expect(
      other.faults[0].hasPrefix("sums/test bar confidence=0.5: accuracy % is ") && other.faults[1] == "sums/test gone confidence=0.9: it is not in these runs")
    #expect(throws: ConfigurationError.self) { try record { $0[0]["x_measure"] = "seconds" }.verdict(on: fresh) }
  }
}

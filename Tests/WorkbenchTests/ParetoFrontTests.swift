import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Fronts, areas and figures of papers, against brute force and against what a pocket calculator says.
@Suite struct ParetoFrontTests {
  /// Points on a grid of eighths, so that many are equal, and sums are exact; some lie beyond the reference point (1, 0).
  private static func points(_ seed: Int, _ count: Int) -> (costs: [Double], qualities: [Double]) {
    let random = SeededRandom(seed: 7)["points"][seed]
    func draw(_ word: Int) -> [Double] { (0..<count).map { Double(random[word][$0].integer(below: 11)) / 8 } }
    return (draw(0), draw(1).map { $0 - 0.125 })
  }

  @Test func membersAreThoseThatNothingBeats() {
    for seed in 0..<400 {
      var (costs, qualities) = Self.points(seed, seed % 14)
      if seed % 3 == 0, !costs.isEmpty { costs[0] = .nan }
      if seed % 5 == 0, !costs.isEmpty { qualities[costs.count - 1] = .nan }
      let expected = costs.indices.map { own in
        !costs[own].isNaN && !qualities[own].isNaN
          && !costs.indices.contains { other in
            costs[other] <= costs[own] && qualities[other] >= qualities[own] && (costs[other] < costs[own] || qualities[other] > qualities[own])
          }
      }
      #expect(Front.members(costs, qualities) == expected)
    }
    #expect(Front.members([2, 2, 3], [1, 1, 1]) == [true, true, false])
  }

  @Test func hypervolumesAreCountedCells() {
    for seed in 0..<400 {
      let (costs, qualities) = Self.points(seed, seed % 14)
      var cells = 0
      for column in 0..<8 {
        for row in 0..<10 {
          // The cell between column/8 and (column+1)/8, row/8 and (row+1)/8.
          let (left, top) = (Double(column) / 8, Double(row + 1) / 8)
          if costs.indices.contains(where: { costs[$0] <= left && qualities[$0] >= top }) { cells += 1 }
        }
      }
      #expect(Front.hypervolume(costs, qualities) == Double(cells) / 64)
    }
  }

  @Test func costsAreInterpolatedBetweenNeighbours() {
    // A front through (1, 0.5), (3, 0.9) and (9, 1), and a point that is beaten.
    let (costs, qualities) = ([9.0, 1, 3, 4], [1, 0.5, 0.9, 0.8])
    for (level, cost) in [(0.2, 1.0), (0.5, 1), (0.7, 2), (0.9, 3), (0.95, 6), (1, 9)] {
      #expect(abs((Front.cost(reaching: level, costs, qualities) ?? .nan) - cost) < 1e-12)
    }
    #expect(Front.cost(reaching: 1.01, costs, qualities) == nil)
    #expect(Front.cost(reaching: 0, [], []) == nil)
    #expect(Front.cost(reaching: 0.5, [.nan], [1]) == nil)
  }

  @Test func costsRiseWithQuality() {
    for seed in 0..<200 {
      let (costs, qualities) = Self.points(seed, 1 + seed % 13)
      let levels = stride(from: -0.2, through: 1.3, by: 0.05).map { Front.cost(reaching: $0, costs, qualities) ?? .infinity }
      #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 <= $1 + 1e-12 })
      // What is on the front costs what it costs.
      for step in Front.steps(costs, qualities) { #expect(Front.cost(reaching: step.quality, costs, qualities) == step.cost) }
    }
  }

  @Test func qpsIsThePapers() {
    // Speedup 4.48, score 57.59 of 58.20: 4.48 * 0.989519^4 = 4.48 * 0.958730.
    #expect(abs(Parallelism.qps(speedup: 4.48, quality: 57.59, baseline: 58.20) - 4.295) < 0.0005)
    #expect(Parallelism.qps(speedup: 3, quality: 0.5, baseline: 0.5) == 3)
    #expect(Parallelism.qps(speedup: 3, quality: 0.5, baseline: 0).isNaN)
  }

  @Test func aupIsTheLeaderboards() throws {
    // Slowest setting: 2 tokens per call, 80 percent. 78 percent weighs exp(-3 * (1 - 78/80)) = exp(-0.075) = 0.9277435; 70 percent is more than 5 points down.
    // 2 * 80 + (4 - 2) * (80 + 78 * 0.9277435) / 2 = 160 + 152.363992.
    let found = try #require(Parallelism.aup(rates: [4, 8, 2], qualities: [78, 70, 80], best: 80))
    #expect(abs(found.area - 312.363992) < 1e-6 && found.leftOut == 1)
    // The best of another strategy takes weight from all but the first product: 80 weighs exp(-3 * (1 - 80/90)) = 0.7165313, 78 exp(-0.4) = 0.6703200.
    // 160 + 80 * 0.7165313 + 78 * 0.6703200 = 160 + 57.322505 + 52.284963.
    let beside = try #require(Parallelism.aup(rates: [2, 4], qualities: [80, 78], best: 90))
    #expect(abs(beside.area - 269.607468) < 1e-5 && beside.leftOut == 0)
    // One setting is a product, and exactly five points down still counts.
    #expect(Parallelism.aup(rates: [3], qualities: [50], best: 90)?.area == 150)
    #expect(Parallelism.aup(rates: [1, 2], qualities: [80, 75], best: 80)?.leftOut == 0)
    #expect(Parallelism.aup(rates: [], qualities: [], best: 80) == nil)
  }
}

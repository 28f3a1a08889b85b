internal import Diffusion

/// What the front of all problems may be, given the problems decoded so far.
///
/// The problems still to come are drawn from a Pólya urn (Blackwell and MacQueen 1973; a Dirichlet process of concentration 1): the next problem behaves like
/// one of those before it, for all cells at once so that their pairing stays, or, once in m + 1, like none of them: then each cell is right with its own share.
/// Without that, two cells that agree on the few problems seen would be taken to agree for ever. When all problems are decoded nothing is left to draw, and
/// the probabilities are 0 and 1.
///
/// It takes every cell as it was seen. Cells that are more alike than few problems make them look come back more often than it says: in simulations of six
/// cells within some points of each other, one in six to one in twelve of those given less than 2 percent after 30 of 100 problems were on the front in the end.
struct FrontForecast {
  /// A cell's results on the problems decoded so far.
  struct Cell {
    /// Right answers, one per problem, 0 to 1.
    let correct: [Double]
    /// Model calls or the like, one per problem.
    let cost: [Double]
  }

  /// For each cell the probability that it is on the front: that no other is at most as costly and at least as often right, and better in one of the two.
  ///
  /// - Parameters:
  ///   - cells: results on the same problems.
  ///   - total: how many problems there are in all.
  ///   - draws: futures to draw.
  static func probabilities(_ cells: [Cell], total: Int, draws: Int = 400, seed: UInt64 = 0) -> [Double] {
    let seen = cells.map(\.correct.count).min() ?? 0
    guard seen > 0 else { return cells.map { _ in 1 } }
    let start = cells.map { (right: $0.correct.prefix(seen).reduce(0, +), cost: $0.cost.prefix(seen).reduce(0, +)) }
    guard total > seen else { return front(start.map { (cost: $0.cost, right: $0.right) }).map { $0 ? 1 : 0 } }
    // Many cells or many problems make do with fewer futures; both numbers are the same whenever it is asked again.
    let draws = max(50, min(draws, 400_000_000 / max((total - seen) * cells.count + cells.count * cells.count, 1)))
    var times = [Int](repeating: 0, count: cells.count)
    let source = SeededRandom(seed: seed)["front"]
    for draw in 0..<draws {
      let random = source[draw]
      var sums = start
      // Which seen problem each later one behaves like; negative: a new one, that has its own right answers.
      var likeness = Array(0..<seen)
      var fresh: [[Double]] = []
      for place in seen..<total {
        let here = random[place]
        let ball = here["ball"].integer(below: place + 1)
        let like = ball < place ? likeness[ball] : -1 - fresh.count
        if ball == place {
          fresh.append(cells.indices.map { here[$0].uniform < (start[$0].right + 0.5) / Double(seen + 1) ? 1 : 0 })
        }
        likeness.append(like)
        let paid = like >= 0 ? like : here["cost"].integer(below: seen)
        for cell in cells.indices {
          sums[cell].right += like >= 0 ? cells[cell].correct[like] : fresh[-1 - like][cell]
          sums[cell].cost += cells[cell].cost[paid]
        }
      }
      for (cell, isOn) in front(sums.map { (cost: $0.cost, right: $0.right) }).enumerated() where isOn { times[cell] += 1 }
    }
    return times.map { Double($0) / Double(draws) }
  }

  /// Which points no other dominates.
  static func front(_ points: [(cost: Double, right: Double)]) -> [Bool] {
    points.map { own in
      !points.contains { $0.cost <= own.cost && $0.right >= own.right && ($0.cost < own.cost || $0.right > own.right) }
    }
  }
}

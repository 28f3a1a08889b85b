internal import Diffusion

/// What the front of all problems may be, given the problems decoded so far.
///
/// The problems still to come are drawn from a Pólya urn (Blackwell and MacQueen 1973; a Dirichlet process): the next problem behaves like one of those before
/// it, for all cells at once so that their pairing stays, or like none of them, as if five such had been seen already. Then each cell is right with its own
/// share, most of them by the one difficulty that the problem has for all. Without that, two cells that agree on the few problems seen would be taken to agree
/// for ever. When all problems are decoded nothing is left to draw, and the probabilities are 0 and 1.
struct FrontForecast {
  /// A cell's results on the problems decoded so far.
  struct Cell {
    /// Right answers, one per problem, 0 to 1.
    let correct: [Double]
    /// Model calls or the like, one per problem.
    let cost: [Double]
  }

  /// One way the rest may come out: sums over all problems, one per cell.
  private struct Future {
    var cost: [Double]
    var right: [Double]

    /// Which cells no other dominates.
    var front: [Bool] {
      cost.indices.map { own in
        !cost.indices.contains {
          cost[$0] <= cost[own] && right[$0] >= right[own] && (cost[$0] < cost[own] || right[$0] > right[own])
        }
      }
    }
  }

  /// Problems like none of those seen, that count as seen.
  private static let unseen = 5.0
  /// How often a new problem is as hard for a cell as for the others.
  private static let shared = 0.9
  /// A member of the front is as good as found when another costs at most this share more and is right on at most this share of the problems less.
  private static let tolerance = (cost: 0.03, right: 0.005)

  private let futures: [Future]
  private let cells: Int
  private let total: Int

  /// Draws futures.
  ///
  /// - Parameters:
  ///   - cells: results on the same problems.
  ///   - total: how many problems there are in all.
  ///   - draws: futures to draw; fewer where there are many cells or problems, the same number whenever it is asked again.
  init(_ cells: [Cell], total: Int, draws: Int = 400, seed: UInt64 = 0) {
    self.cells = cells.count
    self.total = total
    let seen = cells.map(\.correct.count).min() ?? 0
    let start = Future(cost: cells.map { $0.cost.prefix(seen).reduce(0, +) }, right: cells.map { $0.correct.prefix(seen).reduce(0, +) })
    guard seen > 0, total > seen else {
      futures = seen > 0 ? [start] : []
      return
    }
    let draws = max(50, min(draws, 400_000_000 / max((total - seen) * cells.count + cells.count * cells.count, 1)))
    let source = SeededRandom(seed: seed)["front"]
    futures = (0..<draws).map { draw in
      var future = start
      // Which seen problem each later one behaves like; negative: a new one, that has its own right answers.
      var likeness = Array(0..<seen)
      var fresh: [[Double]] = []
      for place in seen..<total {
        let here = source[draw][place]
        var like = -1 - fresh.count
        if here["urn"].uniform * (Double(place) + Self.unseen) < Double(place) {
          like = likeness[here["ball"].integer(below: place)]
        } else {
          let difficulty = here["difficulty"].uniform
          fresh.append(
            cells.indices.map { cell in
              let own = here["own"][cell].uniform
              let hard = own < Self.shared ? difficulty : (own - Self.shared) / (1 - Self.shared)
              return hard < (start.right[cell] + 0.5) / Double(seen + 1) ? 1 : 0
            })
        }
        likeness.append(like)
        let paid = like >= 0 ? like : here["cost"].integer(below: seen)
        for cell in cells.indices {
          future.right[cell] += like >= 0 ? cells[cell].correct[like] : fresh[-1 - like][cell]
          future.cost[cell] += cells[cell].cost[paid]
        }
      }
      return future
    }
  }

  /// For each cell the probability that it is on the front: that no other is at most as costly and at least as often right, and better in one of the two.
  /// 1 where nothing is known.
  var probabilities: [Double] {
    guard !futures.isEmpty else { return [Double](repeating: 1, count: cells) }
    var times = [Int](repeating: 0, count: cells)
    for future in futures {
      for (cell, isOn) in future.front.enumerated() where isOn { times[cell] += 1 }
    }
    return times.map { Double($0) / Double(futures.count) }
  }

  /// The cells to go on with: those that together hold most of the front, whichever future comes.
  ///
  /// A member of a future's front is held by a cell that is as good as it (`tolerance`): of many cells that hardly differ a few will do, and the room is left
  /// for others. Members count by the square of their accuracy. Cells are taken one by one, each the one that adds most (the greedy rule for covering;
  /// Nemhauser, Wolsey and Fisher 1978); where none adds anything, the most probable ones fill up.
  ///
  /// - Parameters:
  ///   - count: how many.
  ///   - always: cells that are taken whatever they add; they count.
  func covering(_ count: Int, always: [Int]) -> [Int] {
    // What each cell holds: members of fronts, numbered through all futures.
    var weights: [Double] = []
    var held = [[Int]](repeating: [], count: cells)
    for future in futures {
      let best = max(future.right.max() ?? 0, .leastNormalMagnitude)
      for (member, isOn) in future.front.enumerated() where isOn {
        let (cost, right) = (future.cost[member] * (1 + Self.tolerance.cost), future.right[member] - Self.tolerance.right * Double(total))
        for cell in 0..<cells where future.cost[cell] <= cost && future.right[cell] >= right { held[cell].append(weights.count) }
        let share = future.right[member] / best
        weights.append(share * share)
      }
    }
    var chosen: [Int] = []
    func take(_ cell: Int) {
      chosen.append(cell)
      for member in held[cell] { weights[member] = 0 }
    }
    always.forEach(take)
    while chosen.count < count {
      let gains = (0..<cells).map { cell in chosen.contains(cell) ? 0 : held[cell].reduce(0) { $0 + weights[$1] } }
      guard let best = gains.indices.max(by: { gains[$0] != gains[$1] ? gains[$0] < gains[$1] : $0 > $1 }), gains[best] > 0 else { break }
      take(best)
    }
    let chances = probabilities
    let rest = (0..<cells).filter { !chosen.contains($0) }.sorted { chances[$0] != chances[$1] ? chances[$0] > chances[$1] : $0 < $1 }
    return chosen + rest.prefix(max(count - chosen.count, 0))
  }
}

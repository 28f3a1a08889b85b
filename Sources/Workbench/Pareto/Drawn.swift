extension Pareto {
  /// A figure and its bootstrap draws.
  struct Figure: Sendable {
    let value: Double
    let draws: [Double]

    /// With its interval.
    var ranged: Ranged { Ranged(value, draws: draws) }

    /// With its interval, where it is a share of `count` problems: where all or none are right every draw is alike, and Wilson's score interval takes over.
    func ranged(share count: Int) -> Ranged {
      guard count > 0, value == 0 || value == 1 else { return ranged }
      let slack = 1.959964 * 1.959964 / Double(count)
      return value == 1 ? Ranged(1, 1 / (1 + slack), 1) : Ranged(0, 0, slack / (1 + slack))
    }

    /// One figure made of two, draw by draw.
    static func made(_ one: Figure, _ other: Figure, _ body: (Double, Double) -> Double) -> Figure {
      Figure(value: body(one.value, other.value), draws: zip(one.draws, other.draws).map(body))
    }
  }

  /// A cell's figures.
  struct Drawn: Sendable {
    let strategy: String
    let samples: Int
    let isComplete: Bool
    let cost: Figure
    let quality: Figure
    let tokensPerRound: Figure
    let speedup: Figure?
    let qps: Figure?

    /// - Parameter baseline: what it is measured against, on the problems that it has itself.
    init(_ cell: Cell, beside baseline: Cell?, _ bootstrap: Bootstrap) {
      func mean(_ column: [Double]) -> Figure {
        let values = column.filter { !$0.isNaN }
        return Figure(value: values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count), draws: bootstrap.means(column))
      }
      strategy = cell.strategy
      samples = cell.costs.count { !$0.isNaN }
      isComplete = samples == cell.costs.count
      cost = mean(cell.costs)
      quality = mean(cell.qualities)
      tokensPerRound = .made(mean(cell.tokens), mean(cell.rounds)) { $0 / $1 }
      guard let baseline else {
        (speedup, qps) = (nil, nil)
        return
      }
      let theirs = { (column: [Double]) in mean(zip(column, cell.costs).map { $1.isNaN ? .nan : $0 }) }
      let ratio = Figure.made(theirs(baseline.costs), cost) { $0 / $1 }
      let kept = Figure.made(quality, theirs(baseline.qualities)) { Parallelism.qps(speedup: 1, quality: $0, baseline: $1) }
      speedup = ratio
      qps = .made(ratio, kept) { $0 * $1 }
    }
  }

  /// All cells of a group that can be on a front, in the sample and in every draw.
  struct Field: Sendable {
    let cells: [Drawn]
    /// The cell that others are measured against.
    let baseline: Int?
    let draws: Int
    /// Places of the cells that have all problems.
    let complete: [Int]
    /// The strategies' names, in order.
    let strategies: [String]

    init(_ cells: [Drawn], baseline: Int?, draws: Int) {
      self.cells = cells
      self.baseline = baseline
      self.draws = draws
      complete = cells.indices.filter { cells[$0].isComplete }
      strategies = cells.reduce(into: []) { names, cell in if !names.contains(cell.strategy) { names.append(cell.strategy) } }
    }

    /// The sample, or one of its draws.
    enum Sight { case sample, draw(Int) }

    func costs(_ places: [Int], _ sight: Sight) -> [Double] { places.map { Self.look(cells[$0].cost, sight) } }

    func qualities(_ places: [Int], _ sight: Sight) -> [Double] { places.map { Self.look(cells[$0].quality, sight) } }

    func rates(_ places: [Int], _ sight: Sight) -> [Double] { places.map { Self.look(cells[$0].tokensPerRound, sight) } }

    private static func look(_ figure: Figure, _ sight: Sight) -> Double {
      switch sight {
      case .sample: figure.value
      case .draw(let number): figure.draws[number]
      }
    }

    /// Cells of a strategy, or of all, that have all problems.
    func places(of strategy: String?) -> [Int] { complete.filter { strategy == nil || cells[$0].strategy == strategy } }

    /// A figure worked out from the sample and from each draw.
    func figure(_ body: (Sight) -> Double) -> Figure { Figure(value: body(.sample), draws: (0..<draws).map { body(.draw($0)) }) }

    /// Which cells are on the front of all strategies.
    func front() -> [Bool] { members(complete, .sample) }

    /// Which cells are on the front of their own strategy.
    func ownFronts() -> [Bool] {
      var isMember = [Bool](repeating: false, count: cells.count)
      for strategy in strategies {
        for (place, isIn) in members(places(of: strategy), .sample).enumerated() where isIn { isMember[place] = true }
      }
      return isMember
    }

    /// Share of the draws in which each cell is on the front of all strategies.
    func frontProbabilities() -> [Double] {
      var counts = [Int](repeating: 0, count: cells.count)
      for number in 0..<draws {
        for (place, isIn) in members(complete, .draw(number)).enumerated() where isIn { counts[place] += 1 }
      }
      return counts.map { Double($0) / Double(draws) }
    }

    private func members(_ places: [Int], _ sight: Sight) -> [Bool] {
      var isMember = [Bool](repeating: false, count: cells.count)
      for (place, isIn) in zip(places, Front.members(costs(places, sight), qualities(places, sight))) { isMember[place] = isIn }
      return isMember
    }
  }
}

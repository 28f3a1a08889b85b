extension Pareto {
  /// A number with its 95 percent interval.
  public struct Ranged: Sendable, Hashable {
    /// The number.
    public let value: Double
    /// The interval's lower end.
    public let low: Double
    /// The interval's upper end.
    public let high: Double

    /// A number with the middle 95 percent of its bootstrap draws; draws in which it has no value take no part.
    init(_ value: Double, draws: [Double]) {
      self.value = value
      (low, high) = Bootstrap.interval(draws)
    }

    /// A number with an interval that is known.
    init(_ value: Double, _ low: Double, _ high: Double) {
      self.value = value
      self.low = low
      self.high = high
    }
  }

  /// A strategy at one setting.
  public struct Point: Sendable {
    /// A run it is made of.
    public struct Run: Sendable, Hashable {
      /// The run's digest.
      public let digest: String
      /// Its folder.
      public let directory: String
      /// The model's name.
      public let model: String
    }

    /// The strategy.
    public let strategy: String
    /// Its swept keys; empty where nothing is swept.
    public let setting: String
    /// Whether others are measured against it.
    public let isBaseline: Bool
    /// Its runs, one per seed.
    public let runs: [Run]
    /// How many problems it was decoded on.
    public let samples: Int
    /// Whether these are all problems of the group. Only then it can be on a front.
    public let isComplete: Bool
    /// Cost per sample.
    public let cost: Ranged
    /// Quality, 0 to 1.
    public let quality: Ranged
    /// Answer tokens per model call, sum over sum.
    public let tokensPerRound: Ranged
    /// The baseline's cost over its own, on the same problems; nil without a baseline.
    public let speedup: Ranged?
    /// `Parallelism.qps` of that speedup; nil without a baseline.
    public let qps: Ranged?
    /// Whether it is on the front of all strategies.
    public let isOnFront: Bool
    /// Whether it is on the front of its own strategy.
    public let isOnOwnFront: Bool
    /// Share of the draws in which it is on the front of all strategies.
    public let frontProbability: Double

    /// Strategy and setting together.
    public var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }
  }

  /// What cells of one model, benchmark and configuration come to.
  public struct Group: Sendable {
    /// What they have in common.
    public let title: CellResults.Group
    /// How many problems there are.
    public let problems: Int
    /// The points, in the order of the cells.
    public let points: [Point]
    /// The strategies, in the order of the cells.
    public let strategies: [Summary]
    /// All strategies together.
    public let overall: Summary
    /// Why there is no ratio, how many points were dropped early.
    let remarks: [String]

    /// Fronts of cells whose columns have one entry per problem.
    init(_ title: CellResults.Group, _ cells: [Cell], problems: Int, _ options: Options, advance: () -> Void = {}) {
      self.title = title
      self.problems = problems
      let bootstrap = Bootstrap(count: problems, draws: options.draws, seed: options.seed)
      let (place, remarks) = Self.baseline(of: cells, title, problems)
      var drawn: [Drawn] = []
      for cell in cells {
        drawn.append(Drawn(cell, beside: place.map { cells[$0] }, bootstrap))
        advance()
      }
      let field = Field(drawn, baseline: place, draws: options.draws)
      let own = field.ownFronts()
      let front = field.front()
      let probabilities = field.frontProbabilities()
      points = cells.indices.map { index in
        let (cell, drawn) = (cells[index], drawn[index])
        return Point(
          strategy: cell.strategy, setting: cell.setting, isBaseline: index == place, runs: cell.runs, samples: drawn.samples,
          isComplete: drawn.isComplete, cost: drawn.cost.ranged, quality: drawn.quality.ranged(share: drawn.samples),
          tokensPerRound: drawn.tokensPerRound.ranged,
          speedup: drawn.speedup?.ranged, qps: drawn.qps?.ranged, isOnFront: front[index], isOnOwnFront: own[index], frontProbability: probabilities[index])
      }
      strategies = field.strategies.map { Summary($0, field, kept: options.kept) }
      overall = Summary(nil, field, kept: options.kept)
      self.remarks = remarks + Self.droppedEarly(points, title, problems)
    }

    /// The cell that others are measured against, and why there is none or which of several it is.
    private static func baseline(of cells: [Cell], _ title: CellResults.Group, _ problems: Int) -> (Int?, [String]) {
      let places = cells.indices.filter { cells[$0].isBaseline }
      guard let place = places.first else {
        return (nil, ["\(title.title): no baseline, so no speedup, QPS or hypervolume; --baseline NAME or the experiment's `baseline` names one"])
      }
      let name = cells[place].label
      let samples = cells[place].costs.count { !$0.isNaN }
      guard samples == problems else {
        return (nil, ["\(title.title): the baseline \(name) has \(samples) of \(problems) problems, so there is no speedup, QPS or hypervolume"])
      }
      if places.count > 1 { return (place, ["\(title.title): \(places.count) cells are the baseline; ratios are against the first, \(name)"]) }
      return (place, [])
    }

    private static func droppedEarly(_ points: [Point], _ title: CellResults.Group, _ problems: Int) -> [String] {
      let count = points.count { !$0.isComplete }
      guard count > 0 else { return [] }
      return ["\(title.title): \(count) of \(points.count) points have fewer than all \(problems) problems (dropped early); they are on no front"]
    }
  }
}

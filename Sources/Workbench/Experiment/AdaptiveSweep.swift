internal import Diffusion
internal import Models

/// A sweep that spends its samples where the front is uncertain: a race in rungs, as in successive halving (Jamieson and Talwalkar 2016).
///
/// Every cell is decoded on the same first problems. After each rung the front of all problems is forecast (`FrontForecast`), and cells go on to twice as many
/// problems, until they have all: with a budget of samples those that together hold most of the front, so many that the budget lasts to the end when every
/// rung keeps the same share of the one before; without one all but those that are hardly on it. The baseline always goes on.
///
/// It decides from answers and rounds alone, never from times, so that a sweep that was interrupted takes the same decisions again.
public struct AdaptiveSweep: Sendable {
  /// One strategy at one setting in one group: a run per seed.
  private struct Racer {
    let plans: [RunPlan]
    let isBaseline: Bool
    var results: [String: RunResult] = [:]
    var problems = 0
    var isIn = true
    var probability = 1.0
  }

  /// Cells that are compared with each other.
  private struct Race {
    var racers: [Racer]
    let limit: Int
    /// Samples it may still spend; nil: as many as it takes.
    var budget: Int?
    var isOver = false
  }

  /// What became of a cell.
  public struct Verdict: Sendable {
    /// One of its runs' plans, with the number of problems it was decoded on.
    public let plan: RunPlan
    /// Whether it was dropped before it had all problems.
    public let isDropped: Bool
    /// The probability of being on the front of all problems, when it was last asked.
    public let probability: Double
  }

  private var races: [Race]
  private let settings: Experiment.Adaptive

  /// A race per group of plans that differ in strategy and seed only.
  public init(_ plans: [RunPlan], settings: Experiment.Adaptive, baseline: String?) {
    self.settings = settings
    var keys: [String] = []
    var groups: [[RunPlan]] = []
    for plan in plans {
      let key = plan.config.without(["strategy", "cache", "seed"]).sorted.json
      if let place = keys.firstIndex(of: key) {
        groups[place].append(plan)
      } else {
        keys.append(key)
        groups.append([plan])
      }
    }
    races = groups.map { plans in
      var labels: [String] = []
      var cells: [[RunPlan]] = []
      for plan in plans {
        if let place = labels.firstIndex(of: plan.cell.label) {
          cells[place].append(plan)
        } else {
          labels.append(plan.cell.label)
          cells.append([plan])
        }
      }
      return Race(
        racers: cells.map { Racer(plans: $0, isBaseline: $0[0].cell.strategy == baseline) }, limit: plans[0].selection.limit,
        budget: settings.samples.map { $0 / groups.count })
    }
  }

  /// The fewest samples that a race of all can do with: the first problems of every cell, and all problems of the baselines.
  public var least: Int {
    races.reduce(0) { sum, race in
      let first = race.racers.reduce(0) { $0 + $1.plans.count * min(settings.first, race.limit) }
      return sum + race.racers.filter(\.isBaseline).reduce(first) { $0 + $1.plans.count * max(race.limit - settings.first, 0) }
    }
  }

  /// The runs to carry out next, each with the number of problems it should have; none when all is settled.
  public mutating func next() -> [RunPlan] {
    var plans: [RunPlan] = []
    for place in races.indices where !races[place].isOver { plans += advance(&races[place]) }
    return plans
  }

  /// Takes what came of the runs.
  public mutating func take(_ results: [RunResult]) {
    for result in results {
      for race in races.indices {
        for racer in races[race].racers.indices where races[race].racers[racer].plans.contains(where: { $0.digest == result.plan.digest }) {
          races[race].racers[racer].results[result.plan.digest] = result
        }
      }
    }
  }

  /// What became of every cell, in the order of the plans.
  public var verdicts: [Verdict] {
    races.flatMap { race in
      race.racers.map {
        Verdict(plan: $0.plans[0].limited(to: $0.problems), isDropped: $0.problems < race.limit, probability: $0.probability)
      }
    }
  }

  /// Every run with the number of problems it was decoded on.
  public var plans: [RunPlan] { races.flatMap { race in race.racers.flatMap { racer in racer.plans.map { $0.limited(to: racer.problems) } } } }

  private func advance(_ race: inout Race) -> [RunPlan] {
    let reached = race.racers.filter(\.isIn).map(\.problems).max() ?? 0
    if reached > 0 { judge(&race, reached) }
    let staying = race.racers.indices.filter { race.racers[$0].isIn }
    guard reached < race.limit, !staying.isEmpty else {
      race.isOver = true
      return []
    }
    let next = reached == 0 ? min(settings.first, race.limit) : reached + (Self.steps(from: reached, to: race.limit).first ?? 0)
    var plans: [RunPlan] = []
    for racer in staying {
      race.racers[racer].problems = next
      plans += race.racers[racer].plans.map { $0.limited(to: next) }
    }
    race.budget = race.budget.map { $0 - plans.count * (next - reached) }
    return plans
  }

  /// Decides who goes on.
  private func judge(_ race: inout Race, _ reached: Int) {
    var staying = race.racers.indices.filter { race.racers[$0].isIn }
    let forecast = FrontForecast(staying.map { Self.results(race.racers[$0], reached) }, total: race.limit)
    for (racer, probability) in zip(staying, forecast.probabilities) { race.racers[racer].probability = probability }
    guard reached < race.limit else { return }
    if let budget = race.budget {
      // So many that the rest of the budget lasts to the last rung when every rung keeps the same share of the one before. The baseline goes on whatever it
      // costs: every ratio is against it.
      let seeds = race.racers.first?.plans.count ?? 1
      let steps = Self.steps(from: reached, to: race.limit).map { $0 * seeds }
      let most = Int(Double(staying.count) * Self.share(kept: steps, of: staying.count, within: budget) + 1e-9)
      let chosen = forecast.covering(most, always: staying.indices.filter { race.racers[staying[$0]].isBaseline })
      staying = chosen.map { staying[$0] }
    }
    let least = settings.drop ?? (race.budget == nil ? 0.02 : 0)
    for racer in race.racers.indices where race.racers[racer].isIn && !race.racers[racer].isBaseline {
      race.racers[racer].isIn = staying.contains(racer) && race.racers[racer].probability >= least
    }
  }

  /// The problems that each further rung adds.
  static func steps(from reached: Int, to limit: Int) -> [Int] {
    var steps: [Int] = []
    var problems = reached
    while problems < limit {
      let next = 2 * problems
      // A last rung of a few problems would decide little: it joins the one before.
      steps.append((4 * next > 3 * limit ? limit : next) - problems)
      problems += steps[steps.count - 1]
    }
    return steps
  }

  /// The largest share, at most 1, of which every rung may keep so that all of them together stay within a budget.
  static func share(kept steps: [Int], of cells: Int, within budget: Int) -> Double {
    func cost(_ share: Double) -> Double {
      var left = Double(cells)
      return steps.reduce(0) { sum, step in
        left *= share
        return sum + left * Double(step)
      }
    }
    var (low, high) = (0.0, 1.0)
    if cost(high) <= Double(budget) { return high }
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if cost(middle) > Double(budget) { high = middle } else { low = middle }
    }
    return low
  }

  /// A cell's first problems, each the mean over its seeds.
  private static func results(_ racer: Racer, _ count: Int) -> FrontForecast.Cell {
    let runs = racer.plans.compactMap { racer.results[$0.digest] }
    let mean = { (value: (Outcome) -> Double) in
      (0..<count).map { place in
        let values = runs.compactMap { place < $0.outcomes.count ? value($0.outcomes[place]) : nil }
        return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
      }
    }
    return FrontForecast.Cell(correct: mean { $0.correct ? 1 : 0 }, cost: mean { Double($0.rounds) })
  }
}

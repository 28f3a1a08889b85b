internal import Diffusion
internal import Models
internal import Workbench

/// Carries out experiments' runs with progress on the terminal: all of them, a race among them, or a choice and its report.
struct RunLoop {
  let runner: Runner
  /// Samples that could not be decoded so far.
  private(set) var failures = 0

  init(_ runner: Runner) { self.runner = runner }

  /// Carries out an experiment's runs.
  mutating func run(_ plans: [RunPlan], of experiment: Experiment) throws -> [RunResult] {
    Terminal.note("\(experiment.name): \(plans.count) runs, files in \(runner.directory(of: experiment.name))")
    try RunIndex(experiment, plans).write(to: runner.directory(of: experiment.name))
    return try carryOut(plans) { Terminal.note("  " + $0) }
  }

  /// Carries out runs, and says of each how it ended.
  private mutating func carryOut(_ plans: [RunPlan], _ say: (String) -> Void) throws -> [RunResult] {
    var failures = 0
    defer { self.failures += failures }
    let runner = runner
    var number = 0
    let results = try runner.inTurn(
      plans,
      waiting: { plans in
        let others = plans.count > 1 ? " and \(plans.count - 1) more" : ""
        Terminal.note("  waiting for another process, which works on \(plans[0].selection.name)  \(plans[0].cell.label)\(others)")
      }, while: { !Terminal.isInterrupted },
      { plan in
        number = min(number + 1, plans.count)
        return try Self.carryOut(plan, runner, "[\(number)/\(plans.count)] ", &failures, say)
      })
    guard let results else { throw Failure.interrupted("interrupted; the other process goes on, and what this one finished is kept") }
    return results.compactMap(\.self)
  }

  /// Carries out a run; nil if some of its samples failed.
  private static func carryOut(_ plan: RunPlan, _ runner: Runner, _ place: String, _ failures: inout Int, _ say: (String) -> Void) throws -> RunResult? {
    let total = plan.selection.limit
    let progress = Progress("\(place)\(plan.selection.name)  \(plan.cell.label)", total: total)
    var done = 0
    let ending = try runner.run(
      plan,
      begin: { start in
        done = start.kept
        progress.begin(with: start.kept)
        for remark in start.remarks { Terminal.complain(remark) }
      }, advance: progress.advance, while: { !Terminal.isInterrupted })
    progress.finish()
    switch ending {
    case .incomplete(let errors):
      failures += errors.count
      for error in errors { Terminal.complain("\(plan.cell.label): \(error)") }
      return nil
    case .stopped:
      throw Failure.interrupted("interrupted; finished samples are kept in \(runner.directory(of: plan)), the same command goes on from there")
    case .finished(let result):
      let kept = done == 0 ? "" : done >= total ? ", all kept from before" : ", \(done) kept from before"
      say("\(place)\(plan.selection.name)  \(plan.cell.label)  seed \(plan.seed)  \(total) samples\(kept)")
      return result
    }
  }

  // MARK: A race

  /// Spends samples where the front is uncertain: what came of every run, on as many problems as it got.
  mutating func race(_ plans: [RunPlan], of experiment: Experiment, _ settings: Experiment.Adaptive) throws -> [RunResult] {
    let whole = plans.reduce(0) { $0 + $1.selection.limit }
    Terminal.note("\(experiment.name): an adaptive sweep of \(plans.count) runs, files in \(runner.directory(of: experiment.name))")
    var race = AdaptiveSweep(plans, settings: settings, baseline: experiment.baseline)
    if let samples = settings.samples, samples < race.least {
      throw ConfigurationError.outOfRange(
        key: "adaptive.samples", value: "\(samples)",
        expected: "at least \(race.least), for the first \(settings.first) problems of every setting and all problems of the baseline")
    }
    var results: [String: RunResult] = [:]
    while true {
      let next = race.next()
      if next.isEmpty { break }
      // Only what is there is in the index, so that a sweep that was killed can be looked at.
      let found = try carryOut(next) { _ in }
      for result in found { results[result.plan.digest] = result }
      race.take(found)
      try RunIndex(experiment, race.plans).write(to: runner.directory(of: experiment.name))
      let spent = results.values.reduce(0) { $0 + $1.outcomes.count }
      let problems = Set(next.map(\.selection.limit)).sorted().map(String.init).joined(separator: " or ")
      Terminal.note("  \(problems) problems: \(next.count) of \(plans.count) runs, \(spent) samples so far")
    }
    let spent = results.values.reduce(0) { $0 + $1.outcomes.count }
    let dropped = race.verdicts.filter(\.isDropped)
    for verdict in dropped {
      let plan = verdict.plan
      let chance = fixed(verdict.probability * 100, 1)
      Terminal.note("  dropped after \(plan.selection.limit) problems, \(chance) % likely on the front: \(plan.selection.name)  \(plan.cell.label)")
    }
    Terminal.note("\(experiment.name): \(spent) samples instead of \(whole) (\(fixed(Double(spent) / Double(max(whole, 1)) * 100, 1)) %)")
    return race.plans.compactMap { results[$0.digest] }
  }

  // MARK: A choice and its report

  /// What `--tune` came to.
  struct Tuning {
    /// The choices.
    let tuned: Tuned
    /// The chosen settings on the test split.
    let report: Report
  }

  /// Decodes every setting on dev, chooses, and decodes the chosen on test.
  mutating func tune(_ experiment: Experiment) throws -> Tuning {
    let baseline = experiment.baseline ?? ""
    let all = try [Split.dev, .test].map { split in
      try experiment.on(split).plans(catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, load: ModelLibrary.load)
    }
    Terminal.note("\(experiment.name): \(all[0].count) runs on dev, files in \(runner.directory(of: experiment.name))")
    let dev = Report(try carryOut(all[0]) { Terminal.note("  " + $0) }, baseline: baseline)
    let tuned = Tuned(dev, cells: experiment.cells, baseline: baseline, rule: experiment.tuning)
    let chosen = all[1].filter(tuned.chooses)
    try RunIndex(experiment, all[0] + chosen).write(to: runner.directory(of: experiment.name))
    Terminal.note("\(experiment.name): the \(chosen.count) chosen runs on test")
    let report = Report(try carryOut(chosen) { Terminal.note("  " + $0) }, baseline: baseline)
    return Tuning(tuned: tuned, report: report)
  }
}

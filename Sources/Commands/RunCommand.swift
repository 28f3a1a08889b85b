internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Workbench

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run an experiment, or finish one that was interrupted.",
    discussion: """
      Every finished sample is kept: after Ctrl-C, a crash or a kill the same command goes on where it stopped. A changed strategy,
      model or benchmark is a new run; nothing is mixed. A file may hold several experiments, parted by lines of `---`.

      EXAMPLES
        unmask run Experiments/first-light.yaml
        unmask run Experiments/first-light.yaml --dry-run
        unmask run Experiments/first-light.yaml --jobs 2 --output /tmp/results --json
        unmask run Experiments/first-light.yaml --set strategies.threshold.0.threshold.confidence=0.8 --set benchmark.0.limit=20
        unmask run Experiments/claims.yaml --only claims-saber
        unmask run Experiments/claims.yaml --shard 0/4                  # a fourth of the samples; 1/4 to 3/4 elsewhere, then without --shard
        unmask run Experiments/claims.yaml --launcher slurm --shards 16 --sbatch "--time=1:00:00" --wait
      """)

  @Argument(help: "A YAML file.") var experiment: String
  @Option(help: "Where results go.") var output = "results"
  @Option(help: "Samples decoded side by side. Speed is quoted only from runs with 1.") var jobs = 1
  @Option(help: "The experiment of this name, where the file holds several; may be repeated.") var only: [String] = []
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A setting of the file, changed for this once; may be repeated. The value is YAML.", valueName: "key=value")) var overrides: [String] =
      []
  @Flag(help: "List the runs and stop.") var dryRun = false
  @Flag(help: "Print the closing table as JSON.") var json = false
  @OptionGroup(title: "Several processes or machines") var launch: LaunchOptions

  func validate() throws {
    try launch.check(json: json, dryRun: dryRun)
    if jobs < 1 || jobs > 256 { throw ValidationError("--jobs is 1 to 256") }
    if output.isEmpty { throw ValidationError("--output needs a folder") }
  }

  func run() throws {
    let file = try ExperimentFile(experiment, overrides: overrides)
    let planned = try file.plans(only: only, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, load: ModelLibrary.load)
    let runner = Runner(output: output, jobs: jobs)
    if dryRun { return try list(planned.flatMap(\.plans), runner) }
    Terminal.catchInterrupts()
    if let shard = try launch.part { return try launch.decode(shard, of: planned.flatMap(\.plans), runner) }
    let request = LaunchOptions.Request(file: experiment, output: output, overrides: overrides, jobs: jobs)
    guard try launch.launch(planned, request, runner) else { return }
    var rows: [Setting] = []
    var failures = 0
    var incomplete = 0
    for (experiment, plans) in planned.map({ ($0.experiment, $0.plans) }) {
      let (results, failed) = try run(plans, of: experiment, runner)
      let report = Report(results, baseline: experiment.baseline)
      if json { rows += report.json.list.map { $0.naming(experiment.name) } } else { show(report, experiment, runner) }
      failures += failed
      for row in report.rows where row.incomplete > 0 {
        let line = "\(row.benchmark)  \(row.label): \(row.incomplete) of \(row.samples) samples reached max_rounds; they are incomplete and count as wrong"
        if json { Terminal.note(line) } else { Terminal.out(line) }
        incomplete += row.incomplete
      }
    }
    if json { Terminal.out(Setting(.list(rows)).json) }
    if failures > 0 {
      throw Failure(code: 3, message: "\(failures) samples could not be decoded; their runs are not in the table, all finished samples are kept")
    }
    if incomplete > 0 { throw Failure(code: 3, message: "\(incomplete) samples are incomplete; raise max_rounds, or check the strategies' progress") }
  }

  /// Carries out an experiment's runs: what came of them, and how many samples failed.
  private func run(_ plans: [RunPlan], of experiment: Experiment, _ runner: Runner) throws -> (results: [RunResult], failures: Int) {
    Terminal.note("\(experiment.name): \(plans.count) runs, files in \(runner.directory(of: experiment.name))")
    try RunIndex(experiment, plans).write(to: runner.directory(of: experiment.name))
    var failures = 0
    let results = try runner.inTurn(
      plans,
      waiting: { plans in
        let others = plans.count > 1 ? " and \(plans.count - 1) more" : ""
        Terminal.note("  waiting for another process, which works on \(plans[0].selection.name)  \(plans[0].cell.label)\(others)")
      }, while: { !Terminal.isInterrupted }, { try run($0, runner, &failures) })
    guard let results else { throw Failure.interrupted("interrupted; the other process goes on, and what this one finished is kept") }
    return (results.compactMap(\.self), failures)
  }

  /// Carries out a run; nil if some of its samples failed.
  private func run(_ plan: RunPlan, _ runner: Runner, _ failures: inout Int) throws -> RunResult? {
    let total = plan.selection.limit
    let progress = Progress("\(plan.selection.name)  \(plan.cell.label)", total: total)
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
      Terminal.note("  \(plan.selection.name)  \(plan.cell.label)  seed \(plan.seed)  \(total) samples\(kept)")
      return result
    }
  }

  private func show(_ report: Report, _ experiment: Experiment, _ runner: Runner) {
    Terminal.out("\n" + report.text + "\n")
    Terminal.out(report.legend(baseline: experiment.baseline))
    if report.rows.contains(where: { $0.seconds == nil }) {
      Terminal.out("shared: decoded beside other samples, or resumed after a stop, so its time is no speed; run it with --jobs 1 into a new --output")
    }
    Terminal.out("files: \(runner.directory(of: experiment.name))/*/{run.yaml, outcomes.jsonl, trace.h5}")
  }

  private func list(_ plans: [RunPlan], _ runner: Runner) throws {
    let rows = try plans.map { plan in
      [
        plan.experiment, plan.selection.name, plan.cell.label, "\(plan.seed)", "\(plan.geometry.genLength)/\(plan.geometry.blockLength)",
        "\(try runner.finished(plan))", "\(plan.selection.limit)", plan.digest,
      ]
    }
    if json {
      let list: [Setting] = zip(plans, rows).map { plan, row in
        [
          "experiment": Setting(.text(row[0])), "benchmark": Setting(.text(row[1])), "strategy": Setting(.text(row[2])),
          "seed": Setting(.integer(plan.seed)), "done": Setting(.integer(Int(row[5]) ?? 0)),
          "limit": Setting(.integer(plan.selection.limit)), "digest": Setting(.text(plan.digest)), "config": plan.config,
        ]
      }
      return Terminal.out(Setting(.list(list)).json)
    }
    let header = ["experiment", "benchmark", "strategy", "seed", "gen/block", "done", "of", "digest"]
    Terminal.out(TextTable(rows, header: header, numeric: [3, 5, 6]).text)
  }
}

extension Setting {
  /// The items of a list.
  fileprivate var list: [Setting] { if case .list(let items) = value { items } else { [] } }

  /// A map that first says which experiment it is of.
  fileprivate func naming(_ experiment: String) -> Setting {
    guard case .map(let entries) = value else { return self }
    return Setting(.map([Setting.Entry("experiment", Setting(.text(experiment)))] + entries))
  }
}

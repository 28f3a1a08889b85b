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
  @Flag(help: "Spend samples where the front is uncertain, instead of decoding every setting on every problem.") var adaptive = false
  @Option(help: ArgumentHelp("With --adaptive: samples to spend in all, the baseline's included.", valueName: "samples")) var budget: Int?
  @Flag(help: "Choose each strategy's setting on the dev split and report it on the test split.") var tune = false
  @Flag(help: "List the runs with an estimate of rounds and time, and stop.") var dryRun = false
  @Option(help: "With --dry-run: problems of each run, or some more, that are decoded for their rounds and thrown away; 0: a bound without any.") var pilot = 3
  @Flag(help: "Run programs that a model wrote with no sandbox, only with limits on time and memory.") var unsafeCode = false
  @Flag(help: "Print the closing table as JSON.") var json = false
  @OptionGroup(title: "Several processes or machines") var launch: LaunchOptions

  func validate() throws {
    try launch.check(json: json, dryRun: dryRun)
    if let budget, budget < 1 { throw ValidationError("--budget is 1 or more") }
    if tune, adaptive || budget != nil { throw ValidationError("--tune tries every setting on dev; leave --adaptive and --budget out") }
    if tune || adaptive || budget != nil, launch.isGiven {
      throw ValidationError("--adaptive and --tune decide as results come in, so they run in one process; leave --shard and --launcher out")
    }
    if jobs < 1 || jobs > 256 { throw ValidationError("--jobs is 1 to 256") }
    if pilot < 0 || pilot > 1000 { throw ValidationError("--pilot is 0 to 1000") }
    if output.isEmpty { throw ValidationError("--output needs a folder") }
    if unsafeCode, launch.isGiven { throw ValidationError("--unsafe-code goes with neither --shard nor --launcher") }
  }

  func run() throws {
    guard unsafeCode else { return try carryOut() }
    Terminal.note("--unsafe-code: programs that the model writes run with your rights, files and network")
    try Unmask.$benchmarks.withValue(Unmask.benchmarks.runningUnsafeCode()) { try carryOut() }
  }

  private func carryOut() throws {
    let file = try ExperimentFile(experiment, overrides: overrides)
    let planned = try file.plans(only: only, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, load: ModelLibrary.load).map(asAsked)
    let runner = Runner(output: output, jobs: jobs)
    if dryRun, tune {
      Terminal.note("--tune: the runs on dev; the chosen settings are then decoded on test")
      let dev = try planned.map { planned in
        ExperimentFile.Planned(
          experiment: planned.experiment,
          plans: try planned.experiment.on(.dev).plans(catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, load: ModelLibrary.load))
      }
      return try RunListing(dev, runner, pilot: pilot, jobs: jobs).show(json: json)
    }
    if dryRun { return try RunListing(planned, runner, pilot: pilot, jobs: jobs).show(json: json) }
    Terminal.catchInterrupts()
    if let shard = try launch.part { return try launch.decode(shard, of: planned.flatMap(\.plans), runner) }
    let request = LaunchOptions.Request(file: experiment, output: output, overrides: overrides, jobs: jobs)
    guard try launch.launch(planned, request, runner) else { return }
    var rows: [Setting] = []
    var loop = RunLoop(runner)
    var incomplete = 0
    for (experiment, plans) in planned.map({ ($0.experiment, $0.plans) }) {
      let report: Report
      if tune {
        let outcome = try loop.tune(experiment)
        report = outcome.report
        if json {
          rows.append(["experiment": Setting(.text(experiment.name)), "choices": outcome.tuned.json(report)])
        } else {
          show(outcome, experiment, runner)
        }
      } else {
        report = Report(
          try experiment.adaptive.map { try loop.race(plans, of: experiment, $0) } ?? loop.run(plans, of: experiment), baseline: experiment.baseline)
        if json { rows += report.json.list.map { $0.naming(experiment.name) } } else { show(report, experiment, runner) }
      }
      for row in report.rows where row.incomplete > 0 {
        let line = "\(row.benchmark)  \(row.label): \(row.incomplete) of \(row.samples) samples reached max_rounds; they are incomplete and count as wrong"
        if json { Terminal.note(line) } else { Terminal.out(line) }
        incomplete += row.incomplete
      }
    }
    if json { Terminal.out(Setting(.list(rows)).json) }
    if loop.failures > 0 {
      throw Failure(code: 3, message: "\(loop.failures) samples could not be decoded; their runs are not in the table, all finished samples are kept")
    }
    if incomplete > 0 { throw Failure(code: 3, message: "\(incomplete) samples are incomplete; raise max_rounds, or check the strategies' progress") }
  }

  /// An experiment as the options change it.
  private func asAsked(_ planned: ExperimentFile.Planned) throws -> ExperimentFile.Planned {
    var planned = planned
    if tune { planned.experiment.adaptive = nil }
    if tune, planned.experiment.baseline == nil {
      throw ConfigurationError.missing(key: "baseline", owner: planned.experiment.name, expected: "the strategy whose accuracy --tune is to keep").at(
        file: experiment)
    }
    if adaptive || budget != nil { planned.experiment.adaptive = planned.experiment.adaptive ?? Experiment.Adaptive() }
    if let budget { planned.experiment.adaptive?.samples = budget }
    if planned.experiment.adaptive != nil, launch.isGiven {
      throw ConfigurationError.composition(
        "\(planned.experiment.name) is an adaptive sweep, which runs in one process; `--set adaptive=null` makes it a full one that can be divided"
      ).at(file: experiment)
    }
    return planned
  }

  private func show(_ outcome: RunLoop.Tuning, _ experiment: Experiment, _ runner: Runner) {
    Terminal.out("\n" + outcome.report.text + "\n")
    Terminal.out(outcome.report.legend(baseline: experiment.baseline) + "\n")
    Terminal.out(outcome.tuned.text(outcome.report, rule: experiment.tuning, baseline: experiment.baseline ?? "") + "\n")
    Terminal.out("files: \(runner.directory(of: experiment.name))/*/{run.yaml, outcomes.jsonl, trace.h5}")
  }

  private func show(_ report: Report, _ experiment: Experiment, _ runner: Runner) {
    Terminal.out("\n" + report.text + "\n")
    Terminal.out(report.legend(baseline: experiment.baseline))
    if report.rows.contains(where: { $0.seconds == nil }) {
      Terminal.out("shared: decoded beside other samples, or resumed after a stop, so its time is no speed; run it with --jobs 1 into a new --output")
    }
    Terminal.out("files: \(runner.directory(of: experiment.name))/*/{run.yaml, outcomes.jsonl, trace.h5}")
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

internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Workbench

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run an experiment, or finish one that was interrupted.",
    discussion: """
      Every finished sample is kept: after Ctrl-C, a crash or a kill the same command goes on where it stopped. A changed strategy,
      model or benchmark is a new run; nothing is mixed.

      EXAMPLES
        unmask run Experiments/first-light.yaml
        unmask run Experiments/first-light.yaml --dry-run
        unmask run Experiments/first-light.yaml --jobs 2 --output /tmp/results --json
      """)

  @Argument(help: "A YAML file.") var experiment: String
  @Option(help: "Where results go.") var output = "results"
  @Option(help: "Samples decoded side by side. Speed is quoted only from runs with 1.") var jobs = 1
  @Flag(help: "List the runs and stop.") var dryRun = false
  @Flag(help: "Print the closing table as JSON.") var json = false

  func validate() throws {
    if jobs < 1 || jobs > 256 { throw ValidationError("--jobs is 1 to 256") }
    if output.isEmpty { throw ValidationError("--output needs a folder") }
  }

  func run() throws {
    let experiment = try Experiment(file: self.experiment)
    let plans: [RunPlan]
    do { plans = try experiment.plans(catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, load: ModelLibrary.load) } catch {
      throw error.at(file: self.experiment)
    }
    let runner = Runner(output: output, jobs: jobs)
    if dryRun { return try list(plans, runner) }
    Terminal.catchInterrupts()
    Terminal.note("\(experiment.name): \(plans.count) runs, files in \(runner.directory(of: experiment.name))")
    var results: [RunResult] = []
    var failures: [RunError] = []
    for plan in plans {
      let done = try runner.finished(plan)
      let total = plan.selection.limit
      let progress = Progress("\(plan.selection.name)  \(plan.cell.label)", done: done, total: total)
      let ending = try runner.run(plan, advance: progress.advance, while: { !Terminal.isInterrupted })
      progress.finish()
      switch ending {
      case .finished(let result): results.append(result)
      case .incomplete(let errors):
        failures += errors
        for error in errors { Terminal.complain("\(plan.cell.label): \(error)") }
        continue
      case .stopped:
        throw Failure.interrupted("interrupted; finished samples are kept in \(runner.directory(of: plan)), the same command goes on from there")
      }
      let kept = done == 0 ? "" : done >= total ? ", all kept from before" : ", \(done) kept from before"
      Terminal.note("  \(plan.selection.name)  \(plan.cell.label)  seed \(plan.seed)  \(total) samples\(kept)")
    }
    let report = Report(results, baseline: experiment.baseline)
    if json { Terminal.out(report.json.json) } else { show(report, experiment, runner) }
    if !failures.isEmpty {
      throw Failure(code: 3, message: "\(failures.count) samples could not be decoded; their runs are not in the table, all finished samples are kept")
    }
  }

  private func show(_ report: Report, _ experiment: Experiment, _ runner: Runner) {
    Terminal.out("\n" + report.text + "\n")
    var legend = "ms: decoding milliseconds per sample"
    if let baseline = experiment.baseline { legend += "; rounds ÷ and speedup: against \(baseline); agreement: same final answer as it" }
    Terminal.out(legend)
    if report.rows.contains(where: { $0.seconds == nil }) {
      Terminal.out("shared: decoded beside other samples, or resumed after a stop, so its time is no speed; run it with --jobs 1 into a new --output")
    }
    Terminal.out("files: \(runner.directory(of: experiment.name))/*/{run.yaml, outcomes.jsonl, trace.h5}")
  }

  private func list(_ plans: [RunPlan], _ runner: Runner) throws {
    let rows = try plans.map { plan in
      [
        plan.selection.name, plan.cell.label, "\(plan.seed)", "\(plan.geometry.genLength)/\(plan.geometry.blockLength)", "\(try runner.finished(plan))",
        "\(plan.selection.limit)", plan.digest,
      ]
    }
    if json {
      let list: [Setting] = zip(plans, rows).map { plan, row in
        [
          "benchmark": Setting(.text(row[0])), "strategy": Setting(.text(row[1])), "seed": Setting(.integer(plan.seed)),
          "done": Setting(.integer(Int(row[4]) ?? 0)),
          "limit": Setting(.integer(plan.selection.limit)), "digest": Setting(.text(plan.digest)), "config": plan.config,
        ]
      }
      return Terminal.out(Setting(.list(list)).json)
    }
    Terminal.out(TextTable(rows, header: ["benchmark", "strategy", "seed", "gen/block", "done", "of", "digest"], numeric: [2, 4, 5]).text)
  }
}

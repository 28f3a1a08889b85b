internal import Diffusion
internal import Models
internal import Workbench

/// What `unmask run --dry-run` prints: the runs, what is done of each, and what the rest will take.
struct RunListing {
  private let planned: [ExperimentFile.Planned]
  private let runner: Runner
  private let pilot: Int
  private let jobs: Int

  init(_ planned: [ExperimentFile.Planned], _ runner: Runner, pilot: Int, jobs: Int) {
    self.planned = planned
    self.runner = runner
    self.pilot = pilot
    self.jobs = jobs
  }

  /// A run with what is known of it.
  private struct Line {
    let plan: RunPlan
    let done: Int
    let forecast: Forecast?

    var missing: Int { max(plan.selection.limit - done, 0) }
    /// Decoding seconds of what is missing.
    var seconds: Double? { forecast.map { Double(missing) * $0.seconds } }
  }

  func show(json: Bool) throws {
    let plans = planned.flatMap(\.plans)
    Terminal.catchInterrupts()
    var forecasts = plans.map { _ in Forecast?.none }
    if pilot > 0 {
      let progress = Progress("decoding \(pilot) problems of each", total: plans.count)
      progress.begin(with: 0)
      defer { progress.finish() }
      forecasts = try runner.forecasts(plans, pilot: pilot, advance: progress.advance, while: { !Terminal.isInterrupted })
    }
    if Terminal.isInterrupted { throw Failure.interrupted("interrupted; nothing was changed") }
    let lines = try zip(plans, forecasts).map { Line(plan: $0, done: try runner.finished($0), forecast: $1) }
    Terminal.out(json ? Setting(.list(lines.map(entry))).json : text(lines))
  }

  private func entry(_ line: Line) -> Setting {
    let plan = line.plan
    let number = { (value: Double?) in Setting(value.map { .number($0) } ?? .null) }
    return [
      "experiment": Setting(.text(plan.experiment)), "benchmark": Setting(.text(plan.selection.name)), "strategy": Setting(.text(plan.cell.label)),
      "seed": Setting(.integer(plan.seed)), "done": Setting(.integer(line.done)), "limit": Setting(.integer(plan.selection.limit)),
      "rounds": number(line.forecast?.rounds), "seconds": number(line.seconds), "digest": Setting(.text(plan.digest)), "config": plan.config,
    ]
  }

  private func text(_ lines: [Line]) -> String {
    let rows = lines.map { line in
      let plan = line.plan
      let what = [plan.experiment, plan.selection.name, plan.cell.label, "\(plan.seed)", "\(plan.geometry.genLength)/\(plan.geometry.blockLength)"]
      let much = ["\(line.done)", "\(plan.selection.limit)", line.forecast.map { fixed($0.rounds, 1) } ?? "–", line.seconds.map(Progress.clock) ?? "–"]
      return what + much + [plan.digest]
    }
    let header = ["experiment", "benchmark", "strategy", "seed", "gen/block", "done", "of", "rounds", "time", "digest"]
    return TextTable(rows, header: header, numeric: [3, 5, 6, 7, 8]).text + "\n\n" + total(lines)
  }

  private func total(_ lines: [Line]) -> String {
    let missing = lines.reduce(0) { $0 + $1.missing }
    var text = "\(lines.count) runs, \(missing) samples to decode"
    let seconds = lines.compactMap(\.seconds)
    if seconds.count == lines.count, missing > 0 {
      let isRace = planned.contains { $0.experiment.adaptive != nil }
      text += ": \(isRace ? "at most" : "about") \(Progress.clock(seconds.reduce(0, +) / Double(jobs))) with --jobs \(jobs)"
      text += "; rounds per sample and time are estimated from \(pilot) problems of each, or from the samples that are there"
    }
    return text
  }
}

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
    let progress = Progress(pilot > 0 ? "decoding \(pilot) problems of each, or a few more" : "timing the model", total: plans.count)
    progress.begin(with: 0)
    let forecasts: [Forecast?]
    do {
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
      "rounds": number(line.forecast?.rounds), "seconds": number(line.seconds),
      "basis": Setting(line.forecast.map { .text($0.basis.rawValue) } ?? .null), "digest": Setting(.text(plan.digest)), "config": plan.config,
    ]
  }

  private func text(_ lines: [Line]) -> String {
    let rows = lines.map { line in
      let plan = line.plan
      let what = [plan.experiment, plan.selection.name, plan.cell.label, "\(plan.seed)", "\(plan.geometry.genLength)/\(plan.geometry.blockLength)"]
      let much = ["\(line.done)", "\(plan.selection.limit)", line.forecast.map(rounds) ?? "–", line.seconds.map(Progress.clock) ?? "–"]
      return what + much + [plan.digest]
    }
    let header = ["experiment", "benchmark", "strategy", "seed", "gen/block", "done", "of", "rounds", "time", "digest"]
    return TextTable(rows, header: header, numeric: [3, 5, 6, 7, 8]).text + "\n\n" + total(lines)
  }

  private func rounds(_ forecast: Forecast) -> String { (forecast.basis == .bound ? "≤ " : "") + fixed(forecast.rounds, 1) }

  private func total(_ lines: [Line]) -> String {
    let missing = lines.reduce(0) { $0 + $1.missing }
    var text = "\(lines.count) runs, \(missing) samples to decode"
    let seconds = lines.compactMap(\.seconds)
    if seconds.count == lines.count, missing > 0 {
      let isRace = planned.contains { $0.experiment.adaptive != nil }
      let bases = Set(lines.compactMap { $0.forecast?.basis })
      text += ": \(isRace || bases.contains(.bound) ? "at most" : "about") \(Progress.clock(seconds.reduce(0, +) / Double(jobs))) with --jobs \(jobs)"
      text += "; " + words(bases)
    }
    return text
  }

  /// What the estimates rest on.
  private func words(_ bases: Set<Forecast.Basis>) -> String {
    var parts: [String] = []
    if bases.contains(.pilot) { parts.append("rounds are those of \(pilot) problems of each or a few more, seconds a round from a few timed passes") }
    if bases.contains(.others) { parts.append("runs that the pilot had no time for are taken to need as many rounds a token as the others") }
    if bases.contains(.bound) { parts.append("a round for every masked position, which rules that pass, mask again or draft may exceed") }
    if bases.contains(.kept) { parts.append("where samples are there, theirs count") }
    return parts.joined(separator: "; ")
  }
}

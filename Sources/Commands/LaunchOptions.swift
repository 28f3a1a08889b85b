internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Workbench

/// How an experiment's work is divided among processes and machines: one part of it here, or all parts on a cluster.
struct LaunchOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Decode the K-th of N parts (K from 0) and put nothing together yet; a run without it does, on any machine.", valueName: "K/N"))
  var shard: String?
  @Option(help: ArgumentHelp("Decode the parts on a cluster: \(Launchers.names.joined(separator: ", ")).", valueName: "engine")) var launcher: String?
  @Option(help: "With --launcher: how many parts. Default: 8.") var shards: Int?
  @Option(
    parsing: .unconditional, help: ArgumentHelp("With --launcher slurm: options for sbatch, as \"--partition=long --time=1:00:00\".", valueName: "options"))
  var sbatch: String?
  @Flag(help: "With --launcher: wait for the parts, then put them together.") var wait = false

  func validate() throws {
    if let shard { do { _ = try Shard(shard) } catch { throw ValidationError("\(error)") } }
    if shard != nil, launcher != nil {
      throw ValidationError("--shard is one part, decoded here; --launcher starts all of them elsewhere: give one of the two")
    }
    if let launcher, Launchers.named(launcher) == nil {
      throw ValidationError(ConfigurationError.unknownName(name: launcher, kind: "launcher", known: Launchers.names).description)
    }
    if launcher == nil {
      for (name, isGiven) in [("--shards", shards != nil), ("--sbatch", sbatch != nil), ("--wait", wait)] where isGiven {
        throw ValidationError("\(name) goes with --launcher")
      }
    }
    if let shards, Shard(0, of: shards) == nil { throw ValidationError("--shards is 1 to \(Shard.limit)") }
  }

  /// Whether the work is divided.
  var isGiven: Bool { shard != nil || launcher != nil }

  /// The part asked for; nil for all of the work.
  var part: Shard? { get throws(ConfigurationError) { if let shard { try Shard(shard) } else { nil } } }

  /// Refuses what a command's other options make of no sense.
  func check(json: Bool, dryRun: Bool) throws {
    guard isGiven else { return }
    let own = shard != nil ? "--shard" : "--launcher"
    if dryRun { throw ValidationError("--dry-run lists whole runs; leave \(own) out") }
    if json, !wait { throw ValidationError("\(own) ends without a table, so --json has nothing to print; the run that puts the parts together prints it") }
  }
}

// MARK: One part

extension LaunchOptions {
  /// Decodes one part of experiments' runs.
  func decode(_ shard: Shard, of plans: [RunPlan], _ runner: Runner) throws {
    var total = 0
    var missing = 0
    for plan in plans {
      let part = try runner.missing(shard, of: plan)
      total += part.total
      missing += part.missing
    }
    let progress = Progress("part \(shard)", done: total - missing, total: total)
    progress.begin(with: total - missing)
    defer { progress.finish() }
    var failures = 0
    for plan in plans {
      let ending = try runner.run(
        shard, of: plan,
        begin: { start in
          for remark in start.remarks { Terminal.complain(remark) }
        }, advance: progress.advance, while: { !Terminal.isInterrupted })
      switch ending {
      case .done: break
      case .stopped: throw Failure.interrupted("interrupted; finished samples of part \(shard) are kept, the same command goes on from there")
      case .incomplete(let errors):
        failures += errors.count
        for error in errors { Terminal.complain("\(plan.cell.label): \(error)") }
      }
    }
    progress.finish()
    if failures > 0 { throw Failure(code: 3, message: "\(failures) samples of part \(shard) could not be decoded; all the others are kept") }
    Terminal.note("part \(shard): its \(total) samples are there, \(total - missing) from before; `unmask run` without --shard puts all parts together")
  }
}

// MARK: All parts, on a cluster

extension LaunchOptions {
  /// What the tasks are told of a command.
  struct Request {
    let file: String
    let output: String
    let overrides: [String]
    let jobs: Int
  }

  /// Submits experiments' parts, and waits for them if asked to.
  ///
  /// - Returns: whether everything is there to be put together here and now.
  func launch(_ experiments: [ExperimentFile.Planned], _ request: Request, _ runner: Runner) throws -> Bool {
    guard let launcher, let type = Launchers.named(launcher) else { return true }
    return try launch(experiments, request, runner, by: type.init(options: try LaunchJob.words(sbatch ?? "")))
  }

  private func launch(_ experiments: [ExperimentFile.Planned], _ request: Request, _ runner: Runner, by launcher: some Launcher) throws -> Bool {
    try launcher.check()
    var jobs: [(job: LaunchJob, plans: [RunPlan])] = []
    for planned in experiments {
      let samples = planned.plans.reduce(0) { $0 + $1.selection.limit }
      let name = planned.experiment.name
      var job = LaunchJob(
        experiment: name, folder: runner.directory(of: name), engine: type(of: launcher).name, shards: min(shards ?? 8, max(samples, 1)),
        command: command(name, request))
      let missing = try runner.missing(shards: job.shards, of: planned.plans)
      job.tasks = missing.indices.filter { missing[$0] > 0 }
      if request.jobs > 1 { job.cores = request.jobs }
      if job.tasks.isEmpty {
        Terminal.note("\(name): no samples are missing, nothing to submit")
        continue
      }
      let lacking = missing.reduce(0, +)
      do throws(LaunchError) {
        let id = try job.launch(by: launcher)
        Terminal.out("\(name): array \(id) with \(job.tasks.count) tasks for \(lacking) missing samples; script and logs in \(job.folder)")
      } catch {
        // One that was waited for until Ctrl-C is taken up again.
        guard wait, case .active(_, let ids, let tasks, _) = error else { throw error }
        let array = ids.joined(separator: ", ")
        Terminal.out("\(name): array \(array) is at work with \(tasks) tasks, \(lacking) samples are missing; script and logs in \(job.folder)")
      }
      jobs.append((job, planned.plans))
    }
    guard wait else {
      if !jobs.isEmpty { Terminal.out("when they are done, the same command without --launcher puts the parts together; with it, it submits what is missing") }
      return false
    }
    for (job, plans) in jobs { try follow(job, plans, runner, launcher) }
    return true
  }

  /// The words that each task runs, without its part.
  private func command(_ name: String, _ request: Request) -> [String] {
    let executable = Bundle.main.executablePath ?? CommandLine.arguments[0]
    return [executable, "run", LaunchJob.absolute(request.file), "--output=" + LaunchJob.absolute(request.output), "--only=" + name]
      + request.overrides.map { "--set=" + $0 }
  }

  /// Shows progress until an array is at its end.
  private func follow(_ job: LaunchJob, _ plans: [RunPlan], _ runner: Runner, _ launcher: some Launcher) throws {
    let total = plans.reduce(0) { $0 + $1.selection.limit }
    let progress = Progress(job.name, total: total)
    defer { progress.finish() }
    var done = try plans.reduce(0) { $0 + (try runner.finished($1)) }
    progress.begin(with: done)
    var pause = 0.5
    while true {
      let state = try launcher.active(job.name)
      let started = ContinuousClock.now
      let now = try plans.reduce(0) { $0 + (try runner.finished($1)) }
      for _ in 0..<max(now - done, 0) { progress.advance() }
      done = max(done, now)
      if state.isOver { break }
      // Counting reads every journal: it gets a tenth of the time at most.
      pause = max(min(pause * 1.5, 5), 10 * ((ContinuousClock.now - started) / .seconds(1)))
      let end = ContinuousClock.now + .seconds(pause)
      while ContinuousClock.now < end {
        if Terminal.isInterrupted {
          throw Failure.interrupted("interrupted; array \(state.ids.joined(separator: ", ")) goes on, `unmask run` puts its parts together when it is done")
        }
        Thread.sleep(forTimeInterval: 0.1)
      }
    }
    guard done >= total else {
      throw Failure(code: 3, message: "the array is over and \(total - done) samples are missing; logs in \(job.folder); the same command submits them again")
    }
  }
}

extension LaunchError: ExitCoded {
  var exitCode: Int32 {
    switch self {
    case .absent, .options, .active, .busy: 2
    case .failed, .file: 3
    }
  }
}

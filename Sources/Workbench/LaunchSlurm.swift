/// Slurm's job arrays: one task per part, found again by the job's name.
package struct SlurmLauncher: Launcher {
  package static let name = "slurm"
  package static let command = "sbatch"
  package static let task = "${SLURM_ARRAY_TASK_ID}"
  package static let cores = "${SLURM_CPUS_PER_TASK:-1}"

  private let options: [String]
  /// What `submit` says itself, in long and short form.
  private static let own = ["--array", "-a", "--job-name", "-J", "--parsable", "--wrap", "--wait", "-W", "--test-only", "--chdir", "-D"]

  package init(options: [String]) throws(LaunchError) {
    for option in options {
      let isOwn = Self.own.contains { own in own.hasPrefix("--") ? option == own || option.hasPrefix(own + "=") : option.hasPrefix(own) }
      if isOwn { throw .options("--sbatch \(option): the array has its own; leave it out") }
    }
    if let first = options.first, !first.hasPrefix("-") {
      throw .options("--sbatch takes sbatch's options, as \"--partition=long --time=1:00:00\"; `\(first)` is none")
    }
    self.options = options
  }

  package func check() throws(LaunchError) {
    for command in ["sbatch", "squeue"] where LaunchProgram.path(of: command) == nil { throw .absent(engine: Self.name, command: command) }
  }

  package func submit(_ job: LaunchJob) throws(LaunchError) -> String {
    var words = ["--parsable", "--job-name=" + job.name, "--array=" + LaunchJob.ranges(job.tasks)]
    // sbatch reads signs of its own in this path: a percent sign is written twice, and after a backslash it would read none.
    guard !job.folder.contains("\\") else { throw .options("\(job.folder): Slurm takes no backslash in a log's path; choose another --output") }
    words.append("--output=" + job.folder.replacing("%", with: "%%") + "/%A_%a.log")
    if let cores = job.cores { words.append("--cpus-per-task=\(cores)") }
    let answer = try LaunchProgram.output(of: Self.command, words + options + ["array.sh"], in: job.folder)
    // `id`, or `id;cluster`.
    let id = answer.prefix { $0.isASCII && $0.isNumber }
    guard !id.isEmpty else { throw .failed(command: Self.command, reason: "it printed no job id but `\(answer.prefix(200))`") }
    return String(id)
  }

  package func active(_ name: String) throws(LaunchError) -> LaunchState {
    let lines = try LaunchProgram.output(of: "squeue", ["--noheader", "--array", "--name=" + name, "--format=%F %T"])
    var state = LaunchState()
    for line in lines.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 2 else { continue }
      if !state.ids.contains(words[0]) { state.ids.append(words[0]) }
      if ["PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"].contains(words[1]) { state.queued += 1 } else { state.running += 1 }
    }
    return state
  }

  package func cancellation(of id: String) -> String { "scancel \(id)" }
}

internal import Foundation

/// An engine that runs the parts of an experiment on other machines: a cluster's queue. One more is a type like `SlurmLauncher` and its line in `Launchers`.
package protocol Launcher: Sendable {
  /// What `--launcher` calls it.
  static var name: String { get }
  /// The command that options of one's own go to, for messages and help.
  static var command: String { get }
  /// Shell words that are a task's own number in its script.
  static var task: String { get }
  /// Shell words that are the number of cores a task may use, in its script.
  static var cores: String { get }

  /// - Parameter options: words for `command`.
  /// - Throws: `.options` for those that the launcher gives itself.
  init(options: [String]) throws(LaunchError)

  /// Refuses a machine from which nothing can be submitted.
  func check() throws(LaunchError)
  /// Submits an array of tasks, one per number in `job.tasks`, each running the script once.
  ///
  /// - Returns: the array's id.
  func submit(_ job: LaunchJob) throws(LaunchError) -> String
  /// What is queued or running under a name.
  func active(_ name: String) throws(LaunchError) -> LaunchState
  /// What a person types to stop an array.
  func cancellation(of id: String) -> String
}

/// The launchers there are.
package enum Launchers {
  /// One line each.
  package static let all: [any Launcher.Type] = [
    SlurmLauncher.self
  ]

  /// Their names.
  package static var names: [String] { all.map { $0.name } }

  /// The one of a name; nil if there is none.
  package static func named(_ name: String) -> (any Launcher.Type)? { all.first { $0.name == name } }
}

/// What an engine says of tasks that were not at their end.
package struct LaunchState: Sendable, Hashable {
  /// The arrays they belong to.
  package var ids: [String] = []
  /// Tasks that wait for a machine.
  package var queued = 0
  /// Tasks at work.
  package var running = 0

  /// Whether there is none.
  package var isOver: Bool { queued + running == 0 }
}

/// Why something could not be submitted or followed.
package enum LaunchError: Error, Sendable, Hashable {
  /// The engine's command is not there.
  case absent(engine: String, command: String)
  /// Options that the launcher gives itself.
  case options(String)
  /// An array of this experiment is not at its end.
  case active(experiment: String, ids: [String], tasks: Int, cancellation: String)
  /// A command of the engine failed.
  case failed(command: String, reason: String)
  /// A file that the tasks need could not be written.
  case file(path: String, reason: String)
  /// Another process submits this experiment at this moment.
  case busy(folder: String)
}

extension LaunchError: CustomStringConvertible {
  /// What was wrong, and what would be right.
  package var description: String {
    switch self {
    case .absent(let engine, let command):
      "`\(command)` is not on PATH; --launcher \(engine) is for a machine that submits to \(engine) (elsewhere start the parts yourself: --shard 0/4, ...)"
    case .options(let reason): reason
    case .active(let experiment, let ids, let tasks, let cancellation):
      "\(experiment): \(tasks) tasks of array \(ids.joined(separator: ", ")) are queued or running; wait for them, or stop them with `\(cancellation)`"
    case .failed(let command, let reason): "`\(command)` failed: \(reason)"
    case .file(let path, let reason): "\(path): \(reason)"
    case .busy(let folder): "\(folder): another process is submitting this experiment; wait for it to end"
    }
  }
}

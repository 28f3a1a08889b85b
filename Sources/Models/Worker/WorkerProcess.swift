internal import Foundation
internal import Synchronization

/// A worker's process, started anew when it dies.
final class WorkerProcess: Sendable {
  /// What the running one is known by.
  struct Running: Sendable {
    /// How often one was started.
    let generation: Int
    /// Its socket's path.
    let socket: String
  }

  private struct State {
    var running: Running?
    var process: Process?
    /// Its standard input: it ends when this is closed, by this process's end at the latest.
    var input: Pipe?
    var generation = 0
  }

  private let python: String
  private let arguments: [String]
  private let state = Mutex(State())
  private let words = Mutex<[String]>([])

  /// A process to be started when it is asked for.
  ///
  /// - Parameter arguments: the script and its options, without `--socket`.
  init(python: String, arguments: [String]) {
    self.python = python
    self.arguments = arguments
  }

  deinit { state.withLock { Self.stop(&$0) } }

  /// The last line it wrote on standard error.
  var lastWords: String? { words.withLock { $0.last } }

  /// The process's number; nil where none was started.
  var identifier: Int32? { state.withLock { $0.process?.processIdentifier } }

  /// Whether it is there.
  var isRunning: Bool { state.withLock { $0.process?.isRunning == true } }

  /// Whether the process of a generation is there.
  func isAlive(_ generation: Int) -> Bool { state.withLock { $0.generation == generation && $0.process?.isRunning == true } }

  /// The running process, started if there is none.
  ///
  /// - Parameter lost: a generation that does not answer any more: if it is still the present one it is stopped first.
  func running(insteadOf lost: Int? = nil) throws(WorkerFault) -> Running {
    let result: Result<Running, WorkerFault> = state.withLock { state in
      if let running = state.running, state.process?.isRunning == true, lost != running.generation { return .success(running) }
      Self.stop(&state)
      do throws(WorkerFault) { return .success(try start(&state)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func start(_ state: inout State) throws(WorkerFault) -> Running {
    // A folder that only its owner can enter. The system's own, because the path of a socket has to be short.
    var template = Array("/tmp/unmask-worker-XXXXXX".utf8CString)
    guard let made = template.withUnsafeMutableBufferPointer({ buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }) else {
      throw .refused("/tmp: a folder for its socket cannot be made: \(String(cString: strerror(errno)))")
    }
    let folder = String(cString: made)
    let socket = folder + "/socket"
    let (process, input, errors) = (Process(), Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = arguments + ["--socket", socket]
    process.environment = ProcessInfo.processInfo.environment.merging(["UNMASK_WORKER_OWNED": "1", "PYTHONSAFEPATH": "1"]) { $1 }
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    words.withLock { $0 = [] }
    do { try process.run() } catch {
      rmdir(folder)
      throw .refused("\(python) cannot be started: \(error.localizedDescription)")
    }
    let source = errors.fileHandleForReading
    DispatchQueue.global().async { [weak self] in
      var rest = ""
      while true {
        let data = source.availableData
        if data.isEmpty { break }
        let lines = (rest + String(decoding: data, as: UTF8.self)).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        rest = String((lines.last ?? "").suffix(4096))
        let told = lines.dropLast().filter { !$0.isEmpty }
        self?.words.withLock { $0 = ($0 + told).suffix(20) }
      }
      if !rest.isEmpty { self?.words.withLock { $0.append(rest) } }
    }
    state.generation += 1
    let running = Running(generation: state.generation, socket: socket)
    state.process = process
    state.input = input
    state.running = running
    return running
  }

  private static func stop(_ state: inout State) {
    if let process = state.process, process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    if let socket = state.running?.socket {
      unlink(socket)
      rmdir(String(socket.dropLast("/socket".count)))
    }
    state.process = nil
    state.input = nil
    state.running = nil
  }
}

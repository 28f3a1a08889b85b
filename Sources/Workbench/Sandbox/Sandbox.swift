internal import CSandbox
package import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Runs a program in a process that can compute, read its own interpreter's files, and nothing else.
///
/// What is promised: no network, no writes anywhere, no other processes, no signals to others, nothing read but what `readable` lists, an environment of
/// nothing but `environment`, and bounds on processor time, time, memory and output. On Linux seccomp and Landlock (since 5.13) keep these promises, without
/// any privilege; a user, network and IPC namespace is put around them where the machine gives one, and a superuser becomes `nobody` first. Where one of
/// the two is missing nothing is run, unless it is told to be `unsafe`: then only the bounds hold.
package struct Sandbox: Sendable {
  /// Bounds on one program.
  package struct Limits: Sendable, Hashable {
    /// Seconds by the clock.
    package var seconds = 10.0
    /// Seconds of processor time.
    package var processorSeconds = 10
    /// Bytes of address space; it holds for the program as a whole, because it cannot start another.
    package var memory = 1 << 30
    /// Bytes of output after which it is ended.
    package var output = 1 << 20

    package init() {}
  }

  /// What came of a program.
  package struct Ending: Sendable, Hashable {
    /// How it ended.
    package enum Reason: Sendable, Hashable {
      /// It left by itself, with this code.
      case exit(Int)
      /// A signal ended it.
      case signal(Int)
      /// It took longer than it may.
      case outOfTime
      /// It wrote more than it may.
      case outOfOutput
    }

    package let reason: Reason
    /// The beginning of what it wrote to standard output and standard error, at most 16 KiB.
    package let output: [UInt8]
    /// What it wrote to descriptor 3, at most 4 KiB.
    package let result: [UInt8]
  }

  let limits: Limits
  let isUnsafe: Bool

  /// - Parameter isUnsafe: whether programs are run with no more than bounds on what they use.
  /// - Throws: where this machine cannot keep the promises, and is not told to run programs without them.
  package init(limits: Limits = Limits(), isUnsafe: Bool = false) throws(ConfigurationError) {
    self.limits = limits
    self.isUnsafe = isUnsafe
    guard !isUnsafe else { return }
    let missing = Self.missing
    guard missing.isEmpty else {
      throw .unsupported(
        "programs that a model wrote are only run in a sandbox, and this machine has no \(missing.joined(separator: " and no ")) (Linux 5.13 or later has "
          + "both); use such a machine, or say --unsafe-code to run them with no protection but limits on time and memory")
    }
  }

  /// What of the two layers that keep the promises this machine lacks.
  private static let missing: [String] = {
    let layers = Int(unmask_sandbox_layers())
    return (layers & Int(UNMASK_SANDBOX_SECCOMP) == 0 ? ["seccomp"] : []) + (layers & Int(UNMASK_SANDBOX_LANDLOCK) == 0 ? ["Landlock"] : [])
  }()

  /// The layers programs run in here, in words.
  package static let layers: String = {
    let layers = Int(unmask_sandbox_layers())
    let names = [
      (Int(UNMASK_SANDBOX_SECCOMP), "seccomp"), (Int(UNMASK_SANDBOX_LANDLOCK), "Landlock"),
      (Int(UNMASK_SANDBOX_NAMESPACES), "user, network and IPC namespaces"),
    ]
    let found = names.filter { layers & $0.0 != 0 }.map(\.1)
    return found.isEmpty ? "none" : found.joined(separator: ", ")
  }()

  /// Runs a program to its end, or to the end of what it may use.
  ///
  /// - Parameters:
  ///   - program: the absolute path of an executable.
  ///   - arguments: those after its name.
  ///   - input: its standard input.
  ///   - readable: folders and files that it may read.
  /// - Throws: where it cannot be started; never for what the program itself does.
  package func run(
    _ program: String, _ arguments: [String], environment: [String], input: [UInt8], readable: [String]
  ) throws(SandboxError) -> Ending {
    let sealed = Descriptor(input.withUnsafeBytes { unmask_sandbox_sealed($0.baseAddress, $0.count) })
    guard sealed.number >= 0 else { throw .system("its input", code: -sealed.number) }
    let (output, result, failure) = (try SandboxPipe(), try SandboxPipe(), try SandboxPipe())
    var request = unmask_sandbox_request()
    request.input = sealed.number
    request.output = output.writing.number
    request.result = result.writing.number
    request.cpu_seconds = UInt64(limits.processorSeconds)
    request.memory_bytes = UInt64(limits.memory)
    request.is_unsafe = isUnsafe ? 1 : 0
    let child = Self.withStrings([program] + arguments) { arguments in
      Self.withStrings(environment) { environment in
        Self.withStrings(readable) { readable in
          program.withCString { path in
            request.program = path
            request.arguments = UnsafePointer(arguments)
            request.environment = UnsafePointer(environment)
            return UnsafeRawPointer(readable).withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: 1) {
              request.readable = $0
              return unmask_sandbox_start(&request, failure.writing.number)
            }
          }
        }
      }
    }
    guard child > 0 else { throw .system("a process", code: -child) }
    for pipe in [output, result, failure] { pipe.writing.close() }
    var watch = Watch(child: child, output: output.reading, result: result.reading, limits: limits, isUnsafe: isUnsafe)
    let ending = watch.wait()
    let report = failure.reading.readAll(limit: 8)
    if report.count == 8 {
      let words = report.withUnsafeBytes { ($0.loadUnaligned(as: Int32.self), $0.loadUnaligned(fromByteOffset: 4, as: Int32.self)) }
      throw .setup(program: program, stage: unmask_sandbox_stage(words.0).map { String(cString: $0) } ?? "", code: words.1)
    }
    return ending
  }

  private static func withStrings<Result>(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("it holds at least its end") }
      return body(base)
    }
  }
}

/// Why a program could not be started.
package enum SandboxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The system did not give something.
  case system(String, code: Int32)
  /// The process could not be confined, or the program not be started.
  case setup(program: String, stage: String, code: Int32)

  /// What failed, and why.
  package var description: String {
    switch self {
    case .system(let what, let code): "the sandbox has no \(what): \(Self.reason(code))"
    case .setup(let program, let stage, let code): "the sandbox cannot run \(program): \(stage) failed: \(Self.reason(code))"
    }
  }

  private static func reason(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
}

internal import ArgumentParser
public import Diffusion
internal import Foundation
public import Strategies
internal import Traces
public import Workbench

/// The command: `await Unmask.main(catalog: .standard + [MyRule.self])` gives a strategy of one's own every subcommand.
public enum Unmask {
  /// What subcommands may name; set once by `main`.
  @TaskLocal static var catalog = Catalog.standard
  @TaskLocal static var benchmarks = BenchmarkCatalog.standard

  /// Parses the process's arguments, runs the subcommand and exits.
  ///
  /// Exit codes: 0 success, 1 a check failed or a file is damaged, 2 wrong use or configuration, 3 interrupted or incomplete.
  public static func main(catalog: Catalog = .standard, benchmarks: BenchmarkCatalog = .standard) async {
    ModelLibrary.observe { what in
      let line = Waiting(what)
      return { line.finish() }
    }
    let code = $catalog.withValue(catalog) { $benchmarks.withValue(benchmarks) { execute(Array(CommandLine.arguments.dropFirst())) } }
    fflush(nil)
    exit(code)
  }

  /// Runs a command line and gives its exit code.
  static func execute(_ arguments: [String]) -> Int32 {
    do {
      var command = try Root.parseAsRoot(arguments)
      try command.run()
      guard let reason = Terminal.outputFailure else { return 0 }
      Terminal.complain("standard output: \(reason)")
      return 3
    } catch let failure as Failure {
      if !failure.message.isEmpty { Terminal.complain(failure.message) }
      return failure.code
    } catch {
      return report(error)
    }
  }

  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case let error as any ExitCoded:
      Terminal.complain("\(error)")
      return error.exitCode
    default:
      guard Root.exitCode(for: error) != .success else {
        Terminal.out(Root.fullMessage(for: error))
        return 0
      }
      // The parser adds usage and a hint over several lines; one says it.
      let message = Root.message(for: error).split(separator: "\n").joined(separator: " ")
      Terminal.complain(message + " (unmask --help)")
      return 2
    }
  }
}

/// An error that knows its exit code: 1 a check failed or a file is damaged, 2 wrong use or configuration, 3 interrupted or incomplete.
protocol ExitCoded: Error {
  var exitCode: Int32 { get }
}

extension ConfigurationError: ExitCoded {
  var exitCode: Int32 { isDamage ? 1 : 2 }
}

extension DecodingError: ExitCoded {
  var exitCode: Int32 {
    switch self {
    case .tooManyRounds: 3
    case .denoiser(.tooLong), .denoiser(.unknownToken), .denoiser(.unsupported): 2
    default: 1
    }
  }
}

extension TraceError: ExitCoded {
  /// Whether a file is at fault, and not how the command was used.
  var isDamage: Bool {
    switch self {
    case .damaged, .notATrace, .tooLarge: true
    default: false
    }
  }

  var exitCode: Int32 {
    if case .unwritable = self { return 3 }
    return isDamage ? 1 : 2
  }
}

extension RunError: ExitCoded {
  var exitCode: Int32 {
    switch self {
    case .configuration(let error): error.exitCode
    case .decoding(let error, _): error.exitCode
    case .trace(let error): error.exitCode
    case .mismatch: 2
    case .file: 3
    case .encoding: 1
    }
  }
}

/// A subcommand's way out: a message and an exit code.
struct Failure: Error {
  let code: Int32
  let message: String

  /// Interrupted: what was finished is kept.
  static func interrupted(_ message: String) -> Failure { Failure(code: 3, message: message) }
}

/// The root of the command line.
struct Root: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unmask",
    abstract: "A research workbench for the decoding strategies of masked diffusion language models.",
    discussion: """
      EXAMPLES
        unmask decode --problem lists/test/7             watch the reference model fill a canvas
        unmask run Experiments/first-light.yaml          run an experiment, or finish it
        unmask strategies threshold                      a strategy's settings and source
        unmask trace validate results/*/*/trace.h5       prove that traces replay

      Exit codes: 0 success, 1 a check failed or a file is damaged, 2 wrong use, 3 interrupted.
      """,
    subcommands: [
      RunCommand.self, DecodeCommand.self, LogitsCommand.self, TokenizeCommand.self, StrategiesCommand.self, CachesCommand.self, BenchmarksCommand.self,
      ModelsCommand.self,
      QuantizeCommand.self, TraceCommand.self, ReplayCommand.self, ExplainCommand.self, CheckCommand.self, ParetoCommand.self, CompareCommand.self,
      EvalLogCommand.self, DoctorCommand.self,
    ])
}

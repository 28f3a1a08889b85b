internal import ArgumentParser
internal import Diffusion
internal import Traces
internal import Workbench

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Look into trace files, or prove that they replay.", subcommands: [Validate.self, Inspect.self])
}

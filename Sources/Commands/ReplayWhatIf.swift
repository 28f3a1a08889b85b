internal import ArgumentParser
internal import Diffusion
internal import Traces

/// `replay --what-if`: another strategy decides on the beliefs of a trace.
enum ReplayWhatIf {
  /// What else the trace is asked; `replay` takes them as an option group.
  struct Options: ParsableArguments {
    @Option(help: "What another strategy would have done: a YAML file, a strategy's name, or YAML.") var whatIf: String?
    @Option(help: "What the run's own list would have done without a rule; repeat for several.") var without: [String] = []
    @Option(help: "What the run's own list would have done with another setting, as threshold.confidence=0.8; repeat for several.") var set: [String] = []
    @Flag(help: "The fewest rounds that reveal only tokens of the final response, going by the recorded beliefs.") var oracle = false

    /// Whether anything is asked.
    var isAsked: Bool { whatIf != nil || !without.isEmpty || !set.isEmpty || oracle }
  }

  /// - Parameters:
  ///   - path: the trace's file, for messages.
  ///   - sample: one sample's problem; nil for all.
  ///   - model: a model's name or directory: its tokenizer spells tokens, and it answers what the trace cannot.
  static func run(trace: Trace, path: String, sample: String?, model: String, options: Options, json: Bool) throws {
    throw ConfigurationError.unsupported("--what-if is not there yet")
  }
}

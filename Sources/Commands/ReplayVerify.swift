internal import Diffusion
internal import Traces

/// `replay --verify`: runs the model again and compares every round with the trace.
enum ReplayVerify {
  /// - Parameters:
  ///   - path: the trace's file, for messages.
  ///   - sample: one sample's problem; nil for all.
  ///   - model: a model's name or directory.
  static func run(trace: Trace, path: String, sample: String?, model: String, json: Bool) throws {
    throw ConfigurationError.unsupported("--verify is not there yet")
  }
}

public import Diffusion
public import Traces

/// Why a run stopped.
public enum RunError: Error, Sendable {
  /// A mistake in what was asked for.
  case configuration(ConfigurationError)
  /// A sample could not be decoded to its end.
  case decoding(DecodingError, problem: String)
  /// A trace or journal could not be read or written.
  case trace(TraceError)
  /// An outcome could not be put into words or read back.
  case encoding(String)
  /// Another file could not be read or written.
  case file(path: String, reason: String)
  /// The folder holds another run.
  case mismatch(run: String, difference: String)
}

extension RunError {
  /// Whether a file is not what was written: a repetition would meet it again.
  var isDamage: Bool {
    switch self {
    case .configuration(.damaged), .trace(.damaged), .trace(.notATrace), .trace(.tooLarge), .encoding: true
    default: false
    }
  }
}

extension RunError: CustomStringConvertible {
  /// What was wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .configuration(let error): error.description
    case .decoding(let error, let problem): "\(problem): \(error)"
    case .trace(let error): "\(error)"
    case .encoding(let reason): reason
    case .file(let path, let reason): "\(path): \(reason)"
    case .mismatch(let run, let difference): "\(run) holds another run: \(difference); choose another --output or remove it"
    }
  }
}

public import Diffusion
public import Traces

/// Why a run stopped.
public enum RunError: Error, Sendable {
  case configuration(ConfigurationError)
  case decoding(DecodingError, problem: String)
  case trace(TraceError)
  case encoding(String)
  case file(path: String, reason: String)
  /// Another process is at work on the same run.
  case mismatch(run: String, difference: String)
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

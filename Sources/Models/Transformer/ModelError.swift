internal import Diffusion

/// Why a model cannot be used.
public enum ModelError: Error, Sendable, Hashable {
  /// The weights were refused.
  case weights(WeightsError)
  /// The tokenizer was refused.
  case tokenizer(TokenizerError)
  /// `config.json` is not what the format says.
  case malformed(file: String, reason: String)
  /// A key of `config.json` is absent, of the wrong kind or out of range.
  case configuration(file: String, key: String, found: String, expected: String)
  /// An option that the model does not allow.
  case option(key: String, value: String, expected: String)
  /// A file of a new model cannot be written.
  case unwritable(file: String, reason: String)
  /// No option has this name.
  case unknownOption(key: String, known: [String])
  /// No family reads this kind of model.
  case unknownFamily(file: String, name: String, known: [String])
  /// No shipped model and no directory has this name.
  case unknownModel(name: String, known: [String])
  /// The package's resources are not where they were looked for.
  case noResources(searched: [String])
  /// A worker could not be started or does not answer.
  case worker(String)
}

extension ModelError: CustomStringConvertible {
  /// What was wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .weights(let error): return error.description
    case .tokenizer(let error): return error.description
    case .malformed(let file, let reason): return "\(file): \(reason)"
    case .configuration(let file, let key, let found, let expected): return "\(file): `\(key)` is \(found), expected \(expected)"
    case .option(let key, let value, let expected): return "model option `\(key)` is \(value), expected \(expected)"
    case .unwritable(let file, let reason): return "\(file): cannot be written: \(reason)"
    case .unknownOption(let key, let known): return "there is no model option `\(key)`" + Self.suggestion(key, known)
    case .unknownFamily(let file, let name, let known):
      return "\(file): model type `\(name)` is not supported" + Self.suggestion(name, known)
    case .unknownModel(let name, let known):
      return "there is no model named `\(name)` and no such directory" + Self.suggestion(name, known)
    case .noResources(let searched):
      return "the shipped models are in none of: \(searched.joined(separator: ", ")); set UNMASK_RESOURCES to their directory"
    case .worker(let reason): return reason
    }
  }

  private static func suggestion(_ name: String, _ known: [String]) -> String {
    let list = "; known: " + known.joined(separator: ", ")
    return (ConfigurationError.nearest(to: name, in: known).map { "; did you mean `\($0)`?" } ?? "") + list
  }
}

extension ModelError {
  /// Whether a file of the model is damaged, and not merely absent, unreadable or of a kind that is not supported.
  public var isDamage: Bool {
    switch self {
    case .weights(.unreadable), .weights(.noWeights), .tokenizer(.unreadable), .tokenizer(.unsupported): false
    case .weights, .tokenizer, .malformed: true
    case .configuration, .option, .unknownOption, .unwritable, .unknownFamily, .unknownModel, .noResources, .worker: false
    }
  }
}

/// What a denoiser could not do. It is raised before any decision is taken on its rows.
public enum DenoiserError: Error, Sendable, Hashable {
  /// A sequence longer than the model takes.
  case tooLong(length: Int, limit: Int)
  /// A token outside the vocabulary.
  case unknownToken(token: Token, vocabulary: Int)
  /// Logits that are not finite numbers.
  case nonFinite(row: Int, sequence: Int)
  /// Something asked for that this model cannot do.
  case unsupported(String)
  /// Anything else.
  case failed(String)
}

extension DenoiserError: CustomStringConvertible {
  /// What was wrong and what would be right.
  public var description: String {
    switch self {
    case .tooLong(let length, let limit): "a sequence of \(length) positions is longer than the model's \(limit); shorten the prompt or gen_length"
    case .unknownToken(let token, let vocabulary): "token \(token) is not in the model's vocabulary of \(vocabulary)"
    case .nonFinite(let row, let sequence): "the model's logits for row \(row) of sequence \(sequence) are not finite"
    case .unsupported(let what): what
    case .failed(let reason): reason
    }
  }
}

/// Why a decode stopped before its canvas was complete.
public enum DecodingError: Error, Sendable, Hashable {
  /// A rule made an edit that no canvas allows; it was not applied.
  case illegal(strategy: String, round: Int, position: Int, reason: String)
  /// A strategy asked the model to look at nothing, or at something that is not there.
  case badView(strategy: String, round: Int, reason: String)
  /// The bound on rounds was reached.
  case tooManyRounds(limit: Int, masked: Int)
  /// The denoiser failed.
  case denoiser(DenoiserError)
  /// The denoiser did not answer what was asked.
  case incomplete(expected: Int, got: Int)
}

extension DecodingError {
  /// Whether the bound on rounds was reached: everything before it went as it should.
  package var isBound: Bool { if case .tooManyRounds = self { true } else { false } }
}

extension DecodingError: CustomStringConvertible {
  /// What was wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .illegal(let strategy, let round, let position, let reason): "strategy `\(strategy)`, round \(round): illegal edit at position \(position): \(reason)"
    case .badView(let strategy, let round, let reason): "strategy `\(strategy)`, round \(round): illegal view: \(reason)"
    case .tooManyRounds(let limit, let masked):
      "still \(masked) masked positions after max_rounds = \(limit) rounds; raise max_rounds, or check the strategy's progress"
    case .denoiser(let error): error.description
    case .incomplete(let expected, let got): "the denoiser answered \(got) rows or sequences where \(expected) were asked for"
    }
  }
}

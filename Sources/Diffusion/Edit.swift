/// One position revealed, replaced or remasked, or a mask inserted or deleted.
public struct Edit: Sendable, Hashable {
  /// What happens; raw values are those of the trace file.
  public enum Kind: UInt8, Sendable, CaseIterable {
    case reveal, replace, remask, insertMask, delete
  }

  /// What happens.
  public let kind: Kind
  /// Where, from the start of the response, at the moment the edit is applied.
  public let position: Int
  /// The token written, or -1.
  public let token: Token
  /// Probability of `token` in the untempered belief as it stood, or NaN where the row was not read.
  public var confidence: Double = .nan
  /// Difference of the two largest probabilities of the row, or NaN.
  public var margin: Double = .nan
  /// Entropy of the row in nats, or NaN.
  public var entropy: Double = .nan
  /// Name of the rule that decided it, or `progress`.
  public var author: String = ""
  /// -1 where the edit took effect; else the draft or member it was tried on.
  public var branch: Int = Edit.main

  /// The branch of edits that took effect.
  public static let main = -1

  /// An edit without beliefs.
  public init(_ kind: Kind, at position: Int, token: Token = -1) {
    self.kind = kind
    self.position = position
    self.token = token
  }
}

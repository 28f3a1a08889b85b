public import Diffusion

/// How much of a decode is recorded.
public enum TraceLevel: Sendable, Hashable {
  /// Samples with their costs; no rounds and no edits.
  case none
  /// Every round and every decision.
  case edits
  /// Also what the model believed of every masked position in reach: the given number of largest logits, log-sum-exp and entropy.
  case beliefs(Int)

  /// Candidates per position where an experiment does not say.
  public static let defaultCandidates = 8

  /// A level by the name it has in an experiment: `none`, `edits` or `beliefs`.
  public init?(_ name: String, candidates: Int = TraceLevel.defaultCandidates) {
    switch name {
    case "none": self = .none
    case "edits": self = .edits
    case "beliefs": self = .beliefs(candidates)
    default: return nil
    }
  }

  /// The name it has in an experiment and in the attribute `level`.
  public var name: String {
    switch self {
    case .none: "none"
    case .edits: "edits"
    case .beliefs: TraceSchema.beliefs
    }
  }

  /// What a recorder of this level wants to know beyond the rules: the `observed` of a session. It never changes a decision.
  public var needs: Needs {
    if case .beliefs(let candidates) = self { return Needs(.window, topK: candidates) }
    return .nothing
  }

  /// Candidates recorded per position.
  package var candidates: Int {
    if case .beliefs(let candidates) = self { return max(candidates, 1) }
    return 0
  }
}

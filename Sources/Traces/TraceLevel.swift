public import Diffusion

/// How much of a decode is recorded.
public enum TraceLevel: Sendable, Hashable {
  /// Samples with their costs; no rounds and no edits.
  case none
  /// Every round and every decision.
  case edits
  /// Also what the model believed of every masked position in reach: the given number of largest logits, log-sum-exp and entropy.
  case beliefs(Int)
  /// Also, in every round, how far the belief was from that of the model without a cache, in float32: a second model call beside each.
  case fidelity(Int)

  /// Candidates per position where an experiment does not say.
  public static let defaultCandidates = 8

  /// A level by the name it has in an experiment: `none`, `edits`, `beliefs` or `fidelity`.
  public init?(_ name: String, candidates: Int = TraceLevel.defaultCandidates) {
    switch name {
    case "none": self = .none
    case "edits": self = .edits
    case "beliefs": self = .beliefs(candidates)
    case "fidelity": self = .fidelity(candidates)
    default: return nil
    }
  }

  /// The name it has in an experiment and in the attribute `level`.
  public var name: String {
    switch self {
    case .none: "none"
    case .edits: "edits"
    case .beliefs: TraceSchema.beliefs
    case .fidelity: "fidelity"
    }
  }

  /// What a recorder of this level wants to know beyond the rules: the `observed` of a session. It never changes a decision.
  public var needs: Needs { candidates > 0 ? Needs(.window, topK: candidates) : .nothing }

  /// Candidates recorded per position.
  package var candidates: Int {
    switch self {
    case .none, .edits: 0
    case .beliefs(let candidates), .fidelity(let candidates): max(candidates, 1)
    }
  }

  /// Whether a second model call measures each round.
  public var isMetered: Bool { if case .fidelity = self { true } else { false } }
}

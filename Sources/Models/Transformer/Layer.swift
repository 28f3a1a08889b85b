extension Transformer {
  /// One layer's weights.
  struct Layer: Sendable {
    let attentionNorm: AlignedFloats
    let query: Linear
    /// Keys, then values.
    let keyValue: Linear
    /// Norms of a head's queries and keys, where the family has them.
    let headNorms: HeadNorms?
    let attentionOutput: Linear
    let feedForwardNorm: AlignedFloats
    let feedForward: FeedForward
  }

  /// The weights by which a head's queries and keys are normed.
  struct HeadNorms: Sendable {
    let query: AlignedFloats
    let key: AlignedFloats
  }

  /// A layer's second half.
  enum FeedForward: Sendable {
    case dense(Gated)
    case experts(Experts)
  }

  /// `down(silu(gate(x)) * up(x))`.
  struct Gated: Sendable {
    let gate: Linear
    let up: Linear
    let down: Linear
  }

  /// Experts, what chooses among them, and the one that sees every row.
  struct Experts: Sendable {
    let router: Linear
    /// One number for each expert.
    let bias: AlignedFloats?
    let all: [Gated]
    let shared: Gated?
  }
}

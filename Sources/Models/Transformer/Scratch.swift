/// The working memory of one forward pass; it grows to the largest pass seen and is used again.
///
/// Legend: R rows of all sequences, A rows asked for, D width, E experts, F feed-forward width, V vocabulary, L longest sequence.
final class Scratch {
  private var memory: [Name: AlignedFloats] = [:]

  /// The buffers of a pass.
  enum Name: Hashable {
    /// Residual stream `[R, D]`, and its asked-for rows in the last layer `[A, D]`.
    case residual, residualAsked
    /// Residual stream and input of a linear layer of every row of a sequence `[L, D]`, where layers compute different rows.
    case wholeResidual, wholeNormed
    /// Input of a linear layer `[R, D]`, and its asked-for rows.
    case normed, normedAsked
    /// Queries and attention output `[R, H * headWidth]`.
    case queries, attended
    /// Keys, then values `[R, 2 * keyValueHeads * headWidth]`.
    case keysValues
    /// Feed-forward `[R, F]`.
    case gate, up
    /// Scores of experts `[R, E]`; rows sorted by expert `[R * chosen, D]`, their outputs, and one expert's feed-forward for each worker.
    case scores, routed, routedOutput, routedGate(Int), routedUp(Int)
    /// Output of a linear layer, to be added to the residual stream `[R, D]`.
    case update
    /// Logits of a tile of rows `[tile, V]`.
    case logits
    /// A segment of logits of some rows `[block, segment]`, one for each worker; and what is kept of all rows' segments (see `LongRows`).
    case segment(Int), partValues, partPlaces, partCounts, partSums, partNamed
    /// One head's packed keys and values, scores and output; one of each per worker.
    case keys(Int), values(Int), attention(Int), output(Int)
  }

  /// A buffer of at least `count` floats, zeroed when it was made and otherwise as the last user left it.
  func buffer(_ name: Name, _ count: Int) -> UnsafeMutablePointer<Float> {
    if let existing = memory[name], existing.count >= count { return existing.pointer }
    let made = AlignedFloats(count: count)
    memory[name] = made
    return made.pointer
  }
}

public import Diffusion
public import Traces

/// The fewest rounds in which a sample's final response could have been revealed, going by the beliefs that a trace records: what no choice of positions beats.
///
/// A position may be revealed, with its final token, once some recorded round had that token as the raw argmax (the mask left out) and the canvas at hand holds
/// every position which that round's canvas held. All such positions before the end of the current block are revealed at once; the current block moves on as
/// in any decode. A position that no recorded round had right is taken when the trace had it, and counted as `given`.
///
/// It is the least number of rounds, and so a bound on every strategy that shows the model one canvas per round and reveals only final tokens, under one
/// assumption: the model is right about a position on just those canvases that hold at least what the recorded canvas held on which it was right first. What
/// it would have believed on canvases that hold more, or other positions, the trace does not know; where more tokens help it more, fewer rounds may do.
public struct Oracle: Sendable {
  /// The positions revealed in each of its rounds.
  public let rounds: [[Int]]
  /// Positions that no recorded round had right before they were revealed.
  public let given: [Int]

  /// The oracle of one sample.
  ///
  /// - Parameter canvases: see `TraceSession.canvases(of:)`.
  public init(_ sample: SampleTrace, canvases: [Canvas]) throws(ConfigurationError) {
    guard let beliefs = sample.beliefs else { throw .unsupported("the trace records no beliefs; run the experiment with `trace: beliefs`") }
    guard !sample.edits.contains(where: { $0.edit.branch == Edit.main && [.insertMask, .delete].contains($0.edit.kind) }) else {
      throw .unsupported("sample `\(sample.problem)` changed its length, and the oracle follows positions")
    }
    guard var canvas = canvases.first, let last = canvases.last else { throw .unsupported("sample `\(sample.problem)` has no canvas") }
    let final = last.response
    /// For each recorded round, the positions whose argmax was final.
    var right = Array(repeating: [Int](), count: canvases.count)
    for row in beliefs.round.indices {
      let tokens = beliefs.topTokens[row * beliefs.candidates..<(row + 1) * beliefs.candidates]
      let position = beliefs.position[row]
      if final.indices.contains(position), tokens.first(where: { $0 != canvas.vocabulary.mask }) == final[position] {
        right[beliefs.round[row]].append(position)
      }
    }
    var unseen = Array(canvases.indices)
    var known: Set<Int> = []
    var rounds: [[Int]] = []
    var given: [Int] = []
    while !canvas.isComplete {
      // Rounds whose canvas held nothing that this one does not hold.
      let reached = unseen.filter { round in final.indices.allSatisfy { canvases[round].isMasked($0) || !canvas.isMasked($0) } }
      unseen.removeAll { reached.contains($0) }
      for round in reached { known.formUnion(right[round]) }
      var revealed = canvas.eligible.filter { known.contains($0) }
      if revealed.isEmpty {
        guard let next = unseen.first else { throw .unsupported("sample `\(sample.problem)` is not finished") }
        revealed = final.indices.filter { canvas.isMasked($0) && !canvases[next].isMasked($0) }
        given += revealed
      }
      for position in revealed {
        let edit = Edit(.reveal, at: position, token: final[position])
        guard canvas.fault(of: edit) == nil else { throw .unsupported("sample `\(sample.problem)` ends with a mask at position \(position)") }
        canvas.apply(edit)
      }
      canvas.settle()
      rounds.append(revealed)
    }
    self.rounds = rounds
    self.given = given.sorted()
  }
}

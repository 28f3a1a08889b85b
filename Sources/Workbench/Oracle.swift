public import Diffusion
public import Traces

/// The fewest rounds in which a sample's final response could have been revealed, going by the beliefs that a trace records: what no choice of positions beats.
///
/// A position may be revealed, with its final token, once some recorded round had that token as the raw argmax (the mask left out), or revealed it, and the
/// canvas at hand holds every final token that that round's canvas held. All such positions before the end of the current block are revealed at once, and
/// beyond it those that the record itself revealed there, as an early stop does; the current block moves on as in any decode. Positions that only the record's
/// own decision allows are counted as `given`. So it never takes more rounds than the record.
///
/// It is the least number of rounds, and so a bound on every strategy that shows the model one canvas per round and reveals only final tokens, under one
/// assumption: the model is right about a position on just those canvases that hold at least what the recorded canvas held on which it was right first. What
/// it would have believed on canvases that hold more, or other positions, or beyond the current block, the trace does not know; there fewer rounds may do.
public struct Oracle: Sendable {
  /// The positions revealed in each of its rounds.
  public let rounds: [[Int]]
  /// Positions that no recorded belief had right when the record revealed them: they are revealed because it did.
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
    let held = canvases.map { canvas in canvas.response.indices.filter { canvas.response[$0] == final[$0] } }
    // For each recorded round, the positions whose argmax was final, and those that it revealed.
    var right = held.map { _ in [Int]() }
    for row in beliefs.round.indices {
      let tokens = beliefs.topTokens[row * beliefs.candidates..<(row + 1) * beliefs.candidates]
      let position = beliefs.position[row]
      if final.indices.contains(position), tokens.first(where: { $0 != canvas.vocabulary.mask }) == final[position] {
        right[beliefs.round[row]].append(position)
      }
    }
    let own = zip(held, held.dropFirst()).map { Set($1).subtracting($0) }
    var unseen = Array(own.indices)
    var known: Set<Int> = []
    var shown: Set<Int> = []
    var rounds: [[Int]] = []
    var given: [Int] = []
    while !canvas.isComplete {
      // Rounds whose canvas held no final token that this one does not hold.
      let reached = unseen.filter { round in !held[round].contains(where: canvas.isMasked) }
      unseen.removeAll { reached.contains($0) }
      for round in reached {
        known.formUnion(right[round])
        shown.formUnion(own[round])
      }
      let eligible = Set(canvas.eligible)
      let revealed = final.indices.filter { canvas.isMasked($0) && (shown.contains($0) || known.contains($0) && eligible.contains($0)) }
      guard !revealed.isEmpty else { throw .unsupported("sample `\(sample.problem)` is not finished") }
      given += revealed.filter { !known.contains($0) }
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

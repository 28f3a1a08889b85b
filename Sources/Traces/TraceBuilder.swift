public import Diffusion

/// Records one sample while it is decoded: told of every round, it gives a `SampleTrace` in the end.
public struct TraceBuilder: Sendable {
  private var sample: SampleTrace
  private let level: TraceLevel

  /// A recorder for a session that begins with `canvas`. Give the session `level.needs` as `observed`, or beliefs may be missing.
  ///
  /// - Parameters:
  ///   - problem: the problem's identity within its benchmark.
  ///   - seed: the seed it is decoded with.
  public init(canvas: Canvas, problem: String, seed: Int, level: TraceLevel) {
    sample = SampleTrace(problem: problem, seed: seed, canvas: canvas)
    sample.answerTokens = canvas.answerTokens
    self.level = level
    if level.candidates > 0 { sample.beliefs = RecordedBeliefs(candidates: level.candidates) }
  }

  /// Takes a round as it ends.
  public mutating func record(_ round: Round) {
    sample.roundCount += 1
    sample.cost += round.cost
    sample.response = round.canvas.recorded
    sample.answerTokens = round.canvas.answerTokens
    if level == .none { return }
    let row = sample.rounds.count
    let masked = round.shown.masked
    sample.rounds.append(
      RecordedRound(
        index: round.index, kind: round.kind, cost: round.cost, window: round.shown.window, masked: masked.count, forwardSeconds: round.forwardSeconds,
        decideSeconds: round.decideSeconds, isFinal: round.isFinal, divergence: round.divergence))
    for edit in round.edits { sample.edits.append(RecordedEdit(round: row, edit: edit)) }
    if level.candidates > 0 { recordBeliefs(of: round, row: row, masked: masked) }
  }

  private mutating func recordBeliefs(of round: Round, row: Int, masked: [Int]) {
    guard var beliefs = sample.beliefs else { return }
    // Moved out and back in, so that appending never copies the columns.
    sample.beliefs = nil
    let reach = round.shown.window.upperBound
    let raw = round.belief.raw
    for position in masked where position < reach {
      guard let summary = raw.summary(position) else { continue }
      beliefs.round.append(row)
      beliefs.position.append(position)
      beliefs.logSumExp.append(summary.mass.logSumExp)
      beliefs.entropy.append(summary.mass.entropy)
      beliefs.mass.append(summary.mass.sum)
      beliefs.moment.append(summary.mass.weighted)
      for rank in 0..<beliefs.candidates {
        beliefs.topTokens.append(rank < summary.top.count ? summary.top[rank].token : -1)
        beliefs.topLogits.append(rank < summary.top.count ? summary.top[rank].logit : .nan)
      }
    }
    sample.beliefs = beliefs
  }

  /// The sample as it stands.
  ///
  /// - Parameters:
  ///   - correct: 1 correct, 0 wrong, -1 not graded.
  ///   - isComplete: false where `max_rounds` was reached before the end.
  ///   - seconds: decoding time.
  public func finish(correct: Int = -1, isComplete: Bool = true, seconds: Double) -> SampleTrace {
    var finished = sample
    finished.correct = correct
    finished.isComplete = isComplete
    finished.seconds = seconds
    return finished
  }
}

public import Diffusion
internal import Traces

/// Whether one sample of a trace comes out again, bit for bit, when its session is decoded anew: every canvas, cost, edit and belief of every round.
///
/// Rounds are compared as long as the canvases agree; where a decision differs, what follows is another decode.
public struct Verification: Sendable {
  /// The sample's problem.
  public let problem: String
  /// Rounds that the trace records.
  public let rounds: Int
  /// Rounds compared, up to the one in which the canvases part.
  public private(set) var compared = 0
  /// Rounds that came out bit for bit.
  public private(set) var reproduced = 0
  /// The first difference, nil if there is none.
  public private(set) var first: Difference?
  /// Whether a decision, and not only a belief, came out differently.
  public private(set) var parts = false
  /// The largest difference of a candidate's logit over all rounds compared.
  public private(set) var largestLogit = 0.0
  /// The largest difference of an edit's confidence over all rounds compared.
  public private(set) var largestConfidence = 0.0

  /// The `column` of a difference that is no value: decoding failed, for the reason that `now` gives.
  package static let failure = "decoding"

  /// One value that came out differently.
  public struct Difference: Sendable {
    /// The round's index in the sample; nil where the sample as a whole differs.
    public let round: Int?
    /// The position; nil where the round as a whole differs.
    public let position: Int?
    /// The table and column that it stands in.
    public let column: String
    /// The value of the trace.
    public let recorded: String
    /// The value now.
    public let now: String
    /// How far apart they are. For values that are no amounts, such as a token: the largest difference of a logit that both hold of the position, or of the
    /// decision's confidence. Nil where there is no such number.
    public internal(set) var size: Double?
    /// What the model believed of the position, then and now; nil at a level without beliefs.
    public var beliefs: (recorded: Believed, now: Believed)?
  }

  /// The belief in a position as a trace holds it.
  public struct Believed: Sendable {
    /// The largest candidates, in order.
    public let candidates: [Candidate]
    /// `log(sum of exp(logit))` of the row.
    public let logSumExp: Double
  }

  /// Decodes a sample again and compares.
  ///
  /// - Parameter shouldContinue: asked before every model call.
  /// - Returns: nil if told to stop.
  public init?(_ session: TraceSession, _ index: Int, on denoiser: any Denoiser, while shouldContinue: () -> Bool = { true }) throws(ConfigurationError) {
    let recorded = session.samples[index]
    problem = recorded.problem
    rounds = recorded.rounds.count
    let start = try session.session(index, try session.pipeline(), observed: session.level.needs)
    var builder = TraceBuilder(canvas: start.canvas, problem: recorded.problem, seed: recorded.seed, level: session.level)
    let outcome = Decoder(denoiser).decode([start], record: { builder.record($1) }, while: shouldContinue)[0]
    guard let outcome else { return nil }
    let now = builder.finish(seconds: 0)
    let (old, new) = (SampleRounds(recorded), SampleRounds(now))
    while compared < min(old.count, new.count), !parts {
      compare(old, new, round: compared)
      compared += 1
    }
    // A sample that reached max_rounds comes out again where it reaches them again.
    if case .failed(_, let error) = outcome, recorded.isComplete || !error.isBound { note(now.rounds.count, nil, Self.failure, "ends", error.description) }
    if first == nil { compareWhole(recorded, now) }
  }

  /// What the rounds do not show: their number, and all there is at a level without them.
  private mutating func compareWhole(_ old: SampleTrace, _ new: SampleTrace) {
    note(nil, nil, "samples/rounds", old.roundCount, new.roundCount)
    noteCosts(nil, "samples", old.cost, new.cost)
    let place = zip(old.response, new.response).enumerated().first { $1.0 != $1.1 }?.offset
    if let place { note(nil, place, "responses/tokens", Int(old.response[place]), Int(new.response[place])) }
    note(nil, nil, "responses/tokens", old.response.count, new.response.count)
  }

  private mutating func compare(_ old: SampleRounds, _ new: SampleRounds, round: Int) {
    let before = differences
    compareBeliefs(old, new, round)
    compareEdits(old, new, round)
    let (a, b) = (old.sample.rounds[round], new.sample.rounds[round])
    note(round, nil, "rounds/kind", Int(a.kind.rawValue), Int(b.kind.rawValue))
    noteCosts(round, "rounds", a.cost, b.cost)
    note(round, nil, "rounds/window_start", a.window.lowerBound, b.window.lowerBound)
    note(round, nil, "rounds/window_end", a.window.upperBound, b.window.upperBound)
    note(round, nil, "rounds/masked", a.masked, b.masked)
    note(round, nil, "rounds/final", a.isFinal ? 1 : 0, b.isFinal ? 1 : 0)
    if differences == before { reproduced += 1 }
  }

  private mutating func compareBeliefs(_ old: SampleRounds, _ new: SampleRounds, _ round: Int) {
    let (mine, theirs) = (old.beliefs(round), new.beliefs(round))
    guard let a = old.sample.beliefs, let b = new.sample.beliefs else { return }
    for (i, j) in zip(mine, theirs) {
      let (position, start) = (a.position[i], first == nil)
      note(round, position, "beliefs/position", position, b.position[j])
      guard position == b.position[j] else { break }
      let (x, y) = (old.believed(i), new.believed(j))
      for (p, q) in zip(x.candidates, y.candidates) {
        note(round, position, "beliefs/top_tokens", Int(p.token), Int(q.token))
        if p.token == q.token { note(round, position, "beliefs/top_logits", Double(p.logit), Double(q.logit)) }
      }
      var apart = 0.0
      for p in x.candidates {
        if let q = y.candidates.first(where: { $0.token == p.token }) { apart = max(apart, Double(abs(p.logit - q.logit))) }
      }
      largestLogit = max(largestLogit, apart)
      note(round, position, "beliefs/log_sum_exp", a.logSumExp[i], b.logSumExp[j])
      note(round, position, "beliefs/entropy", a.entropy[i], b.entropy[j])
      if a.isExact, b.isExact {
        note(round, position, "beliefs/mass", a.mass[i], b.mass[j])
        note(round, position, "beliefs/moment", a.moment[i], b.moment[j])
      }
      if start, let found = first {
        first?.beliefs = (x, y)
        first?.size = found.size ?? apart
      }
    }
    note(round, nil, "rows of beliefs", mine.count, theirs.count)
  }

  private mutating func compareEdits(_ old: SampleRounds, _ new: SampleRounds, _ round: Int) {
    let (mine, theirs) = (old.edits(round), new.edits(round))
    for (a, b) in zip(mine, theirs) {
      let (before, start) = (differences, first == nil)
      note(round, a.position, "edits/position", a.position, b.position)
      note(round, a.position, "edits/kind", Int(a.kind.rawValue), Int(b.kind.rawValue))
      note(round, a.position, "edits/token", Int(a.token), Int(b.token))
      note(round, a.position, "edits/branch", a.branch, b.branch)
      if differences != before { parts = true }
      if a.author != b.author { note(round, a.position, "edits/author", a.author, b.author) }
      note(round, a.position, "edits/confidence", a.confidence, b.confidence)
      note(round, a.position, "edits/margin", a.margin, b.margin)
      note(round, a.position, "edits/entropy", a.entropy, b.entropy)
      if start, let found = first { first?.size = found.size ?? abs(a.confidence - b.confidence) }
      if a.position == b.position, a.token == b.token { largestConfidence = max(largestConfidence, abs(a.confidence - b.confidence)) }
    }
    if mine.count != theirs.count {
      parts = true
      let extra = mine.dropFirst(theirs.count).first ?? theirs.dropFirst(mine.count).first
      note(round, extra?.position, "edits", mine.count, theirs.count)
    }
  }

  // MARK: Noting

  private var differences = 0

  private mutating func noteCosts(_ round: Int?, _ table: String, _ a: Cost, _ b: Cost) {
    note(round, nil, table + "/canvases", a.canvases, b.canvases)
    note(round, nil, table + "/positions", a.positions, b.positions)
    note(round, nil, table + "/logit_rows", a.logitRows, b.logitRows)
  }

  private mutating func note(_ round: Int?, _ position: Int?, _ column: String, _ a: Int, _ b: Int) {
    if a != b { note(round, position, column, "\(a)", "\(b)") }
  }

  private mutating func note(_ round: Int?, _ position: Int?, _ column: String, _ a: Double, _ b: Double) {
    // Bits, so that NaN equals itself and 0 is not -0.
    if a.bitPattern != b.bitPattern { note(round, position, column, "\(a)", "\(b)", abs(a - b)) }
  }

  private mutating func note(_ round: Int?, _ position: Int?, _ column: String, _ a: String, _ b: String, _ size: Double? = nil) {
    differences += 1
    first = first ?? Difference(round: round, position: position, column: column, recorded: a, now: b, size: size)
  }
}

/// A sample's edits and beliefs by round.
struct SampleRounds {
  let sample: SampleTrace
  private var editEnds: [Int] = []
  private var beliefEnds: [Int] = []

  init(_ sample: SampleTrace) {
    self.sample = sample
    var (edit, belief) = (0, 0)
    let rows = sample.beliefs?.round ?? []
    for round in sample.rounds.indices {
      while edit < sample.edits.count, sample.edits[edit].round <= round { edit += 1 }
      while belief < rows.count, rows[belief] <= round { belief += 1 }
      editEnds.append(edit)
      beliefEnds.append(belief)
    }
  }

  var count: Int { sample.rounds.count }

  func edits(_ round: Int) -> [Edit] { sample.edits[(round == 0 ? 0 : editEnds[round - 1])..<editEnds[round]].map(\.edit) }

  /// Rows of the sample's beliefs.
  func beliefs(_ round: Int) -> Range<Int> { (round == 0 ? 0 : beliefEnds[round - 1])..<beliefEnds[round] }

  func believed(_ row: Int) -> Verification.Believed {
    guard let beliefs = sample.beliefs else { return Verification.Believed(candidates: [], logSumExp: .nan) }
    let range = row * beliefs.candidates..<(row + 1) * beliefs.candidates
    let known = zip(beliefs.topTokens[range], beliefs.topLogits[range]).filter { $0.0 >= 0 }
    return Verification.Believed(candidates: known.map { Candidate(token: $0.0, logit: $0.1) }, logSumExp: beliefs.logSumExp[row])
  }
}

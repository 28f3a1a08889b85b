public import Diffusion
internal import Models
internal import Traces

/// A recorded decode in place of a model: it answers for every canvas that a round of the record showed, bit for bit as the model did, and for no other.
///
/// With it a strategy is decided, and tested, without any weights. A record at the level `beliefs` holds `k` candidates of every masked position before the
/// end of the current block, and the row's sums; with `k` at least the size of the vocabulary it holds whole rows. What a rule wants to know beyond that is
/// refused by name. Where several rounds showed one canvas, the first of them answers: they are equal. Over a cache they are not, beliefs hang on the rounds before,
/// and some may have been withheld: decodes over a cache are refused. The sums of a row were added in the order that the recorded list asked for: where only
/// one of the recorded and the deciding list suppresses tokens, a probability may differ in its last digit.
public struct TapeDenoiser: Denoiser {
  /// The vocabulary of every row.
  public let vocabulary: Vocabulary
  /// Whole rows where the record holds them.
  public let abilities: Abilities
  private let problem: String
  private let cache: String?
  private let canvases: [Canvas]
  private let rounds: [RecordedRound]
  private let beliefs: RecordedBeliefs
  /// The rounds that showed a sequence.
  private var places: [[Token]: [Int]] = [:]
  /// For each round, the row of the beliefs that a position has.
  private var rows: [[Int: Int]]

  /// A tape of one sample.
  ///
  /// - Parameter canvases: the canvas that each round showed, and the last one; see `TraceSession.canvases(of:)`.
  public init(_ session: TraceSession, _ index: Int, canvases: [Canvas]) throws(ConfigurationError) {
    let sample = session.samples[index]
    guard let beliefs = sample.beliefs, let first = canvases.first else {
      throw .unsupported("the trace records no beliefs; run the experiment with `trace: beliefs`")
    }
    guard beliefs.isExact else {
      throw .unsupported("the trace's beliefs have no columns `mass` and `moment`, so that probabilities do not follow exactly; record it again")
    }
    vocabulary = first.vocabulary
    problem = sample.problem
    cache = session.cache?.name
    self.canvases = canvases
    rounds = sample.rounds
    self.beliefs = beliefs
    var abilities = Abilities()
    if !sample.rounds.contains(where: { $0.kind == .refresh }) { abilities.insert(.freshRows) }
    if beliefs.candidates >= vocabulary.size { abilities.insert(.fullRows) }
    self.abilities = abilities
    rows = Array(repeating: [:], count: rounds.count)
    for (row, (round, position)) in zip(beliefs.round, beliefs.position).enumerated() { rows[round][position] = row }
    for (round, canvas) in canvases.prefix(rounds.count).enumerated() { places[canvas.prompt + canvas.response, default: []].append(round) }
  }

  /// Whether a round showed this canvas.
  public func holds(_ canvas: Canvas) -> Bool { places[canvas.prompt + canvas.response] != nil }

  private var holdsWholeRows: Bool { abilities.contains(.fullRows) }

  /// Why a list of rules cannot be decided on this tape, as far as it says beforehand what it wants to know; nil if it can.
  ///
  /// - Parameter sampling: how tokens are proposed.
  public func refusal(of pipeline: Pipeline, sampling: Sampling) -> String? {
    if let cache { return "it was decoded over the cache `\(cache)`, whose beliefs in a canvas hang on the rounds before it, and a tape knows canvases alone" }
    if pipeline.isWrapper {
      return "\(pipeline.names[0]) decodes further canvases of its own (drafts, members), and a trace records what the model believed of one canvas per round"
    }
    if sampling.temperature > 0, !holdsWholeRows { return "a temperature above 0 draws from whole rows of logits, and \(recordedRows)" }
    for rule in pipeline.rules {
      if let what = want(of: rule.needs) { return "\(type(of: rule).name) reads \(what)" }
    }
    return nil
  }

  private var recordedRows: String { "the trace records the best \(beliefs.candidates) of \(vocabulary.size) candidates (k)" }

  /// What the tape lacks of some needs, in words.
  private func want(of needs: Needs) -> String? {
    if needs.hidden { return "hidden states, which a trace does not record" }
    if needs.fullRows, !holdsWholeRows { return "whole rows of logits, and \(recordedRows)" }
    if !needs.suppress.isEmpty, !holdsWholeRows { return "rows without suppressed tokens, summed over the whole vocabulary, and \(recordedRows)" }
    if needs.reading.topK > beliefs.candidates, !holdsWholeRows { return "the best \(needs.reading.topK) candidates of a row, and \(recordedRows)" }
    if !needs.stale, !abilities.contains(.freshRows) { return "fresh rows in every round, and some of the recorded ones come from a cache" }
    for (round, canvas) in canvases.prefix(rounds.count).enumerated() {
      guard let position = needs.positions(in: canvas).first(where: { rows[round][$0] == nil }) else { continue }
      return Self.words(position, of: canvas) + " (position \(position), round \(round + 1)), which a trace does not record"
    }
    return nil
  }

  private static func words(_ position: Int, of canvas: Canvas) -> String {
    canvas.isMasked(position) ? "rows of masked positions beyond the current block" : "rows of positions that hold a token"
  }

  /// Answers for canvases of the record, and says which one is not there.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for query in queries {
      guard let shown = places[query.tokens], let first = shown.first else {
        throw .unsupported("no round of `\(problem)` in the trace showed the model this canvas")
      }
      var summaries: [RowSummary] = []
      for row in query.rows {
        let position = row - query.promptLength
        guard let found = shown.lazy.compactMap({ rows[$0][position] }).first else {
          let what = canvases[first].response.indices.contains(position) ? Self.words(position, of: canvases[first]) : "rows beyond the response"
          throw .unsupported("the strategy reads \(what) (position \(position), round \(first + 1)), which a trace does not record")
        }
        summaries.append(try summary(found, position: position, query.reading))
      }
      let round = rounds[first]
      responses.append(Response(rows: summaries, cost: round.cost, isRefresh: round.kind == .refresh))
    }
    return responses
  }

  /// A row as it was read then, or as it would have been read from the whole row.
  private func summary(_ row: Int, position: Int, _ reading: Reading) throws(DenoiserError) -> RowSummary {
    let range = row * beliefs.candidates..<(row + 1) * beliefs.candidates
    let known = zip(beliefs.topTokens[range], beliefs.topLogits[range]).filter { $0.0 >= 0 }.map { Candidate(token: $0.0, logit: $0.1) }
    guard let top = known.first else { throw .failed("the trace holds no candidates for position \(position)") }
    if holdsWholeRows {
      var logits = [Float](repeating: .nan, count: vocabulary.size)
      for candidate in known where logits.indices.contains(Int(candidate.token)) { logits[Int(candidate.token)] = candidate.logit }
      guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: reading) }) else {
        throw .failed("the trace holds only a part of the row of position \(position)")
      }
      return summary
    }
    // What a rule wants may change from round to round, beyond what it said beforehand.
    guard !reading.fullRows, reading.suppress.isEmpty, reading.topK <= beliefs.candidates else {
      throw .unsupported("the strategy reads more of the row of position \(position) than its best \(reading.topK) candidates, and \(recordedRows)")
    }
    var gathered: [Candidate] = []
    for token in reading.gather {
      guard let candidate = known.first(where: { $0.token == token }) else {
        throw .unsupported("the strategy reads the logit of token \(token) at position \(position), which is not among the best \(beliefs.candidates) recorded")
      }
      gathered.append(candidate)
    }
    let mass = Mass(maximum: Double(top.logit), sum: beliefs.mass[row], weighted: beliefs.moment[row])
    return RowSummary(top: Array(known.prefix(reading.topK)), gathered: gathered, mass: mass)
  }
}

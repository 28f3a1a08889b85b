public import Diffusion
internal import Foundation
internal import Traces

/// The history of one position of a sample: what the model believed of it in every round, what rules held against their bars, and what became of it.
///
/// The trace holds the edits, and may hold beliefs. Bars, and beliefs that it does not hold, come from deciding again on a tape or a model, as long as that
/// follows the trace.
public struct Explanation: Sendable {
  /// The sample's problem.
  public let problem: String
  /// The position of the final response.
  public let position: Int
  /// The token that it holds in the end.
  public let token: Token
  /// Whether the trace records the sample's rounds; without them only the token is known.
  public let isRecorded: Bool
  /// Whether it was fixed before decoding.
  public let isPinned: Bool
  /// One entry per round.
  public private(set) var rounds: [Round] = []
  /// Rounds that were decided again, from the first on: so far bars are known.
  public private(set) var decided = 0
  /// The round from which on bars are missing because the decision came out differently; nil if all follow the trace.
  public private(set) var departure: Int?
  /// Why bars are missing from `departure` on, in words.
  public private(set) var reason: String?

  /// What one round made of the position.
  public struct Round: Sendable {
    /// The round's index in the sample.
    public let index: Int
    /// Where the position stood on the canvas shown; nil before it was inserted.
    public let position: Int?
    /// What it held on the canvas shown: a token, or -1 where it was masked.
    public let shown: Token
    /// Whether rules could decide it: it was masked, before the end of the current block.
    public let isOpen: Bool
    /// The current block of the canvas shown.
    public let window: Range<Int>
    /// What the model believed of it; nil where that is not known.
    public internal(set) var belief: Believed?
    /// What rules held against their bars: the position's value, or the whole canvas's.
    public internal(set) var comparisons: [Comparison] = []
    /// What happened to it, attempts on other branches included.
    public let edits: [Edit]
  }

  /// The belief in a position, before any rule changed it.
  public struct Believed: Sendable {
    /// The most probable token that is not the mask.
    public let token: Token
    /// Its probability.
    public let confidence: Double
    /// The difference of the two largest probabilities.
    public let margin: Double
    /// Entropy in nats.
    public let entropy: Double
    /// The next token that is not the mask, with its probability.
    public let runnerUp: (token: Token, probability: Double)?

    init?(_ row: BeliefRow, mask: Token) {
      guard let best = row.best else { return nil }
      (token, confidence, margin, entropy) = (best.token, best.probability, row.margin, row.entropy)
      let next = row.candidates.first { $0.token != mask && $0.token != best.token }?.token
      runnerUp = next.flatMap { next in row.probability(of: next).map { (next, $0) } }
    }

    /// The belief that a trace holds in a row.
    init?(_ beliefs: RecordedBeliefs, row: Int, mask: Token) {
      let range = row * beliefs.candidates..<(row + 1) * beliefs.candidates
      let known = zip(beliefs.topTokens[range], beliefs.topLogits[range]).filter { $0.0 >= 0 }
      guard let first = known.first, let best = known.first(where: { $0.0 != mask }) else { return nil }
      // Earlier versions of the format hold the rounded sum alone.
      let mass = beliefs.isExact ? Mass(maximum: Double(first.1), sum: beliefs.mass[row], weighted: beliefs.moment[row]) : nil
      let share = { (logit: Float) in mass?.probability(of: Double(logit)) ?? exp(Double(logit) - beliefs.logSumExp[row]) }
      (token, confidence, entropy) = (best.0, share(best.1), beliefs.entropy[row])
      margin = known.count > 1 ? share(first.1) - share(known[1].1) : 1
      runnerUp = known.first { $0.0 != mask && $0.0 != best.0 }.map { ($0.0, share($0.1)) }
    }
  }

  /// The history as the trace's edits tell it.
  ///
  /// - Parameter canvases: see `TraceSession.canvases(of:)`.
  public init(_ session: TraceSession, _ index: Int, position: Int, canvases: [Canvas]) throws(ConfigurationError) {
    let sample = session.samples[index]
    isRecorded = sample.rounds.count == sample.roundCount
    guard let last = canvases.last, (isRecorded ? last.response : sample.response).indices.contains(position) else {
      throw .outOfRange(key: "--position", value: "\(position)", expected: "0 to \(sample.response.count - 1), the positions of `\(sample.problem)`")
    }
    problem = sample.problem
    self.position = position
    guard isRecorded else {
      // The last canvas known is the first one; positions of another length are not its own.
      token = sample.response[position]
      isPinned = last.response.count == sample.response.count && last.pinned[position]
      return
    }
    token = last.recorded[position]
    isPinned = last.pinned[position]
    let slot = last.slots[position]
    let own = SampleRounds(sample)
    for round in sample.rounds.indices {
      let shown = canvases[round]
      var canvas = shown
      let place = shown.slots.firstIndex(of: slot)
      var edits: [Edit] = []
      for edit in own.edits(round) {
        // Insertions and deletions of the same round move a position: an edit's place is that of its moment.
        if edit.position == (edit.branch == Edit.main ? canvas.slots.firstIndex(of: slot) : place), edit.kind != .insertMask { edits.append(edit) }
        if edit.branch == Edit.main, canvas.fault(of: edit) == nil { canvas.apply(edit) }
      }
      let belief = sample.beliefs.flatMap { beliefs in
        own.beliefs(round).first { beliefs.position[$0] == place }.flatMap { Believed(beliefs, row: $0, mask: session.vocabulary.mask) }
      }
      rounds.append(
        Round(
          index: round, position: place, shown: place.map { shown.recorded[$0] } ?? -1, isOpen: place.map { shown.eligible.contains($0) } ?? false,
          window: shown.window, belief: belief, edits: edits))
    }
  }

  /// What is not known from `departure` on, or of all rounds if none was decided: bars, and where the trace does not hold them beliefs.
  package var unknown: String { rounds[decided...].contains { $0.isOpen && $0.belief == nil } ? "beliefs and bars" : "bars" }

  /// Decides the sample again and adds what was believed, and what was held against bars, for as long as the canvases are those of the trace.
  public mutating func decide(
    _ session: TraceSession, _ index: Int, canvases: [Canvas], on denoiser: any Denoiser, while shouldContinue: () -> Bool = { true }
  ) throws(ConfigurationError) {
    let start = try session.session(index, try session.pipeline(), observed: Needs(.window), isExplained: true)
    var departure: Int?
    var seen = 0
    var rounds = rounds
    let outcome = Decoder(denoiser).decode(
      [start],
      record: { _, made in
        guard rounds.indices.contains(made.index) else { return }
        seen = made.index + 1
        guard made.canvas.response == canvases[seen].response, made.canvas.slots == canvases[seen].slots else {
          departure = made.index
          return
        }
        let place = rounds[made.index].position
        rounds[made.index].belief = place.flatMap { Believed(made.belief.raw[$0], mask: session.vocabulary.mask) } ?? rounds[made.index].belief
        rounds[made.index].comparisons = made.comparisons.filter { $0.position == place || $0.position == nil }
      }, while: { departure == nil && shouldContinue() })[0]
    self.rounds = rounds
    if case .failed(_, let error)? = outcome {
      (self.departure, reason) = (seen, error.description)
    } else if let departure {
      (self.departure, reason) = (departure, "its decision is not the recorded one")
    }
    decided = self.departure ?? seen
  }
}

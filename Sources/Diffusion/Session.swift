/// One response being decoded: a canvas, the rules that decide on it, and nothing shared with any other session.
///
/// A session is a value. It says what it wants the model to look at, is told what the model believes, and reports what changed; who calls the model, and
/// with how many sessions in a batch, does not matter to it.
public struct Session: Sendable {
  /// Identity within a decoder.
  public let id: Int
  /// The canvas as decided so far.
  public private(set) var canvas: Canvas
  /// Model calls made.
  public private(set) var rounds = 0
  /// Total cost.
  public private(set) var cost = Cost()
  /// The rules, with their memory.
  public private(set) var pipeline: Pipeline

  private let sampling: Sampling
  private let trajectory: SeededRandom
  private let maxRounds: Int
  private let isExplained: Bool
  private var observed: Needs
  private var decisions = 0
  private var wanted = Needs()
  private var asked: [(view: View, positions: [Int])] = []

  /// A session that has not begun.
  ///
  /// - Parameters:
  ///   - id: identity within a decoder, and the word of its draws.
  ///   - random: the run's source; draws of this session come from `random[sample]`.
  ///   - sample: the word of this session's draws; it must not depend on the batch.
  ///   - maxRounds: model calls after which a decode that is not complete is an error.
  ///   - observed: what a recorder wants beyond the rules; it never changes a decision.
  ///   - isExplained: whether rounds carry what the rules held against their bars; it never changes a decision.
  public init(
    id: Int, canvas: Canvas, pipeline: Pipeline, sampling: Sampling = .greedy, random: SeededRandom = SeededRandom(seed: 0), sample: Int = 0,
    maxRounds: Int = 100_000, observed: Needs = .nothing, isExplained: Bool = false
  ) throws(ConfigurationError) {
    try sampling.validate()
    self.id = id
    self.canvas = canvas
    self.pipeline = pipeline
    self.sampling = sampling
    self.maxRounds = maxRounds
    self.isExplained = isExplained
    self.observed = observed
    // Only rules suppress; asking for it would change the order of a row's sums.
    self.observed.suppress = []
    trajectory = random[sample]
  }

  /// Whether nothing is left to decide.
  public var isFinished: Bool { canvas.isComplete }

  /// Puts the session on another canvas for its next round; the rules keep their memory. For deciding along a recorded decode.
  package mutating func move(to canvas: Canvas) { self.canvas = canvas }

  /// What the model is to look at next, one query per view.
  package mutating func queries() throws(DecodingError) -> [Query] {
    guard rounds < maxRounds else { throw .tooManyRounds(limit: maxRounds, masked: canvas.masked.count) }
    let views = pipeline.views(of: canvas)
    if let reason = views.isEmpty ? "it shows the model nothing" : views.lazy.compactMap(\.fault).first {
      throw .badView(strategy: pipeline.names.joined(separator: " + "), round: decisions, reason: reason)
    }
    wanted = pipeline.needs
    if sampling.temperature > 0 { wanted.fullRows = true }
    let needs = wanted.union(observed)
    asked = views.map { ($0, needs.positions(in: $0.canvas)) }
    return asked.map { query(for: $0.view, rows: $0.positions, needs: needs) }
  }

  /// Takes what the model believes, decides, and applies the decision.
  package mutating func absorb(_ responses: [Response]) throws(DecodingError) -> Round {
    guard responses.count == asked.count, !responses.isEmpty else { throw .incomplete(expected: asked.count, got: responses.count) }
    var seen: [Step.Seen] = []
    var recorded: Belief?
    var spent = Cost()
    for (response, (view, positions)) in zip(responses, asked) {
      guard response.rows.count == positions.count + view.extra.count else {
        throw .incomplete(expected: positions.count + view.extra.count, got: response.rows.count)
      }
      let rows = Array(response.rows[..<positions.count])
      let extras = Array(response.rows[positions.count...])
      let all = Belief(rows, at: positions, of: view.canvas, extras: extras, sampling: sampling)
      recorded = recorded ?? all
      let own = observed == .nothing ? all : unobserved(rows, at: positions, extras, of: view.canvas)
      let start = view.canvas.prompt.count
      seen.append(Step.Seen(view: view, belief: response.withheld.isEmpty ? own : own.withholding(response.withheld.lazy.map { $0 - start })))
      spent += response.cost
    }
    var step = Step(index: decisions, shown: canvas, belief: seen[0].belief, views: seen, trajectory: trajectory, isExplained: isExplained)
    let divergence = divergence(responses, &step)
    if let fault = step.fault { throw fault }
    let before = canvas
    canvas = step.canvas
    canvas.settle()
    decisions += step.decisions
    rounds += 1
    cost += spent
    let isIdle = !step.edits.contains { $0.branch == Edit.main }
    return Round(
      index: rounds - 1, kind: responses.contains(where: \.isRefresh) ? .refresh : isIdle ? .passed : .ordinary, cost: spent, shown: before,
      canvas: canvas, belief: recorded ?? seen[0].belief, edits: step.edits, comparisons: step.comparisons, survivals: survivals(of: step),
      isFinal: canvas.isComplete, divergence: divergence)
  }

  /// Lets the rules decide, and, where a fuller model was asked too, copies of them decide on what that one believes.
  private mutating func divergence(_ responses: [Response], _ step: inout Step) -> Divergence? {
    guard var divergence = Divergence.pooled(responses) else {
      pipeline.decide(&step)
      return nil
    }
    var twin = pipeline
    pipeline.decide(&step)
    var seen: [Step.Seen] = []
    for (response, (view, positions)) in zip(responses, asked) {
      guard let rows = response.reference, rows.count == positions.count + view.extra.count else { return divergence }
      seen.append(Step.Seen(view: view, belief: unobserved(Array(rows[..<positions.count]), at: positions, Array(rows[positions.count...]), of: view.canvas)))
    }
    guard let first = seen.first else { return divergence }
    var other = Step(index: decisions, shown: step.shown, belief: first.belief, views: seen, trajectory: trajectory)
    twin.decide(&other)
    let made = { (step: Step) in Set(step.edits.map { [$0.branch, Int($0.kind.rawValue), $0.position, Int($0.token)] }) }
    let (own, theirs) = (made(step), made(other))
    let all = own.union(theirs).count
    divergence.decisions = all == 0 ? 1 : Double(own.intersection(theirs).count) / Double(all)
    return divergence
  }

  /// What the rules believe: only what they asked for, so that recording more never changes a decision.
  private func unobserved(_ rows: [RowSummary], at positions: [Int], _ extras: [RowSummary], of canvas: Canvas) -> Belief {
    let asked = Set(wanted.positions(in: canvas))
    let kept = zip(rows, positions).filter { asked.contains($0.1) }
    return Belief(
      kept.map { $0.0.limited(to: wanted) }, at: kept.map(\.1), of: canvas, extras: extras.map { $0.limited(to: wanted) }, sampling: sampling)
  }

  private func survivals(of step: Step) -> [Survival] {
    let kept = step.survivors ?? step.views.indices.map { ($0, step.views[$0].view.branch) }
    return kept.compactMap { entry in
      step.views.indices.contains(entry.view) ? Survival(session: id, from: step.views[entry.view].view.branch, to: entry.branch) : nil
    }
  }

  private func query(for view: View, rows positions: [Int], needs: Needs) -> Query {
    let canvas = view.canvas
    let start = canvas.prompt.count
    let end = start + canvas.response.count
    let extraRows = view.extra.indices.map { end + $0 }
    var query = Query(
      tokens: canvas.prompt + canvas.response + view.extra.map(\.token), promptLength: start,
      window: canvas.window.lowerBound + start..<canvas.window.upperBound + start, rows: positions.map { $0 + start } + extraRows,
      reading: needs.reading,
      lineage: Lineage(session: id, branch: view.branch, parent: view.parent))
    if !view.extra.isEmpty { query.positionIDs = Array(0..<end) + view.extra.map { start + $0.position } }
    if let sees = view.sees {
      let name = { (row: Int) -> View.Row in row < start ? .prompt(row) : row < end ? .response(row - start) : .extra(row - end) }
      query.visibility = Visibility(count: query.tokens.count) { sees(name($0), name($1)) }
    }
    for (position, mixture) in view.soft { query.soft[position + start] = mixture }
    return query
  }
}

/// The record of one model call on a trajectory and of everything decided from it.
public struct Round: Sendable {
  /// What kind of round; raw values are those of the trace file.
  public enum Kind: UInt8, Sendable {
    case ordinary, passed, refresh
  }

  /// Model calls before this one.
  public let index: Int
  /// What kind of round.
  public let kind: Kind
  /// What it cost.
  public let cost: Cost
  /// The canvas the model saw.
  public let shown: Canvas
  /// The canvas afterwards.
  public let canvas: Canvas
  /// What the model believed of `shown`, without any rule's overlay.
  public let belief: Belief
  /// What changed, in order of application; entries of other branches had no effect.
  public let edits: [Edit]
  /// What the rules held against their bars, in order; empty unless the session is explained.
  public let comparisons: [Comparison]
  /// What the denoiser is to keep.
  public let survivals: [Survival]
  /// Whether the canvas is complete.
  public let isFinal: Bool
  /// How far the belief was from a fuller model's; nil where none was asked beside it.
  public internal(set) var divergence: Divergence?
  /// Seconds in the model, shared by positions where a batch held several sessions.
  public internal(set) var forwardSeconds = 0.0
  /// Seconds in the rules.
  public internal(set) var decideSeconds = 0.0

  /// What this round changed on the canvas: positions revealed and those masked again. A position revealed and revoked within the round is in neither.
  public var changes: (commits: [(position: Int, token: Token)], remasks: [Int]) {
    var commits: [(position: Int, token: Token)] = []
    var remasks: [Int] = []
    var before: [Slot: Token] = [:]
    for (slot, token) in zip(shown.slots, shown.response) { before[slot] = token }
    for (position, (slot, token)) in zip(canvas.slots, canvas.response).enumerated() {
      let old = before[slot] ?? canvas.vocabulary.mask
      if old == token { continue }
      if token == canvas.vocabulary.mask { remasks.append(position) } else { commits.append((position, token)) }
    }
    return (commits, remasks)
  }
}

/// Classifier-free guidance over any denoiser that gives whole rows: every query is asked twice, the second time with its prompt masked.
///
/// With `c` and `u` the rows with and without the prompt and `w` the weight, a row is `u + (w + 1)(c - u)` in float32, as in LLaDA's released
/// sampler (Nie et al. 2025). A weight of 0 passes queries through untouched, at the cost of one canvas each.
public struct GuidedDenoiser: Denoiser {
  private let base: any Denoiser
  private let weight: Float

  /// Guides a denoiser.
  ///
  /// - Parameter weight: at least 0; LLaDA's `cfg_scale`.
  public init(_ base: any Denoiser, weight: Double) throws(ConfigurationError) {
    guard weight.isFinite, weight >= 0, Float(weight).isFinite else { throw .outOfRange(key: "guidance", value: "\(weight)", expected: "0 or more") }
    guard weight == 0 || base.abilities.contains(.fullRows) else {
      throw .unsupported("guidance reads whole rows of logits, which this model does not give")
    }
    self.base = base
    self.weight = Float(weight)
  }

  /// The base's.
  public var vocabulary: Vocabulary { base.vocabulary }
  /// The base's; hidden states are those with the prompt.
  public var abilities: Abilities { base.abilities }
  /// The base's.
  public var maxLength: Int { base.maxLength }

  /// Asks with and without the prompt in one batch, and combines the rows.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    if weight == 0 { return try base.believe(queries) }
    let answers = try base.believe(queries.flatMap { [plain($0), unprompted($0)] })
    guard answers.count == 2 * queries.count else { throw .failed("the guided model answered \(answers.count) of \(2 * queries.count) sequences") }
    var responses: [Response] = []
    for (index, query) in queries.enumerated() {
      responses.append(try combine(answers[2 * index], answers[2 * index + 1], query, sequence: index))
    }
    return responses
  }

  /// States of both kinds go on together.
  public func settle(_ survivals: [Survival]) {
    if weight == 0 { return base.settle(survivals) }
    base.settle(
      survivals.flatMap { kept in
        (0...1).map { Survival(session: kept.session, from: kept.from &* 2 &+ $0, to: kept.to &* 2 &+ $0) }
      })
  }

  /// The base forgets.
  public func forget(session: Int) { base.forget(session: session) }

  private func plain(_ query: Query) -> Query {
    var copy = query
    copy.reading = Reading(topK: 1, fullRows: true, hidden: query.reading.hidden)
    copy.lineage = lineage(query, 0)
    return copy
  }

  private func unprompted(_ query: Query) -> Query {
    let blank = [Token](repeating: vocabulary.mask, count: query.promptLength)
    var copy = Query(
      tokens: blank + query.tokens.dropFirst(query.promptLength), promptLength: query.promptLength, window: query.window, rows: query.rows,
      reading: Reading(topK: 1, fullRows: true), lineage: lineage(query, 1))
    copy.positionIDs = query.positionIDs
    copy.visibility = query.visibility
    copy.soft = query.soft.filter { $0.key >= query.promptLength }
    return copy
  }

  /// Each trajectory becomes two, so that the base's caches never mix them.
  private func lineage(_ query: Query, _ kind: Int) -> Lineage {
    let old = query.lineage
    return Lineage(session: old.session, branch: old.branch &* 2 &+ kind, parent: old.parent &* 2 &+ kind)
  }

  private func combine(_ with: Response, _ without: Response, _ query: Query, sequence: Int) throws(DenoiserError) -> Response {
    guard with.rows.count == query.rows.count, without.rows.count == query.rows.count else {
      throw .failed("the guided model left out rows of sequence \(sequence)")
    }
    var rows: [RowSummary] = []
    for (row, (conditional, unconditional)) in zip(query.rows, zip(with.rows, without.rows)) {
      guard let c = conditional.full, let u = unconditional.full, c.count == u.count else {
        throw .failed("the guided model gave no whole row \(row) of sequence \(sequence)")
      }
      let logits = zip(c, u).map { $1 + (weight + 1) * ($0 - $1) }
      guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: query.reading, hidden: conditional.hidden) }) else {
        throw .nonFinite(row: row, sequence: sequence)
      }
      rows.append(summary)
    }
    var cost = with.cost
    cost += without.cost
    return Response(rows: rows, cost: cost, isRefresh: with.isRefresh || without.isRefresh, withheld: with.withheld.union(without.withheld))
  }
}

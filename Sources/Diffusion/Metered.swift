#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// How far what a round believed was from what the full model believes of the same canvas, over the positions that could be decided.
public struct Divergence: Sendable, Hashable {
  /// Mean over positions of the Kullback-Leibler divergence of the full belief from the one in use, in nats: sum of `p (ln p - ln q)` with `p` the full one.
  public var kl: Double
  /// The share of positions whose most probable token is the same.
  public var top1: Double
  /// The share of edits that the rules would make either way, of those they make in one way or the other; 1 where there are none.
  public var decisions: Double

  /// A measurement.
  public init(kl: Double, top1: Double, decisions: Double = 1) { (self.kl, self.top1, self.decisions) = (kl, top1, decisions) }

  /// Of the positions of several canvases together, before decisions are compared; nil of none.
  static func pooled(_ responses: [Response]) -> Divergence? {
    let parts = responses.compactMap { response in response.divergence.map { ($0, Double(response.compared)) } }
    let count = parts.reduce(0) { $0 + $1.1 }
    guard count > 0 else { return nil }
    let mean = { (value: (Divergence) -> Double) in parts.reduce(0) { $0 + value($1.0) * $1.1 } / count }
    return Divergence(kl: mean { $0.kl }, top1: mean { $0.top1 })
  }

  /// `sum of p (ln p - ln q)` of two rows of logits, in float64.
  static func kl(_ p: [Float], _ q: [Float]) -> Double {
    let (a, b) = (logSumExp(p), logSumExp(q))
    var sum = 0.0
    for (x, y) in zip(p, q) {
      let own = Double(x) - a
      sum += exp(own) * (own - (Double(y) - b))
    }
    // Never below 0 but for rounding.
    return max(sum, 0)
  }

  private static func logSumExp(_ row: [Float]) -> Double {
    let top = Double(row.max() ?? 0)
    return top + log(row.reduce(0) { $0 + exp(Double($1) - top) })
  }
}

/// A denoiser that is measured, round by round, against a fuller one: a cache against none, small integers against float32.
///
/// Decisions are those of the measured denoiser, and so are costs; the time of measuring is left out of a round's seconds.
public final class MeteredDenoiser: Denoiser {
  private let base: any Denoiser
  private let reference: any Denoiser

  /// - Parameters:
  ///   - base: decodes.
  ///   - reference: what it is measured against, of the same vocabulary, without memory of earlier rounds.
  public init(_ base: any Denoiser, against reference: any Denoiser) {
    self.base = base
    self.reference = reference
  }

  /// The vocabulary of every row.
  public var vocabulary: Vocabulary { base.vocabulary }
  /// What the measured denoiser can do.
  public var abilities: Abilities { base.abilities }
  /// The longest sequence.
  public var maxLength: Int { base.maxLength }
  /// Settles the measured denoiser.
  public func settle(_ survivals: [Survival]) { base.settle(survivals) }
  /// The measured denoiser forgets.
  public func forget(session: Int) { base.forget(session: session) }

  /// What the measured denoiser believes, with the divergence of each sequence.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    let whole = queries.map { query in
      var copy = query
      copy.reading.fullRows = true
      return copy
    }
    let own = try base.believe(whole)
    let clock = ContinuousClock()
    let started = clock.now
    let full = try reference.believe(whole)
    guard own.count == queries.count, full.count == queries.count else { throw .failed("a metered model answered \(own.count) of \(queries.count) sequences") }
    var responses: [Response] = []
    for (query, (mine, theirs)) in zip(queries, zip(own, full)) {
      var (kl, same, count) = (0.0, 0, 0)
      for (row, (a, b)) in zip(query.rows, zip(mine.rows, theirs.rows)) {
        guard query.tokens[row] == vocabulary.mask, row < query.window.upperBound, !mine.withheld.contains(row), let p = b.full, let q = a.full else {
          continue
        }
        kl += Divergence.kl(p, q)
        same += a.top.first?.token == b.top.first?.token ? 1 : 0
        count += 1
      }
      let limit = { (row: RowSummary) in query.reading.fullRows ? row : row.withoutFull }
      var response = Response(rows: mine.rows.map(limit), cost: mine.cost, isRefresh: mine.isRefresh, withheld: mine.withheld)
      response.reference = theirs.rows.map(limit)
      response.compared = count
      if count > 0 { response.divergence = Divergence(kl: kl / Double(count), top1: Double(same) / Double(count)) }
      responses.append(response)
    }
    if !responses.isEmpty { responses[0].aside = (clock.now - started) / .seconds(1) }
    return responses
  }
}

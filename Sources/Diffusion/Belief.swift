#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// What the model believes about the positions asked for: shared raw rows, and a sparse overlay that rules may add to.
///
/// Copying costs nothing. Positions are those of the canvas that was shown.
public struct Belief: Sendable {
  /// How tokens are proposed.
  public private(set) var sampling: Sampling
  /// The rows that the model gave, without the overlay.
  public var raw: Raw { Raw(belief: self) }

  private let rows: [RowSummary]
  private let extras: [RowSummary]
  private let mask: Token
  private var random: SeededRandom
  private var slots: [Slot]
  private var rowOfSlot: PerSlot<Int>
  private var added: [Int: [Token: Double]] = [:]
  private var suppressed: Set<Token> = []
  private var withheld: Set<Slot> = []
  private var proposals = Proposals()
  private var rawProposals = Proposals()

  /// Rows of a canvas.
  ///
  /// - Parameters:
  ///   - rows: one summary per entry of `positions`.
  ///   - extras: summaries of the view's extra rows, in their order.
  public init(_ rows: [RowSummary], at positions: [Int], of canvas: Canvas, extras: [RowSummary] = [], sampling: Sampling = .greedy) {
    self.rows = rows
    self.extras = extras
    self.sampling = sampling
    random = SeededRandom(seed: 0)
    mask = canvas.vocabulary.mask
    slots = canvas.slots
    rowOfSlot = PerSlot(-1)
    for (row, position) in zip(rows.indices, positions) where canvas.slots.indices.contains(position) { rowOfSlot[canvas.slots[position]] = row }
  }

  /// The same rows, of which some may not be decided in this round.
  func withholding(_ positions: some Sequence<Int>) -> Belief {
    var copy = self
    copy.withheld = Set(positions.filter(slots.indices.contains).map { slots[$0] })
    return copy
  }

  /// Whether the row is from an earlier round, and the cache that holds it keeps the position from being decided now.
  public func isWithheld(_ position: Int) -> Bool { !withheld.isEmpty && slots.indices.contains(position) && withheld.contains(slots[position]) }

  /// The same rows, read at the positions that their slots have on another canvas.
  public func aligned(to canvas: Canvas) -> Belief {
    var copy = self
    copy.slots = canvas.slots
    return copy
  }

  /// The same rows, with proposals drawn from another address.
  public func drawing(from random: SeededRandom) -> Belief {
    var copy = self
    copy.random = random
    return copy
  }

  private func row(_ position: Int) -> Int? {
    guard slots.indices.contains(position) else { return nil }
    let row = rowOfSlot[slots[position]]
    return row < 0 ? nil : row
  }

  /// Positions whose rows are known, in order.
  public var positions: [Int] { slots.indices.filter { row($0) != nil } }

  /// The row of a position with the overlay as it stands. A row that was not asked for reads as `BeliefRow.unknown`.
  public subscript(position: Int) -> BeliefRow {
    guard let row = row(position) else { return .unknown }
    return BeliefRow(read(rows[row], added: added[row] ?? [:], draw: random[slots[position].id]))
  }

  /// The belief in the view's extra row `index` (overlay excluded).
  public func extra(_ index: Int) -> BeliefRow {
    guard extras.indices.contains(index) else { return .unknown }
    return BeliefRow(read(extras[index], added: [:], draw: random[-1 - index]))
  }

  /// The final hidden state of a position, where `needs` asked for it.
  public func hidden(_ position: Int) -> [Float]? { row(position).flatMap { rows[$0].hidden } }

  /// The same rows, with tokens proposed another way: for a wrapper whose members are sampled.
  ///
  /// A temperature above 0 needs full rows.
  public func proposing(by sampling: Sampling) -> Belief {
    var copy = self
    copy.sampling = sampling
    (copy.proposals, copy.rawProposals) = (Proposals(), Proposals())
    return copy
  }

  /// Adds `mass` (at least 0) to the logit of a token that `needs` gathered or that is among the row's best.
  ///
  /// - Returns: whether the token's logit was known, so that the mass could be added.
  @discardableResult
  public mutating func add(_ mass: Double, to token: Token, at position: Int) -> Bool {
    guard mass >= 0, mass.isFinite, let row = row(position), logit(of: token, in: rows[row]) != nil else { return false }
    added[row, default: [:]][token, default: 0] += mass
    if sampling.temperature > 0 { proposals = Proposals() }
    return true
  }

  /// Removes tokens from every row, proposals and confidences alike. They must have been named in `Needs.suppress`.
  public mutating func suppress(_ tokens: some Sequence<Token>) {
    suppressed.formUnion(tokens)
    proposals = Proposals()
  }

  /// Rows without the overlay.
  public struct Raw: Sendable {
    fileprivate let belief: Belief

    /// The row of a position as the model gave it.
    public subscript(position: Int) -> BeliefRow {
      guard let row = belief.row(position) else { return .unknown }
      var bare = belief
      bare.suppressed = []
      bare.proposals = belief.rawProposals
      return BeliefRow(bare.read(belief.rows[row], added: [:], draw: belief.random[belief.slots[position].id]))
    }

    /// The summary itself: what a trace stores.
    package func summary(_ position: Int) -> RowSummary? { belief.row(position).map { belief.rows[$0] } }
  }

  private func logit(of token: Token, in row: RowSummary) -> Double? {
    if let full = row.full { return full.indices.contains(Int(token)) ? Double(full[Int(token)]) : nil }
    let known = [row.top, row.gathered, row.withheld].lazy.compactMap { $0.first { $0.token == token } }
    return known.first.map { Double($0.logit) }
  }

  /// One row, overlay applied: candidates in order, masses adjusted, a token proposed.
  fileprivate func read(_ row: RowSummary, added: [Token: Double], draw: SeededRandom) -> BeliefRow.Content {
    var mass = row.mass
    if let remaining = row.remaining, !suppressed.isEmpty {
      // Another rule may have named tokens that are not suppressed (yet): they are put back one by one.
      mass = row.withheld.reduce(remaining) { sum, left in
        suppressed.contains(left.token) ? sum : sum.union(Mass(maximum: Double(left.logit), sum: 1, weighted: 0))
      }
    }
    var candidates = row.top.filter { !suppressed.contains($0.token) }.map { (token: $0.token, logit: Double($0.logit)) }
    // Sorted by token: the order of float additions must not depend on a hash seed.
    for (token, extra) in added.sorted(by: { $0.key < $1.key }) where !suppressed.contains(token) {
      guard let before = logit(of: token, in: row) else { continue }
      mass.raise(from: before, to: before + extra)
      candidates.removeAll { $0.token == token }
      candidates.append((token, before + extra))
    }
    if !added.isEmpty { candidates.sort { $0.logit != $1.logit ? $0.logit > $1.logit : $0.token < $1.token } }
    let best = candidates.first { $0.token != mask } ?? (token: -1, logit: -.infinity)
    var content = BeliefRow.Content(best: best, candidates: candidates, mass: mass, full: row.full, added: added, suppressed: suppressed)
    if sampling.temperature > 0 {
      let (logits, proposals, sampling, mask) = (BeliefRow(content), proposals, sampling, mask)
      content.draw = { proposals.value(at: draw) { logits.drawn(by: sampling, random: draw, mask: mask) ?? best } }
    }
    return content
  }
}

/// The belief in one position.
public struct BeliefRow: Sendable {
  struct Content: Sendable {
    let best: (token: Token, logit: Double)
    let candidates: [(token: Token, logit: Double)]
    let mass: Mass
    let full: [Float]?
    let added: [Token: Double]
    let suppressed: Set<Token>
    /// Draws the proposed token; nil proposes the best. Left until asked for: it walks the whole vocabulary.
    var draw: (@Sendable () -> (token: Token, logit: Double))?
    var proposal: (token: Token, logit: Double) { draw?() ?? best }
  }

  private let content: Content?

  init(_ content: Content?) { self.content = content }

  /// A row that was not asked for: no token, confidence -infinity.
  public static let unknown = BeliefRow(nil)

  /// Whether the row was asked for.
  public var isKnown: Bool { content != nil }

  /// The proposed token: never the mask. -1 if unknown.
  public var token: Token { content?.proposal.token ?? -1 }

  /// Probability of the proposed token, untempered, the mask's share kept in the softmax. -infinity if unknown.
  public var confidence: Double { content.map { $0.mass.probability(of: $0.proposal.logit) } ?? -.infinity }

  /// The most probable token that is not the mask, whatever the temperature, with its probability; nil if unknown.
  public var best: (token: Token, probability: Double)? {
    content.map { ($0.best.token, $0.mass.probability(of: $0.best.logit)) }
  }

  /// The largest candidates with their logits, the mask among them, in order.
  public var candidates: [(token: Token, logit: Double)] { content?.candidates ?? [] }

  /// Difference of the two largest probabilities, the mask's included.
  public var margin: Double {
    guard let content, content.candidates.count > 1 else { return content == nil ? -.infinity : 1 }
    return content.mass.probability(of: content.candidates[0].logit) - content.mass.probability(of: content.candidates[1].logit)
  }

  /// Difference of the two largest logits, the mask's included.
  public var gap: Double {
    guard let content, content.candidates.count > 1 else { return content == nil ? -.infinity : .infinity }
    return content.candidates[0].logit - content.candidates[1].logit
  }

  /// Entropy in nats.
  public var entropy: Double { content?.mass.entropy ?? .nan }

  /// Sum of `p ln(p + 1e-10)` over the vocabulary: the released code's entropy score, larger where the row is more certain.
  ///
  /// Needs full rows; without them the plain negative entropy, which differs in the tenth digit.
  public var negativeEntropy: Double {
    guard let content, let full = content.full else { return isKnown ? -entropy : -.infinity }
    guard content.added.isEmpty, content.suppressed.isEmpty else {
      return (probabilities ?? []).reduce(0) { $0 + $1 * log($1 + 1e-10) }
    }
    // The usual row has no overlay, and a vocabulary is long: no lookups, no array.
    var sum = 0.0
    for logit in full {
      let share = content.mass.probability(of: Double(logit))
      sum += share * log(share + 1e-10)
    }
    return sum
  }

  /// `log(sum of exp(logit))`.
  public var logSumExp: Double { content?.mass.logSumExp ?? .nan }

  /// Probability of a token, or nil if its logit is not known.
  public func probability(of token: Token) -> Double? {
    logit(of: token).flatMap { logit in content.map { logit > -.infinity ? $0.mass.probability(of: logit) : 0 } }
  }

  /// Natural logarithm of a token's probability, without underflow, or nil if its logit is not known.
  public func logProbability(of token: Token) -> Double? {
    logit(of: token).flatMap { logit in content.map { logit - $0.mass.logSumExp } }
  }

  /// A token's logit; -infinity where it is suppressed.
  private func logit(of token: Token) -> Double? {
    guard let content else { return nil }
    if content.suppressed.contains(token) { return -.infinity }
    if let known = content.candidates.first(where: { $0.token == token }) { return known.logit }
    guard let full = content.full, full.indices.contains(Int(token)) else { return nil }
    return Double(full[Int(token)]) + (content.added[token] ?? 0)
  }

  /// Every token's logit, in order of id, suppressed ones at -infinity, where `needs` asked for full rows.
  public var logits: [Double]? {
    guard let content, let full = content.full else { return nil }
    var logits = full.map(Double.init)
    for (token, extra) in content.added where logits.indices.contains(Int(token)) { logits[Int(token)] += extra }
    for token in content.suppressed where logits.indices.contains(Int(token)) { logits[Int(token)] = -.infinity }
    return logits
  }

  /// A token drawn from the row, never the mask; nil without full rows or where nothing is left to draw.
  fileprivate func drawn(by sampling: Sampling, random: SeededRandom, mask: Token) -> (token: Token, logit: Double)? {
    guard var logits else { return nil }
    if logits.indices.contains(Int(mask)) { logits[Int(mask)] = -.infinity }
    let token = sampling.draw(from: logits, random: random)
    return token < 0 ? nil : (token, logits[Int(token)])
  }

  /// Every token's probability, in order of id, where `needs` asked for full rows.
  public var probabilities: [Double]? {
    guard let content, let full = content.full else { return nil }
    return full.indices.map { index in
      let token = Token(index)
      if content.suppressed.contains(token) { return 0 }
      return content.mass.probability(of: Double(full[index]) + (content.added[token] ?? 0))
    }
  }
}

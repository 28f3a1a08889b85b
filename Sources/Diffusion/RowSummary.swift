#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A token and its raw logit.
public struct Candidate: Sendable, Hashable {
  /// The token.
  public let token: Token
  /// Its logit as the model gave it.
  public let logit: Float

  /// A candidate of a row.
  public init(token: Token, logit: Float) {
    self.token = token
    self.logit = logit
  }
}

/// Sums over a row of exponentials, relative to the row's largest logit so that nothing overflows and a saturated tail keeps its digits.
///
/// With `z` the logits: `sum` is the sum of `exp(z - maximum)`, `weighted` that of `exp(z - maximum) * (z - maximum)`, both in float64.
public struct Mass: Sendable, Hashable {
  /// The logit everything is relative to.
  public var maximum: Double
  /// Sum of exponentials.
  public var sum: Double
  /// Sum of exponentials times their exponents.
  public var weighted: Double

  /// `log(sum of exp(z))`.
  public var logSumExp: Double { maximum + log(sum) }

  /// Entropy in nats. Never below 0.
  public var entropy: Double { max(0, log(sum) - weighted / sum) }

  /// Sums as they were recorded.
  package init(maximum: Double, sum: Double, weighted: Double) { (self.maximum, self.sum, self.weighted) = (maximum, sum, weighted) }

  /// The probability of a logit that is part of the row.
  public func probability(of logit: Double) -> Double { exp(logit - maximum) / sum }

  /// Changes one token's logit from `old` to `new`, which must not be smaller.
  mutating func raise(from old: Double, to new: Double) {
    if new > maximum {
      let scale = exp(maximum - new)
      weighted = scale * (weighted + (maximum - new) * sum)
      sum *= scale
      maximum = new
    }
    let before = exp(old - maximum)
    let after = exp(new - maximum)
    sum += after - before
    weighted += after * (new - maximum) - before * (old - maximum)
  }

  /// The mass of two disjoint sets of tokens.
  package func union(_ other: Mass) -> Mass {
    if sum == 0 { return other }
    if other.sum == 0 { return self }
    let top = max(maximum, other.maximum)
    let a = exp(maximum - top)
    let b = exp(other.maximum - top)
    return Mass(
      maximum: top, sum: a * sum + b * other.sum,
      weighted: a * (weighted + (maximum - top) * sum) + b * (other.weighted + (other.maximum - top) * other.sum))
  }
}

/// What is kept of one row of logits: its best candidates, the tokens asked for, and sums over the whole vocabulary.
public struct RowSummary: Sendable {
  /// The largest logits; ties in order of token id. The mask token is among them.
  public private(set) var top: [Candidate]
  /// The tokens asked for by `Reading.gather`.
  public private(set) var gathered: [Candidate]
  /// Sums over the whole row.
  public let mass: Mass
  /// Sums over the row without `Reading.suppress`; nil where that is empty.
  public private(set) var remaining: Mass?
  /// The tokens of `Reading.suppress`, which `remaining` leaves out.
  public private(set) var withheld: [Candidate]
  /// The whole row, where asked for.
  public private(set) var full: [Float]?
  /// The final hidden state, where asked for.
  public private(set) var hidden: [Float]?

  /// Summarises a row of `V` finite logits. O(V), two passes, float64 sums in order of token id.
  ///
  /// - Returns: nil if a logit is not finite.
  public init?(_ logits: UnsafeBufferPointer<Float>, reading: Reading, hidden: [Float]? = nil) {
    guard !logits.isEmpty else { return nil }
    // The k largest, kept sorted; the bar is the smallest of them, so that most tokens cost one comparison.
    let count = min(max(reading.topK, 1) + reading.suppress.count, logits.count)
    var best: [Candidate] = []
    best.reserveCapacity(count + 1)
    var bar = -Float.infinity
    for index in logits.indices {
      let logit = logits[index]
      guard logit > bar else {
        guard logit.isFinite else { return nil }
        if best.count == count || logit < bar { continue }
        best.append(Candidate(token: Token(index), logit: logit))
        continue
      }
      guard logit.isFinite else { return nil }
      var place = best.count
      while place > 0, best[place - 1].logit < logit { place -= 1 }
      best.insert(Candidate(token: Token(index), logit: logit), at: place)
      if best.count > count { best.removeLast() }
      if best.count == count { bar = best[count - 1].logit }
    }
    top = best
    let valid = { (token: Token) in logits.indices.contains(Int(token)) }
    gathered = reading.gather.filter(valid).map { Candidate(token: $0, logit: logits[Int($0)]) }
    let left = Set(reading.suppress.filter(valid)).sorted()
    withheld = left.map { Candidate(token: $0, logit: logits[Int($0)]) }
    if left.isEmpty {
      mass = Self.mass(logits, maximum: Double(best[0].logit))
      remaining = nil
    } else {
      // Recomputed over what remains: subtracting from a row whose end token holds nearly everything would lose the answer.
      let highest = best.first { !left.contains($0.token) }.map { Double($0.logit) }
      let rest = highest.map { Self.mass(logits, maximum: $0, without: left) }
      let gone = Self.mass(withheld.map(\.logit), maximum: Double(best[0].logit))
      mass = rest.map { $0.union(gone) } ?? gone
      remaining = rest ?? Mass(maximum: 0, sum: 0, weighted: 0)
    }
    full = reading.fullRows ? Array(logits) : nil
    self.hidden = hidden
  }

  /// A row as it was summarised elsewhere: its best candidates in order, the tokens asked for, and its sums.
  package init(
    top: [Candidate], gathered: [Candidate], mass: Mass, remaining: Mass? = nil, withheld: [Candidate] = [], full: [Float]? = nil,
    hidden: [Float]? = nil
  ) {
    (self.top, self.gathered, self.mass, self.remaining, self.withheld, self.full) = (top, gathered, mass, remaining, withheld, full)
    self.hidden = hidden
  }

  /// The row as it would be if only `needs` had been asked for: what an observer wants beyond them must not reach a rule.
  func limited(to needs: Needs) -> RowSummary {
    var copy = self
    copy.top = Array(top.prefix(needs.reading.topK + needs.suppress.count))
    copy.gathered = gathered.filter { needs.gather.contains($0.token) }
    if !needs.fullRows { copy.full = nil }
    if !needs.hidden { copy.hidden = nil }
    return copy
  }

  /// The row without its logits.
  var withoutFull: RowSummary {
    var copy = self
    copy.full = nil
    return copy
  }

  /// Sums over a row, leaving out tokens given in rising order.
  private static func mass(_ logits: some RandomAccessCollection<Float>, maximum: Double, without left: [Token] = []) -> Mass {
    var sum = 0.0
    var weighted = 0.0
    var skipped = left[...]
    for (index, logit) in logits.enumerated() {
      if let next = skipped.first, Int(next) == index {
        skipped.removeFirst()
        continue
      }
      let exponent = Double(logit) - maximum
      let share = exp(exponent)
      sum += share
      weighted += share * exponent
    }
    return Mass(maximum: maximum, sum: sum, weighted: weighted)
  }
}

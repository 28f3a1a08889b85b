internal import Diffusion

/// Holds what a model answers against what it answered before, bit for bit.
struct AnswerComparison {
  /// Rows compared so far.
  private(set) var rows = 0
  private var differing = 0
  private var largest = 0.0
  private var first: String?

  /// Compares rows of one sequence.
  ///
  /// - Parameters:
  ///   - place: what the sequence is called in messages.
  ///   - names: the index of each row in its sequence.
  ///   - top: how many candidates were asked for; nil: as many as are expected.
  mutating func compare(_ found: [RowSummary], to expected: [RowSummary], _ place: String, rows names: [Int], top: Int? = nil) {
    guard found.count == expected.count else { return note("\(place): \(found.count) rows instead of \(expected.count)", .infinity) }
    for (index, (a, b)) in zip(found, expected).enumerated() {
      rows += 1
      if let difference = Self.difference(a, b, top: min(top ?? .max, b.top.count)) {
        note("\(place), row \(names[index]): \(difference.words)", difference.size)
      }
    }
  }

  private mutating func note(_ words: String, _ size: Double) {
    differing += 1
    largest = max(largest, size)
    first = first ?? words
  }

  /// What came of it, in a line or none.
  func lines(_ what: String) -> [String] {
    guard let first else { return [] }
    return ["\(what): \(differing) of \(rows) rows differ, by at most \(largest); first: \(first)"]
  }

  /// How two summaries of a row differ, with so many candidates; nil where all bits are the same.
  private static func difference(_ a: RowSummary, _ b: RowSummary, top: Int) -> (words: String, size: Double)? {
    if let x = a.full, let y = b.full {
      guard x.count == y.count else { return ("\(x.count) logits instead of \(y.count)", .infinity) }
      if let token = x.indices.first(where: { x[$0].bitPattern != y[$0].bitPattern }) {
        let size = x.indices.reduce(0) { max($0, abs(Double(x[$1]) - Double(y[$1]))) }
        return ("logit of token \(token) is \(x[token]) instead of \(y[token])", size)
      }
    }
    guard a.top.count == top else { return ("\(a.top.count) candidates instead of \(top)", .infinity) }
    for (x, y) in zip(a.top, b.top) where x.token != y.token || x.logit.bitPattern != y.logit.bitPattern {
      return ("candidate \(x.token) with logit \(x.logit) instead of \(y.token) with \(y.logit)", abs(Double(x.logit) - Double(y.logit)))
    }
    for (name, x, y) in [("maximum", a.mass.maximum, b.mass.maximum), ("sum", a.mass.sum, b.mass.sum), ("weighted sum", a.mass.weighted, b.mass.weighted)]
    where x.bitPattern != y.bitPattern {
      return ("\(name) of exponentials is \(x) instead of \(y)", abs(x - y))
    }
    return nil
  }
}

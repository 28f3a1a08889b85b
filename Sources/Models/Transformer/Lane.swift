package import Diffusion

/// One sequence of a pass: what is asked of it, which of its rows go through the layers, and where the keys and values of the others come from.
package struct Lane {
  /// The sequence. Its `rows` are among those that go through the layers.
  package let query: Query
  /// The rows that go through the layers, ascending; nil: all of them.
  package let active: [Int]?
  /// The rows whose keys and values are seen, ascending; nil: all of them.
  package let seen: [Int]?
  /// Keys and values of the rows that do not go through the layers. Nil only where all do.
  package let held: KeyValues?
  /// Rows whose new keys and values are written into `held`; they are among those that go through the layers.
  package let kept: [Int]

  /// A sequence of which everything is computed.
  package init(_ query: Query) {
    self.query = query
    (active, seen, held, kept) = (nil, nil, nil, [])
  }

  /// A sequence of which a part is computed. `held` has a row for each of its tokens.
  package init(_ query: Query, active: [Int]?, seen: [Int]?, held: KeyValues, kept: [Int]) {
    self.query = query
    self.active = active?.count == query.tokens.count ? nil : active
    self.seen = seen?.count == query.tokens.count ? nil : seen
    self.held = held
    self.kept = kept
  }

  /// How many rows go through the layers.
  var count: Int { active?.count ?? query.tokens.count }
  /// How many rows are seen.
  var keys: Int { seen?.count ?? query.tokens.count }

  /// The sequence's row of an active row.
  func row(_ index: Int) -> Int { active?[index] ?? index }
  /// The sequence's row of a key.
  func key(_ index: Int) -> Int { seen?[index] ?? index }

  /// Where active rows stand among themselves, by row; nil where all are active.
  var indices: [Int: Int]? { active.map { Dictionary(uniqueKeysWithValues: zip($0, $0.indices)) } }

  /// For each key, the active row that it comes from, or -1 less the row of `held`; nil where all rows are active and seen.
  func places(_ indices: [Int: Int]?) -> [Int32]? {
    guard active != nil || seen != nil else { return nil }
    return (0..<keys).map { index in
      let row = key(index)
      guard let indices else { return Int32(row) }
      return indices[row].map { Int32($0) } ?? Int32(-1 - row)
    }
  }
}

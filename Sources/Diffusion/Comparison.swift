/// A value that a rule held against a bar: why a position was revealed in this round and not in the one before.
public struct Comparison: Sendable, Hashable {
  /// How the value has to stand to the bar; raw values are how it is written.
  public enum Relation: String, Sendable, CaseIterable {
    case atLeast = "≥"
    case above = ">"
    case atMost = "≤"
  }

  /// The rule.
  public let rule: String
  /// What the value is, in the rule's words: `confidence`, `gap`, `rank`.
  public let name: String
  /// The position of the canvas that was shown; nil where the canvas as a whole is tested.
  public let position: Int?
  /// The value.
  public let value: Double
  /// How it has to stand to the bar.
  public let relation: Relation
  /// The bar.
  public let bar: Double
  /// -1 where the decision took effect; else the member it was taken for.
  public internal(set) var branch = Edit.main

  /// Whether the bar is met.
  public var isMet: Bool {
    switch relation {
    case .atLeast: value >= bar
    case .above: value > bar
    case .atMost: value <= bar
    }
  }

  /// How far the value is from the bar. 0 where an exclusive bar is reached and not exceeded.
  public var distance: Double { abs(value - bar) }
}

extension Step {
  /// Whether a position's value (nil: the canvas's) reaches a bar.
  ///
  /// The same as `value >= bar`; while the step is explained, the comparison is noted under the rule at work.
  public mutating func passes(_ position: Int?, _ name: String, _ value: Double, atLeast bar: Double) -> Bool {
    if isExplained { note(position, name, value, .atLeast, bar) }
    return value >= bar
  }

  /// Whether a position's value (nil: the canvas's) exceeds a bar; noted like `passes(_:_:_:atLeast:)`.
  public mutating func passes(_ position: Int?, _ name: String, _ value: Double, above bar: Double) -> Bool {
    if isExplained { note(position, name, value, .above, bar) }
    return value > bar
  }

  /// Whether a position's value (nil: the canvas's), such as its rank, stays within a bar; noted like `passes(_:_:_:atLeast:)`.
  public mutating func passes(_ position: Int?, _ name: String, _ value: Double, atMost bar: Double) -> Bool {
    if isExplained { note(position, name, value, .atMost, bar) }
    return value <= bar
  }

  private mutating func note(_ position: Int?, _ name: String, _ value: Double, _ relation: Comparison.Relation, _ bar: Double) {
    comparisons.append(Comparison(rule: author, name: name, position: position, value: value, relation: relation, bar: bar))
  }
}

/// A list of rules that act on the same step in order, and the one progress clause.
public struct Pipeline: Sendable {
  /// The rules, in order.
  public private(set) var rules: [any Strategy]

  /// Refuses lists that mean nothing.
  public init(_ rules: [any Strategy]) throws(ConfigurationError) {
    guard !rules.isEmpty else { throw .composition("a strategy needs at least one rule") }
    if rules.count > 1, let wrapper = rules.first(where: { type(of: $0).isWrapper }) {
      let name = type(of: wrapper).name
      throw .composition("\(name) drives another strategy and stands alone in its list; put the other rules under its `base`")
    }
    let stops = rules.filter { type(of: $0).role == .earlyStop }
    if stops.count > 1 {
      let names = stops.map { type(of: $0).name }.joined(separator: " and ")
      throw .composition("\(names) are both early stops: the first to fire would hide the other; keep one")
    }
    self.rules = rules
  }

  /// Whether the list is one wrapper.
  public var isWrapper: Bool { rules.count == 1 && type(of: rules[0]).isWrapper }

  /// The rules' names, in order.
  public var names: [String] { rules.map { type(of: $0).name } }

  /// The union of the rules' needs; a list without a selector needs the rows of the progress clause.
  public var needs: Needs { isWrapper ? rules[0].needs : rules.reduce(Needs()) { $0.union($1.needs) } }

  /// What the model is shown: the canvas, unless a rule wants to show more.
  public mutating func views(of canvas: Canvas) -> [View] {
    var views = rules[0].views(of: canvas)
    for index in rules.indices.dropFirst() {
      let wanted = rules[index].views(of: canvas)
      guard wanted.isSpecial else { continue }
      let isClash = views.isSpecial
      views = wanted
      if isClash { views[0].clash = "two rules of the list show the model more than the canvas; keep one" }
    }
    return views
  }

  /// One decision: every rule in order, then progress where nothing happened and nobody passed.
  public mutating func decide(_ step: inout Step) {
    for index in rules.indices {
      step.author = type(of: rules[index]).name
      rules[index].decide(&step)
    }
    guard step.edits.isEmpty, !step.isPassed, !isWrapper else { return }
    step.author = "progress"
    let ranked = step.open.ranked { step.belief[$0].confidence }
    for (index, position) in ranked.enumerated() where step.passes(position, "rank", Double(index + 1), atMost: 1) { step.reveal(position) }
  }
}

extension [View] {
  /// Whether it shows more than one plain canvas.
  fileprivate var isSpecial: Bool { count > 1 || contains { !$0.extra.isEmpty || !$0.soft.isEmpty || $0.sees != nil } }
}

extension Sequence where Element == Int {
  /// Positions by falling score; ties go to the lower position. A score is taken once per position.
  public func ranked(by score: (Int) -> Double) -> [Int] {
    map { (position: $0, score: score($0)) }
      .sorted { $0.score != $1.score ? $0.score > $1.score : $0.position < $1.position }
      .map(\.position)
  }
}

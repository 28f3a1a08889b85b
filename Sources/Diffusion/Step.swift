/// One decision in the making: what was shown and believed, and the edits made so far.
///
/// Every position in this interface is a position of the canvas that was shown, also after an insertion or deletion in the same step.
public struct Step: Sendable {
  /// Decisions taken on this trajectory before this one. Not model calls: a draft that anticipates decision 7 has index 7.
  public let index: Int
  /// The canvas that the model saw.
  public let shown: Canvas
  /// The canvas with this step's edits applied.
  public private(set) var canvas: Canvas
  /// What the model believes of `shown`; rules of role `transform` change it for the rules after them.
  public var belief: Belief
  /// Every view of this round with its belief; the first is the ordinary one.
  public let views: [Seen]
  /// The address of this decision's draws; position `p` uses `random[id of p's slot]`.
  public var random: SeededRandom { trajectory[index] }
  /// What happened so far, in order.
  public private(set) var edits: [Edit] = []
  /// Whether a rule does nothing on purpose.
  public private(set) var isPassed = false
  /// Decisions taken on the trajectory by this step; more than 1 when a wrapper accepts drafts.
  public private(set) var decisions = 1
  /// Which views' cached state goes on; nil: each view's own.
  public private(set) var survivors: [(view: Int, branch: Int)]?
  /// Whether rules' comparisons are noted.
  package let isExplained: Bool
  /// What rules held against their bars, in order; empty unless the step is explained.
  public internal(set) var comparisons: [Comparison] = []
  /// The first illegal edit.
  package private(set) var fault: DecodingError?
  /// The rule at work.
  package var author = ""
  private var touched: Set<Slot> = []
  private var hasAdopted = false
  private let trajectory: SeededRandom

  /// A view and what the model believes of it.
  public struct Seen: Sendable {
    /// What was shown.
    public let view: View
    /// What is believed.
    public let belief: Belief

    /// A view with its belief, for a base that a wrapper drives.
    public init(view: View, belief: Belief) {
      self.view = view
      self.belief = belief
    }
  }

  /// A decision on a canvas.
  ///
  /// - Parameters:
  ///   - trajectory: the address of the trajectory's draws; this decision's is `trajectory[index]`.
  ///   - isExplained: whether rules' comparisons are noted; it never changes a decision.
  package init(index: Int, shown: Canvas, belief: Belief, views: [Seen], trajectory: SeededRandom, isExplained: Bool = false) {
    self.index = index
    self.shown = shown
    self.belief = belief.drawing(from: trajectory[index])
    self.views = views
    self.trajectory = trajectory
    self.isExplained = isExplained
    canvas = shown
  }

  /// Positions a rule may decide now: eligible on the shown canvas, untouched by the rules before it, and not withheld by a cache.
  public var open: [Int] { shown.eligible.filter { !touched.contains(shown.slots[$0]) && !belief.isWithheld($0) } }

  /// Every position masked on the shown canvas, in any block, and untouched since.
  public var masked: [Int] { shown.masked.filter { !touched.contains(shown.slots[$0]) } }

  /// What may be masked again now: positions before the end of the current block that hold a token, from before or from this step, and are not pinned.
  public var revocable: [Int] {
    (0..<shown.window.upperBound).filter { position in
      guard !shown.pinned[position], let place = place(of: position) else { return false }
      return !canvas.isMasked(place)
    }
  }

  /// Whether an earlier rule of this step edited the position.
  public func isTouched(_ position: Int) -> Bool { shown.slots.indices.contains(position) && touched.contains(shown.slots[position]) }

  /// The slot of a shown position: the key of `PerSlot` memory.
  public func slot(_ position: Int) -> Slot { shown.slots.indices.contains(position) ? shown.slots[position] : .none }

  /// A source of draws for a rule's own use, apart from every other rule's and from the proposals'.
  public func draw(_ purpose: String, at position: Int) -> SeededRandom { random[purpose][slot(position).id] }

  /// Reveals the proposed token, or `token`.
  public mutating func reveal(_ position: Int, as token: Token? = nil) { edit(.reveal, position, token ?? belief[position].token) }

  /// Replaces a revealed token.
  public mutating func replace(_ position: Int, with token: Token) { edit(.replace, position, token) }

  /// Masks a revealed position again.
  public mutating func remask(_ position: Int) { edit(.remask, position, -1) }

  /// Inserts a mask before a position; `shown.response.count` appends one.
  public mutating func insertMask(before position: Int) { edit(.insertMask, position, -1) }

  /// Deletes a position.
  public mutating func delete(_ position: Int) { edit(.delete, position, -1) }

  /// Says that nothing happens in this step on purpose, which keeps the progress clause out.
  public mutating func pass() { isPassed = true }

  /// Fills everything that is still masked, in every block, with its proposal: also what an earlier rule of this step took back.
  public mutating func finish() {
    for position in shown.response.indices where shown.isMasked(position) || belief[position].isKnown {
      if let place = place(of: position), canvas.isMasked(place) { reveal(position) }
    }
  }

  /// The state of a view goes on as a branch; without any call every view goes on as its own.
  public mutating func keep(view: Int, as branch: Int) { survivors = (survivors ?? []) + [(view, branch)] }

  private mutating func edit(_ kind: Edit.Kind, _ position: Int, _ token: Token) {
    guard fault == nil else { return }
    let count = shown.slots.count
    guard position >= 0, position < count || (position == count && kind == .insertMask) else {
      return fail(position, "the response has no position \(position)")
    }
    guard let place = position == count ? canvas.slots.count : place(of: position) else { return fail(position, "it was deleted in this step") }
    var edit = Edit(kind, at: place, token: token)
    if let reason = canvas.fault(of: edit) { return fail(position, reason) }
    edit.author = author
    let row = belief[position]
    if row.isKnown {
      edit.confidence = token == row.token || token < 0 ? row.confidence : row.probability(of: token) ?? .nan
      edit.margin = row.margin
      edit.entropy = row.entropy
    }
    canvas.apply(edit)
    edits.append(edit)
    if kind != .insertMask { touched.insert(shown.slots[position]) }
  }

  /// Where a shown position stands on the canvas as edited so far; nil if it was deleted.
  private func place(of position: Int) -> Int? {
    shown.slots == canvas.slots ? position : canvas.slots.firstIndex(of: shown.slots[position])
  }

  private mutating func fail(_ position: Int, _ reason: String) {
    fault = .illegal(strategy: author, round: index, position: position, reason: reason)
  }

  // MARK: Steps within a step, for wrappers

  /// A decision of a base strategy on another canvas.
  ///
  /// - Parameters:
  ///   - canvas: what the base is to think was shown.
  ///   - belief: what it is to believe; rows are found by slot.
  ///   - index: decisions taken before it on its trajectory.
  ///   - member: nil for this step's trajectory; a member's number for draws of its own.
  ///   - views: what the base's own views became, where it asked for more than the canvas.
  public func substep(on canvas: Canvas, believing belief: Belief, index: Int, member: Int? = nil, views: [Seen]? = nil) -> Step {
    Step(
      index: index, shown: canvas, belief: belief.aligned(to: canvas), views: views ?? [Seen(view: View(canvas), belief: belief)],
      trajectory: member.map { trajectory["member"][$0] } ?? trajectory, isExplained: isExplained)
  }

  /// The same step with only some of its edits, for a wrapper that accepts a decision in part. Its base must edit no lengths.
  public func keeping(_ isKept: (Edit) -> Bool) -> Step {
    var copy = self
    copy.canvas = shown
    copy.edits = edits.filter(isKept)
    for edit in copy.edits where copy.fault == nil {
      if let reason = copy.canvas.fault(of: edit) { copy.fail(edit.position, reason) } else { copy.canvas.apply(edit) }
    }
    copy.touched = Set(copy.edits.compactMap { shown.slots.indices.contains($0.position) ? shown.slots[$0.position] : nil })
    return copy
  }

  /// Makes a substep's edits this step's own. Its shown canvas must be this step's canvas.
  public mutating func adopt(_ other: Step) {
    guard fault == nil else { return }
    if let theirs = other.fault {
      fault = theirs
      return
    }
    guard other.shown.slots == canvas.slots, other.shown.response == canvas.response else { return fail(-1, "a substep on another canvas was adopted") }
    // A later decision of the chain saw the block that the earlier ones had moved to.
    canvas.settle()
    decisions = hasAdopted ? decisions + other.decisions : other.decisions
    hasAdopted = true
    for edit in other.edits where edit.branch == Edit.main { canvas.apply(edit) }
    edits += other.edits
    comparisons += other.comparisons
    touched.formUnion(other.touched)
    isPassed = isPassed || other.isPassed
  }

  /// Records a substep's edits under a branch, without effect on the canvas.
  public mutating func note(_ other: Step, branch: Int) {
    if fault == nil { fault = other.fault }
    edits += other.edits.map { edit in
      var copy = edit
      copy.branch = branch
      return copy
    }
    comparisons += other.comparisons.map { comparison in
      var copy = comparison
      copy.branch = branch
      return copy
    }
  }
}

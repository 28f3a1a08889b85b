internal import Diffusion
internal import Traces

/// The first round in which a sample differs from its golden, as something to look at.
package struct GoldenDifference: Sendable {
  /// What the beliefs of the round say about where the difference comes from.
  enum Cause: Sendable, Hashable {
    /// The rules decided otherwise on the same numbers.
    case equalBeliefs
    /// The same, of a model that can believe nothing else.
    case exactModel
    /// The numbers are within the tolerance, and not the same.
    case nearBeliefs
    /// The model computed otherwise: the first number that is too far.
    case otherBeliefs(String)
    /// The decisions are the golden's; only numbers differ.
    case decisionsEqual
  }

  /// The sample.
  package let problem: String
  /// The round, from 0; nil where all rounds agree and the outcome does not.
  package let round: Int?
  /// What else differs, one line each.
  package let what: [String]

  private let cause: Cause?
  private let gone: [Edit]
  private let come: [Edit]
  private let asked: [Comparison]
  private let sides: [(rounds: Int, frame: Replay.Frame?)]

  private static let editLimit = 6

  /// - Parameter asked: what the rules held against their bars in this round, now.
  init(_ golden: SampleTrace, _ now: SampleTrace, round: Int?, what: [String], cause: Cause? = nil, asked: [Comparison] = []) {
    (problem, self.round, self.cause, self.asked) = (golden.problem, round, cause, asked)
    let edits = [golden, now].map { sample in sample.edits.filter { $0.round == round } }
    let decisions = edits.map { Set($0.map(GoldenDecision.init)) }
    gone = edits[0].filter { !decisions[1].contains(GoldenDecision($0)) }.map(\.edit)
    come = edits[1].filter { !decisions[0].contains(GoldenDecision($0)) }.map(\.edit)
    let isShuffled = gone.isEmpty && come.isEmpty && edits[0].map(GoldenDecision.init) != edits[1].map(GoldenDecision.init)
    self.what = (isShuffled ? ["the same edits are made in another order"] : []) + what
    sides = [golden, now].map { ($0.rounds.count, Self.frame(of: $0, after: round)) }
  }

  /// The canvas after a round, or the last one of a decode that has ended before.
  private static func frame(of sample: SampleTrace, after round: Int?) -> Replay.Frame? {
    do {
      let frames = try Replay(sample).frames
      return round.map { $0 + 1 < frames.count ? frames[$0 + 1] : nil } ?? frames.last
    } catch { return nil }
  }

  /// One line that says where.
  package var place: String {
    guard let round else { return "\(problem), after the last round" }
    return "\(problem), round \(round + 1) of \(sides[0].rounds)" + (sides[0].rounds == sides[1].rounds ? "" : " (now \(sides[1].rounds))")
  }

  /// Both canvases after the round and what was edited on one side alone, as lines.
  package func lines(_ text: CanvasText, width: Int, hasColour: Bool) -> [String] {
    var lines: [String] = []
    let labels = ["golden ", "now    ", "       "]
    if let golden = sides[0].frame, let now = sides[1].frame {
      let groups = text.groups((golden.response, golden.states), (now.response, now.states), width: width - labels[0].count, hasColour: hasColour)
      for group in groups {
        lines += [labels[0] + group.above, labels[1] + group.below]
        if !group.marks.isEmpty { lines.append(labels[2] + group.marks) }
      }
    }
    for (edits, side, isMet) in [(gone, "only golden", false), (come, "only now   ", true)] {
      lines += edits.prefix(Self.editLimit).map { "\(side)  \(Self.words($0, text))\(bar(of: $0, isMet: isMet))" }
      if edits.count > Self.editLimit { lines.append("\(side)  and \(edits.count - Self.editLimit) more") }
    }
    lines += what.prefix(Self.editLimit)
    if what.count > Self.editLimit { lines.append("and \(what.count - Self.editLimit) more numbers") }
    return lines + [advice].compactMap(\.self)
  }

  private var advice: String? {
    switch cause {
    case nil: nil
    case .exactModel: "this model is made of arithmetic and believes what it believed: the rules decide otherwise on it"
    case .equalBeliefs: "the beliefs of this round are equal bit for bit: the rules decide otherwise on them"
    case .nearBeliefs: "the beliefs of this round are within the tolerance: the rules changed, or this decision hangs on less than the tolerance"
    case .otherBeliefs(let first): "the beliefs of this round differ too: \(first)"
    case .decisionsEqual: "the decisions of this round are the golden's; the numbers are further from it than the tolerance"
    }
  }

  private static func words(_ edit: Edit, _ text: CanvasText) -> String {
    let action =
      switch edit.kind {
      case .reveal: "reveals \(text.cell(edit.token)) at \(edit.position)"
      case .replace: "writes \(text.cell(edit.token)) over \(edit.position)"
      case .remask: "masks \(edit.position) again"
      case .insertMask: "inserts a mask before \(edit.position)"
      case .delete: "deletes \(edit.position)"
      }
    let numbers = edit.confidence.isNaN ? "" : ", confidence \(short(edit.confidence))"
    return action + numbers + ", by \(edit.author)" + (edit.branch == Edit.main ? "" : " on branch \(edit.branch)")
  }

  /// Which bar the rule says it met now, or no longer meets: the nearest one. Empty where it says none.
  private func bar(of edit: Edit, isMet: Bool) -> String {
    let mine = asked.filter { $0.rule == edit.author && $0.branch == edit.branch && ($0.position ?? edit.position) == edit.position && $0.isMet == isMet }
    // Bars of different kinds are told apart by how near they are for their size.
    let nearness = { (asked: Comparison) in asked.distance / max(abs(asked.value), abs(asked.bar), .leastNonzeroMagnitude) }
    guard let nearest = mine.min(by: { nearness($0) < nearness($1) }) else { return "" }
    var (value, bar) = (Self.short(nearest.value), Self.short(nearest.bar))
    if value == bar, nearest.distance > 0 { (value, bar) = ("\(nearest.value)", "\(nearest.bar)") }
    return (isMet ? ": " : "; now it fails ") + "\(nearest.name) \(value) \(nearest.relation.rawValue) \(bar)"
  }

  /// A number with as many decimals as a person compares.
  private static func short(_ value: Double) -> String {
    let text = fixed(value, 6)
    guard text.contains(".") else { return text }
    let digits = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return String(digits.reversed())
  }
}

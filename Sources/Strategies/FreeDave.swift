internal import Diffusion

/// Draft and verify: what `base` would decide next, if the model's belief did not change, rides along in the next batch, and as many of these drafts
/// are kept as the base, now informed, agrees with.
///
/// With exact matching every decision is the base's own, so the text is the base's and the rounds are never more.
/// FreeDave (arXiv 2510.00294), section 3; its released `draft_verification` and `token_transfer`.
struct FreeDave: Strategy {
  static let name = "freedave"
  static let summary = "let drafts of the base's next decisions ride along, keep those it confirms"
  static let source = "FreeDave, arXiv 2510.00294"
  static let role = Role.wrapper

  /// When a draft counts as confirmed: it is what the base decided, or a part of it.
  enum Match: String, CaseIterable, Sendable { case exact, subset }

  private let drafts: Int
  private let match: Match
  private let isAcrossBlocks: Bool
  private let exitsEarly: Bool
  private var base: Pipeline
  /// The drafts in flight, each with the base as it would be by then.
  private var ahead: [(canvas: Canvas, base: Pipeline)] = []
  /// What the rows of this round's batch were asked for.
  private var asked = Needs.nothing

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    drafts = try parameters.int("drafts", default: 4, in: 1...1024, "rows of a batch: the canvas and at most this many less one drafts")
    match = try parameters.choice("match", default: Match.exact, "`exact` keeps the base's text; `subset`, as released, accepts parts of its decisions")
    isAcrossBlocks = try parameters.flag("across_blocks", default: false, "draft into the next block")
    exitsEarly = try parameters.flag("early_exit", default: false, "fill the rest once a finished block holds end tokens only")
    base = try parameters.base(default: ["quota"], "the strategy to speed up: deterministic, one view, no edits of length")
    if let reason = try Self.refusal(of: base, in: parameters.context) { throw ConfigurationError.composition(reason).at(path: Self.name) }
  }

  /// Why a base cannot be drafted, or nil.
  private static func refusal(of base: Pipeline, in context: Parameters.Context) throws(ConfigurationError) -> String? {
    let names = base.names.joined(separator: " + ")
    if base.isWrapper { return "\(names) decodes several canvases or drafts itself; put freedave under its `base` instead" }
    if context.sampling.temperature > 0 { return "temperature is \(context.sampling.temperature): drafts of a random base prove nothing; use 0" }
    if let rule = base.rules.first(where: { type(of: $0).editsLengths }) { return "\(type(of: rule).name) edits lengths, and a draft cannot follow that" }
    let canvas = try Canvas(prompt: [], length: context.genLength, blockLength: context.blockLength, vocabulary: context.vocabulary)
    var probe = base
    return probe.views(of: canvas).count == 1 ? nil : "\(names) asks for several views of a canvas; a draft is one"
  }

  var needs: Needs {
    var needs = ahead.reduce(base.needs) { $0.union($1.base.needs) }
    if isAcrossBlocks { needs.rows.insert(.masked) }
    return needs
  }

  mutating func views(of canvas: Canvas) -> [View] {
    var views = Array(base.views(of: canvas).prefix(1))
    for index in ahead.indices where views.count == index + 1 {
      guard var view = ahead[index].base.views(of: ahead[index].canvas).first else { break }
      // A cache goes on from what it held of the draft before.
      view.branch = index + 1
      view.parent = index
      views.append(view)
    }
    asked = needs
    return views
  }

  mutating func decide(_ step: inout Step) {
    var (last, accepted) = (0, 0)
    while true {
      var sub = substep(of: step, on: step.canvas, seeing: step.views[last], after: accepted)
      base.decide(&sub)
      // Drafts grow, so the furthest that agrees saves most.
      let confirmed = (last + 1..<max(step.views.count, last + 1)).reversed().lazy.compactMap { [self] view in
        agreed(sub, ahead[view - 1].canvas).map { (view, $0) }
      }.first
      guard let (view, part) = confirmed, let informed = successor(on: part.canvas) else {
        step.adopt(sub)
        break
      }
      step.adopt(part)
      (base, last, accepted) = (informed, view, accepted + 1)
    }
    step.keep(view: last, as: 0)
    if exitsEarly { exit(&step) }
    draft(step, seeing: step.views[last], after: accepted + 1)
  }

  /// The base about to decide on a confirmed draft: its memory advances along the accepted chain alone. Nil if it wants to know what the draft's rows were
  /// not asked for (credit, of a token that has just come out on top), as it would have asked alone.
  private func successor(on canvas: Canvas) -> Pipeline? {
    var next = base
    _ = next.views(of: settled(canvas))
    return asked.union(next.needs) == asked ? next : nil
  }

  /// The part of a decision that leads to a draft, if it does.
  private func agreed(_ decision: Step, _ draft: Canvas) -> Step? {
    switch match {
    case .exact: return decision.canvas.response == draft.response ? decision : nil
    case .subset:
      let part = decision.keeping { draft.response.indices.contains($0.position) && draft.response[$0.position] == $0.token }
      return part.canvas.response == draft.response ? part : nil
    }
  }

  private mutating func draft(_ step: Step, seeing seen: Step.Seen, after count: Int) {
    ahead = []
    // A finished block ends the drafting: the next one opens with a single row.
    guard isAcrossBlocks || !step.canvas.eligible.isEmpty else { return }
    var (canvas, copy) = (settled(step.canvas), base)
    while ahead.count < drafts - 1 {
      _ = copy.views(of: canvas)
      var sub = substep(of: step, on: canvas, seeing: seen, after: count + ahead.count)
      copy.decide(&sub)
      canvas = sub.canvas
      if sub.edits.isEmpty || sub.fault != nil || canvas.isComplete || !isAcrossBlocks && canvas.eligible.isEmpty { return }
      canvas.settle()
      ahead.append((canvas, copy))
    }
  }

  private func substep(of step: Step, on canvas: Canvas, seeing seen: Step.Seen, after count: Int) -> Step {
    step.substep(on: settled(canvas), believing: seen.belief, index: step.index + count, views: [seen])
  }

  private func settled(_ canvas: Canvas) -> Canvas {
    var copy = canvas
    copy.settle()
    return copy
  }

  private func exit(_ step: inout Step) {
    let canvas = step.canvas
    let block = step.shown.window
    guard canvas.response[block].allSatisfy({ $0 == canvas.vocabulary.end }) else { return }
    for position in step.masked { step.reveal(position, as: canvas.vocabulary.end) }
  }
}

import Diffusion
import Support

/// FreeDave's shape: what `base` would decide next if the belief stayed rides along as drafts, and the chain that the informed base agrees with is kept.
struct Speculator: Strategy {
  static let name = "speculator"
  static let role = Role.wrapper
  let drafts: Int
  private var base: Pipeline
  private var ahead: [(canvas: Canvas, base: Pipeline)] = []

  init(drafts: Int, base: Pipeline) {
    self.drafts = drafts
    self.base = base
  }
  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    let drafts = try parameters.int("drafts", default: 4, in: 1...)
    self.init(drafts: drafts, base: try parameters.base(default: Setting(.list([Setting(.text("threshold"))]))))
  }

  var needs: Needs { ahead.reduce(base.needs) { $0.union($1.base.needs) } }

  mutating func views(of canvas: Canvas) -> [View] {
    var views = Array(base.views(of: canvas).prefix(1))
    for index in ahead.indices {
      var view = ahead[index].base.views(of: ahead[index].canvas)[0]
      view.branch = index + 1
      view.parent = 0
      views.append(view)
    }
    return views
  }

  mutating func decide(_ step: inout Step) {
    var last = 0
    for (index, seen) in step.views.enumerated() {
      // The base sees what the model saw; its memory advances along the accepted chain alone.
      if index > 0 {
        guard seen.view.canvas.response == step.canvas.response else { break }
        _ = base.views(of: step.canvas)
      }
      last = index
      var sub = step.substep(on: step.canvas, believing: seen.belief, index: step.index + index)
      base.decide(&sub)
      step.adopt(sub)
    }
    step.keep(view: last, as: 0)
    draft(step, believing: step.views[last].belief, after: step.index + last + 1)
  }

  private mutating func draft(_ step: Step, believing belief: Belief, after index: Int) {
    ahead = []
    var (canvas, copy) = (step.canvas, base)
    while ahead.count < drafts - 1 {
      if !ahead.isEmpty || !canvas.eligible.isEmpty { _ = copy.views(of: canvas) }
      var sub = step.substep(on: canvas, believing: belief, index: index + ahead.count)
      copy.decide(&sub)
      canvas = sub.canvas
      if sub.edits.isEmpty || canvas.eligible.isEmpty { return }
      ahead.append((canvas, copy))
    }
  }
}

/// CreditDecoding's shape: a token that keeps winning gains mass.
struct Credit: Strategy {
  static let name = "credit"
  static let role = Role.transform
  let fusion: Double
  private var credits = PerSlot<[Token: Double]>([:])

  init(fusion: Double) { self.fusion = fusion }
  init(_ parameters: inout Parameters) throws(ConfigurationError) { fusion = try parameters.number("fusion", default: 0.65, in: 0...) }

  mutating func decide(_ step: inout Step) {
    for position in step.open where step.shown.window.contains(position) {
      let slot = step.slot(position)
      let row = step.belief.raw[position]
      var credit = credits[slot].mapValues { $0 * 0.7 }
      credit[row.token, default: 0] += row.confidence
      credits[slot] = credit
      for (token, amount) in credit { step.belief.add(fusion * amount, to: token, at: position) }
    }
  }
}

import Diffusion
import Support

/// WINO's shape: a shadow of the current block, all masks, judges what the block's own rows revealed.
struct Wino: Strategy {
  static let name = "wino"
  static let role = Role.reviser
  let wide: Double
  let narrow: Double
  private var window = 0..<0
  private var gathered: Set<Token> = []
  private var doubted = PerSlot(false)

  init(wide: Double, narrow: Double) {
    self.wide = wide
    self.narrow = narrow
  }
  init(_ parameters: inout Parameters) throws(ConfigurationError) { self.init(wide: 0.4, narrow: 0.2) }

  var needs: Needs {
    var needs = Needs()
    needs.gather = gathered
    return needs
  }

  static func view(of canvas: Canvas) -> View {
    var view = View(canvas)
    let window = canvas.window
    view.extra = window.map { View.Extra(token: canvas.vocabulary.mask, position: $0) }
    view.sees = { query, key in
      switch (query, key) {
      case (.extra(let shadow), .response(let position)): position != window.lowerBound + shadow
      case (.extra, _): true
      case (_, .extra): false
      default: true
      }
    }
    return view
  }

  mutating func views(of canvas: Canvas) -> [View] {
    window = canvas.window
    gathered = Set(canvas.response[window])
    return [Self.view(of: canvas)]
  }

  mutating func decide(_ step: inout Step) {
    for position in step.open where step.belief[position].confidence >= wide { step.reveal(position) }
    if step.edits.isEmpty, let best = step.open.ranked(by: { [belief = step.belief] in belief[$0].confidence }).first { step.reveal(best) }
    for (shadow, position) in window.enumerated() where !step.shown.isMasked(position) && !step.shown.pinned[position] {
      let slot = step.slot(position)
      guard !doubted[slot], let trust = step.belief.extra(shadow).probability(of: step.shown.response[position]), trust < narrow else { continue }
      doubted[slot] = true
      step.remask(position)
    }
  }
}

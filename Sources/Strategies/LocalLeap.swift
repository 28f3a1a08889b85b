internal import Diffusion

/// Certainty is local: near a position that is sure already, a lower bar will do.
///
/// Anchors are the open positions at or above `anchor`; within `radius` of one, `relaxed` is enough. One pass: who passes the lower bar does not become
/// an anchor in the same step. Both bars are inclusive.
/// LocalLeap (arXiv 2510.07081), section 3; its released `get_transfer_index`.
struct LocalLeap: Strategy {
  static let name = "localleap"
  static let summary = "reveal above a bar, and above a lower one next to such positions"
  static let source = "LocalLeap, arXiv 2510.07081"

  private let anchor: Double
  private let relaxed: Double
  private let radius: Int

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    anchor = try parameters.number("anchor", default: 0.9, in: 0..., "the bar of an anchor, inclusive")
    relaxed = try parameters.number("relaxed", default: 0.75, in: 0..., "the bar within reach of an anchor, inclusive")
    radius = try parameters.int("radius", default: 4, in: 0..., "how many positions an anchor reaches to either side")
  }

  mutating func decide(_ step: inout Step) {
    let belief = step.belief
    let open = step.open
    let anchors = open.filter { belief[$0].confidence >= anchor }
    for position in open {
      let isVouchedFor = anchors.contains { abs($0 - position) <= radius }
      if step.passes(position, isVouchedFor ? "relaxed" : "anchor", belief[position].confidence, atLeast: isVouchedFor ? relaxed : anchor) {
        step.reveal(position)
      }
    }
  }
}

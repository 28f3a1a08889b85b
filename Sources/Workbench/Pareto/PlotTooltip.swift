internal import Diffusion

/// What a page says of a point under the pointer.
enum PlotTooltip {
  /// The fields, with the words beside them.
  static func fields(_ options: Pareto.Options) -> [(field: String, title: String)] {
    [
      ("point", "point"), ("cost", options.cost.rawValue + " per sample"), ("quality", options.quality.rawValue + " %"), ("tpf", "tokens per model call"),
      ("speedup", "speedup"), ("qps", "QPS"), ("chance", "probability of the front"), ("problems", "problems"), ("trace", "trace"),
    ]
  }

  /// A point's values.
  static func values(_ point: Pareto.Point, _ group: Pareto.Group, _ options: Pareto.Options, hasTrace: Bool) -> [Setting.Entry] {
    let place = point.isOnFront ? ", on the front" : point.isOnOwnFront ? ", on its strategy's front" : point.isComplete ? "" : ", dropped early"
    let seeds = point.runs.count > 1 ? ", \(point.runs.count) seeds" : ""
    let values = [
      ("point", point.label + (point.isBaseline ? " (baseline)" : "") + place), ("cost", point.cost.text(options.cost.decimals)),
      ("quality", point.quality.text(1, unit: 100)), ("tpf", point.tokensPerRound.text(2)), ("speedup", point.speedup?.text(2) ?? "no baseline"),
      ("qps", point.qps?.text(2) ?? "no baseline"), ("chance", point.isComplete ? fixed(point.frontProbability, 3) : "–"),
      ("problems", "\(point.samples) of \(group.problems)\(seeds)"), ("trace", hasTrace ? "click to open it" : "none to open"),
    ]
    return values.map { Setting.Entry($0.0, Setting(.text($0.1))) }
  }
}

internal import Diffusion

/// The two axes of a panel, the same for all its layers.
struct PlotAxes {
  let x: PlotScale
  /// Quality in percent.
  let y: PlotScale
  private let titles: (x: String, y: String)

  init(_ group: Pareto.Group, width: Double, height: Double, options: Pareto.Options) {
    x = PlotScale(
      group.points.flatMap { [$0.cost.low, $0.cost.high, $0.cost.value] }, length: width, canBeLogarithmic: true, margin: 0.05,
      limits: 0...Double.greatestFiniteMagnitude)
    y = PlotScale(
      group.points.flatMap { [$0.quality.low, $0.quality.high, $0.quality.value] }.map { $0 * 100 }, length: height, canBeLogarithmic: false, margin: 0.05,
      limits: -1.5...101.5)
    let unit = x.isLogarithmic ? ", log scale" : ""
    let cost =
      switch options.cost {
      case .rounds: "model calls per sample"
      case .seconds: "seconds per sample" + (options.allowsSharedTimes ? ", not timed alone" : "")
      case .positions: "canvas positions per sample"
      }
    titles = (cost + unit, options.quality == .accuracy ? "accuracy (%)" : "partial credit (%)")
  }

  /// Channels of what stands at `x` and `y`.
  func places(_ x: String = "x", _ y: String = "y") -> [Setting.Entry] { [.init("x", horizontal(x)), .init("y", vertical(y))] }

  /// Channels of a line over the whole panel at the height `y`.
  var level: [Setting.Entry] { [.init("y", vertical("y"))] }

  /// Channels of error bars along an axis.
  func bars(_ axis: String) -> [Setting.Entry] {
    axis == "x"
      ? [.init("x", horizontal("x_low")), .init("x2", ["field": "x_high"]), .init("y", vertical("y"))]
      : [.init("y", vertical("y_low")), .init("y2", ["field": "y_high"]), .init("x", horizontal("x"))]
  }

  private func horizontal(_ field: String) -> Setting { channel(field, x, titles.x) }

  private func vertical(_ field: String) -> Setting { channel(field, y, titles.y) }

  private func channel(_ field: String, _ scale: PlotScale, _ title: String) -> Setting {
    let axis: Setting =
      if let ticks = scale.ticks {
        ["values": Setting(.list(ticks.map { Setting(.number($0)) })), "format": "~r"]
      } else {
        ["tickCount": 6]
      }
    return [
      "field": Setting(.text(field)), "type": "quantitative", "title": Setting(.text(title)), "axis": axis,
      "scale": [
        "type": Setting(.text(scale.isLogarithmic ? "log" : "linear")), "domain": [Setting(.number(scale.low)), Setting(.number(scale.high))],
        "nice": false, "zero": false,
      ],
    ]
  }
}

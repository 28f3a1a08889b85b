package import Diffusion

/// Fronts as a Vega-Lite specification: one panel per group, one colour and one shape per strategy.
package struct ParetoPlot: Sendable {
  /// What the picture is for.
  package enum Medium: Sendable {
    /// A picture 17 cm wide (644 pixels) with letters that can be read at that size.
    case print
    /// A page, on which a point has a tooltip, and a link where `links` has one under its first run's digest.
    case page(links: [String: String])
  }

  private let pareto: Pareto
  private let medium: Medium
  private let style: PlotStyle

  /// A plot of fronts.
  package init(_ pareto: Pareto, for medium: Medium = .print) {
    self.pareto = pareto
    self.medium = medium
    style = PlotStyle(pareto)
  }

  /// Width and height of a panel's inside, in pixels.
  private var panel: (width: Double, height: Double) {
    switch medium {
    case .print: pareto.groups.count == 1 ? (560, 340) : (262, 270)
    case .page: pareto.groups.count == 1 ? (760, 480) : (500, 400)
    }
  }

  private var isPage: Bool { if case .page = medium { true } else { false } }

  /// The specification.
  package var specification: Setting {
    [
      "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "background": "white",
      "description": Setting(.text(description)), "columns": Setting(.integer(pareto.groups.count == 1 ? 1 : 2)),
      "concat": Setting(.list(pareto.groups.map(panel))),
      "resolve": ["scale": ["color": "shared", "shape": "shared", "size": "shared"]],
      "spacing": ["row": 22, "column": 18], "config": style.config(isLarge: isPage),
    ]
  }

  private var description: String {
    "\(pareto.options.quality.rawValue) against \(pareto.options.cost.rawValue) per sample of \(pareto.groups.map(\.title.title).joined(separator: "; "))"
  }

  // MARK: A panel

  private func panel(_ group: Pareto.Group) -> Setting {
    let axes = PlotAxes(group, width: panel.width, height: panel.height, options: pareto.options)
    var layers: [Setting] = [
      layer(frontSteps(group, axes), ["type": "line", "interpolate": "step-after", "color": "#dcdcdc", "strokeWidth": 6, "strokeCap": "butt"], axes.places())
    ]
    if let baseline = group.points.first(where: \.isBaseline) {
      let level: Setting = ["y": Setting(.number(baseline.quality.value * 100))]
      layers.append(layer([level], ["type": "rule", "color": "#8c8c8c", "strokeDash": [2, 3], "strokeWidth": 1], axes.level))
    }
    let own: [Setting.Entry] = [.init("color", ["field": "colour", "type": "nominal", "scale": Setting(.null)])]
    layers.append(
      layer(
        ownFronts(group), ["type": "line", "strokeWidth": 1, "opacity": 0.75],
        axes.places() + own + [.init("detail", ["field": "strategy", "type": "nominal"])]))
    // The surest first, so that what is small lies on top.
    let order = group.points.indices.sorted { group.points[$0].frontProbability > group.points[$1].frontProbability }.map { group.points[$0] }
    let fade: [Setting.Entry] = [.init("opacity", ["field": "bar_opacity", "type": "quantitative", "scale": Setting(.null)])]
    layers += [axes.bars("x"), axes.bars("y")].map { layer(order.map { point($0, group) }, ["type": "rule", "strokeWidth": 0.9], $0 + own + fade) }
    let dot: Setting = ["type": "point", "filled": true, "opacity": 1, "stroke": "white", "strokeWidth": 0.7]
    layers.append(layer(order.filter { $0.isComplete && !$0.isBaseline }.map { point($0, group) }, dot, marks(axes)))
    let hollow: Setting = ["type": "point", "filled": false, "fill": "white", "opacity": 1, "strokeWidth": 1, "size": 30]
    let others: [([Pareto.Point], Setting)] = [
      (order.filter { !$0.isComplete }, hollow), (order.filter { $0.isComplete && $0.isBaseline }, dot.with(["size": isPage ? 150 : 80])),
    ]
    layers += others.filter { !$0.0.isEmpty }.map { layer($0.0.map { point($0, group) }, $0.1, marks(axes, hasSize: false)) }
    let labels = labels(group, axes)
    if !labels.isEmpty {
      let leads = labels.filter { $0["to_x"] != nil }
      let ends: [Setting.Entry] = [.init("x2", ["field": "to_x"]), .init("y2", ["field": "to_y"])]
      if !leads.isEmpty { layers.append(layer(leads, ["type": "rule", "color": "#777777", "strokeWidth": 0.6], axes.places("from_x", "from_y") + ends)) }
      let text: Setting = ["type": "text", "align": "left", "baseline": "middle", "fontSize": Setting(.number(style.labelSize(isLarge: isPage)))]
      let words: [Setting.Entry] = [.init("text", ["field": "text", "type": "nominal"])]
      layers.append(layer(labels, text.with(["stroke": "white", "strokeWidth": 2.5, "strokeJoin": "round", "color": "white"]), axes.places() + words))
      layers.append(layer(labels, text, axes.places() + words + own))
    }
    return [
      "title": ["text": Setting(.text(group.title.benchmark)), "subtitle": Setting(.text(subtitle(group)))],
      "width": Setting(.number(panel.width)), "height": Setting(.number(panel.height)), "layer": Setting(.list(layers)),
    ]
  }

  private func subtitle(_ group: Pareto.Group) -> String { "\(group.title.model), \(group.title.geometry), \(group.problems) problems" }

  private func layer(_ values: [Setting], _ mark: Setting, _ encoding: [Setting.Entry]) -> Setting {
    ["data": ["values": Setting(.list(values))], "mark": mark, "encoding": Setting(.map(encoding))]
  }

  private func marks(_ axes: PlotAxes, hasSize: Bool = true) -> [Setting.Entry] {
    var channels = axes.places() + [.init("color", style.colour), .init("shape", style.shape)]
    if hasSize { channels.append(.init("size", style.size(isLarge: isPage))) }
    guard isPage else { return channels }
    let fields = PlotTooltip.fields(pareto.options)
    channels.append(.init("tooltip", Setting(.list(fields.map { ["field": Setting(.text($0.field)), "title": Setting(.text($0.title)), "type": "nominal"] }))))
    channels.append(.init("href", ["field": "href", "type": "nominal"]))
    return channels
  }

  // MARK: Data

  private func point(_ point: Pareto.Point, _ group: Pareto.Group) -> Setting {
    var entries: [Setting.Entry] = [
      .init("strategy", Setting(.text(style.name(of: point.strategy)))), .init("colour", Setting(.text(style.colour(of: point.strategy)))),
      .init("x", Setting(.number(point.cost.value))),
      .init("x_low", Setting(.number(point.cost.low))), .init("x_high", Setting(.number(point.cost.high))),
      .init("y", Setting(.number(point.quality.value * 100))), .init("y_low", Setting(.number(point.quality.low * 100))),
      .init("y_high", Setting(.number(point.quality.high * 100))), .init("probability", Setting(.number(point.frontProbability))),
      .init("bar_opacity", Setting(.number(point.isOnFront || point.isBaseline ? 0.8 : 0.2))),
    ]
    guard case .page(let links) = medium else { return Setting(.map(entries)) }
    let link = point.runs.first.flatMap { links[$0.digest] }
    entries += PlotTooltip.values(point, group, pareto.options, hasTrace: link != nil)
    if let link { entries.append(.init("href", Setting(.text(link)))) }
    return Setting(.map(entries))
  }

  /// The front of all strategies, from its cheapest point, up from the lower edge, to the right edge.
  private func frontSteps(_ group: Pareto.Group, _ axes: PlotAxes) -> [Setting] {
    let members = group.points.filter(\.isOnFront)
    let steps = Front.steps(members.map(\.cost.value), members.map(\.quality.value))
    guard let first = steps.first, let last = steps.last else { return [] }
    let corners = [(first.cost, axes.y.low / 100)] + steps.map { ($0.cost, $0.quality) } + [(axes.x.high, last.quality)]
    return corners.map { ["x": Setting(.number($0.0)), "y": Setting(.number($0.1 * 100))] }
  }

  private func ownFronts(_ group: Pareto.Group) -> [Setting] {
    group.strategies.flatMap { summary -> [Setting] in
      let members = group.points.filter { $0.strategy == summary.strategy && $0.isOnOwnFront }
      return Front.steps(members.map(\.cost.value), members.map(\.quality.value)).map {
        [
          "strategy": Setting(.text(summary.strategy ?? "")), "colour": Setting(.text(style.colour(of: summary.strategy ?? ""))),
          "x": Setting(.number($0.cost)), "y": Setting(.number($0.quality * 100)),
        ]
      }
    }
  }

  /// Texts beside the points of the front of all strategies, and beside the baseline: the surest first.
  private func labels(_ group: Pareto.Group, _ axes: PlotAxes) -> [Setting] {
    let size = style.labelSize(isLarge: isPage)
    let places = group.points.map { (x: axes.x.pixel($0.cost.value), y: axes.y.pixel($0.quality.value * 100)) }
    let radii = group.points.map { style.radius($0.isBaseline ? 1 : $0.frontProbability, isLarge: isPage) }
    var room = PlotLabels(
      width: panel.width, height: panel.height, size: size,
      points: zip(places, radii).map { ($0.x, $0.y, $1) },
      bars: group.points.indices.filter { group.points[$0].isOnFront || group.points[$0].isBaseline }.flatMap { index in
        let point = group.points[index]
        let (left, right) = (axes.x.pixel(point.cost.low), axes.x.pixel(point.cost.high))
        let (bottom, top) = (axes.y.pixel(point.quality.low * 100), axes.y.pixel(point.quality.high * 100))
        return [(left...max(left, right), places[index].y...places[index].y), (places[index].x...places[index].x, bottom...max(bottom, top))]
      })
    let chosen = group.points.indices.filter { group.points[$0].isBaseline || group.points[$0].isOnFront }
      .sorted { (group.points[$0].isBaseline ? 2 : group.points[$0].frontProbability) > (group.points[$1].isBaseline ? 2 : group.points[$1].frontProbability) }
    return chosen.compactMap { index in
      let point = group.points[index]
      let text = point.isBaseline || point.setting.isEmpty ? point.strategy : PlotStyle.values(of: point.setting)
      guard let label = room.place(text, beside: places[index].x, places[index].y, radius: radii[index]) else { return nil }
      var entries: [Setting.Entry] = [.init("text", Setting(.text(label.text))), .init("colour", Setting(.text(style.ink(of: point.strategy))))]
      func add(_ x: String, _ y: String, _ place: (x: Double, y: Double)) {
        entries += [.init(x, Setting(.number(axes.x.value(at: place.x)))), .init(y, Setting(.number(axes.y.value(at: place.y))))]
      }
      add("x", "y", label.place)
      if let lead = label.lead {
        add("from_x", "from_y", lead)
        add("to_x", "to_y", places[index])
      }
      return Setting(.map(entries))
    }
  }
}

extension Setting {
  /// A map with more keys.
  fileprivate func with(_ more: Setting) -> Setting {
    guard case .map(let mine) = value, case .map(let others) = more.value else { return self }
    return Setting(.map(mine + others))
  }
}

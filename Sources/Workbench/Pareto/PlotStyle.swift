internal import Diffusion

/// Colours, shapes and letters of a plot.
struct PlotStyle {
  /// What a strategy is called in the legend, by its name.
  private let names: [String: String]
  /// The same names in order.
  private let order: [String]
  private let baseline: Set<String>
  private let colours: [String: String]

  /// Okabe and Ito's colours (2008) without black and yellow, and three of Tol's (2021) that differ from them: told apart by colour-blind readers.
  private static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#7f7f00", "#6a6a6a", "#332288"]
  private static let shapes = [
    "circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left",
    "M-1,-0.5L1,-0.5L1,0.5L-1,0.5Z", "M-0.5,-1L0.5,-1L0.5,1L-0.5,1Z",
  ]
  private static let star = "M0,-1.2L0.282,-0.388L1.141,-0.371L0.456,0.148L0.705,0.971L0,0.48L-0.705,0.971L-0.456,0.148L-1.141,-0.371L-0.282,-0.388Z"

  init(_ pareto: Pareto) {
    var names: [String: String] = [:]
    var order: [String] = []
    var baseline: Set<String> = []
    for point in pareto.groups.flatMap(\.points) where names[point.strategy] == nil {
      let keys = Self.pairs(of: point.setting).map(\.key).joined(separator: ", ")
      let name = keys.isEmpty ? point.strategy : "\(point.strategy) (\(keys))"
      names[point.strategy] = name
      order.append(name)
    }
    for point in pareto.groups.flatMap(\.points) where point.isBaseline { baseline.insert(names[point.strategy] ?? point.strategy) }
    (self.names, self.order, self.baseline) = (names, order, baseline)
    colours = Dictionary(zip(order, Self.assigned(Self.colours, to: order, baseline: baseline, "#000000"))) { first, _ in first }
  }

  /// A strategy as the legend names it, with the keys whose values stand beside its points.
  func name(of strategy: String) -> String { names[strategy] ?? strategy }

  /// The values of swept keys alone: `0.9` of `confidence=0.9`.
  static func values(of setting: String) -> String { pairs(of: setting).map(\.value).joined(separator: ", ") }

  /// Swept keys and their values; a value may hold spaces.
  private static func pairs(of setting: String) -> [(key: String, value: String)] {
    var pairs: [(key: String, value: String)] = []
    for word in setting.split(separator: " ") {
      if let sign = word.firstIndex(of: "="), sign > word.startIndex {
        pairs.append((String(word[..<sign]), String(word[word.index(after: sign)...])))
      } else if let last = pairs.popLast() {
        pairs.append((last.key, "\(last.value) \(word)"))
      }
    }
    return pairs
  }

  // MARK: Channels

  /// The baseline is black; the others have a colour each, as far as these go.
  var colour: Setting { channel(range: order.map { colours[$0] ?? "#000000" }) }

  /// A strategy's colour.
  func colour(of strategy: String) -> String { colours[name(of: strategy)] ?? "#000000" }

  /// The same colour, dark enough for letters.
  func ink(of strategy: String) -> String {
    var digits = Substring(colour(of: strategy).dropFirst())
    var ink = "#"
    while let part = UInt8(digits.prefix(2), radix: 16) {
      let dark = String(Int(part) * 5 / 8, radix: 16)
      ink += (dark.count < 2 ? "0" : "") + dark
      digits = digits.dropFirst(2)
    }
    return ink
  }

  /// A shape for each, so that colour is never all that tells them apart.
  var shape: Setting { channel(range: Self.assigned(Self.shapes, to: order, baseline: baseline, Self.star)) }

  private static func assigned(_ values: [String], to names: [String], baseline: Set<String>, _ own: String) -> [String] {
    var next = -1
    return names.map { name in
      if baseline.contains(name) { return own }
      next += 1
      return values[next % values.count]
    }
  }

  private func channel(range: [String]) -> Setting {
    [
      "field": "strategy", "type": "nominal", "title": "strategy (the setting stands beside points of the front)",
      "scale": ["domain": Setting(.list(order.map { Setting(.text($0)) })), "range": Setting(.list(range.map { Setting(.text($0)) }))],
      "legend": ["symbolSize": 60, "symbolOpacity": 1],
    ]
  }

  /// Points that are surely on the front are the largest.
  func size(isLarge: Bool) -> Setting {
    let (least, most) = Self.areas(isLarge: isLarge)
    return [
      "field": "probability", "type": "quantitative", "title": "probability of being on the front",
      "scale": ["domain": [0, 1], "range": [Setting(.number(least)), Setting(.number(most))]],
      "legend": ["values": [0, 0.5, 1], "symbolFillColor": "#8c8c8c", "symbolStrokeColor": "white", "symbolType": "circle"],
    ]
  }

  /// Areas of points, in square pixels, at probability 0 and 1.
  private static func areas(isLarge: Bool) -> (Double, Double) { isLarge ? (40, 150) : (26, 90) }

  /// Half the width of a point.
  func radius(_ probability: Double, isLarge: Bool) -> Double {
    let (least, most) = Self.areas(isLarge: isLarge)
    return ((least + probability * (most - least)) / 3.14159).squareRoot() + 1
  }

  /// The height of the letters beside points.
  func labelSize(isLarge: Bool) -> Double { isLarge ? 11 : 9 }

  /// Letters, lines and legends.
  func config(isLarge: Bool) -> Setting {
    let (small, large): (Setting, Setting) = isLarge ? (12, 13) : (10, 11)
    return [
      "font": "Liberation Sans, Arial, Helvetica, sans-serif",
      "view": ["stroke": "#888888", "strokeWidth": 0.8],
      "axis": [
        "labelFontSize": small, "titleFontSize": large, "titleFontWeight": "normal", "labelColor": "#222222", "titleColor": "#222222", "grid": true,
        "gridColor": "#eeeeee", "domain": false, "tickColor": "#888888", "tickSize": 4, "labelOverlap": "greedy",
      ],
      "title": [
        "anchor": "start", "fontSize": isLarge ? 15 : 12, "subtitleFontSize": small, "subtitleColor": "#555555", "color": "#111111", "offset": 6,
      ],
      "legend": [
        "orient": "bottom", "direction": "horizontal", "columns": isLarge ? 5 : 4, "labelFontSize": small, "titleFontSize": small,
        "titleFontWeight": "normal", "titleColor": "#555555", "labelColor": "#222222", "labelLimit": 220, "titleLimit": 420, "columnPadding": 12,
        "rowPadding": 3,
      ],
    ]
  }
}

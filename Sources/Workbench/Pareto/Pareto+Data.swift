package import Diffusion

extension Pareto {
  /// The points as a JSON list, in the order of the cells. `summary` says what the point's strategy comes to, `overall` what all strategies do.
  package var json: Setting {
    Setting(
      .list(
        groups.flatMap { group in
          group.points.map { point in
            let strategy = group.strategies.first { $0.strategy == point.strategy }
            return Setting(
              .map(
                point.entries(of: group, options) + [
                  Setting.Entry("summary", strategy?.json ?? Setting(.null)), Setting.Entry("overall", group.overall.json),
                  Setting.Entry("runs", Setting(.list(point.runs.map { Setting(.text($0.digest)) }))),
                ]))
          }
        }))
  }

  /// The points as CSV (RFC 4180), a line each.
  package var csv: String {
    var lines: [String] = []
    for group in groups {
      for point in group.points {
        let entries = point.entries(of: group, options)
        if lines.isEmpty { lines.append(entries.map(\.key).joined(separator: ",")) }
        lines.append(entries.map { Self.field($0.value) }.joined(separator: ","))
      }
    }
    return lines.map { $0 + "\r\n" }.joined()
  }

  private static func field(_ value: Setting) -> String {
    switch value.value {
    case .null: return ""
    case .number(let number) where !number.isFinite: return ""
    default: break
    }
    let text = value.description
    guard text.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}

extension Pareto.Point {
  /// What is said of a point: its names, its place with intervals, and its figures.
  func entries(of group: Pareto.Group, _ options: Pareto.Options) -> [Setting.Entry] {
    func text(_ key: String, _ value: String) -> Setting.Entry { Setting.Entry(key, Setting(.text(value))) }
    func flag(_ key: String, _ value: Bool) -> Setting.Entry { Setting.Entry(key, Setting(.bool(value))) }
    func count(_ key: String, _ value: Int) -> Setting.Entry { Setting.Entry(key, Setting(.integer(value))) }
    func ranged(_ key: String, _ value: Pareto.Ranged?) -> [Setting.Entry] {
      [("", value?.value), ("_low", value?.low), ("_high", value?.high)].map { Setting.Entry(key + $0, Setting($1.map { .number($0) } ?? .null)) }
    }
    return [text("strategy", strategy), text("setting", setting)] + ranged("x", cost) + ranged("score", quality) + [
      Setting.Entry("on_front_probability", Setting(.number(frontProbability))), flag("on_front", isOnFront), flag("on_own_front", isOnOwnFront),
      text("model", group.title.model), text("benchmark", group.title.benchmark), text("geometry", group.title.geometry),
      text("x_measure", options.cost.rawValue), text("score_measure", options.quality.rawValue), flag("baseline", isBaseline), count("samples", samples),
      count("problems", group.problems), count("seeds", runs.count),
    ] + ranged("tokens_per_round", tokensPerRound) + ranged("speedup", speedup) + ranged("qps", qps)
  }
}

extension Pareto.Summary {
  /// What a strategy's settings come to.
  var json: Setting {
    func ranged(_ value: Pareto.Ranged?) -> Setting {
      guard let value else { return Setting(.null) }
      return ["value": Setting(.number(value.value)), "low": Setting(.number(value.low)), "high": Setting(.number(value.high))]
    }
    return [
      "settings": Setting(.integer(settings)), "complete": Setting(.integer(complete)), "hypervolume": ranged(hypervolume),
      "speedup_at": Setting(
        .list(speedups.map { ["kept": Setting(.number($0.kept)), "speedup": ranged($0.speedup), "reached": Setting(.number($0.reached))] })),
      "aup": ranged(aup), "aup_left_out": Setting(.integer(leftOutOfAUP)),
    ]
  }
}

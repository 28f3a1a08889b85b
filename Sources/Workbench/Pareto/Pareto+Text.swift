extension Pareto {
  /// The tables: one of points and one of strategies per group.
  package var text: String { groups.map { $0.text(options) }.joined(separator: "\n\n") }

  /// What the columns say.
  package var legend: String {
    let hasBaseline = groups.contains { $0.overall.hypervolume != nil }
    var lines = [
      "front: ● on the front of all strategies, ○ on its own strategy's, blank on neither, – dropped early; P(front): share of \(options.draws) bootstrap draws of the",
      "problems with it on the front of all; [ ]: 95 % interval from the same draws; TPF: answer tokens per model call, sum over sum",
    ]
    if hasBaseline {
      lines += [
        "speedup: the baseline's \(options.cost.rawValue) over its own; QPS: speedup × (quality / baseline's)^4 (SchED)",
        "hypervolume: area that a front dominates, cost and quality divided by the baseline's, up to the baseline's cost and quality 0",
        "÷ at N %: the baseline's \(options.cost.rawValue) over the least at which a front keeps N % of its quality, neighbouring settings mixed by lot;",
        "reached: share of draws that reach it (an interval from – includes draws that do not)",
      ]
    }
    lines += [
      "AUP: area under accuracy over TPF, weighted against the best point of the group (d3LLM); settings more than 5 points below a strategy's slowest are",
      "left out of it; the more settings a strategy tried, the more its front owes to chance",
    ]
    return lines.joined(separator: "\n")
  }
}

extension Pareto.Group {
  /// The table of points, from cheap to dear, and the table of strategies.
  func text(_ options: Pareto.Options) -> String {
    let unit = options.cost == .seconds && options.allowsSharedTimes ? "seconds (shared)" : options.cost.rawValue
    let heading = "\(title.title): \(options.quality.rawValue) against \(unit) per sample, \(problems) problems"
    return heading + "\n" + pointTable(options) + "\n\n" + strategyTable(options)
  }

  private func pointTable(_ options: Pareto.Options) -> String {
    let hasRatios = overall.hypervolume != nil
    let isUneven = points.contains { !$0.isComplete }
    let decimals = options.cost.decimals
    var header = ["front", "strategy", "setting", options.cost.rawValue, "\(options.quality.rawValue) %", "P(front)", "TPF"]
    if hasRatios { header += ["speedup", "QPS"] }
    if isUneven { header.append("problems") }
    let order = points.indices.sorted { points[$0].cost.value != points[$1].cost.value ? points[$0].cost.value < points[$1].cost.value : $0 < $1 }
    let rows = order.map { points[$0] }.map { point in
      var row = [
        point.mark, point.strategy + (point.isBaseline ? " (baseline)" : ""), point.setting, point.cost.text(decimals), point.quality.text(1, unit: 100),
        point.isComplete ? fixed(point.frontProbability, 2) : "–", point.tokensPerRound.text(2),
      ]
      if hasRatios { row += [point.speedup?.text(2) ?? "", point.qps?.text(2) ?? ""] }
      if isUneven { row.append("\(point.samples)") }
      return row
    }
    return TextTable(rows, header: header, numeric: Set(3..<header.count)).text
  }

  private func strategyTable(_ options: Pareto.Options) -> String {
    let hasRatios = overall.hypervolume != nil
    var header = ["strategy", "settings"]
    if hasRatios { header += ["hypervolume"] + overall.speedups.flatMap { ["÷ at \(percent($0.kept)) %", "reached %"] } }
    header.append("AUP")
    let hasLeftOut = strategies.contains { $0.leftOutOfAUP > 0 }
    if hasLeftOut { header.append("left out") }
    let rows = (strategies + [overall]).map { summary in
      var row = [summary.strategy ?? "all", "\(summary.settings)"]
      if hasRatios {
        row.append(summary.hypervolume?.text(3) ?? "")
        for speedup in summary.speedups { row += [speedup.speedup?.speedupText ?? "not reached", fixed(speedup.reached * 100, 0)] }
      }
      row.append(summary.aup?.text(1) ?? "")
      if hasLeftOut { row.append(summary.leftOutOfAUP > 0 ? "\(summary.leftOutOfAUP)" : "") }
      return row
    }
    return TextTable(rows, header: header, numeric: Set(1..<header.count)).text
  }

  private func percent(_ share: Double) -> String {
    var text = fixed(share * 100, 2)
    while text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}

extension Pareto.Cost {
  /// Decimals that its values are shown with.
  var decimals: Int {
    switch self {
    case .rounds: 2
    case .seconds: 4
    case .positions: 0
    }
  }
}

extension Pareto.Point {
  fileprivate var mark: String { isOnFront ? "●" : isOnOwnFront ? "○" : isComplete ? "" : "–" }
}

extension Pareto.Ranged {
  /// As `4.72 [4.61, 4.83]`.
  func text(_ decimals: Int, unit: Double = 1) -> String {
    "\(fixed(value * unit, decimals)) [\(fixed(low * unit, decimals)), \(fixed(high * unit, decimals))]"
  }

  /// The same for a speedup, in which 0 means that a level is not reached.
  fileprivate var speedupText: String { "\(fixed(value, 2)) [\(low > 0 ? fixed(low, 2) : "–"), \(fixed(high, 2))]" }
}

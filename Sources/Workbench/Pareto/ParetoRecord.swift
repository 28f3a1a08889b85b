package import Diffusion

/// Points as `unmask pareto --json` once printed them: what a fresh run is held against.
package struct ParetoRecord: Sendable, Decodable {
  /// A point's names and figures.
  struct Point: Sendable, Decodable {
    let strategy: String
    let setting: String
    let x: Double?
    let xLow: Double?
    let xHigh: Double?
    let score: Double?
    let scoreLow: Double?
    let scoreHigh: Double?
    let model: String?
    let benchmark: String?
    let geometry: String?
    let xMeasure: String?
    let scoreMeasure: String?

    enum CodingKeys: String, CodingKey {
      case strategy, setting, x, score, model, benchmark, geometry
      case xLow = "x_low"
      case xHigh = "x_high"
      case scoreLow = "score_low"
      case scoreHigh = "score_high"
      case xMeasure = "x_measure"
      case scoreMeasure = "score_measure"
    }
  }

  let points: [Point]

  /// A JSON list of points.
  package init(from decoder: any Swift.Decoder) throws {
    points = try [Point](from: decoder)
    guard !points.isEmpty, points.allSatisfy({ $0.x != nil && $0.score != nil }) else {
      throw Swift.DecodingError.dataCorrupted(Swift.DecodingError.Context(codingPath: [], debugDescription: "no points, or points without x and score"))
    }
  }

  /// What came of a comparison.
  package struct Verdict: Sendable {
    /// How many stored points agree.
    package internal(set) var agreeing = 0
    /// A line for each stored point that does not, or that is not there any more.
    package internal(set) var faults: [String] = []
    /// How many fresh points are not stored.
    package internal(set) var unknown = 0

    /// The counts in words.
    package var summary: String {
      let stored = agreeing + faults.count
      let more = unknown > 0 ? "; \(unknown) \(unknown == 1 ? "point is" : "points are") not stored" : ""
      return "\(agreeing) of \(stored) stored points agree" + (faults.isEmpty ? "" : ", \(faults.count) do not") + more
    }
  }

  /// Holds fresh points against the stored ones of the same model, benchmark, geometry, strategy and setting.
  ///
  /// Two points agree where each lies in the other's 95 percent interval, in cost and in quality. Equal runs agree whatever the clock says but in seconds; for
  /// other problems of the same kind two intervals are this near in five of six cases, so a few faults among many points are no surprise there.
  ///
  /// - Throws: for points of other axes.
  package func verdict(on fresh: Pareto) throws(ConfigurationError) -> Verdict {
    var verdict = Verdict()
    var matched: Set<[Int]> = []
    for stored in points {
      for (name, theirs, own) in [("x", stored.xMeasure, fresh.options.cost.rawValue), ("quality", stored.scoreMeasure, fresh.options.quality.rawValue)] {
        guard theirs == nil || theirs == own else { throw .composition("the stored points have --\(name) \(theirs ?? ""), and --\(name) \(own) is asked for") }
      }
      let place = fresh.groups.indices.lazy.flatMap { group in fresh.groups[group].points.indices.map { [group, $0] } }
        .first { !matched.contains($0) && stored.names(fresh.groups[$0[0]], $0[1]) }
      guard let place else {
        verdict.faults.append("\(stored.label): it is not in these runs")
        continue
      }
      matched.insert(place)
      let point = fresh.groups[place[0]].points[place[1]]
      let cost = Self.fault("\(fresh.options.cost.rawValue)", point.cost, stored.cost, fresh.options.cost.decimals, unit: 1)
      let quality = Self.fault("\(fresh.options.quality.rawValue) %", point.quality, stored.quality, 1, unit: 100)
      let faults = [cost, quality].compactMap(\.self)
      if faults.isEmpty { verdict.agreeing += 1 } else { verdict.faults.append("\(stored.label): " + faults.joined(separator: ", ")) }
    }
    verdict.unknown = fresh.groups.reduce(0) { $0 + $1.points.count } - matched.count
    return verdict
  }

  /// Why two figures do not agree, or nil.
  private static func fault(_ name: String, _ fresh: Pareto.Ranged, _ stored: Pareto.Ranged, _ decimals: Int, unit: Double) -> String? {
    fresh.holds(stored.value) && stored.holds(fresh.value)
      ? nil : "\(name) is \(fresh.text(decimals, unit: unit)) and was \(stored.text(decimals, unit: unit))"
  }
}

extension ParetoRecord.Point {
  fileprivate var cost: Pareto.Ranged { Pareto.Ranged(x ?? .nan, xLow ?? .nan, xHigh ?? .nan) }
  fileprivate var quality: Pareto.Ranged { Pareto.Ranged(score ?? .nan, scoreLow ?? .nan, scoreHigh ?? .nan) }

  fileprivate var label: String { [benchmark, strategy, setting.isEmpty ? nil : setting].compactMap(\.self).joined(separator: " ") }

  /// Whether it is a group's point by name; what is not stored of the names is not asked.
  fileprivate func names(_ group: Pareto.Group, _ place: Int) -> Bool {
    strategy == group.points[place].strategy && setting == group.points[place].setting && (model ?? group.title.model) == group.title.model
      && (benchmark ?? group.title.benchmark) == group.title.benchmark && (geometry ?? group.title.geometry) == group.title.geometry
  }
}

extension Pareto.Ranged {
  /// Whether a value lies in the interval, but for what rounding takes.
  fileprivate func holds(_ value: Double) -> Bool {
    let slack = 1e-9 * max(abs(value), 1)
    return value >= low - slack && value <= high + slack
  }
}

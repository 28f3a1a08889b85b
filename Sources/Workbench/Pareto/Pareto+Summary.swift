extension Pareto {
  /// What a strategy's settings come to together; or what all strategies do.
  public struct Summary: Sendable {
    /// How much cheaper a share of the baseline's quality is to be had.
    public struct Speedup: Sendable {
      /// The share of the baseline's quality.
      public let kept: Double
      /// The baseline's cost over the least cost at which the front reaches that quality; nil where it does not. Draws that do not reach it count as 0 for the
      /// interval.
      public let speedup: Ranged?
      /// Share of the draws in which it is reached at all.
      public let reached: Double
    }

    /// The strategy; nil: all of them.
    public let strategy: String?
    /// How many settings were tried.
    public let settings: Int
    /// How many of them were decoded on all problems.
    public let complete: Int
    /// The area that its front dominates, cost and quality divided by the baseline's, up to the baseline's cost and quality 0; nil without a baseline.
    public let hypervolume: Ranged?
    /// Its gain at each share of the baseline's quality; empty without a baseline.
    public let speedups: [Speedup]
    /// `Parallelism.aup` of its settings, against the best quality of all strategies; nil for all strategies together.
    public let aup: Ranged?
    /// How many settings are left out of `aup` because their quality is more than five points down.
    public let leftOutOfAUP: Int

    init(_ strategy: String?, _ field: Field, kept: [Double]) {
      let places = field.places(of: strategy)
      self.strategy = strategy
      settings = field.cells.count { strategy == nil || $0.strategy == strategy }
      complete = places.count
      hypervolume = field.baseline.map { Self.hypervolume(places, field, $0).ranged }
      speedups = field.baseline.map { baseline in kept.map { Self.speedup(places, field, baseline, kept: $0) } } ?? []
      let aup = strategy == nil || places.isEmpty ? nil : Self.aup(places, field)
      self.aup = aup?.area.ranged
      leftOutOfAUP = aup?.leftOut ?? 0
    }

    private static func hypervolume(_ places: [Int], _ field: Field, _ baseline: Int) -> Figure {
      field.figure { sight in
        let (cost, quality) = (field.costs([baseline], sight)[0], field.qualities([baseline], sight)[0])
        guard cost > 0, quality > 0 else { return .nan }
        return Front.hypervolume(field.costs(places, sight).map { $0 / cost }, field.qualities(places, sight).map { $0 / quality })
      }
    }

    private static func speedup(_ places: [Int], _ field: Field, _ baseline: Int, kept: Double) -> Speedup {
      let figure = field.figure { sight in
        let level = kept * field.qualities([baseline], sight)[0]
        // Nothing of nothing is no level.
        guard level > 0, let least = Front.cost(reaching: level, field.costs(places, sight), field.qualities(places, sight)), least > 0 else { return 0 }
        return field.costs([baseline], sight)[0] / least
      }
      return Speedup(
        kept: kept, speedup: figure.value > 0 ? figure.ranged : nil, reached: Double(figure.draws.count { $0 > 0 }) / Double(field.draws))
    }

    private static func aup(_ places: [Int], _ field: Field) -> (area: Figure, leftOut: Int) {
      var leftOut = 0
      let figure = field.figure { sight in
        let best = field.qualities(field.complete, sight).max() ?? .nan
        let found = Parallelism.aup(
          rates: field.rates(places, sight), qualities: field.qualities(places, sight).map { $0 * 100 }, best: best * 100)
        if case .sample = sight { leftOut = found?.leftOut ?? 0 }
        return found?.area ?? .nan
      }
      return (figure, leftOut)
    }
  }
}

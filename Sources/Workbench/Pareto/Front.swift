/// What is best at its cost: the geometry of points with a cost, of which less is better, and a quality, of which more is better.
public enum Front {
  /// Which points are on the front: those that no other point beats, at most as dear and at least as good, and one of both strictly.
  ///
  /// Equal points are on it together. A point whose cost or quality is NaN is never on it, and beats nothing.
  public static func members(_ costs: [Double], _ qualities: [Double]) -> [Bool] {
    var isMember = [Bool](repeating: false, count: costs.count)
    var last: (cost: Double, quality: Double)?
    for place in order(costs, qualities) {
      let point = (cost: costs[place], quality: qualities[place])
      guard last.map({ point.quality > $0.quality || point == $0 }) ?? true else { continue }
      isMember[place] = true
      last = point
    }
    return isMember
  }

  /// The front from cheap to dear, each of its places once: cost and quality both rise.
  public static func steps(_ costs: [Double], _ qualities: [Double]) -> [(cost: Double, quality: Double)] {
    var steps: [(cost: Double, quality: Double)] = []
    for place in order(costs, qualities) where steps.last.map({ qualities[place] > $0.quality }) ?? true {
      steps.append((costs[place], qualities[place]))
    }
    return steps
  }

  /// The area that points dominate, up to a reference point (Zitzler and Thiele 1999).
  ///
  /// - Parameter reference: what is dearest and worst; a point that is not better than it in both adds nothing.
  public static func hypervolume(_ costs: [Double], _ qualities: [Double], reference: (cost: Double, quality: Double) = (1, 0)) -> Double {
    let steps = steps(costs, qualities).filter { $0.cost < reference.cost && $0.quality > reference.quality }
    return steps.indices.reduce(0) { area, place in
      let end = place + 1 < steps.count ? steps[place + 1].cost : reference.cost
      return area + (end - steps[place].cost) * (steps[place].quality - reference.quality)
    }
  }

  /// The least cost at which a front reaches a quality; nil where it never does.
  ///
  /// Between two neighbouring points of the front the cost is interpolated linearly: what deciding between the two settings by lot, problem by problem, costs and
  /// reaches on average. Below the cheapest point that reaches it there is nothing to gain.
  public static func cost(reaching quality: Double, _ costs: [Double], _ qualities: [Double]) -> Double? {
    let steps = steps(costs, qualities)
    guard let place = steps.firstIndex(where: { $0.quality >= quality }) else { return nil }
    guard place > 0 else { return steps[0].cost }
    let (before, after) = (steps[place - 1], steps[place])
    return before.cost + (quality - before.quality) / (after.quality - before.quality) * (after.cost - before.cost)
  }

  /// Places from cheap to dear, the best first among equally dear ones; those with NaN are left out.
  private static func order(_ costs: [Double], _ qualities: [Double]) -> [Int] {
    costs.indices.filter { !costs[$0].isNaN && !qualities[$0].isNaN }
      .sorted { costs[$0] != costs[$1] ? costs[$0] < costs[$1] : qualities[$0] > qualities[$1] }
  }
}

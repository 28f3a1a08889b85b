internal import Foundation

/// Two figures by which papers weigh speed against quality.
public enum Parallelism {
  /// QPS, quality-penalised speed (SchED, arXiv 2512.02892): speedup times the kept share of the baseline's quality to the power of `gamma`.
  ///
  /// - Returns: NaN where the baseline's quality is 0.
  public static func qps(speedup: Double, quality: Double, baseline: Double, gamma: Double = 4) -> Double {
    baseline > 0 ? speedup * pow(quality / baseline, gamma) : .nan
  }

  /// AUP, accuracy under parallelism (d3LLM's leaderboard), of one strategy's settings: the area under quality over tokens per model call, in which quality
  /// below the best of all strategies loses weight exponentially.
  ///
  /// It has inputs that a figure alone does not show: `best` depends on every strategy that is compared, and settings more than five points below the one with
  /// the fewest tokens per call do not count. The authors' program stops where the fastest setting is such a one; here it is left out.
  ///
  /// - Parameters:
  ///   - rates: tokens per model call, one per setting.
  ///   - qualities: in percent, one per setting.
  ///   - best: the best quality of all strategies, in percent.
  /// - Returns: the area, and how many settings were left out; nil where there is no setting.
  public static func aup(rates: [Double], qualities: [Double], best: Double) -> (area: Double, leftOut: Int)? {
    let sorted = zip(rates, qualities).sorted { $0.0 != $1.0 ? $0.0 < $1.0 : $0.1 > $1.1 }
    guard let first = sorted.first else { return nil }
    let kept = sorted.filter { $0.1 >= first.1 - 5 }
    let weighted = kept.map { $0.1 * min(exp(-3 * (1 - $0.1 / best)), 1) }
    var area = first.0 * first.1
    for place in kept.indices.dropFirst() { area += (kept[place].0 - kept[place - 1].0) * (weighted[place] + weighted[place - 1]) / 2 }
    return (area, sorted.count - kept.count)
  }
}

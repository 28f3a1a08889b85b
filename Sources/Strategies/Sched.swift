internal import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Progress-aware early exit: everything left is filled in once the mean logit gap reaches a bar that falls smoothly as decoding goes on.
///
/// The released code also waits until no masked position changed its most probable token for more than `patience` rounds.
/// SchED (arXiv 2512.02892), section 3; its released `diffusion_generate_schedule`.
struct Sched: Strategy {
  static let name = "sched"
  static let summary = "fill everything once the mean logit gap reaches a falling bar"
  static let source = "SchED, arXiv 2512.02892"
  static let role = Role.earlyStop

  /// The bar as a function of progress.
  enum Schedule: String, CaseIterable, Sendable { case linear, cosine, exponential }
  /// What progress and means are counted over: the whole sequence, or the response.
  enum Region: String, CaseIterable, Sendable { case all, tail }
  /// What stands for the gaps of many positions.
  enum Statistic: String, CaseIterable, Sendable { case mean, median, q }

  private let schedule: Schedule
  private let high, low, rate: Double
  private let steps: Int
  private let region: Region
  private let maxChange, minProgress, quantile: Double
  private let patience: Int
  private let statistic: Statistic
  private let isMaskedOnly: Bool
  private var best = PerSlot<Token>(-1)
  private var hasLooked = false
  private var stable = 0

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    schedule = try parameters.choice("schedule", default: Schedule.cosine, "how the bar falls from `high` to `low`")
    high = try parameters.number("high", default: 7.5, in: 0..., "the bar at the start")
    low = try parameters.number("low", default: 2.5, in: 0..., "the bar at the end (exponential: its limit)")
    rate = try parameters.number("rate", default: 4, in: 0..., "how fast the exponential falls")
    steps = try parameters.int("steps", default: parameters.context.genLength, in: 1..., defaultText: "gen_length", "rounds that the whole decode would take")
    region = try parameters.choice("region", default: Region.all, "what progress is a share of: `all` counts the prompt, `tail` the response")
    maxChange = try parameters.number("max_change", default: 0, in: 0...1, "share of masked positions that may change their best token; 1: no gate")
    patience = try parameters.int("patience", default: 0, in: 0..., "stable rounds that must have gone before, exclusive")
    minProgress = try parameters.number("min_progress", default: 0, in: 0...1, "share revealed before the first exit")
    statistic = try parameters.choice("statistic", default: Statistic.mean, "mean, lower median, or quantile of the gaps")
    quantile = try parameters.number("quantile", default: 0.2, in: 0...1, "which quantile `q` takes")
    isMaskedOnly = try parameters.flag("masked_only", default: true, "gaps of masked positions only; false: of the whole response")
    guard isMaskedOnly || region == .tail else {
      throw ConfigurationError.composition("`masked_only: false` takes gaps of the response and needs `region: tail`").at(path: Self.name)
    }
  }

  var needs: Needs { Needs(isMaskedOnly ? .masked : .response) }

  mutating func decide(_ step: inout Step) {
    let canvas = step.shown
    let masked = canvas.masked
    guard !masked.isEmpty else { return }
    let raw = step.belief.raw
    let total = canvas.response.count + (region == .all ? canvas.prompt.count : 0)
    let progress = 1 - Double(masked.count) / Double(total)

    let changed = masked.count { raw[$0].best?.token != best[step.slot($0)] }
    let change = hasLooked ? Double(changed) / Double(masked.count) : 1
    for position in masked { best[step.slot(position)] = raw[position].best?.token ?? -1 }
    hasLooked = true
    stable = progress >= minProgress && change <= maxChange ? stable + 1 : 0

    let gap = Self.summary(of: (isMaskedOnly ? masked : Array(canvas.response.indices)).map { raw[$0].gap }, by: statistic, quantile: quantile)
    let isFar = step.passes(nil, "progress", progress, atLeast: minProgress)
    let isSure = step.passes(nil, "gap", gap, atLeast: bar(after: step.index))
    let isStable = step.passes(nil, "stable rounds", Double(stable), above: Double(patience))
    if isFar, isSure, isStable { step.finish() }
  }

  /// The bar after some rounds; it stays at its last value when a decode outlasts `steps`.
  func bar(after rounds: Int) -> Double {
    guard steps > 1 else { return low }
    let u = min(Double(rounds) / Double(steps - 1), 1)
    switch schedule {
    case .linear: return high + (low - high) * u
    case .cosine: return low + 0.5 * (high - low) * (1 + cos(.pi * u))
    case .exponential: return low + (high - low) * exp(-rate * u)
    }
  }

  /// One number for many gaps. A median of an even count is the lower middle one; a quantile is interpolated linearly.
  static func summary(of gaps: [Double], by statistic: Statistic, quantile: Double) -> Double {
    let sorted = gaps.sorted()
    switch statistic {
    case .mean: return gaps.reduce(0, +) / Double(gaps.count)
    case .median: return sorted[(sorted.count - 1) / 2]
    case .q:
      let place = quantile * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
  }
}

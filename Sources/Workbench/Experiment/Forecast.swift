internal import Diffusion
internal import Models
internal import Traces

/// What a run's samples cost each: from those that are there already, or from a few that are decoded for it and thrown away.
public struct Forecast: Sendable, Hashable {
  /// Model calls per sample.
  public let rounds: Double
  /// Decoding seconds per sample, with nothing else in flight.
  public let seconds: Double
  /// How many samples it was measured on.
  public let samples: Int
  /// Whether they are samples of the run, and not decoded for the forecast alone.
  public let isKept: Bool

  /// The mean of several.
  static func mean(_ forecasts: [Forecast]) -> Forecast? {
    guard !forecasts.isEmpty else { return nil }
    let count = Double(forecasts.count)
    return Forecast(
      rounds: forecasts.reduce(0) { $0 + $1.rounds } / count, seconds: forecasts.reduce(0) { $0 + $1.seconds } / count, samples: 0, isKept: false)
  }
}

extension Runner {
  /// Forecasts runs. Runs that differ in their seeds share one.
  ///
  /// - Parameters:
  ///   - pilot: problems decoded where nothing is there yet, spread over those asked for.
  ///   - patience: seconds after which no more are decoded; runs not reached get the mean of the others.
  ///   - advance: called after every run.
  /// - Returns: one forecast per run; nil where nothing could be measured.
  public func forecasts(
    _ plans: [RunPlan], pilot: Int = 3, patience: Double = 60, advance: () -> Void = {}, while shouldContinue: () -> Bool = { true }
  ) throws(RunError) -> [Forecast?] {
    var known: [String: Forecast] = [:]
    var keys: [String] = []
    let clock = ContinuousClock()
    let started = clock.now
    var isWarm = false
    for plan in plans {
      let key = plan.config.without(["seed"]).sorted.json
      keys.append(key)
      defer { advance() }
      if known[key] != nil { continue }
      if let kept = try kept(plan) {
        known[key] = kept
      } else if (clock.now - started) / .seconds(1) < patience, shouldContinue() {
        // The first sample of all also pays for reading the weights.
        if !isWarm { _ = try forecast(plan, 1, shouldContinue) }
        isWarm = true
        known[key] = try forecast(plan, pilot, shouldContinue)
      }
    }
    let mean = Forecast.mean(Array(known.values))
    return keys.map { known[$0] ?? mean }
  }

  /// What the samples that are there say, if there are at least as many as a pilot has.
  private func kept(_ plan: RunPlan) throws(RunError) -> Forecast? {
    let samples = try RunFiles(directory(of: plan), digest: plan.digest).kept(.summary).values.filter { $0.trace.seconds > 0 }
    guard samples.count >= 3 else { return nil }
    let count = Double(samples.count)
    return Forecast(
      rounds: samples.reduce(0) { $0 + Double($1.outcome.rounds) } / count, seconds: samples.reduce(0) { $0 + $1.trace.seconds } / count,
      samples: samples.count, isKept: true)
  }

  private func forecast(_ plan: RunPlan, _ pilot: Int, _ shouldContinue: () -> Bool) throws(RunError) -> Forecast? {
    let numbers = Set((0..<pilot).map { (2 * $0 + 1) * plan.selection.limit / (2 * pilot) }).sorted()
    var samples: [KeptSample] = []
    for number in numbers {
      guard let problem = plan.benchmark.problems(number..<number + 1, of: plan.selection.split).first else { continue }
      do throws(RunError) {
        guard let sample = try decode(problem, number, plan, plan.trace, isAlone: { true }, while: shouldContinue) else { return nil }
        samples.append(sample)
      } catch {
        // What cannot be decoded is said by the run itself.
        guard case .decoding = error else { throw error }
      }
    }
    guard !samples.isEmpty else { return nil }
    let count = Double(samples.count)
    return Forecast(
      rounds: samples.reduce(0) { $0 + Double($1.outcome.rounds) } / count, seconds: samples.reduce(0) { $0 + $1.trace.seconds } / count,
      samples: samples.count, isKept: false)
  }
}

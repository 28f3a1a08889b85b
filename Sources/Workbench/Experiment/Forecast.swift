internal import Diffusion
internal import Models
internal import Traces

/// What a run's samples cost each.
public struct Forecast: Sendable, Hashable {
  /// What it rests on.
  public enum Basis: String, Sendable {
    /// Samples of the run that are there already: their rounds, and their own seconds.
    case kept
    /// A few problems decoded and thrown away for their rounds and their rules' time; the model's time is that of `CostModel`.
    case pilot
    /// The rounds of other runs' pilots, for each position of the response, and the model's time.
    case others
    /// A round for every masked position, and the model's time: what a strategy that never passes and never masks again does not exceed.
    case bound
  }

  /// Model calls per sample.
  public let rounds: Double
  /// Decoding seconds per sample, with nothing else in flight.
  public let seconds: Double
  /// How many samples it was measured on.
  public let samples: Int
  /// What it rests on.
  public let basis: Basis
}

extension Runner {
  /// Forecasts runs. Runs that differ in their seeds share one.
  ///
  /// Samples that are there are taken at their own times. For the others the model is timed in a few short passes (`CostCalibration`), and the pilot says how
  /// many rounds they take and what their rules take. Where every round is measured against the full model, that model's passes are in it.
  ///
  /// - Parameters:
  ///   - pilot: the fewest problems decoded where nothing is there yet, spread over those asked for; 0: none, and the forecasts are bounds.
  ///   - patience: seconds after which no more are decoded.
  ///   - advance: called after every run.
  /// - Returns: one forecast per run; nil where nothing could be measured.
  public func forecasts(
    _ plans: [RunPlan], pilot: Int = 3, patience: Double = 60, advance: () -> Void = {}, while shouldContinue: () -> Bool = { true }
  ) throws(RunError) -> [Forecast?] {
    var known: [String: Forecast] = [:]
    var unreached: [String: RunPlan] = [:]
    var rates = try CostRates(plans)
    var keys: [String] = []
    // Rounds for each masked position.
    var shares: [Double] = []
    let clock = ContinuousClock()
    let started = clock.now
    for plan in plans {
      let key = plan.config.without(["seed"]).sorted.json
      keys.append(key)
      defer { advance() }
      if known[key] != nil || unreached[key] != nil { continue }
      if let kept = try kept(plan, { plan.trace.isMetered ? rates.model(of: plan, while: shouldContinue) : nil }) {
        known[key] = kept
      } else if pilot > 0, (clock.now - started) / .seconds(1) < patience, shouldContinue() {
        guard let found = try piloted(plan, pilot, rates.model(of: plan, while: shouldContinue), shouldContinue) else { continue }
        known[key] = found
        shares.append(found.rounds / Double(max(plan.geometry.genLength, 1)))
      } else {
        unreached[key] = plan
      }
    }
    let share = shares.isEmpty ? nil : min(shares.reduce(0, +) / Double(shares.count), 1)
    for (key, plan) in unreached where shouldContinue() {
      if let model = rates.model(of: plan, while: shouldContinue) { known[key] = try bound(plan, model, share: share) }
    }
    return keys.map { known[$0] }
  }

  /// What the samples that are there say, if there are at least as many as a pilot has.
  ///
  /// - Parameter model: what measuring takes, which samples do not say; nil where nothing is measured.
  private func kept(_ plan: RunPlan, _ model: () -> CostModel?) throws(RunError) -> Forecast? {
    let samples = try RunFiles(directory(of: plan), digest: plan.digest).kept(.summary).values.filter { $0.trace.seconds > 0 }
    guard samples.count >= 3 else { return nil }
    let model = model()
    let count = Double(samples.count)
    let seconds = samples.reduce(0) { sum, sample in sum + sample.trace.seconds + (model.map { Self.measuring(sample.trace, $0, plan) } ?? 0) }
    return Forecast(
      rounds: samples.reduce(0) { $0 + Double($1.outcome.rounds) } / count, seconds: seconds / count, samples: samples.count, basis: .kept)
  }

  /// What a few problems say.
  private func piloted(_ plan: RunPlan, _ pilot: Int, _ model: CostModel?, _ shouldContinue: () -> Bool) throws(RunError) -> Forecast? {
    let clock = ContinuousClock()
    let started = clock.now
    var rounds: [Double] = []
    var seconds = PilotSeconds()
    for number in Self.places(pilot, of: plan.selection.limit) {
      // Beyond the pilot only what a second has room for, and only as long as problems differ in their rounds; a few that agree by chance prove nothing.
      let isSettled = rounds.count >= 12 && Self.uncertainty(rounds) < 0.02
      if rounds.count >= pilot, isSettled || (clock.now - started) / .seconds(1) >= 1 { break }
      guard let problem = plan.benchmark.problems(number..<number + 1, of: plan.selection.split).first else { continue }
      do throws(RunError) {
        let level = plan.trace == .none ? .edits : plan.trace
        guard let sample = try decode(problem, number, plan, level, isAlone: { true }, while: shouldContinue) else { return nil }
        rounds.append(Double(sample.outcome.rounds))
        seconds.add(sample.trace, model, plan)
      } catch {
        // What cannot be decoded is said by the run itself.
        guard case .decoding = error else { throw error }
      }
    }
    guard !rounds.isEmpty else { return nil }
    let count = Double(rounds.count)
    return Forecast(rounds: rounds.reduce(0, +) / count, seconds: seconds.total / count, samples: rounds.count, basis: .pilot)
  }

  /// The seconds of asking the full model beside every round.
  fileprivate static func measuring(_ sample: SampleTrace, _ model: CostModel, _ plan: RunPlan) -> Double {
    let length = sample.prompt.count + sample.response.count
    return sample.rounds.reduce(0) { $0 + model.seconds(CostUnits(plan.model.configuration, $1.cost.uncached(length), length: length)) }
  }

  /// Standard error of a mean over the mean.
  private static func uncertainty(_ values: [Double]) -> Double {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    guard count > 1, mean > 0 else { return count > 1 ? 0 : .infinity }
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count).squareRoot() / mean
  }

  /// Places of a pilot's problems, then of as many more as there may be time for, both spread over all.
  static func places(_ pilot: Int, of limit: Int) -> [Int] {
    var places = Array(Set((0..<pilot).map { (2 * $0 + 1) * limit / (2 * pilot) })).sorted()
    // Steps of the golden section fall between those before them, wherever they stop.
    for step in 1...max(256, pilot) where places.count < limit {
      let place = Int((Double(step) * 0.6180339887498949).truncatingRemainder(dividingBy: 1) * Double(limit))
      if !places.contains(place) { places.append(place) }
    }
    return places
  }

  /// A round for every masked position, revealed from left to right, or for a share of them.
  private func bound(_ plan: RunPlan, _ model: CostModel, share: Double?) throws(RunError) -> Forecast? {
    do throws(ConfigurationError) {
      guard let problem = plan.benchmark.problems(plan.selection.limit / 2..<plan.selection.limit / 2 + 1, of: plan.selection.split).first else { return nil }
      var canvas = try plan.canvas(problem)
      var pipeline = plan.pipeline
      let views = pipeline.views(of: canvas).count
      let needs = plan.needs
      let length = canvas.prompt.count + canvas.response.count
      let masked = canvas.masked
      var asked = 0
      var looks = 0
      for (index, position) in masked.enumerated() {
        // Rows asked for are counted at 64 of the canvases.
        if index % max(masked.count / 64, 1) == 0 {
          canvas.settle()
          asked += needs.positions(in: canvas).count
          looks += 1
        }
        canvas.apply(Edit(.reveal, at: position, token: canvas.vocabulary.end))
      }
      var cost = Cost()
      (cost.canvases, cost.positions, cost.logitRows) = (views, views * length, views * (asked / max(looks, 1)))
      if plan.trace.isMetered { cost += cost.uncached(length) }
      // How many rows a cache computes is not known beforehand: what it is said to take at most is what it takes without.
      let share = plan.cache == nil ? share : nil
      let rounds = max(share ?? 1, 1 / Double(max(masked.count, 1))) * Double(min(masked.count, plan.maxRounds))
      return Forecast(
        rounds: rounds, seconds: rounds * model.seconds(CostUnits(plan.model.configuration, cost, length: length)), samples: 0,
        basis: share == nil ? .bound : .others)
    } catch { throw .configuration(error) }
  }
}

/// What a pilot's samples took: the rules as they were timed, and the model as predicted from what every round computed, times what such rounds took over
/// their prediction.
///
/// The prediction knows all sizes of a pass and is a little wrong at each; the median of the pilot's own rounds is right at their size, and a processor that
/// was away for some of them does not move it.
private struct PilotSeconds {
  /// Rounds timed at least before the prediction is corrected.
  private static let enough = 8
  private var rules = 0.0
  private var model = 0.0
  private var measuring = 0.0
  /// By round: what the model took over its prediction, and the prediction.
  private var ratios: [(ratio: Double, weight: Double)] = []

  mutating func add(_ sample: SampleTrace, _ rates: CostModel?, _ plan: RunPlan) {
    guard let rates else { return rules += sample.seconds }
    let length = sample.prompt.count + sample.response.count
    for round in sample.rounds {
      let predicted = rates.seconds(CostUnits(plan.model.configuration, round.cost, length: length))
      model += predicted
      rules += round.decideSeconds
      if predicted > 0, round.forwardSeconds > 0 { ratios.append((round.forwardSeconds / predicted, predicted)) }
    }
    if plan.trace.isMetered { measuring += Runner.measuring(sample, rates, plan) }
  }

  var total: Double { rules + model * correction + measuring }

  /// The median by predicted seconds: over a cache one full pass may cost more than all others.
  private var correction: Double {
    guard ratios.count >= Self.enough else { return 1 }
    var left = ratios.reduce(0) { $0 + $1.weight } / 2
    for (ratio, weight) in ratios.sorted(by: { $0.ratio < $1.ratio }) {
      left -= weight
      if left <= 0 { return ratio }
    }
    return 1
  }
}

extension Cost {
  /// The same canvases and rows asked for, with every position computed.
  fileprivate func uncached(_ length: Int) -> Cost {
    var full = self
    full.positions = canvases * length
    return full
  }
}

extension RunPlan {
  /// What a decode of it asks of the model: what its rules need, what drawing needs, and what the trace records.
  var needs: Needs {
    var needs = pipeline.needs
    if sampling.temperature > 0 || trace.isMetered { needs.fullRows = true }
    return needs.union(trace.needs)
  }
}

import Diffusion
import Foundation
import Workbench

/// What `unmask run --dry-run` foretells of a sample's seconds against what samples then take: runs that differ in problems, geometry, strategy and cache.
enum EstimateCheck {
  private static let repetitions = 3

  private static let cases = [
    Work(benchmark: "arithmetic", strategy: "one-by-one", rules: ["quota"], limit: 16),
    Work(benchmark: "arithmetic", strategy: "threshold", rules: [["threshold": ["confidence": 0.9]]], limit: 60, geometry: (64, 32)),
    Work(benchmark: "lists", strategy: "threshold", rules: [["threshold": ["confidence": 0.7]]], limit: 120),
    Work(benchmark: "code", strategy: "freedave", rules: [["freedave": ["base": [["quota": [:]]]]]], limit: 20, geometry: (48, 16)),
    Work(benchmark: "countdown", strategy: "credit, localleap, sched", rules: [["credit": [:]], ["localleap": [:]], ["sched": [:]]], limit: 40),
    Work(benchmark: "sudoku4", strategy: "two-by-two", rules: [["quota": ["steps": 32]]], limit: 30, geometry: (64, 64)),
    Work(benchmark: "code", strategy: "one-by-one over dual", rules: ["quota"], limit: 16, cache: "dual", geometry: (48, 16)),
  ]

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(
      name: "estimate", measure: "error of --dry-run's seconds a sample, percent, one sample at a time",
      remarks: ["Each of \(repetitions) repetitions forecasts anew, then decodes every problem of the run."], rows: [])
    let runner = Runner(output: checkpoints.scratch("estimate"))
    for work in cases {
      let plan = try work.plan()
      var errors: [Double] = []
      var sums = (predicted: 0.0, measured: 0.0, foretold: 0.0, rounds: 0.0)
      let turns = try Timing.calm(least: repetitions, most: repetitions, budget: 0) { _ in
        guard let forecast = try runner.forecasts([plan])[0] else { throw BenchError("\(work.label): no forecast") }
        return (forecast, try decode(plan))
      }
      for (forecast, measured) in turns {
        errors.append(abs(forecast.seconds / measured.seconds - 1) * 100)
        sums.predicted += forecast.seconds
        sums.measured += measured.seconds
        sums.foretold += forecast.rounds
        sums.rounds += measured.rounds
      }
      let count = Double(repetitions)
      part.rows.append(
        Report.Row(
          "\(work.label), \(plan.geometry.genLength)/\(plan.geometry.blockLength)", errors, goal: "estimate",
          figures: [
            .init("foretold ms", sums.predicted / count * 1000), .init("measured ms", sums.measured / count * 1000),
            .init("foretold rounds", sums.foretold / count), .init("rounds", sums.rounds / count),
          ]))
    }
    return part
  }

  /// Decoding seconds and rounds a sample.
  private static func decode(_ plan: RunPlan) throws -> (seconds: Double, rounds: Double) {
    var (seconds, rounds) = (0.0, 0.0)
    let denoiser = try plan.model.denoiser(plan.cache)
    for problem in plan.problems {
      _ = Decoder(denoiser).decode(
        [try plan.session(problem)],
        record: { _, round in
          seconds += round.forwardSeconds + round.decideSeconds
          rounds += 1
        })
    }
    return (seconds / Double(plan.problems.count), rounds / Double(plan.problems.count))
  }
}

import Diffusion
import Foundation
import Traces
import Workbench

/// What recording costs: the same problems on the reference model with `trace: none`, `edits` and `beliefs` (k = 8), as ratios taken side by side.
///
/// Two ratios per level. *decode*: processor time of the decoding loop with its recorder, no files. *run*: wall-clock time of the whole run, journal and
/// `trace.h5` included. Every repetition decodes with all levels in turn, in another order each time, and compares within itself.
enum TraceCost {
  private static let levels = ["none", "edits", "beliefs"]

  private static let cases = [
    Work(benchmark: "arithmetic", strategy: "one-by-one", rules: ["quota"], limit: 4),
    Work(benchmark: "arithmetic", strategy: "threshold", rules: ["threshold"], limit: 16),
    Work(benchmark: "lists", strategy: "threshold", rules: ["threshold"], limit: 60),
  ]

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    Report.Part(
      name: "trace", measure: "time more than with `trace: none`, percent",
      remarks: ["decode: processor time of the loop; run: wall-clock time, files included."],
      rows: try cases.flatMap { try rows($0, checkpoints) })
  }

  private static func rows(_ work: Work, _ checkpoints: Checkpoints) throws -> [Report.Row] {
    let plans = try levels.map { level in
      var work = work
      work.level = level
      return try work.plan()
    }
    var decode: [[Double]] = []
    var run: [[Double]] = []
    var sizes = [String: Int]()
    func turn(_ repetition: Int) throws -> (processor: [Double], seconds: [Double]) {
      var seconds = [Double](repeating: 0, count: levels.count)
      var processor = seconds
      for turn in levels.indices {
        let index = (turn + repetition) % levels.count
        processor[index] = try decodeSeconds(plans[index])
        let runner = Runner(output: checkpoints.scratch("trace-\(repetition)-\(index)"))
        seconds[index] = try Timing.seconds { _ = try runner.run(plans[index]) }
        let trace = runner.directory(of: plans[index]) + "/trace.h5"
        sizes[levels[index]] = try FileManager.default.attributesOfItem(atPath: trace)[.size] as? Int
        try FileManager.default.removeItem(atPath: checkpoints.scratch("trace-\(repetition)-\(index)"))
      }
      return (processor, seconds)
    }
    // The first one warms caches up.
    _ = try turn(0)
    for (processor, seconds) in try Timing.calm(least: 9, most: 15, budget: 15, turn) {
      decode.append(processor.map { ($0 / processor[0] - 1) * 100 })
      run.append(seconds.map { ($0 / seconds[0] - 1) * 100 })
    }
    let rounds = try plans[0].problems.reduce(0) { $0 + (try Self.decode($1, plans[0])).roundCount }
    return levels.enumerated().dropFirst().flatMap { index, level in
      let bytes = Report.Figure("bytes a round", (Double(sizes[level] ?? 0) / Double(rounds)).rounded())
      return [("decode", decode), ("run", run)].map { kind, values in
        Report.Row("\(work.label), \(level), \(kind)", values.map { $0[index] }, goal: "trace." + level, figures: [bytes])
      }
    }
  }

  /// Processor seconds of decoding a plan's problems with its recorder, and of nothing else.
  private static func decodeSeconds(_ plan: RunPlan) throws -> Double {
    try Timing.seconds(.processor) { for problem in plan.problems { _ = try decode(problem, plan) } }
  }

  private static func decode(_ problem: Problem, _ plan: RunPlan) throws -> SampleTrace {
    let session = try plan.session(problem)
    var builder = TraceBuilder(canvas: session.canvas, problem: problem.id, seed: 0, level: plan.trace)
    _ = Decoder(plan.model.denoiser).decode([session], record: { _, round in builder.record(round) })
    return builder.finish(seconds: 0)
  }
}

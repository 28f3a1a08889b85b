import Diffusion
import Foundation
import Workbench

/// What a second worker brings: samples per second of `--jobs 2` over `--jobs 1` on the reference model, whole runs with their journals and files.
///
/// Every repetition runs both, in another order each time, and compares within itself. What the runs decoded must be the same bytes.
enum JobsSpeed {

  private static let cases = [
    Work(benchmark: "arithmetic", strategy: "one-by-one", rules: ["quota"], limit: 12),
    Work(benchmark: "arithmetic", strategy: "threshold", rules: ["threshold"], limit: 100),
    Work(benchmark: "lists", strategy: "one-by-one", rules: ["quota"], limit: 80),
  ]

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    Report.Part(
      name: "jobs", measure: "samples per second of --jobs 2 over --jobs 1, whole runs on the reference model", rows: try cases.map { try row($0, checkpoints) }
    )
  }

  private static func row(_ work: Work, _ checkpoints: Checkpoints) throws -> Report.Row {
    let plan = try work.plan()
    var ratios: [Double] = []
    var rates: [[Double]] = [[], []]
    func turn(_ repetition: Int) throws -> [Double] {
      var seconds = [0.0, 0.0]
      var bytes = [Data(), Data()]
      for turn in 0..<2 {
        let index = (turn + repetition) % 2
        let output = checkpoints.scratch("jobs-\(repetition)-\(index)")
        let runner = Runner(output: output, jobs: index + 1)
        seconds[index] = try Timing.seconds { _ = try runner.run(plan) }
        bytes[index] = try Data(contentsOf: URL(fileURLWithPath: runner.directory(of: plan) + "/outcomes.jsonl"))
        try FileManager.default.removeItem(atPath: output)
      }
      guard bytes[0] == bytes[1], !bytes[0].isEmpty else { throw BenchError("\(work.label): one worker and two decoded different samples") }
      return seconds
    }
    // The first one warms caches up.
    _ = try turn(0)
    for seconds in try Timing.calm(least: 5, most: 9, budget: 15, turn) {
      ratios.append(seconds[0] / seconds[1])
      for index in 0..<2 { rates[index].append(Double(work.limit) / seconds[index]) }
    }
    return Report.Row(
      work.label, ratios, goal: "jobs",
      figures: [.init("samples/s with 1", Spread(rates[0]).median), .init("with 2", Spread(rates[1]).median)])
  }
}

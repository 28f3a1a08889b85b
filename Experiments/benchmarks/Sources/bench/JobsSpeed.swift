import Diffusion
import Foundation
import Models
import Strategies
import Workbench

/// What a second worker brings: samples per second of `--jobs 2` over `--jobs 1` on the reference model, whole runs with their journals and files.
///
/// Every repetition runs both, in another order each time, and compares within itself; the median is shown, with the quartiles of its repetitions. What the
/// runs decoded must be the same bytes.
enum JobsSpeed {
  private static let repetitions = 9
  private static let goal = 1.8

  private struct Case {
    let benchmark: String
    let strategy: String
    let rules: Setting
    let limit: Int
  }

  private static let cases = [
    Case(benchmark: "arithmetic", strategy: "one-by-one", rules: ["quota"], limit: 12),
    Case(benchmark: "arithmetic", strategy: "threshold", rules: ["threshold"], limit: 100),
    Case(benchmark: "lists", strategy: "one-by-one", rules: ["quota"], limit: 80),
  ]

  static func main() throws {
    print("samples per second on the reference model, --jobs 2 over --jobs 1, \(repetitions) repetitions side by side (\(processors) processors)\n")
    print("problems                   samples/s with 1    with 2  ratio (quartiles)      goal \(goal)  outcomes.jsonl")
    for work in cases { try measure(work) }
  }

  private static var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

  private static func measure(_ work: Case) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "unmask-jobs-\(ProcessInfo.processInfo.processIdentifier)")
    defer { do { try FileManager.default.removeItem(at: folder) } catch { print("could not remove \(folder.path): \(error)") } }
    let plan = try plan(work)
    var ratios: [Double] = []
    var rates: [[Double]] = [[], []]
    var isSame = true
    for repetition in 0...repetitions {
      var seconds = [0.0, 0.0]
      var bytes = [Data(), Data()]
      for turn in 0..<2 {
        let index = (turn + repetition) % 2
        let output = folder.path + "/\(repetition)-\(index)"
        let runner = Runner(output: output, jobs: index + 1)
        let started = ContinuousClock.now
        _ = try runner.run(plan)
        seconds[index] = (ContinuousClock.now - started) / .seconds(1)
        bytes[index] = try Data(contentsOf: URL(fileURLWithPath: runner.directory(of: plan) + "/outcomes.jsonl"))
        try FileManager.default.removeItem(atPath: output)
      }
      isSame = isSame && bytes[0] == bytes[1] && !bytes[0].isEmpty
      // The first round warms caches up.
      if repetition == 0 { continue }
      ratios.append(seconds[0] / seconds[1])
      for index in 0..<2 { rates[index].append(Double(work.limit) / seconds[index]) }
    }
    let quartiles = Self.quartiles(ratios)
    let text = String(format: "%.2f (%.2f to %.2f)", quartiles[1], quartiles[0], quartiles[2])
    let medians = rates.map { String(format: "%.1f", Self.quartiles($0)[1]) }
    let name = "\(work.benchmark), \(work.strategy)".padding(toLength: 27, withPad: " ", startingAt: 0)
    let verdict = quartiles[1] >= goal ? "met     " : "MISSED  "
    let speeds: String = pad(medians[0], 16) + pad(medians[1], 10)
    let ratio: String = text.padding(toLength: 23, withPad: " ", startingAt: 0)
    print("\(name)\(speeds)  \(ratio)\(verdict)  \(isSame ? "identical" : "DIFFERS")")
  }

  private static func plan(_ work: Case) throws -> RunPlan {
    let experiment = try Experiment([
      "name": "jobs", "benchmark": ["name": Setting(.text(work.benchmark)), "split": "dev", "limit": Setting(.integer(work.limit))],
      "strategies": Setting(.map([Setting.Entry(work.strategy, work.rules)])),
    ])
    return try experiment.plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0]
  }

  private static func pad(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

  private static func quartiles(_ values: [Double]) -> [Double] {
    let sorted = values.sorted()
    return [1, 2, 3].map { sorted[sorted.count * $0 / 4] }
  }
}

import Diffusion
import Foundation
import Models
import Strategies
import Traces
import Workbench

/// What recording costs: the same problems on the reference model with `trace: none`, `edits` and `beliefs` (k = 8), as ratios taken side by side.
///
/// Two ratios per level. *decode*: processor time of the decoding loop with its recorder, no files. *run*: wall-clock time of the whole run, journal and
/// `trace.h5` included. Every repetition decodes with all levels in turn, in another order each time, and compares within itself; the median is shown, with
/// the quartiles of its repetitions.
enum TraceCost {
  private static let levels = ["none", "edits", "beliefs"]
  private static let goals = ["edits": 3.0, "beliefs": 15.0]
  private static let repetitions = 15

  private struct Case {
    let benchmark: String
    let strategy: String
    let rules: Setting
    let limit: Int
  }

  private static let cases = [
    Case(benchmark: "arithmetic", strategy: "one-by-one", rules: ["quota"], limit: 4),
    Case(benchmark: "arithmetic", strategy: "threshold", rules: ["threshold"], limit: 16),
    Case(benchmark: "lists", strategy: "threshold", rules: ["threshold"], limit: 60),
  ]

  static func main() throws {
    print("recording on the reference model, \(repetitions) repetitions side by side: time more than with `trace: none`, %\n")
    print("problems               level    decode (quartiles)    run (quartiles)  goal         bytes per round")
    for work in cases { try measure(work) }
  }

  private static func measure(_ work: Case) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "unmask-trace-\(ProcessInfo.processInfo.processIdentifier)")
    defer { do { try FileManager.default.removeItem(at: folder) } catch { print("could not remove \(folder.path): \(error)") } }
    let plans = try levels.map { try plan(work, level: $0) }
    var decode: [[Double]] = []
    var run: [[Double]] = []
    var sizes = [String: Int]()
    for repetition in 0...repetitions {
      var seconds = [Double](repeating: 0, count: levels.count)
      var processor = seconds
      for turn in levels.indices {
        let index = (turn + repetition) % levels.count
        processor[index] = try decodeSeconds(plans[index])
        let output = folder.path + "/\(repetition)-\(index)"
        let started = ContinuousClock.now
        _ = try Runner(output: output).run(plans[index])
        seconds[index] = (ContinuousClock.now - started) / .seconds(1)
        let trace = Runner(output: output).directory(of: plans[index]) + "/trace.h5"
        sizes[levels[index]] = try FileManager.default.attributesOfItem(atPath: trace)[.size] as? Int
        try FileManager.default.removeItem(atPath: output)
      }
      // The first round warms caches up.
      if repetition == 0 { continue }
      decode.append(processor.map { ($0 / processor[0] - 1) * 100 })
      run.append(seconds.map { ($0 / seconds[0] - 1) * 100 })
    }
    let rounds = try rounds(plans[0])
    for (index, level) in levels.enumerated().dropFirst() {
      let (own, whole) = (quartiles(decode.map { $0[index] }), quartiles(run.map { $0[index] }))
      let goal = goals[level] ?? 0
      let verdict = own[1] <= goal && whole[1] <= goal ? "met" : "MISSED"
      print(
        "\(work.benchmark), \(work.strategy)".padding(toLength: 23, withPad: " ", startingAt: 0) + level.padding(toLength: 9, withPad: " ", startingAt: 0)
          + text(own).padding(toLength: 22, withPad: " ", startingAt: 0) + text(whole).padding(toLength: 22, withPad: " ", startingAt: 0)
          + "<= \(Int(goal)) \(verdict)".padding(toLength: 13, withPad: " ", startingAt: 0) + "\((sizes[level] ?? 0) / rounds) (\(rounds) rounds)")
    }
  }

  private static func plan(_ work: Case, level: String) throws -> RunPlan {
    let experiment = try Experiment([
      "name": "trace-cost", "benchmark": ["name": Setting(.text(work.benchmark)), "split": "dev", "limit": Setting(.integer(work.limit))],
      "trace": Setting(.text(level)), "strategies": Setting(.map([Setting.Entry(work.strategy, work.rules)])),
    ])
    return try experiment.plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0]
  }

  /// Processor seconds of decoding a plan's problems with its recorder, and of nothing else.
  private static func decodeSeconds(_ plan: RunPlan) throws -> Double {
    let started = processorSeconds()
    for problem in plan.benchmark.problems(0..<plan.selection.limit, of: plan.selection.split) { _ = try decode(problem, plan) }
    return processorSeconds() - started
  }

  private static func rounds(_ plan: RunPlan) throws -> Int {
    try plan.benchmark.problems(0..<plan.selection.limit, of: plan.selection.split).reduce(0) { $0 + (try decode($1, plan)).roundCount }
  }

  private static func decode(_ problem: Problem, _ plan: RunPlan) throws -> SampleTrace {
    let canvas = try Canvas(
      prompt: plan.tokenizer.encode(problem.prompt), length: plan.geometry.genLength, blockLength: plan.geometry.blockLength,
      vocabulary: plan.model.denoiser.vocabulary)
    let session = try Session(id: 0, canvas: canvas, pipeline: plan.pipeline, sampling: plan.sampling, observed: plan.trace.needs)
    var builder = TraceBuilder(canvas: canvas, problem: problem.id, seed: 0, level: plan.trace)
    _ = Decoder(plan.model.denoiser).decode([session], record: { _, round in builder.record(round) })
    return builder.finish(seconds: 0)
  }

  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func quartiles(_ values: [Double]) -> [Double] {
    let sorted = values.sorted()
    return [1, 2, 3].map { sorted[sorted.count * $0 / 4] }
  }

  private static func text(_ quartiles: [Double]) -> String {
    String(format: "%5.1f (%.1f to %.1f)", quartiles[1], quartiles[0], quartiles[2])
  }
}

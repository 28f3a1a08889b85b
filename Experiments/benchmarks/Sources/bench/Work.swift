import Diffusion
import Foundation
import Models
import Strategies
import Traces
import Workbench

/// Problems of one benchmark decoded by one strategy with the reference model.
struct Work {
  let benchmark: String
  let strategy: String
  let rules: Setting
  let limit: Int
  var level = "edits"
  /// A cache policy, if any.
  var cache: String?
  /// Response and block length; nil: the benchmark's own.
  var geometry: (gen: Int, block: Int)?

  var label: String { "\(benchmark), \(strategy)" }

  func plan(split: String = "dev") throws -> RunPlan {
    var entries = [
      Setting.Entry("name", "bench"),
      Setting.Entry("benchmark", ["name": Setting(.text(benchmark)), "split": Setting(.text(split)), "limit": Setting(.integer(limit))]),
      Setting.Entry("trace", Setting(.text(level))), Setting.Entry("strategies", Setting(.map([Setting.Entry(strategy, rules)]))),
    ]
    if let cache { entries.append(Setting.Entry("cache", Setting(.text(cache)))) }
    if let geometry {
      entries.append(
        Setting.Entry("decoding", ["gen_length": Setting(.integer(geometry.gen)), "block_length": Setting(.integer(geometry.block))]))
    }
    return try Experiment(Setting(.map(entries))).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0]
  }
}

extension RunPlan {
  /// The problems it is limited to.
  var problems: [Problem] { benchmark.problems(0..<selection.limit, of: selection.split) }

  /// A session on a problem; as observed as the run's trace wants.
  func session(_ problem: Problem) throws -> Session {
    let canvas = try Canvas(
      prompt: tokenizer.encode(problem.prompt), length: geometry.genLength, blockLength: geometry.blockLength, vocabulary: model.denoiser.vocabulary)
    return try Session(id: 0, canvas: canvas, pipeline: pipeline, sampling: sampling, maxRounds: maxRounds, observed: trace.needs)
  }
}

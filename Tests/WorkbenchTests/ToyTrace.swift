import Diffusion
import Models
import Strategies
import Support
import Traces

@testable import Workbench

/// Traces of decodes on the toy model, with the configuration that `decode` writes.
enum ToyTrace {
  static let toy = ToyDenoiser(sharpness: 4)
  /// So many candidates hold whole rows of the toy's vocabulary.
  static let whole = toy.vocabulary.size

  struct Geometry: Sendable {
    var length = 16
    var blocks = 8
    var pinned: [Int: Token] = [:]
    var sampling = Sampling.greedy
  }

  /// Decodes `count` canvases with a strategy and records them.
  static func make(
    _ strategy: Setting, level: TraceLevel = .beliefs(8), _ geometry: Geometry = Geometry(), count: Int = 2, on denoiser: any Denoiser = toy
  ) throws -> Trace {
    let context = Parameters.Context(
      genLength: geometry.length, blockLength: geometry.blocks, vocabulary: denoiser.vocabulary, sampling: geometry.sampling)
    let built = try Catalog.standard.build(strategy, context: context)
    var samples: [SampleTrace] = []
    for index in 0..<count {
      let canvas = try Canvas.toy(
        geometry.length, blocks: geometry.blocks, seed: UInt64(index), pinned: geometry.pinned, vocabulary: denoiser.vocabulary)
      let random = canvas.prompt.reduce(SeededRandom(seed: 7)) { $0[Int($1)] }
      let session = try Session(
        id: index, canvas: canvas, pipeline: built.pipeline, sampling: geometry.sampling, random: random, observed: level.needs)
      samples.append(try record(session, problem: "toy/\(index)", level: level, on: denoiser).get())
    }
    return try trace(samples, built.resolved, geometry, level, denoiser.vocabulary)
  }

  /// A session decoded to its end, or why it was given up.
  static func record(_ session: Session, problem: String, level: TraceLevel, on denoiser: any Denoiser) -> Result<SampleTrace, DecodingError> {
    var builder = TraceBuilder(canvas: session.canvas, problem: problem, seed: 7, level: level)
    switch Decoder(denoiser).decode([session], record: { builder.record($1) })[0] {
    case .failed(_, let error)?: return .failure(error)
    default: return .success(builder.finish(seconds: 0))
    }
  }

  static func trace(
    _ samples: [SampleTrace], _ resolved: Setting, _ geometry: Geometry, _ level: TraceLevel, _ vocabulary: Vocabulary = toy.vocabulary
  ) throws -> Trace {
    let config: Setting = [
      "decoding": [
        "gen_length": Setting(.integer(geometry.length)), "block_length": Setting(.integer(geometry.blocks)),
        "temperature": Setting(.number(geometry.sampling.temperature)), "top_p": Setting(.number(geometry.sampling.topP)),
        "top_k": Setting(.integer(geometry.sampling.topK)), "max_rounds": 2000,
      ], "engine": Setting(.integer(RunPlan.engineVersion)), "seed": 7, "strategy": resolved,
    ]
    return try Trace(
      attributes: Trace.Attributes(
        config: config.json, runDigest: "run", modelDigest: "toy", created: "2025-01-01T00:00:00Z", level: level, vocabulary: vocabulary),
      samples: samples)
  }

  static func session(_ trace: Trace) throws -> TraceSession { try TraceSession(trace, catalog: .standard, benchmarks: .standard) }

  static func tape(_ session: TraceSession, _ index: Int = 0) throws -> TapeDenoiser {
    try TapeDenoiser(session, index, canvases: session.canvases(of: index))
  }
}

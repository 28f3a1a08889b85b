import Diffusion
import Foundation
import Models

/// What caches bring at LLaDA-8B's shape, and how long a whole response would take there with everything that makes it faster.
///
/// A prompt of 128 positions, 256 to generate in blocks of 32, the dual cache. A block costs a full pass and then passes of its own rows. Passes of a model with
/// two of LLaDA-8B's layers and its whole head, and of one with a single layer, are timed in turn with float32 and with int8; what a layer adds within a
/// repetition is projected to all 32. Rounds are those that a threshold of 0.9 takes where it reveals 3.1 tokens a round, as published for LLaDA-1.5 on
/// GSM8K (arXiv 2510.08666).
enum CacheSpeed {
  private static let (prompt, length, block) = (128, 256, 32)
  private static let layers = 32
  private static let tokensPerRound = 3.1

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(
      name: "cache", measure: "seconds of a full pass over seconds of a pass of one block with the dual cache; and three minutes over a whole response",
      rows: [])
    let cores = ProcessInfo.processInfo.activeProcessorCount
    for precision in ModelOptions.Precision.allCases {
      var options = ModelOptions()
      options.precision = precision
      var two = GeneratedModel.layer
      (two.name, two.layers) = ("8B-two-layers", 2)
      let sides = try [.layer, two].flatMap { model in
        try passes(TransformerDenoiser(directory: checkpoints.directory(of: model), threads: cores, options: options))
      }
      let times = try Timing.alternating(sides, least: 5, most: 9, budget: 60).map { Times(one: ($0[0], $0[1]), two: ($0[2], $0[3])) }
      let whole = times.map { Self.response($0) }
      let figures = [
        Report.Figure("full ms a layer", 1000 * Spread(times.map { $0.two.full - $0.one.full }).median),
        Report.Figure("block ms a layer", 1000 * Spread(times.map { $0.two.cached - $0.one.cached }).median),
        Report.Figure("full ms", 1000 * Spread(times.map(\.two.full)).median), Report.Figure("block ms", 1000 * Spread(times.map(\.two.cached)).median),
        Report.Figure("whole response s", Spread(whole).median),
      ]
      part.rows.append(
        Report.Row("\(precision.rawValue): full pass over cached pass, 2 layers and head", times.map { $0.two.full / $0.two.cached }, figures: figures))
      part.rows.append(
        Report.Row(
          "\(precision.rawValue): 180 s over a response of \(length), projected to \(layers) layers", whole.map { 180 / $0 },
          goal: precision == .int8 ? "cache.three-minutes" : nil))
    }
    part.remarks = ["\(Int(rounds)) rounds, of which \(length / block) are full passes; \(cores) threads."]
    return part
  }

  private static var rounds: Double { (Double(length) / tokensPerRound).rounded(.up) }

  /// Seconds of one repetition's passes, by number of layers.
  private struct Times {
    let one: (full: Double, cached: Double)
    let two: (full: Double, cached: Double)
  }

  /// Seconds of a whole response; no number where a second layer took no time, which no pass does.
  private static func response(_ times: Times) -> Double {
    let all = { (one: Double, two: Double) in two > one ? one + Double(layers - 1) * (two - one) : .nan }
    let blocks = Double(length / block)
    return blocks * all(times.one.full, times.two.full) + (rounds - blocks) * all(times.one.cached, times.two.cached)
  }

  /// A full pass and a pass of the first block.
  private static func passes(_ model: TransformerDenoiser) throws -> [() throws -> Void] {
    guard let cache = try CacheCatalog.standard.build("dual") else { throw BenchError("there is no cache named dual") }
    let tokens = (0..<prompt + length).map { $0 < prompt ? Token($0 * 37 % 1000) : model.vocabulary.mask }
    let query = Query(tokens: tokens, promptLength: prompt, window: prompt..<prompt + block, rows: Array(prompt..<prompt + block))
    let denoiser = CachedDenoiser(model, cache)
    let open = {
      denoiser.forget(session: 0)
      _ = try denoiser.believe([query])
    }
    return [open, { _ = try denoiser.believe([query]) }]
  }
}

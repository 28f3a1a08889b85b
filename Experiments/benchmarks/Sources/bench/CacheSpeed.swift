import Diffusion
import Foundation
import Models

/// What caches bring at LLaDA-8B's shape, and how long a whole response would take there with everything that makes it faster.
///
/// A prompt of 128 positions, 256 to generate in blocks of 32, the dual cache. A block costs a full pass and then passes of its own rows. Passes of a model with
/// two of LLaDA-8B's layers and its whole head, and of one with a single layer, are timed with float32 and with int8; what a layer adds is projected to all
/// 32. Rounds are those that a threshold of 0.9 takes where it reveals 3.1 tokens a round, as published for LLaDA-1.5 on GSM8K (arXiv 2510.08666).
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
      // Seconds of full and cached passes, by number of layers.
      var full: [[Double]] = []
      var cached: [[Double]] = []
      for layers in 1...2 {
        var model = GeneratedModel.full(layers: layers)
        model.name += "-\(layers)"
        model.tied = true
        let denoiser = try TransformerDenoiser(directory: try checkpoints.directory(of: model), threads: cores, options: options)
        let times = try times(denoiser)
        full.append(times.map { $0[0] })
        cached.append(times.map { $0[1] })
      }
      let ratios = zip(full[1], cached[1]).map { $0 / $1 }
      let whole = zip(zip(full[0], full[1]), zip(cached[0], cached[1])).map { full, cached in Self.response(full, cached) }
      let figures = [
        Report.Figure("full ms a layer", 1000 * Spread(zip(full[0], full[1]).map { $1 - $0 }).median),
        Report.Figure("block ms a layer", 1000 * Spread(zip(cached[0], cached[1]).map { $1 - $0 }).median),
        Report.Figure("whole response s", Spread(whole).median),
      ]
      part.rows.append(Report.Row("\(precision.rawValue): full pass over cached pass, 2 layers and head", ratios, figures: figures))
      part.rows.append(
        Report.Row(
          "\(precision.rawValue): 180 s over a response of \(length), projected to \(layers) layers", whole.map { 180 / $0 },
          goal: precision == .int8 ? "cache.three-minutes" : nil))
    }
    part.remarks = ["\(Int(rounds)) rounds, of which \(length / block) are full passes; \(cores) threads."]
    return part
  }

  private static var rounds: Double { (Double(length) / tokensPerRound).rounded(.up) }

  /// Seconds of a whole response, from passes with one layer and with two.
  private static func response(_ full: (Double, Double), _ cached: (Double, Double)) -> Double {
    let all = { (pass: (Double, Double)) in pass.0 + Double(layers - 1) * max(pass.1 - pass.0, 0) }
    let blocks = Double(length / block)
    return blocks * all(full) + (rounds - blocks) * all(cached)
  }

  /// Seconds of a full pass and of a pass of the first block, in turn.
  private static func times(_ model: TransformerDenoiser) throws -> [[Double]] {
    guard let cache = try CacheCatalog.standard.build("dual") else { return [] }
    let tokens = (0..<prompt + length).map { $0 < prompt ? Token($0 * 37 % 1000) : model.vocabulary.mask }
    let query = Query(tokens: tokens, promptLength: prompt, window: prompt..<prompt + block, rows: Array(prompt..<prompt + block))
    let denoiser = CachedDenoiser(model, cache)
    let open = {
      denoiser.forget(session: 0)
      _ = try denoiser.believe([query])
    }
    return try Timing.alternating([open, { _ = try denoiser.believe([query]) }], least: 5, most: 7, budget: 30)
  }
}

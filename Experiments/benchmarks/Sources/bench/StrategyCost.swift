import Diffusion
import Dispatch
import Foundation
import Models
import Strategies
import Synchronization

/// What a strategy costs beside the model, as a ratio taken in one run: row summaries and `decide` for 32 masked rows at LLaDA-8B's vocabulary, against
/// one of its 32 layers on a 256-position canvas, two threads each. Rows are read whole, as checks read them; the engine's own way, segment by segment as the
/// head makes them, takes less.
enum StrategyCost {
  static let rows = 32
  static let positions = 256
  static let vocabulary = 126_464
  static let workers = 2

  private typealias Seconds = (layer: Double, summaries: Double, decide: Double)

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    let layer = try TransformerDenoiser(directory: checkpoints.directory(of: .bareLayer), threads: workers)
    let logits = Self.logits()
    var part = Report.Part(
      name: "strategies", measure: "reading \(rows) rows of \(vocabulary) logits and deciding, percent of one LLaDA-8B layer's time on \(positions) positions",
      remarks: [
        "\(workers) threads each; a pass of the layer before every first round, which is held against it; a strategy that shows several canvases against as many layers."
      ], rows: [])
    for name in Catalog.standard.names {
      let costs = try strategyCosts(name, logits, layer)
      let views = Double(costs.views)
      part.rows.append(
        Report.Row(
          name, costs.seconds.map { ($0.summaries + $0.decide) / ($0.layer * views) * 100 }, goal: "strategies",
          figures: [
            .init("views", views), .init("summaries ms", Spread(costs.seconds.map(\.summaries)).median * 1000),
            .init("decide ms", Spread(costs.seconds.map(\.decide)).median * 1000), .init("layer ms", Spread(costs.seconds.map(\.layer)).median * 1000),
          ]))
    }
    return part
  }

  /// Seconds of a strategy's first round, over and over: a pass of the layer, reading the rows, and deciding.
  private static func strategyCosts(_ name: String, _ logits: [[Float]], _ layer: TransformerDenoiser) throws -> (views: Int, seconds: [Seconds]) {
    let model = RowsDenoiser(logits)
    let query = Query(tokens: (0..<positions).map { Token($0 % 64) }, rows: Array(0..<positions))
    var views = 1
    func turn(_ repetition: Int) throws -> Seconds {
      let pass = try Timing.seconds { _ = try layer.believe([query]) }
      let canvas = try Canvas(prompt: Array(repeating: 5, count: positions - rows), length: rows, blockLength: rows, vocabulary: model.vocabulary)
      let context = Parameters.Context(genLength: rows, blockLength: rows, vocabulary: model.vocabulary)
      let session = try Session(id: 0, canvas: canvas, pipeline: Catalog.standard.build(Setting(.text(name)), context: context).pipeline)
      var first: Round?
      _ = Decoder(model).decode([session], record: { _, round in first = first ?? round }, while: { first == nil })
      guard let first else { throw BenchError("\(name) decided nothing") }
      views = first.cost.canvases
      return (pass, model.seconds, first.decideSeconds)
    }
    // The first one makes buffers.
    _ = try turn(0)
    return (views, try Timing.calm(least: 5, most: 7, budget: 2, turn))
  }

  /// Rows as a language model gives them: most tokens far below a few.
  private static func logits() -> [[Float]] {
    var stream = SeededStream(SeededRandom(seed: 1))
    return (0..<rows).map { row in
      var logits = (0..<vocabulary).map { _ in (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -3...3, using: &stream) } }
      for rank in 0..<8 { logits[Int.random(in: 0..<vocabulary, using: &stream)] = 14 + Float(row % 7) - Float(rank) }
      return logits
    }
  }
}

/// A denoiser without a model: it only reads prepared rows, on two threads, and takes the time of that.
final class RowsDenoiser: Denoiser {
  let vocabulary = Vocabulary(size: StrategyCost.vocabulary, mask: 3, end: 2)
  let abilities: Abilities = [.fullRows, .freshRows]
  private let logits: [[Float]]
  private let taken = Mutex(0.0)

  /// Seconds of the last call.
  var seconds: Double { taken.withLock { $0 } }

  init(_ logits: [[Float]]) { self.logits = logits }

  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    let wanted = queries.flatMap { query in query.rows.map { ($0 % StrategyCost.rows, query.reading) } }
    let summaries = Mutex([RowSummary?](repeating: nil, count: wanted.count))
    let started = ContinuousClock.now
    DispatchQueue.concurrentPerform(iterations: StrategyCost.workers) { worker in
      for index in stride(from: worker, to: wanted.count, by: StrategyCost.workers) {
        let summary = logits[wanted[index].0].withUnsafeBufferPointer { RowSummary($0, reading: wanted[index].1) }
        summaries.withLock { $0[index] = summary }
      }
    }
    taken.withLock { $0 = (ContinuousClock.now - started) / .seconds(1) }
    var rest = summaries.withLock { $0 }.compactMap(\.self)[...]
    return queries.map { query in
      defer { rest = rest.dropFirst(query.rows.count) }
      return Response(rows: Array(rest.prefix(query.rows.count)), cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count))
    }
  }
}

import Diffusion
import Dispatch
import Foundation
import Models
import Strategies
import Synchronization

/// What a strategy costs beside the model, as a ratio taken in one run: row summaries and `decide` for 32 masked rows at LLaDA-8B's vocabulary, against
/// one of its 32 layers on a 256-position canvas, two threads each.
enum StrategyCost {
  static let rows = 32
  static let positions = 256
  static let vocabulary = 126_464
  static let repeats = 7

  static func main() throws {
    let layer = try layerSeconds()
    print("one LLaDA-8B layer, \(positions) positions, 2 threads: \(milliseconds(layer)) ms (median of \(repeats))\n")
    print("strategy     views  summaries ms  decide ms  share of the layer %  goal < 5")
    let logits = Self.logits()
    for name in Catalog.standard.names {
      let (views, summaries, decide) = try strategyCost(name, logits)
      // Several views are several canvases, each with a layer's time of its own.
      let share = (summaries + decide) / (layer * Double(views)) * 100
      print(
        name.padding(toLength: 12, withPad: " ", startingAt: 0) + column("\(views)", 6) + column(milliseconds(summaries), 14) + column(milliseconds(decide), 11)
          + column(String(format: "%.2f", share), 22) + column(share < 5 ? "met" : "MISSED", 10))
    }
  }

  /// Median seconds of a strategy's first round: reading the rows, and deciding.
  private static func strategyCost(_ name: String, _ logits: [[Float]]) throws -> (views: Int, summaries: Double, decide: Double) {
    let model = RowsDenoiser(logits)
    var costs: [(Double, Double)] = []
    var views = 1
    for _ in 0..<repeats {
      let canvas = try Canvas(prompt: Array(repeating: 5, count: positions - rows), length: rows, blockLength: rows, vocabulary: model.vocabulary)
      let context = Parameters.Context(genLength: rows, blockLength: rows, vocabulary: model.vocabulary)
      let session = try Session(id: 0, canvas: canvas, pipeline: Catalog.standard.build(Setting(.text(name)), context: context).pipeline)
      var first: Round?
      _ = Decoder(model).decode([session], record: { _, round in first = first ?? round }, while: { first == nil })
      guard let first else { continue }
      views = first.cost.canvases
      costs.append((model.seconds, first.decideSeconds))
    }
    let sorted = costs.sorted { $0.0 + $0.1 < $1.0 + $1.1 }
    return (views, sorted[sorted.count / 2].0, sorted[sorted.count / 2].1)
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

  private static func layerSeconds() throws -> Double {
    let folder = FileManager.default.temporaryDirectory.appending(path: "unmask-layer-\(ProcessInfo.processInfo.processIdentifier)")
    defer { do { try FileManager.default.removeItem(at: folder) } catch { print("could not remove \(folder.path): \(error)") } }
    try LayerCheckpoint.write(to: folder)
    let denoiser = try TransformerDenoiser(directory: folder.path, threads: 2)
    let query = Query(tokens: (0..<positions).map { Token($0 % 64) }, rows: Array(0..<positions))
    return try (0...repeats).map { _ in
      let started = ContinuousClock.now
      _ = try denoiser.believe([query])
      return (ContinuousClock.now - started) / .seconds(1)
    }.dropFirst().sorted()[repeats / 2]
  }

  private static func milliseconds(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1000) }
  private static func column(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(1, width - text.count)) + text }
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
    DispatchQueue.concurrentPerform(iterations: wanted.count) { index in
      let summary = logits[wanted[index].0].withUnsafeBufferPointer { RowSummary($0, reading: wanted[index].1) }
      summaries.withLock { $0[index] = summary }
    }
    taken.withLock { $0 = (ContinuousClock.now - started) / .seconds(1) }
    var rest = summaries.withLock { $0 }.compactMap(\.self)[...]
    return queries.map { query in
      defer { rest = rest.dropFirst(query.rows.count) }
      return Response(rows: Array(rest.prefix(query.rows.count)), cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count))
    }
  }
}

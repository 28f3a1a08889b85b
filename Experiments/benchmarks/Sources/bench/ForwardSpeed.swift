import Diffusion
import Foundation
import Models

/// A forward pass against OpenBLAS's time for its matrix products alone, at three sizes, with one and two threads.
///
/// Ours is the whole of what a decoder asks for: embedding, norms, rotary positions, softmax, head, and the summary of every row. A ratio of 1 means that all of
/// that, and the products, take as long as OpenBLAS takes for the products.
enum ForwardSpeed {
  /// A model, and the canvas it is shown.
  struct Case {
    let name: String
    let directory: String
    let positions: Int
    /// Seconds of repetitions at each number of rows and threads.
    let budget: Double
  }

  static let block = 32

  static func cases(_ checkpoints: Checkpoints) throws -> [Case] {
    [
      Case(name: "reference", directory: try ModelCatalog().directory("reference"), positions: 128, budget: 2),
      Case(name: GeneratedModel.medium.name, directory: try checkpoints.directory(of: .medium), positions: 256, budget: 6),
      Case(name: GeneratedModel.layer.name, directory: try checkpoints.directory(of: .layer), positions: 128, budget: 12),
    ]
  }

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(
      name: "forward", measure: "seconds of OpenBLAS's products over seconds of our forward pass",
      remarks: [
        "Generated weights but for the reference model; the 8B layer is one of 32, in bfloat16, and has the whole head of 126,464 rows; OpenBLAS has float32, twice the bytes, there.",
        "One thread: processor time; two: time that passes.",
      ], rows: [])
    for work in try cases(checkpoints) { part.rows += try rows(work) }
    return part
  }

  private static func rows(_ work: Case) throws -> [Report.Row] {
    var rows: [Report.Row] = []
    let models = try threadCounts.map { try TransformerDenoiser(directory: work.directory, threads: $0) }
    for asked in [work.positions, block] {
      let query = query(models[0], positions: work.positions, asked: asked)
      let products = PlainProducts(models[0].configuration, rows: work.positions, asked: asked)
      for (model, threads) in zip(models, threadCounts) {
        let times = try Timing.alternating(
          [{ _ = try model.believe([query]) }, { products.run(threads: threads) }], least: 3, most: 40, budget: work.budget / 2,
          clock: Timing.clock(threads))
        let medians = (0..<2).map { side in Spread(times.map { $0[side] }).median * 1000 }
        rows.append(
          Report.Row(
            "\(work.name), \(work.positions) positions, \(asked == work.positions ? "all" : "\(asked)") rows, \(threads) thread\(threads > 1 ? "s" : "")",
            times.map { $0[1] / $0[0] }, goal: "forward." + work.name,
            figures: [.init("pass ms", medians[0]), .init("OpenBLAS ms", medians[1]), .init("repetitions", Double(times.count))]))
      }
    }
    return rows
  }

  /// One, and two where there are two.
  static var threadCounts: [Int] { ProcessInfo.processInfo.activeProcessorCount > 1 ? [1, 2] : [1] }

  /// A canvas whose last positions are masked and asked for.
  static func query(_ model: TransformerDenoiser, positions: Int, asked: Int) -> Query {
    let known = positions - asked
    let size = model.vocabulary.size
    let tokens = (0..<positions).map { place in
      place < known ? Token(place * 37 % (size - 2)) : model.vocabulary.mask
    }
    return Query(tokens: tokens, promptLength: known, rows: Array(known..<positions))
  }
}

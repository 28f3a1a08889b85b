import Diffusion
import Foundation
import Models

/// Integer arithmetic against float32: the same model, the same canvas, side by side.
enum Int8Speed {
  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(name: "int8", measure: "seconds of a float32 pass over seconds of an int8 pass", rows: [])
    for work in try ForwardSpeed.cases(checkpoints) {
      for threads in ForwardSpeed.threadCounts {
        let plain = try TransformerDenoiser(directory: work.directory, threads: threads)
        guard let options = try integers(work.directory) else {
          part.remarks = ["This version has no precision=int8."]
          return part
        }
        let small = try TransformerDenoiser(directory: work.directory, threads: threads, options: options)
        for asked in [work.positions, ForwardSpeed.block] {
          let query = ForwardSpeed.query(plain, positions: work.positions, asked: asked)
          let times = try Timing.alternating(
            [{ _ = try plain.believe([query]) }, { _ = try small.believe([query]) }], least: 3, budget: work.budget / 2, clock: Timing.clock(threads))
          let isAll = asked == work.positions
          part.rows.append(
            Report.Row(
              "\(work.name), \(work.positions) positions, \(isAll ? "all" : "\(asked)") rows, \(threads) thread\(threads > 1 ? "s" : "")",
              times.map { $0[0] / $0[1] }, goal: work.name == GeneratedModel.layer.name && isAll ? "int8.8B-layer" : nil,
              figures: [
                .init("float32 ms", Spread(times.map { $0[0] }).median * 1000), .init("int8 ms", Spread(times.map { $0[1] }).median * 1000),
                .init("repetitions", Double(times.count)),
              ]))
        }
      }
    }
    return part
  }

  /// The option, where this version has it.
  private static func integers(_ directory: String) throws -> ModelOptions? {
    do { return try ModelReference(directory + "?precision=int8").options } catch {
      if case .unknownOption = error { return nil }
      throw error
    }
  }
}

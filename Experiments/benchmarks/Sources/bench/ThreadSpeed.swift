import Diffusion
import Foundation
import Models

/// What a second thread brings to one forward pass.
enum ThreadSpeed {
  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(name: "threads", measure: "seconds of a pass with one thread over seconds with two", rows: [])
    guard ForwardSpeed.threadCounts.count > 1 else {
      part.remarks = ["This machine has one processor."]
      return part
    }
    for work in try ForwardSpeed.cases(checkpoints) {
      let models = try ForwardSpeed.threadCounts.map { try TransformerDenoiser(directory: work.directory, threads: $0) }
      for asked in [work.positions, ForwardSpeed.block] {
        let query = ForwardSpeed.query(models[0], positions: work.positions, asked: asked)
        let times = try Timing.alternating(models.map { model in { _ = try model.believe([query]) } }, least: 3, budget: work.budget / 4)
        part.rows.append(
          Report.Row(
            "\(work.name), \(work.positions) positions, \(asked == work.positions ? "all" : "\(asked)") rows", times.map { $0[0] / $0[1] }, goal: "threads",
            figures: [.init("1 thread ms", Spread(times.map { $0[0] }).median * 1000), .init("2 threads ms", Spread(times.map { $0[1] }).median * 1000)]))
      }
    }
    return part
  }
}

import Diffusion
import Foundation
import Models

/// Memory of the process's own beside the mapped file, and whether passes after the first ones ask for more.
enum MemoryCost {
  private static let passes = 10

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(
      name: "memory", measure: "megabytes by which the process grows over \(passes) passes after four",
      remarks: ["Two threads; all rows and 32 rows in turn, of the 8B layer 32 rows."],
      rows: [])
    for work in try ForwardSpeed.cases(checkpoints) {
      let before = own
      let model = try TransformerDenoiser(directory: work.directory, threads: 2)
      let loaded = own
      let queries = [work.name == GeneratedModel.layer.name ? ForwardSpeed.block : work.positions, ForwardSpeed.block].map {
        ForwardSpeed.query(model, positions: work.positions, asked: $0)
      }
      for turn in 0..<4 { _ = try model.believe([queries[turn % 2]]) }
      let warm = own
      for turn in 0..<passes { _ = try model.believe([queries[turn % 2]]) }
      let file = try FileManager.default.attributesOfItem(atPath: work.directory + "/model.safetensors")[.size] as? Int ?? 0
      part.rows.append(
        Report.Row(
          "\(work.name), \(work.positions) positions", [own - warm], goal: "memory.growth",
          figures: [.init("file MB", Double(file) / 1e6), .init("own after loading MB", loaded - before), .init("own after passes MB", warm - before)]))
      if work.name == GeneratedModel.layer.name {
        part.rows.append(
          Report.Row("\(work.name): own memory after passes, percent of the mapped file", [(warm - before) / Double(file) * 1e8], goal: "memory.mapped"))
      }
    }
    return part
  }

  /// Megabytes of the process's own.
  private static var own: Double { (Machine.memory["RssAnon"] ?? .nan) / 1e6 }
}

import Diffusion
import Foundation
import Strategies
import Workbench

/// Where decoding time goes, end to end, for every strategy of `Experiments/eight-strategies.yaml`: the model with its summaries, the rules, and the rest.
enum DecodeCost {
  private static let limit = 4

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    let file = Goals.folder.appending(path: "../eight-strategies.yaml").standardizedFileURL.path
    let plans = try ExperimentFile(file).plans(only: [], catalog: .standard, benchmarks: .standard, load: ModelLibrary.load).flatMap(\.plans)
    var part = Report.Part(
      name: "decode", measure: "share of decoding time that is not the model's, percent (one sample at a time, reference model, one thread)",
      remarks: ["\(limit) problems of arithmetic, 48 positions in blocks of 16; the rest is what is neither model nor rules."], rows: [])
    for plan in plans.filter({ $0.selection.name == "arithmetic" }).map({ $0.limited(to: limit) }) {
      part.rows.append(try row(plan))
    }
    return part
  }

  private static func row(_ plan: RunPlan) throws -> Report.Row {
    var shares: [Double] = []
    var (rounds, positions, model, decide, whole) = (0, 0, 0.0, 0.0, 0.0)
    for problem in plan.problems {
      var (own, total) = (0.0, 0.0)
      let session = try plan.session(problem)
      total = Timing.seconds {
        _ = Decoder(plan.model.denoiser).decode(
          [session],
          record: { _, round in
            rounds += 1
            positions += round.cost.positions
            own += round.forwardSeconds
            decide += round.decideSeconds
          })
      }
      shares.append((1 - own / total) * 100)
      (model, whole) = (model + own, whole + total)
    }
    let count = Double(max(rounds, 1))
    return Report.Row(
      plan.cell.label, shares,
      figures: [
        .init("rounds", Double(rounds) / Double(limit)), .init("positions a round", Double(positions) / count), .init("ms a round", whole / count * 1000),
        .init("model %", model / whole * 100), .init("decide %", decide / whole * 100), .init("rest %", (whole - model - decide) / whole * 100),
      ])
  }
}

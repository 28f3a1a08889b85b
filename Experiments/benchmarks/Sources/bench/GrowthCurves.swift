import Diffusion
import Foundation
import Models
import Workbench

/// How the seconds of a pass grow with the canvas, the rows asked for, the batch, the model and the vocabulary, and how well `CostModel` says so.
///
/// Every second point of a curve is fitted, the others are predicted. Two ways: rates of one model alone, as `unmask run --dry-run` fits them, and one set of
/// rates for all models.
enum GrowthCurves {
  /// Seconds a point is timed, its share of turns with the others of its model.
  private static let patience = 0.2

  private struct Pass {
    let positions: Int
    let asked: Int
    var canvases = 1
    /// With the dual cache: rows of the block, which alone are computed; nil: everything is.
    var block: Int?
  }

  /// One curve: a model, an axis, and the passes along it.
  private struct Line {
    let name: String
    let axis: String
    let x: [Double]
    let passes: [(model: String, pass: Pass)]
  }

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    let reference = try ModelCatalog().directory("reference")
    let medium = try checkpoints.directory(of: .medium)
    let sizes = [(64, 2, 1), (128, 4, 2), (192, 6, 3), (256, 8, 4), (384, 10, 6), (512, 12, 8), (768, 12, 12)].map { width, layers, heads in
      GeneratedModel(name: "size-\(width)", width: width, inner: width * 8 / 3 / 32 * 32, heads: heads, layers: layers, vocabulary: 4096)
    }
    let vocabularies = [1, 2, 4, 8, 16, 32, 64, 128].map { count in
      GeneratedModel(name: "vocabulary-\(count)k", width: 192, inner: 384, heads: 6, layers: 6, vocabulary: count * 1024)
    }
    let lines = [
      line("canvas length, reference model, 32 rows", "positions", reference, [32, 64, 96, 128, 192, 256, 384, 512]) { Pass(positions: $0, asked: 32) },
      line("canvas length, 100M, 32 rows", "positions", medium, [64, 128, 192, 256, 384, 512]) { Pass(positions: $0, asked: 32) },
      line("rows asked for, reference model, 128 positions", "rows", reference, [1, 4, 8, 16, 32, 64, 96, 128]) { Pass(positions: 128, asked: $0) },
      line("rows asked for, 100M, 128 positions", "rows", medium, [1, 8, 32, 64, 96, 128]) { Pass(positions: 128, asked: $0) },
      line("rows computed with a cache, 100M, 384 positions, 8 asked for", "rows", medium, [8, 16, 32, 64, 96, 128, 192, 256]) {
        Pass(positions: 384, asked: 8, block: $0)
      },
      line("batch, reference model, 64 positions, 16 rows", "canvases", reference, [1, 2, 3, 4, 6, 8]) { Pass(positions: 64, asked: 16, canvases: $0) },
      Line(
        name: "model size, 128 positions, 32 rows", axis: "million weights", x: sizes.map { Double($0.bytes) / 2e6 },
        passes: try sizes.map { (try checkpoints.directory(of: $0), Pass(positions: 128, asked: 32)) }),
      Line(
        name: "vocabulary, 6 layers of 192, 128 positions, 32 rows", axis: "thousand tokens", x: vocabularies.map { Double($0.vocabulary) / 1000 },
        passes: try vocabularies.map { (try checkpoints.directory(of: $0), Pass(positions: 128, asked: 32)) }),
    ]
    let points = try lines.map { try time($0.passes) }
    return try part(lines, points, own: [("reference model", [0, 2, 5]), ("100M", [1, 3, 4])])
  }

  private static func line(_ name: String, _ axis: String, _ model: String, _ x: [Int], _ pass: (Int) -> Pass) -> Line {
    Line(name: name, axis: axis, x: x.map(Double.init), passes: x.map { (model, pass($0)) })
  }

  /// Median processor seconds of passes, taken in turn.
  private static func time(_ passes: [(model: String, pass: Pass)]) throws -> [CostModel.Point] {
    var models: [String: TransformerDenoiser] = [:]
    for (name, _) in passes where models[name] == nil { models[name] = try TransformerDenoiser(directory: name, threads: 1) }
    var units: [CostUnits] = []
    let sides: [() throws -> Void] = try passes.map { name, pass in
      guard let model = models[name] else { throw BenchError("\(name) is not loaded") }
      var query = ForwardSpeed.query(model, positions: pass.positions, asked: min(pass.asked, pass.positions))
      var denoiser: any Denoiser = model
      if let block = pass.block {
        guard let cache = try CacheCatalog.standard.build("dual") else { throw BenchError("there is no cache named dual") }
        query = Query(tokens: query.tokens, promptLength: query.promptLength, window: pass.positions - block..<pass.positions, rows: query.rows)
        denoiser = CachedDenoiser(model, cache)
      }
      let queries = Array(repeating: query, count: pass.canvases)
      // What a second call costs: of a cache, the first one fills it.
      _ = try denoiser.believe(queries)
      let cost = try denoiser.believe(queries).reduce(into: Cost()) { $0 += $1.cost }
      units.append(CostUnits(model.configuration, cost, length: pass.positions))
      return { _ = try denoiser.believe(queries) }
    }
    let times = try Timing.alternating(sides, least: 5, most: 15, budget: patience * Double(sides.count), burst: 0.01, pause: 0, clock: .processor)
    return units.indices.map { side in CostModel.Point(units[side], seconds: Spread(times.map { $0[side] }).median) }
  }

  /// Errors of what was not fitted, and the curves.
  private static func part(_ lines: [Line], _ points: [[CostModel.Point]], own: [(name: String, lines: [Int])]) throws -> Report.Part {
    var part = Report.Part(
      name: "growth", measure: "error of the predicted seconds of passes that were not fitted, percent, one thread, processor time",
      remarks: ["Every second point of each curve is fitted. `one model`: rates of that model alone, as --dry-run fits them."], rows: [])
    let all = points.joined().filter { $0.seconds > 0 }
    let everywhere = try fit(points.flatMap(fitted))
    var chosen = [CostModel](repeating: everywhere, count: lines.count)
    for (name, indices) in own {
      let model = try fit(indices.flatMap { fitted(points[$0]) })
      for index in indices { chosen[index] = model }
      part.rows.append(row("one model: " + name, indices.flatMap { held(points[$0]) }, model))
    }
    for (index, line) in lines.enumerated() { part.rows.append(row("one set of rates for all: " + line.name, held(points[index]), everywhere, goal: nil)) }
    part.rows.append(row("one set of rates for all, \(all.count) passes", points.flatMap(held), everywhere))
    part.curves = lines.enumerated().map { index, line in
      Report.Curve(
        name: line.name, axis: line.axis,
        points: points[index].enumerated().map { place, point in
          .init(x: line.x[place], seconds: point.seconds, predicted: chosen[index].seconds(point.units), isFitted: place % 2 == 0)
        })
    }
    return part
  }

  private static func fitted(_ points: [CostModel.Point]) -> [CostModel.Point] { points.indices.filter { $0 % 2 == 0 }.map { points[$0] } }
  private static func held(_ points: [CostModel.Point]) -> [CostModel.Point] { points.indices.filter { $0 % 2 == 1 }.map { points[$0] } }

  private static func fit(_ points: [CostModel.Point]) throws -> CostModel {
    guard let model = CostModel.fit(points) else { throw BenchError("no pass took any time") }
    return model
  }

  private static func row(_ label: String, _ points: [CostModel.Point], _ model: CostModel, goal: String? = "growth") -> Report.Row {
    let errors = points.map { abs(model.seconds($0.units) / $0.seconds - 1) * 100 }
    return Report.Row(label, errors, goal: goal, figures: [.init("largest %", errors.max() ?? 0), .init("passes", Double(errors.count))])
  }
}

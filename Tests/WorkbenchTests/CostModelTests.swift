import Diffusion
import Foundation
import Support
import Testing

@testable import Models
@testable import Workbench

@Suite struct CostModelTests {
  private static func shape(layers: Int = 3, width: Int = 64, vocabulary: Int = 500, mixture: Mixture? = nil) -> ModelConfiguration {
    var shape = ModelConfiguration(
      family: "toy", layers: layers, width: width, heads: 4, keyValueHeads: 2, feedForward: 160, vocabularySize: vocabulary, maxLength: 4096, mask: 1, end: 0)
    shape.mixture = mixture
    return shape
  }

  private static func units(_ shape: ModelConfiguration, positions: Int, asked: Int, canvases: Int = 1, calls: Int = 1) -> CostUnits {
    var cost = Cost()
    (cost.canvases, cost.positions, cost.logitRows) = (canvases, canvases * positions, canvases * asked)
    return CostUnits(shape, cost, length: positions, calls: calls)
  }

  /// Where every row is asked for, every weight but norms and embedding meets every row once.
  @Test func everyWeightMeetsEveryRow() {
    let shape = Self.shape()
    let units = Self.units(shape, positions: 10, asked: 10)
    let norms = (2 * shape.layers + 1) * shape.width
    let held = shape.parameterCount - shape.vocabularySize * shape.width - norms
    #expect(units.weights == Double(held) && units.linear + units.head == Double(10 * held))
    #expect(units.attention == Double(shape.layers * 2 * 10 * 10 * shape.heads * shape.headWidth))
    #expect(units.logits == Double(10 * shape.vocabularySize) && units.calls == 1)
  }

  @Test func batchesAddUp() {
    let shape = Self.shape()
    var twice = Self.units(shape, positions: 12, asked: 5)
    twice += Self.units(shape, positions: 12, asked: 5)
    #expect(twice == Self.units(shape, positions: 12, asked: 5, canvases: 2, calls: 2))
    // One call for both reads the weights once.
    let batch = Self.units(shape, positions: 12, asked: 5, canvases: 2)
    #expect(batch.weights == twice.weights / 2 && batch.linear == twice.linear && batch.attention == twice.attention)
  }

  /// Rows of the last layer that nobody asks for cost their keys and values alone, and a skipped layer nothing.
  @Test func onlyWhatIsComputedCounts() {
    let shape = Self.shape(layers: 1)
    let none = Self.units(shape, positions: 20, asked: 0)
    #expect(none.linear == Double(20 * 2 * shape.width * shape.keyValueHeads * shape.headWidth) && none.attention == 0 && none.head == 0)
    var skipping = Self.shape(layers: 3)
    skipping.skippedLayers = [1]
    #expect(Self.units(skipping, positions: 20, asked: 7) == Self.units(Self.shape(layers: 2), positions: 20, asked: 7))
    // Of many experts those that are chosen.
    let many = Self.units(Self.shape(mixture: Mixture(experts: 64, chosen: 4, width: 40, router: .init())), positions: 8, asked: 8)
    let few = Self.units(Self.shape(mixture: Mixture(experts: 4, chosen: 4, width: 40, router: .init())), positions: 8, asked: 8)
    #expect(many.linear - few.linear == Double(8 * 3 * 64 * 60), "the router's scores alone")
    #expect(many.weights > few.weights)
  }

  private static let points: [(Int, Int, Int)] = [(32, 1, 1), (32, 16, 1), (64, 8, 1), (128, 1, 1), (128, 32, 1), (256, 64, 1), (64, 16, 4), (512, 8, 1)]

  /// Exact times give the rates back, wherever the fit starts from, as far as predictions tell.
  @Test func aFitPredictsWhatItHasNotSeen() throws {
    let shape = Self.shape(layers: 6, width: 192, vocabulary: 960)
    let truth = CostModel(rates: CostUnits(values: [1e-4, 4e-11, 5e-11, 1.5e-10, 3e-11, 4e-9]))
    let points = Self.points.map { length, asked, canvases in
      let units = Self.units(shape, positions: length, asked: asked, canvases: canvases)
      return CostModel.Point(units, seconds: truth.seconds(units))
    }
    let model = try #require(CostModel.fit(points))
    #expect(model.rates.values.allSatisfy { $0 >= 0 && $0.isFinite })
    for (length, asked) in [(48, 4), (96, 24), (200, 48), (384, 16)] {
      let units = Self.units(shape, positions: length, asked: asked)
      #expect(abs(model.seconds(units) / truth.seconds(units) - 1) < 0.05, "\(length), \(asked)")
    }
    // Noise of five percent stays about that.
    let noisy = points.enumerated().map { CostModel.Point($1.units, seconds: $1.seconds * ($0 % 2 == 0 ? 1.05 : 0.95)) }
    let rough = try #require(CostModel.fit(noisy))
    for point in points { #expect(abs(rough.seconds(point.units) / point.seconds - 1) < 0.15) }
  }

  @Test func onePointScalesAndNoneIsNoFit() throws {
    let units = Self.units(Self.shape(), positions: 64, asked: 16)
    let model = try #require(CostModel.fit([.init(units, seconds: 3)]))
    #expect(abs(model.seconds(units) - 3) < 1e-6)
    #expect(CostModel.fit([]) == nil && CostModel.fit([.init(units, seconds: 0)]) == nil && CostModel.fit([.init(CostUnits(), seconds: 1)]) == nil)
  }

  /// The proportions that predictions start from: on a model and canvas as they ship, most of a pass is linear layers, and more work never costs less.
  @Test func proportionsAreThoseOfAPass() {
    let shape = Self.shape(layers: 6, width: 192, vocabulary: 958)
    let units = Self.units(shape, positions: 128, asked: 32)
    let seconds = zip(CostModel.typical.rates.values, units.values).map(*)
    let whole = CostModel.typical.seconds(units)
    #expect(seconds[2] / whole > 0.4 && seconds[0] / whole < 0.1 && seconds[3] / whole < 0.4)
    for (length, asked) in [(129, 32), (128, 33), (256, 64)] {
      #expect(CostModel.typical.seconds(Self.units(shape, positions: length, asked: asked)) > whole)
    }
  }

  /// Passes cover the ranges asked for, stay within the canvas, and leave nothing with the denoiser.
  @Test func calibrationCoversItsRanges() throws {
    let calibration = CostCalibration(lengths: 40...40, asked: 1...64)
    #expect(calibration.shapes.allSatisfy { 1...40 ~= $0.length && 1...$0.length ~= $0.asked })
    #expect(calibration.shapes.contains { $0.length == 40 && $0.asked == 1 } && calibration.shapes.contains { $0.length < 40 })
    #expect(calibration.shapes.contains { $0.canvases > 1 } && calibration.shapes[0].canvases == 1)
    let toy = ToyDenoiser()
    var looks = 0
    let model = try CostCalibration(lengths: 8...16, asked: 1...4).measure(toy, Self.shape(), patience: 0.02) {
      looks += 1
      return true
    }
    #expect(model.map { $0.seconds(Self.units(Self.shape(), positions: 12, asked: 2)) > 0 } == true && looks > 0)
    #expect(try CostCalibration(lengths: 8...16, asked: 1...4).measure(toy, Self.shape(), while: { false }) == nil)
  }

  @Test func pilotsSpreadOverAllProblems() {
    let places = Runner.places(3, of: 100)
    #expect(places.prefix(3) == [16, 50, 83] && Set(places).count == places.count && places.allSatisfy { 0..<100 ~= $0 })
    #expect(Runner.places(3, of: 2).sorted() == [0, 1] && Runner.places(5, of: 1) == [0])
  }

  private static let experiment = """
    name: bound
    model: reference
    benchmark: {name: lists, split: dev, limit: 10}
    strategies:
      one-by-one: [quota: {}]
      threshold: [threshold: {confidence: 0.9}]
    """

  /// Without a pilot a run is bounded by a round for every masked position, and the bound holds.
  @Test func aDryRunWithoutAPilotBounds() throws {
    try ExperimentFileTests.with(Self.experiment) { file in
      let folder = try Folder()
      let options = ["run", file, "--output", folder.path, "--dry-run", "--json", "--pilot"]
      let rows = { (pilot: String) in
        try #require(try JSONSerialization.jsonObject(with: Data(try Command.run(options + [pilot]).output.utf8)) as? [[String: Any]])
      }
      let (bounds, estimates) = (try rows("0"), try rows("2"))
      #expect(bounds.map { $0["basis"] as? String } == ["bound", "bound"] && estimates.map { $0["basis"] as? String } == ["pilot", "pilot"])
      #expect(bounds.map { $0["rounds"] as? Double } == [16, 16] && estimates[0]["rounds"] as? Double == 16)
      #expect(try #require(estimates[1]["rounds"] as? Double) < 16)
      let table = try Command.run(["run", file, "--output", folder.path, "--dry-run", "--pilot", "0"])
      #expect(table.output.contains("≤ 16.0") && table.output.contains("20 samples to decode: at most 0:0"), "\(table.output)")
    }
  }
}

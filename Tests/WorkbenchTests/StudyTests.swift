import Diffusion
import Foundation
import Models
import Strategies
import Testing

@testable import Workbench

/// The stored Pareto study: what is decoded now is what is stored.
@Suite struct StudyTests {
  struct Point: Decodable {
    let strategy: String
    let setting: String
    let benchmark: String
    let samples: Int
    let x: Double
    let score: Double
    let runs: [String]
  }

  static let root = RepositoryTests.root

  static func points() throws -> [Point] {
    try JSONDecoder().decode([Point].self, from: Data(contentsOf: root.appending(path: "results/pareto/points.json")))
  }

  /// Every stored point is a run that the file still asks for, of the model that ships: nothing was renamed, retrained or edited since.
  @Test func theStudyIsOfThisFileAndThisModel() throws {
    let file = try ExperimentFile(Self.root.appending(path: "Experiments/pareto.yaml").path)
    let plans = try file.plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans
    let points = try Self.points()
    #expect(points.flatMap(\.runs) == plans.map(\.digest), "make renew decodes the study anew")
    #expect(points.map(\.setting) == plans.map(\.cell.setting))
    let settings = Dictionary(grouping: points) { "\($0.benchmark) \($0.strategy)" }.filter { !$0.key.hasSuffix("one-by-one") }
    #expect(settings.count >= 2 * 6 && settings.values.allSatisfy { $0.count >= 5 } && points.allSatisfy { $0.samples >= 200 })
  }

  /// One setting of it, decoded on a part of its problems, is a prefix of what was decoded for it: the same digest, the same costs.
  @Test func aFreshRunAgrees() throws {
    let path = Self.root.appending(path: "Experiments/pareto.yaml").path
    let names = Set(try ExperimentFile(path).experiments[0].cells.map(\.strategy))
    let others = names.subtracting(["threshold"]).sorted().map { "\($0): null" }.joined(separator: ", ")
    let text = """
      include: \(path)
      benchmark: {name: code, split: test, limit: 200}
      baseline: null
      trace: none
      strategies: {\(others), threshold: {sweep: {threshold.confidence: [0.7]}}}
      """
    try ExperimentFileTests.with(text) { file in
      let folder = try Folder()
      let fresh = try Command.run(["run", file, "--output", folder.path, "--jobs", "2"])
      #expect(fresh.code == 0, "\(fresh.errors)")
      let cells = CellResults.cells(of: try StoredRun.find(in: [folder.path + "/pareto"]).runs)
      let cell = try #require(cells.first)
      let stored = try #require(try Self.points().first { $0.benchmark == "code/test" && $0.strategy == "threshold" && $0.setting == "confidence=0.7" })
      #expect(cells.count == 1 && cell.runs.map(\.entry.digest) == stored.runs)
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
      #expect(abs(mean(cell[.rounds]) - stored.x) < 1e-9 && abs(mean(cell[.correct]) - stored.score) < 1e-9)
    }
  }
}

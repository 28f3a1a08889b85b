import Foundation
import Testing

@testable import Workbench

/// Files of several experiments, and the files that ship.
@Suite struct SeveralExperimentsTests {
  static let text = """
    # Two of them.
    name: first
    benchmark: {name: lists, split: dev, limit: 2}
    strategies: {a: threshold}
    ---
    name: second
    benchmark: {name: lists, split: dev, limit: 1}
    strategies: {b: threshold}
    """

  @Test func documentsAreExperiments() throws {
    let experiments = try ExperimentFileTests.with(Self.text) { try ExperimentFile($0).experiments }
    #expect(experiments.map(\.name) == ["first", "second"])
    #expect(experiments.map(\.cells[0].label) == ["a", "b"])
  }

  @Test func mistakesOfAllDocumentsAreReportedWithTheirLines() throws {
    let text = Self.text.replacing("limit: 2", with: "limit: 0").replacing("limit: 1", with: "limits: 1") + "\n---\nname: first\nstrategies: {}"
    #expect(
      try ExperimentFileTests.mistakes(text) == """
        e.yaml:3: `benchmark.limit` is 0, expected 1 to 10000000
        e.yaml:7: benchmark has no setting `limits`; did you mean `limit`?; known: name, split, limit, path, shots, shots_path, chat
        e.yaml:10: an experiment needs `benchmark`: as {name: arithmetic, split: test, limit: 200}
        e.yaml:11: an experiment needs `strategies`: a map of names to lists of rules
        """)
    #expect(try ExperimentFileTests.mistakes(Self.text.replacing("second", with: "first")) == "e.yaml:6: `first` names two experiments")
    #expect(mistakes { try YAML.documents("a: 1\n---\nb: [") }.contains("not valid YAML"))
    #expect(try ExperimentFileTests.mistakes("").contains("e.yaml:1: an experiment needs `benchmark`"))
    #expect(mistakes { try YAML.parse(Self.text) }.contains("not valid YAML"), "a strategy or a configuration is one document")
  }

  @Test func theCommandRunsAllOrTheOnesAskedFor() throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
    let whole = try Command.run(["run", file, "--output", folder.path + "/whole", "--json"])
    #expect(whole.code == 0)
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(whole.output.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["experiment"] as? String } == ["first", "second"])
    #expect(rows.map { $0["samples"] as? Int } == [2, 1])
    let one = try Command.run(["run", file, "--output", folder.path + "/one", "--only", "second"])
    #expect(one.code == 0 && one.output.contains("lists/dev"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/one") == ["second"])
    let unknown = try Command.run(["run", file, "--only", "secnd"])
    #expect(unknown.code == 2)
    #expect(unknown.errors == "unmask: \(file): there is no experiment named `secnd`; did you mean `second`?; known: first, second\n")
  }

  /// Every mistake a shipped file can have (a name, a setting, steps that the blocks do not divide) is found before anything is decoded.
  @Test func theShippedFilesCanBeRun() throws {
    let folder = RepositoryTests.root.appending(path: "Experiments")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let result = try Command.run(["run", folder.appending(path: file).path, "--dry-run", "--pilot", "0", "--json"])
      #expect(result.code == 0, "\(file): \(result.errors)")
    }
  }

  /// The file that the guide to real checkpoints walks through, on the model and the few problems that are here.
  @Test func theGuidesFileCanBeRun() throws {
    let folder = try Folder()
    let file = RepositoryTests.root.appending(path: "Experiments/checkpoints/gsm8k.yaml").path
    let changes = ["model=reference", "benchmark.path=\(FileBenchmarkTests.data)/gsm8k", "benchmark.limit=2", "benchmark.chat=false", "decoding.gen_length=64"]
    let result = try Command.run(["run", file, "--output", folder.path] + changes.flatMap { ["--set", $0] })
    #expect(result.code == 0 && result.output.contains("gsm8k/test"), "\(result.errors)")
    #expect(try Command.run(["pareto", folder.path + "/gsm8k"]).code == 0)
  }
}

import Diffusion
import Foundation
import Strategies
import Testing

@testable import Workbench

/// Experiment files: includes, values set on the command line, and mistakes with the place they were made in.
@Suite struct ExperimentFileTests {
  /// A file of this text, beside others, handed to an action.
  static func with<Result>(_ text: String, beside others: [String: String] = [:], _ action: (String) throws -> Result) throws -> Result {
    let folder = try Folder()
    for (name, text) in others.merging(["e.yaml": text], uniquingKeysWith: { $1 }) {
      try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }
    return try withExtendedLifetime(folder) { try action(folder.path + "/e.yaml") }
  }

  /// What is wrong with a file of this text, the folder's name left out.
  static func mistakes(_ text: String, beside others: [String: String] = [:], overrides: [String] = []) throws -> String {
    try with(text, beside: others) { path in
      WorkbenchTests.mistakes { try ExperimentFile(path, overrides: overrides).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load) }
        .replacing(path.dropLast("e.yaml".count), with: "")
    }
  }

  static let common = """
    benchmark: {name: lists, limit: 8}
    baseline: one-by-one
    decoding: {gen_length: 16}
    strategies:
      one-by-one: [quota: {}]
      threshold:
        use: [threshold: {confidence: 0.9}]
        sweep: {threshold.confidence: [0.5, 0.9]}
    """

  @Test func anIncludedFileIsLaidUnder() throws {
    let text = """
      include: common.yaml
      name: mine
      benchmark: {limit: 4}
      strategies:
        one-by-one: [quota: {steps: 16}]
        threshold: {sweep: {threshold.confidence: [0.7]}}
        saber: [saber: {}]
      """
    let experiment = try Self.with(text, beside: ["common.yaml": Self.common]) { try #require(try ExperimentFile($0).experiments.first) }
    #expect(experiment.name == "mine" && experiment.baseline == "one-by-one")
    #expect(experiment.benchmarks == [Experiment.Selection(name: "lists", split: .test, limit: 4)])
    #expect(experiment.cells.map(\.label) == ["one-by-one", "threshold confidence=0.7", "saber"])
    #expect(experiment.cells[0].rules == [["quota": ["steps": 16]]])
    let fewer = "include: [common.yaml, mine.yaml]\nstrategies: {threshold: null}"
    #expect(
      try Self.with(fewer, beside: ["common.yaml": Self.common, "mine.yaml": text]) { try ExperimentFile($0).experiments[0].cells.map(\.label) }
        == ["one-by-one", "saber"])
  }

  @Test func includesThatGoWrong() throws {
    #expect(try Self.mistakes("include: e.yaml\nstrategies: {}") == "e.yaml:1: e.yaml includes itself")
    #expect(try Self.mistakes("include: a.yaml", beside: ["a.yaml": "include: b.yaml", "b.yaml": "include: a.yaml"]).contains("a.yaml includes itself"))
    #expect(try Self.mistakes("include: none.yaml") == "e.yaml:1: none.yaml: No such file or directory")
    #expect(try Self.mistakes("include: 3") == "e.yaml:1: `include` is 3, expected a file or a list of files")
    #expect(
      try Self.mistakes("include: two.yaml", beside: ["two.yaml": "a: 1\n---\nb: 2"]) == "e.yaml:1: two.yaml holds 2 experiments, and only one can be included")
    let broken = try Self.mistakes("include: a.yaml\nname: x", beside: ["a.yaml": "# a line\nbenchmark: lists\nstrategies: {a: {use: thresold, swep: {}}}"])
    #expect(broken.contains("a.yaml:3: strategies.a has no setting `swep`; did you mean `sweep`?"), "\(broken)")
  }

  @Test func valuesAreSetByPath() throws {
    func read(_ overrides: [String]) throws -> Experiment { try Self.with(Self.common) { try ExperimentFile($0, overrides: overrides).experiments[0] } }
    func cells(_ overrides: String...) throws -> [Experiment.Cell] { try read(overrides).cells }
    #expect(try cells("strategies.one-by-one.0.quota.steps=8")[0].rules == [["quota": ["steps": 8]]])
    #expect(try cells("strategies.one-by-one.quota.steps=8")[0].rules == [["quota": ["steps": 8]]], "a rule of a list may be named")
    #expect(try cells("strategies.threshold.sweep.threshold.confidence=[0.1]").map(\.label) == ["one-by-one", "threshold confidence=0.1"])
    #expect(try cells("strategies.mine=saber").last?.label == "mine")
    let set = try read(["decoding.block_length=8", "benchmark.limit=3", "seeds=[1, 2]"])
    #expect(set.decodings[0].blockLength == 8 && set.decodings[0].genLength == 16 && set.benchmarks[0].limit == 3 && set.seeds == [1, 2])
  }

  @Test(arguments: [
    (
      "strategies.threshld.use=[]",
      "--set strategies.threshld.use=[]: there is no key under `strategies` named `threshld`; did you mean `threshold`?; known: one-by-one, threshold"
    ),
    ("strategies.one-by-one.3.quota.steps=1", "--set strategies.one-by-one.3.quota.steps=1: `strategies.one-by-one.3` is 3, expected a place from 0 to 0"),
    ("strategies.one-by-one.saber.mu=1", "--set strategies.one-by-one.saber.mu=1: there is no rule in `strategies.one-by-one` named `saber`; known: quota"),
    ("baseline.x=1", "--set baseline.x=1: `baseline` is text (one-by-one), expected a map or a list, to hold `x`"),
    ("nothing", "--set nothing: `--set` is nothing, expected KEY=VALUE, as decoding.gen_length=64"),
    (
      "benchmark.limt=3",
      "--set benchmark.limt=3: benchmark has no setting `limt`; did you mean `limit`?; known: name, split, limit, path, shots, shots_path, chat"
    ),
    (
      "strategies.one-by-one.quota.steps=many",
      "--set strategies.one-by-one.quota.steps=many: strategies.one-by-one.quota: `steps` is text (many), expected a whole number"
    ),
  ])
  func mistakesInThemNameThem(_ override: String, _ message: String) throws {
    #expect(try Self.mistakes(Self.common, overrides: [override]) == message)
  }

  @Test func mistakesOfTheFileAndOfItsStrategiesComeTogether() throws {
    let text = """
      benchmark: {name: arithmetik, limits: 3}
      seeds: none
      strategies:
        a: [threshold: {confidence: -3, confidnce: 0.9, fallback: [1]}]
        b: [thresold: {}]
        c: [freedave: {drafts: 0, base: [quota: {steps: x}]}]
      """
    let found = try Self.mistakes(text).split(separator: "\n").map(String.init)
    #expect(found.contains { $0.hasPrefix("e.yaml:1: benchmark has no setting `limits`") })
    #expect(found.contains { $0.hasPrefix("e.yaml:2: `seeds`") })
    #expect(found.contains { $0.contains("there is no benchmark named `arithmetik`; did you mean `arithmetic`?") }, "\(found)")
    let rules = try Self.mistakes(text.replacing("arithmetik, limits: 3", with: "lists").replacing("seeds: none\n", with: "\n")).split(separator: "\n").map(
      String.init)
    #expect(rules.contains("e.yaml:4: strategies.a.threshold: `confidence` is -3, expected 0.0 or more"), "\(rules)")
    #expect(rules.contains { $0.hasPrefix("e.yaml:4: strategies.a: threshold has no setting `confidnce`; did you mean `confidence`?") })
    #expect(rules.contains { $0.hasPrefix("e.yaml:5: strategies.b: there is no strategy named `thresold`; did you mean `threshold`?") })
    #expect(rules.contains { $0.hasPrefix("e.yaml:6: strategies.c.freedave: `drafts` is 0") })
    #expect(rules.contains { $0.contains("strategies.c.freedave.base.quota: `steps` is text (x)") })
    #expect(rules.count == 6, "\(rules)")
  }

  @Test(arguments: [
    ("model:\n  path: reference\n  skip_layers: [0]", "e.yaml:4: `model.skip_layers` is 0, expected layers from 1 to "),
    ("model: [reference,\n  {path: reference,\n   skip_layer: [1]}]", "e.yaml:4: a model has no setting `skip_layer`; did you mean `skip_layers`?"),
    ("model:\n  rope_scale: 0.5\n  path: reference", "e.yaml:3: `model.rope_scale` is \"0.5\", expected a number from 1"),
    ("model:\n  path: reference\n  worker: torsh", "e.yaml:4: `model.worker` is \"torsh\", expected torch"),
    ("model: reference?rope_scale=0", "e.yaml:2: `model.rope_scale` is \"0\""), ("model: [reference, nowhere]", "e.yaml:2: there is no model named `nowhere`"),
  ])
  func mistakesInAModelHaveTheLineOfTheirKey(_ model: String, _ message: String) throws {
    let found = try Self.mistakes("benchmark: lists\n\(model)\nstrategies: {a: quota}")
    #expect(found.hasPrefix(message) && !found.contains("\n"), "\(found)")
  }

  @Test func aModelHasOneNameWhateverTheOrderOfItsOptions() throws {
    let names = try ["{skip_layers: [2, 1], rope_scale: 2, path: reference}", "{path: reference, rope_scale: 2.0, skip_layers: [1, 2]}"].map {
      try Experiment(YAML.parse("benchmark: lists\nmodel: \($0)\nstrategies: {a: quota}")).models
    }
    #expect(names == [["reference?skip_layers=1+2&rope_scale=2.0"], ["reference?skip_layers=1+2&rope_scale=2.0"]])
  }

  @Test func geometriesAreRunsOfTheirOwn() throws {
    let text = "benchmark: {name: lists, limit: 2}\ndecoding: [{block_length: 8}, {block_length: 16}]\nstrategies: {a: quota, b: threshold}"
    let planned = try Self.with(text) { try ExperimentFile($0).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load) }
    #expect(planned[0].plans.map { "\($0.cell.label) \($0.geometry.blockLength)" } == ["a 8", "b 8", "a 16", "b 16"])
    #expect(Set(planned[0].plans.map(\.digest)).count == 4)
    #expect(try Self.mistakes("benchmark: lists\ndecoding: [{}, {}]\nstrategies: {a: quota}").contains("stands in `decoding` twice"))
  }
}

/// The values that a sweep goes over.
@Suite struct SweepTests {
  private func cells(_ sweep: String, over use: String = "[threshold: {confidence: 0.9}, quota: {}]") throws -> [Experiment.Cell] {
    try Experiment(YAML.parse("benchmark: lists\nstrategies:\n  s:\n    use: \(use)\n    sweep: \(sweep)")).cells
  }

  @Test(arguments: [
    ("{from: 0.5, to: 0.9, step: 0.1}", "0.5 0.6 0.7 0.8 0.9"), ("{from: 8, to: 48, step: 8}", "8 16 24 32 40 48"), ("{from: 9, to: 1, step: -4}", "9 5 1"),
    ("{from: 0, to: 1, count: 5}", "0.0 0.25 0.5 0.75 1.0"), ("{from: 1, to: 16, count: 5, scale: log}", "1 2 4 8 16"),
    ("{from: 0.01, to: 1.0, count: 3, scale: log}", "0.01 0.1 1.0"), ("{from: 1.0, to: 3.0, step: 1}", "1.0 2.0 3.0"), ("[a, 2, 0.5]", "a 2 0.5"),
  ])
  func rangesAreSpelledOut(_ values: String, _ expected: String) throws {
    let settings = try cells("{threshold.confidence: \(values)}").map(\.setting)
    #expect(settings == expected.split(separator: " ").map { "confidence=\($0)" })
  }

  @Test func zippedKeysChangeTogether() throws {
    let swept = try cells("{zip: {threshold.confidence: [0.5, 0.9], quota.steps: {from: 8, to: 16, step: 8}}, quota.score: [margin, entropy]}")
    #expect(
      swept.map(\.setting) == [
        "confidence=0.5 steps=8 score=margin", "confidence=0.5 steps=8 score=entropy", "confidence=0.9 steps=16 score=margin",
        "confidence=0.9 steps=16 score=entropy",
      ])
    #expect(swept[3].rules == [["threshold": ["confidence": 0.9]], ["quota": ["steps": 16, "score": "entropy"]]])
    let both = try cells("{zip: [{threshold.confidence: [0.5, 0.9]}, {quota.steps: [8, 16]}]}")
    #expect(both.count == 4)
  }

  @Test func keysOfABaseAreSweptByTheirPath() throws {
    let swept = try cells("{freedave.base.threshold.confidence: [0.5, 0.9]}", over: "[freedave: {drafts: 4, base: [threshold: {}]}]")
    #expect(swept.map(\.setting) == ["confidence=0.5", "confidence=0.9"])
    #expect(swept[1].rules == [["freedave": ["drafts": 4, "base": [["threshold": ["confidence": 0.9]]]]]])
    let twins = try cells("{a.k: [1], b.k: [2]}", over: "{a: {}, b: {}}")
    #expect(twins.map(\.setting) == ["a.k=1 b.k=2"], "two keys of one name are told apart")
  }

  @Test(arguments: [
    ("{threshold.confidence: {from: 0.5, to: 0.9}}", "a range needs either `step` or `count`"),
    ("{threshold.confidence: {from: 0.5, to: 0.9, step: -1}}", "does not lead from 0.5 to 0.9"),
    ("{threshold.confidence: {from: 0, to: 0.9, count: 4, scale: log}}", "a logarithmic range needs `from` and `to` above 0"),
    ("{threshold.confidence: {from: 0, to: 1, step: 1e-9}}", "over 10000 values"), ("{threshold.confidence: {to: 1, step: 1}}", "needs `from` and `to`"),
    ("{threshold.confidence: 0.5}", "expected a list of values, or {from: 0.5, to: 0.9, step: 0.1}"),
    ("{zip: {threshold.confidence: [0.5, 0.9], quota.steps: [8]}}", "`quota.steps` is 1 values, expected 2, as `threshold.confidence` has"),
    ("{zip: [0.5]}", "expected a map of keys to lists of equal lengths"), ("{threshold: [0.5]}", "expected a rule and its setting"),
    ("{quota.steps.deep: [1], thresold.confidence: [1]}", "did you mean `threshold`?"),
  ])
  func mistakes(_ sweep: String, _ message: String) {
    #expect(WorkbenchTests.mistakes { try cells(sweep) }.contains(message), "\(WorkbenchTests.mistakes { try cells(sweep) })")
  }
}

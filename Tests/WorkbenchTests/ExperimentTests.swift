import Diffusion
import Foundation
import Testing
import Traces

@testable import Workbench

/// Experiment files: what they say, and every mistake in them at once.
@Suite struct ExperimentTests {
  @Test func readsEveryKey() throws {
    let experiment = try Experiment(
      YAML.parse(
        """
        name: eight-strategies
        model: reference
        benchmark: {name: arithmetic, split: dev, limit: 20}
        decoding: {gen_length: 64, block_length: 16, temperature: 0.5, top_p: 0.9, top_k: 5, max_rounds: 512, pinned: {3: " ####", 7: 12}}
        seeds: [0, 1]
        trace: beliefs
        baseline: one-by-one
        strategies:
          one-by-one: [quota: {}]
          by-name: threshold
          swept:
            use: [threshold: {confidence: 0.9}]
            sweep: {threshold.confidence: [0.5, 0.9]}
        """))
    #expect(experiment.name == "eight-strategies")
    #expect(experiment.models == ["reference"])
    #expect(experiment.benchmarks == [Experiment.Selection(name: "arithmetic", split: .dev, limit: 20)])
    #expect(
      experiment.decodings.count == 1 && experiment.decodings[0].genLength == 64 && experiment.decodings[0].blockLength == 16
        && experiment.decodings[0].maxRounds == 512)
    #expect(experiment.decodings[0].sampling == Sampling(temperature: 0.5, topP: 0.9, topK: 5))
    #expect(experiment.decodings[0].pinned == [3: " ####", 7: 12])
    #expect(experiment.seeds == [0, 1])
    #expect(experiment.trace == .beliefs(8))
    #expect(experiment.cells.map(\.label) == ["one-by-one", "by-name", "swept confidence=0.5", "swept confidence=0.9"])
    #expect(experiment.cells[2].rules == [["threshold": ["confidence": 0.5]]])
  }

  @Test func allCombinationsOfSweptKeys() throws {
    let experiment = try Experiment(
      YAML.parse(
        """
        benchmark: lists
        strategies:
          s:
            use: {threshold: {confidence: 0.9}, quota: {}}
            sweep: {threshold.confidence: [0.5, 0.9], quota.steps: [8, 16]}
        """))
    #expect(experiment.cells.map(\.setting) == ["confidence=0.5 steps=8", "confidence=0.5 steps=16", "confidence=0.9 steps=8", "confidence=0.9 steps=16"])
    #expect(experiment.cells[1].rules == [["threshold": ["confidence": 0.5]], ["quota": ["steps": 16]]])
  }

  @Test func reportsEveryMistakeAtOnce() throws {
    let text = """
      name: ../escape
      modle: reference
      benchmark: {name: arithmetic, splits: dev, limit: 0}
      decoding: {gen_length: 64, block_length: 10, temperature: warm}
      seeds: [0, 0]
      trace: everything
      baseline: missing
      strategies:
        swept:
          use: [threshold: {confidence: 0.9}]
          sweep: {treshold.confidence: [0.5]}
      """
    #expect(
      mistakes { try Experiment(YAML.parse(text)) } == """
        line 1: `name` is ../escape, expected letters, digits, `-`, `_` and `.`, as it names a folder
        line 3: `benchmark.limit` is 0, expected 1 to 10000000
        line 3: benchmark has no setting `splits`; did you mean `split`?; known: name, split, limit, path, shots, shots_path, chat
        line 4: `decoding.temperature` is text (warm), expected a number
        line 4: `decoding.block_length` is 10, expected a divisor of gen_length (64)
        line 5: `seeds` is a list ([0, 0]), expected a list of different whole numbers
        line 6: there is no trace level named `everything`; known: none, edits, beliefs, fidelity
        line 11: strategies.swept: there is no rule in `use` named `treshold`; did you mean `threshold`?; known: threshold
        line 7: there is no strategy (for `baseline`) named `missing`; known: swept
        line 2: an experiment has no setting `modle`; did you mean `model`?; known: name, model, benchmark, decoding, cache, seeds, trace, baseline, adaptive, tune, strategies
        """)
  }

  @Test(arguments: [
    ("benchmark: [lists, {name: lists, limit: 3}]\nstrategies: {a: quota}", "line 1: `lists/test` stands in `benchmark` twice"),
    ("benchmark: lists\nmodel: [reference, reference]\nstrategies: {a: quota}", "line 2: `reference` stands in `model` twice"),
    (
      "benchmark: lists\nstrategies: {a: {use: quota, sweep: {quota.steps: [8, 8]}}}", "line 2: `a steps=8` stands in `strategies` twice"
    ),
    (
      "benchmark: lists\nbaseline: a\nstrategies: {a: {use: quota, sweep: {quota.steps: [8, 16]}}}",
      "line 2: the baseline `a` is swept; it has to be one setting"
    ),
    ("benchmark: []\nstrategies: {a: quota}", "line 1: an experiment needs `benchmark`: at least one, as {name: arithmetic}"),
  ])
  func whatWouldBeCountedTwiceIsRefused(_ text: String, _ message: String) {
    #expect(mistakes { try Experiment(YAML.parse(text)) } == message)
  }

  @Test func sweepsAreBounded() {
    let axes = (0..<9).map { "r.k\($0): [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" }.joined(separator: ", ")
    #expect(mistakes { try Experiment(YAML.parse("benchmark: lists\nstrategies: {a: {use: [r: {}], sweep: {\(axes)}}}")) }.contains("over 10000 combinations"))
  }

  @Test func emptyAndBrokenFiles() throws {
    #expect(
      mistakes { try Experiment(YAML.parse("")) } == """
        line 1: an experiment needs `benchmark`: as {name: arithmetic, split: test, limit: 200}
        line 1: an experiment needs `strategies`: a map of names to lists of rules
        """)
    #expect(mistakes { try YAML.parse("a: [1, 2") }.contains("not valid YAML"))
    #expect(mistakes { try YAML.parse("a: 1\na: 2") } != "")
    #expect(mistakes { try YAML.read(file: "/nowhere/x.yaml") } == "/nowhere/x.yaml: No such file or directory")
    #expect(mistakes { try YAML.read(file: "/") } != "")
  }

  @Test func aBillionLaughsAreBounded() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let references = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(references)]\n"
    }
    #expect(mistakes { try YAML.parse(text) }.contains("expands to over"))
  }

  @Test(arguments: [
    "1", "1.5", "-2", "1e-3", "true", "text", "\"1\"", "[1, 2.0, x]", "{a: 1, b: {c: [d, \"true\"]}}", "null", "\"null\"", "\"\"", "\"two\\nlines\"",
  ])
  func yamlWritesWhatItReads(_ text: String) throws {
    let value = try YAML.parse(text)
    #expect(try YAML.parse(try YAML.write(["key": value]))["key"] == value)
    #expect(try YAML.parse(value.json) == value)
  }
}

/// The text of the error that an action ends with; empty if it does not fail.
func mistakes(_ action: () throws -> some Any) -> String {
  do {
    _ = try action()
    return ""
  } catch { return "\(error)" }
}

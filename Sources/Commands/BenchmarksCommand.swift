public import ArgumentParser
internal import Diffusion
public import Workbench

extension Split: ExpressibleByArgument {}

struct BenchmarksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks", abstract: "The benchmarks that experiments may name, or problems of one.",
    discussion: """
      Problems are generated from their index and split; no problem is in two splits.

      EXAMPLES
        unmask benchmarks
        unmask benchmarks lists --split dev --limit 5
        unmask benchmarks arithmetic --split train --limit 100000 --json > train.jsonl
      """)

  @Argument(help: "A benchmark.") var name: String?
  @Option(help: "Which split: train, dev or test.") var split = Split.test
  @Option(help: "How many problems.") var limit = 3
  @Option(help: "The first problem's index.") var offset = 0
  @Flag(help: "Print JSON, one object per line.") var json = false

  func validate() throws {
    guard limit >= 0, offset >= 0, limit <= 100_000_000, offset <= 100_000_000 else { throw ValidationError("--limit and --offset are 0 to 100,000,000") }
  }

  func run() throws {
    let catalog = Unmask.benchmarks
    guard let name else {
      let rows = catalog.benchmarks.map { [$0.name, "\($0.version)", "\($0.geometry.genLength)", "\($0.geometry.blockLength)", $0.summary] }
      guard !json else {
        for entry in catalog.benchmarks { Terminal.out(Self.describe(entry).json) }
        return
      }
      return Terminal.out(TextTable(rows, header: ["benchmark", "version", "gen_length", "block_length", "problems"], numeric: [1, 2, 3]).text)
    }
    let benchmark = try catalog.benchmark(named: name)
    if !json {
      let type = type(of: benchmark)
      Terminal.out("\(type.name): \(type.summary)\ngen_length \(type.geometry.genLength), block_length \(type.geometry.blockLength), version \(type.version)\n")
    }
    for index in offset..<offset + limit {
      let problem = benchmark.problem(index, of: split)
      Terminal.out(json ? Self.describe(problem).json : Self.text(problem))
    }
  }

  private static func describe(_ problem: Problem) -> Setting {
    var entries = [
      Setting.Entry("id", Setting(.text(problem.id))), Setting.Entry("prompt", Setting(.text(problem.prompt))),
      Setting.Entry("answer", Setting(.text(problem.answer))), Setting.Entry("kind", Setting(.text(problem.kind))),
      Setting.Entry("level", Setting(.integer(problem.level))),
    ]
    if !problem.spans.isEmpty {
      let spans = problem.spans.map { [Setting(.text($0.text)), Setting(.bool($0.isGiven))] as Setting }
      entries.append(Setting.Entry("spans", Setting(.list(spans))))
    }
    return Setting(.map(entries))
  }

  private static func text(_ problem: Problem) -> String {
    var text = "\(problem.id) (\(problem.kind), level \(problem.level))\n  prompt: \(Setting.quoted(problem.prompt))"
    text += "\n  answer: \(Setting.quoted(problem.answer))"
    // What is to be written, in brackets.
    if !problem.spans.isEmpty { text += "\n  layout: \(Setting.quoted(problem.spans.map { $0.isGiven ? $0.text : "[\($0.text)]" }.joined()))" }
    return text
  }

  private static func describe(_ type: any Benchmark.Type) -> Setting {
    [
      "name": Setting(.text(type.name)), "version": Setting(.integer(type.version)), "gen_length": Setting(.integer(type.geometry.genLength)),
      "block_length": Setting(.integer(type.geometry.blockLength)), "summary": Setting(.text(type.summary)),
    ]
  }
}

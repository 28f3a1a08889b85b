public import ArgumentParser
internal import Diffusion
public import Workbench

extension Split: ExpressibleByArgument {}

struct BenchmarksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks", abstract: "The benchmarks that experiments may name, or problems of one.",
    discussion: """
      Problems are made from their index and split, and then no problem is in two splits, or read from a file that you have. Of the latter,
      the schema, where the file is had, and an example are shown without the file, and its problems with --path.

      EXAMPLES
        unmask benchmarks
        unmask benchmarks lists --split dev --limit 5
        unmask benchmarks arithmetic --split train --limit 100000 --json > train.jsonl
        unmask benchmarks gsm8k
        unmask benchmarks gsm8k --path gsm8k/test.jsonl --chat --limit 1
        unmask benchmarks humaneval --path HumanEval.jsonl.gz --verify     # every reference solution has to be graded right
      """)

  @Argument(help: "A benchmark.") var name: String?
  @Option(help: "Which split: train, dev or test.") var split = Split.test
  @Option(help: "How many problems.") var limit = 3
  @Option(help: "The first problem's index.") var offset = 0
  @Option(help: "The benchmark's file, or the folder it is in.") var path: String?
  @Option(help: "Examples before each question.") var shots: Int?
  @Option(help: "The file that examples come from.") var shotsPath: String?
  @Flag(help: "Prompts as they are put to an assistant, before the model's chat template.") var chat = false
  @Flag(help: "Grade every problem's own reference response, and name those that are not right.") var verify = false
  @Flag(help: "Print JSON, one object per line.") var json = false

  func validate() throws {
    guard limit >= 0, offset >= 0, limit <= 100_000_000, offset <= 100_000_000 else { throw ValidationError("--limit and --offset are 0 to 100,000,000") }
    if name == nil, path != nil || shots != nil || shotsPath != nil || chat || verify { throw ValidationError("name a benchmark first, as `benchmarks gsm8k`") }
    if let shots, !(0...64).contains(shots) { throw ValidationError("--shots is 0 to 64") }
    if verify, json { throw ValidationError("--verify prints one sentence; leave --json out") }
  }

  func run() throws {
    let catalog = Unmask.benchmarks
    guard let name else { return list(catalog) }
    let type = type(of: try catalog.benchmark(named: name))
    if let files = type.files, path == nil, !verify, BenchmarkSource.dataFolder == nil { return try show(type, files) }
    let source = BenchmarkSource(split: split, path: path, shots: shots, shotsPath: shotsPath, isChat: chat)
    let benchmark = try catalog.benchmark(named: name, source)
    if verify { return try verify(benchmark) }
    if !json {
      Terminal.out(heading(type))
      if let count = benchmark.count(of: split) { Terminal.out("\(count) problems, \(provenance(benchmark, type.files))\n") }
    }
    for problem in benchmark.problems(offset..<offset + limit, of: split) {
      Terminal.out(json ? Self.describe(problem).json : Self.text(problem))
    }
  }

  private func list(_ catalog: BenchmarkCatalog) {
    let rows = catalog.benchmarks.map { [$0.name, "\($0.version)", "\($0.geometry.genLength)", "\($0.geometry.blockLength)", $0.summary] }
    guard !json else {
      for entry in catalog.benchmarks { Terminal.out(Self.describe(entry).json) }
      return
    }
    Terminal.out(TextTable(rows, header: ["benchmark", "version", "gen_length", "block_length", "problems"], numeric: [1, 2, 3]).text)
  }

  private func heading(_ type: any Benchmark.Type) -> String {
    "\(type.name): \(type.summary)\ngen_length \(type.geometry.genLength), block_length \(type.geometry.blockLength), version \(type.version)\n"
  }

  /// What is known of a benchmark without its file.
  private func show(_ type: any Benchmark.Type, _ files: BenchmarkFiles) throws {
    let problem = try BenchmarkSource.example(of: type, isChat: chat)
    guard !json else { return Terminal.out(problem.map { Self.describe($0).json } ?? Self.describe(type).json) }
    var lines = [heading(type), "file: \(files.origin)"]
    lines += files.splits.map { "  \($0.rawValue): \(files.names[$0, default: []].joined(separator: " or "))" }
    lines += ["", "one JSON object per line:"] + files.schema.map { "  \($0.key): \($0.holds)" }
    lines += ["", "as in: \(files.example)", ""]
    lines.append("in an experiment: benchmark: {name: \(type.name), path: DIR, split: \(files.splits.last?.rawValue ?? "test")}")
    if let problem {
      lines += ["", "which is put like this\(chat ? " to an assistant" : ""):", "", problem.prompt, "", "and answered so:", "", problem.answer]
    }
    Terminal.out(lines.joined(separator: "\n"))
  }

  private func provenance(_ benchmark: any Benchmark, _ files: BenchmarkFiles?) -> String {
    let digest = benchmark.identity(of: split)
    let first = String(digest.prefix { $0 != " " })
    return files?.known[first].map { "\($0) (SHA-256 \(first))" } ?? "SHA-256 \(digest)"
  }

  /// Grades every reference response.
  private func verify(_ benchmark: any Benchmark) throws {
    guard let count = benchmark.count(of: split) else {
      throw ConfigurationError.unsupported("\(type(of: benchmark).name) has problems without end, and its tests verify them; --verify is for those of a file")
    }
    Terminal.catchInterrupts()
    let progress = Progress("grading reference responses", total: count)
    progress.begin(with: 0)
    var wrong: [String] = []
    for problem in benchmark.problems(0..<count, of: split) {
      if Terminal.isInterrupted { throw Failure.interrupted("interrupted") }
      if try !benchmark.grade(problem.answer, problem).isCorrect { wrong.append(problem.id) }
      progress.advance()
    }
    progress.finish()
    Terminal.out("\(count - wrong.count) of \(count) reference responses of \(type(of: benchmark).name)/\(split.rawValue) are graded right")
    if !wrong.isEmpty { throw Failure(code: 1, message: "not right: \(wrong.prefix(20).joined(separator: ", "))\(wrong.count > 20 ? " and others" : "")") }
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
    var entries: [Setting.Entry] = [
      Setting.Entry("name", Setting(.text(type.name))), Setting.Entry("version", Setting(.integer(type.version))),
      Setting.Entry("gen_length", Setting(.integer(type.geometry.genLength))), Setting.Entry("block_length", Setting(.integer(type.geometry.blockLength))),
      Setting.Entry("summary", Setting(.text(type.summary))),
    ]
    if let files = type.files { entries.append(Setting.Entry("file", Setting(.text(files.origin)))) }
    return Setting(.map(entries))
  }
}

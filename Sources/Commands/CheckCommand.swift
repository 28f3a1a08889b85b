internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Traces
internal import Workbench

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Regression-test strategies against goldens: decode them again and compare every decision.",
    discussion: """
      Decisions and costs have to be the recorded ones, beliefs within the suite's tolerance. On a difference the first round that differs is \
      shown, and what would take the golden's place is left in the suite's folder `pending`. Exit code 1 if a golden is different, missing, \
      extra, edited or damaged.

      EXAMPLES
        unmask check
        unmask check --only threshold
        unmask check --junit goldens.xml
        unmask check --accept
        unmask check --create DIR --strategies mine.yaml --model MODEL

      Without SUITE the suite that ships is checked. --accept shows what would change, asks, and records it.

      --create makes a suite of one's own and records it: every strategy of the catalog, or those of --strategies (an experiment, or the map \
      under its `strategies`), decoded on a few problems with the model, and on `ties`. That is a model made of arithmetic whose confidences \
      meet bars exactly, so that a bar that turns from >= to > is noticed.
      """)

  @Argument(help: "A suite's folder.") var suite: String?
  @Flag(help: "Show what would change in the suite, and accept it.") var accept = false
  @Flag(help: "Accept without asking.") var yes = false
  @Option(help: "Only this strategy.") var only: String?
  @Option(help: "Only this model of the suite; with --create, the model of the new suite.") var model: String?
  @Option(help: "Also write the result as JUnit XML.") var junit: String?
  @Flag(help: "Print JSON.") var json = false
  @Option(help: "Make a suite in this folder.") var create: String?
  @Option(help: "With --create: a YAML file with strategies.") var strategies: String?
  @Option(parsing: .upToNextOption, help: "With --create: problems, as lists/dev/3.") var problems: [String] = []
  @Option(help: "With --create: response length in tokens. Default: the benchmark's.") var genLength: Int?
  @Option(help: "With --create: block length in tokens. Default: the benchmark's.") var blockLength: Int?

  func validate() throws {
    if create != nil {
      if suite != nil || accept || only != nil { throw ValidationError("--create makes a suite of its own; leave out SUITE, --accept and --only") }
    } else if strategies != nil || !problems.isEmpty || genLength != nil || blockLength != nil {
      throw ValidationError("--strategies, --problems, --gen-length and --block-length go with --create DIR")
    }
    if yes, !accept { throw ValidationError("--yes goes with --accept") }
  }

  func run() throws {
    if let junit {
      try TraceFile.check(destination: junit, apartFrom: try inputs(of: create ?? self.suite ?? GoldenSuite.shipped()), "a file of the suite")
    }
    let folder: String
    if let create {
      try makeSuite(create)
      folder = create
    } else if let suite {
      folder = suite
    } else {
      folder = try GoldenSuite.shipped()
    }
    let suite = try GoldenSuite(folder: folder)
    let filter = create == nil ? model : nil
    let check = try GoldenCheck(suite, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, only: only, model: filter)
    Terminal.catchInterrupts()
    let report = try decode(check)
    if let junit { try DurableFile.replace(junit, with: Array(report.junit.utf8)) }
    if report.isStopped { throw Failure.interrupted("interrupted; the suite is as it was") }
    for remark in report.remarks { Terminal.complain(remark) }
    if json { Terminal.out(report.json.json) } else if create == nil, !accept { show(report) }
    if accept || create != nil { return try revise(report, check) }
    guard !report.isPassed else { return }
    let bad = report.strategies.filter { $0.results.contains { !$0.verdict.isFine } }
    let command = ["unmask check", self.suite, "--accept"].compactMap(\.self).joined(separator: " ")
    let advice = report.hasPending ? "what would take their place is in \(folder)/\(GoldenCheck.pending), `\(command)` shows and records it" : nil
    let finding = "\(bad.count) of \(report.strategies.count) strategies do not match their goldens: \(names(bad))"
    throw Failure(code: 1, message: [finding, advice].compactMap(\.self).joined(separator: "; "))
  }

  /// What a report must not be written over.
  private func inputs(of folder: String) -> [String] {
    let own = FileManager.default.subpaths(atPath: folder)?.filter { $0.hasSuffix(".h5") || ["suite.yaml", "manifest.json"].contains($0) } ?? []
    return own.map { folder + "/" + $0 } + [strategies].compactMap(\.self)
  }

  private func decode(_ check: GoldenCheck) throws(RunError) -> GoldenReport {
    var progress: Progress?
    defer { progress?.finish() }
    return try check.run(
      begin: { progress = Progress("goldens", done: 0, total: $0) }, advance: { progress?.advance() }, while: { !Terminal.isInterrupted })
  }

  private func show(_ report: GoldenReport) {
    for strategy in report.strategies {
      let bad = strategy.results.filter { !$0.verdict.isFine }
      // That the model is another was said; it need not be said of each golden.
      if bad.allSatisfy(\.verdict.isOfAnotherModel) { continue }
      Terminal.out("\(strategy.name): \(bad.count) of \(strategy.results.count) goldens do not hold")
      for result in bad where !result.verdict.isOfAnotherModel {
        for line in report.lines(result, width: Terminal.width, hasColour: Terminal.hasColour) { Terminal.out("  " + line) }
      }
    }
    if report.results.contains(where: { $0.verdict.difference != nil }) { Terminal.out("(\(CanvasText.legend(hasColour: Terminal.hasColour)))") }
    let fine = report.strategies.filter { $0.results.allSatisfy(\.verdict.isFine) }
    guard !fine.isEmpty else { return }
    let goldens = fine.reduce(0) { $0 + $1.results.count }
    let models = report.models.map(\.name).joined(separator: " and ")
    Terminal.out("\(report.suite.name): \(fine.count) of \(report.strategies.count) strategies as recorded, \(goldens) goldens on \(models)")
    guard report.isPassed else { return }
    let tolerance = report.suite.tolerance
    if let furthest = report.furthest {
      Terminal.out("every decision is the golden's; beliefs are within \(tolerance.absolute) + \(tolerance.relative) of the value")
      Terminal.out("furthest: \(furthest.distance), \(furthest.place)")
    } else {
      Terminal.out("every decision is the golden's, and every belief bit for bit")
    }
  }

  private func names(_ strategies: [(name: String, results: [GoldenReport.Result])]) -> String { strategies.map(\.name).joined(separator: ", ") }

  // MARK: Accepting

  private func revise(_ report: GoldenReport, _ check: GoldenCheck) throws {
    let revision = try GoldenRevision(report, check)
    complain(of: revision.unresolved)
    guard !revision.changes.isEmpty else {
      if create != nil {
        try GoldenSuite.unmake(check.folder)
        throw Failure(code: 2, message: "no suite was made, as there is nothing to record")
      }
      if !revision.unresolved.isEmpty { throw Failure(code: 1, message: "\(revision.unresolved.count) goldens cannot be recorded") }
      return Terminal.note("nothing to accept")
    }
    for change in revision.changes { show(change, report) }
    for note in revision.unsteady { Terminal.note("note: \(note)") }
    if revision.needsNewEngine {
      Terminal.note(
        "note: decisions changed; raise RunPlan.engineVersion (\(RunPlan.engineVersion)), or runs finished before are taken for results of the new code")
    }
    let counts = [GoldenRevision.Change.Kind.new, .changed, .removed].map { kind in "\(revision.changes.count { $0.kind == kind }) \(kind.rawValue)" }
    let summary = counts.filter { !$0.hasPrefix("0 ") }.joined(separator: ", ")
    guard try yes || create != nil || ask("accept \(summary)? [y/N] ") else { throw Failure(code: 1, message: "nothing was accepted") }
    try revision.apply()
    Terminal.note("recorded: \(summary), in \(check.folder)")
    if !revision.unresolved.isEmpty { throw Failure(code: 1, message: "\(revision.unresolved.count) goldens could not be recorded") }
  }

  /// What keeps goldens from being recorded, a line for each strategy and reason.
  private func complain(of results: [GoldenReport.Result]) {
    var said: Set<[String]> = []
    for result in results {
      guard let message = result.verdict.message, said.insert([result.golden.strategy, message]).inserted else { continue }
      let files = results.filter { $0.golden.strategy == result.golden.strategy && $0.verdict.message == message }
      Terminal.complain("\(files.count > 1 ? result.golden.strategy : result.golden.file): \(message)")
    }
  }

  private func show(_ change: GoldenRevision.Change, _ report: GoldenReport) {
    var lines = [change.golden.file + (change.reason.map { ": \($0)" } ?? "")]
    if change.kind == .changed, let result = change.result { lines = report.lines(result, width: Terminal.width, hasColour: Terminal.hasColour) }
    lines[0] = change.kind.rawValue + String(repeating: " ", count: 9 - change.kind.rawValue.count) + lines[0]
    for line in lines { Terminal.out(line) }
  }

  private func ask(_ question: String) throws(ConfigurationError) -> Bool {
    guard Terminal.isInteractive(STDIN_FILENO) else {
      throw .unsupported("standard input is no terminal to be asked on; --accept --yes accepts without asking")
    }
    Terminal.note(question, terminator: "")
    return ["y", "yes"].contains((readLine() ?? "").lowercased())
  }

  // MARK: A new suite

  private func makeSuite(_ folder: String) throws {
    let chosen = try strategies.map { try GoldenSuite.strategies(file: $0) }
    let problems = problems.isEmpty ? ["lists/dev/0", "arithmetic/dev/0"] : problems
    for problem in problems { _ = try Unmask.benchmarks.problem(problem, key: "--problems") }
    let models = [model ?? "reference", GoldenSuite.exactModel]
    var settings: [Setting.Entry] = [
      Setting.Entry("name", Setting(.text(URL(fileURLWithPath: folder).lastPathComponent))),
      Setting.Entry("model", Setting(.list((model == GoldenSuite.exactModel ? [GoldenSuite.exactModel] : models).map { Setting(.text($0)) }))),
      Setting.Entry("problems", Setting(.list(problems.map { Setting(.text($0)) }))),
    ]
    let lengths = [("gen_length", genLength), ("block_length", blockLength)].compactMap { key, value in
      value.map { Setting.Entry(key, Setting(.integer($0))) }
    }
    if !lengths.isEmpty { settings.append(Setting.Entry("decoding", Setting(.map(lengths)))) }
    let tolerance = GoldenSuite.Tolerance.standard
    settings += [
      Setting.Entry("tolerance", ["absolute": Setting(.number(tolerance.absolute)), "relative": Setting(.number(tolerance.relative))]),
      Setting.Entry("candidates", 4), Setting.Entry("catalog", Setting(.bool(chosen == nil))),
    ]
    // Strategies that need settings to show what they do, or to fit common lengths, have them in the suite that ships.
    let given = try chosen ?? GoldenSuite(folder: GoldenSuite.shipped()).overrides(of: Unmask.catalog)
    if given != Setting(.map([])) { settings.append(Setting.Entry("strategies", given)) }
    try GoldenSuite.make(folder, Setting(.map(settings)))
  }
}

internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Traces
internal import Workbench

struct ParetoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pareto", abstract: "Fronts of quality against cost, per strategy and over all, with confidence intervals.",
    discussion: """
      DIR is an experiment's folder, as results/NAME, or a run's folder in it. Every model, benchmark and geometry is a group of its own. Intervals are 95 \
      percent, from bootstrap draws of the problems that all points of a group share.

      A point is on the front if no other is as cheap and as good, and one of both strictly. Speedups at a kept share of quality interpolate between \
      neighbouring settings of a front, as deciding between them by lot would. The hypervolume is the area that a front dominates, cost and quality \
      divided by the baseline's, with the reference point (1, 0): cheaper than the baseline, better than nothing.

      EXAMPLES
        unmask pareto results/eight-strategies
        unmask pareto results/eight-strategies --x positions --quality-kept 0.95 0.99
        unmask pareto results/eight-strategies --json > points.json
        unmask pareto results/eight-strategies --against points.json
        unmask pareto results/eight-strategies --svg front.svg --html front.html
      """)

  @Argument(help: "Folders of experiments or runs.") var folders: [String]
  @Option(name: .customLong("x"), help: "The cost: rounds, seconds or positions.", transform: chosen) var cost = Pareto.Cost.rounds
  @Option(help: "The quality: accuracy, or score for partial credit.", transform: chosen) var quality = Pareto.Quality.accuracy
  @Option(parsing: .upToNextOption, help: "Shares of the baseline's quality at which strategies are compared by cost.") var qualityKept = [0.99]
  @Option(help: "Only this strategy, beside the baseline; may be repeated.") var strategy: [String] = []
  @Option(help: "What others are measured against. Default: the experiment's baseline.") var baseline: String?
  @Option(help: "Bootstrap draws.") var draws = 2000
  @Option(help: "Seed of the draws.") var seed: UInt64 = 0
  @Flag(help: "Take seconds even of runs that were not timed alone.") var sharedTimes = false
  @Flag(help: "Print the points as JSON.") var json = false
  @Option(help: "Write the points as CSV; - is standard output.") var csv: String?
  @Option(help: "Write the plot as SVG.") var svg: String?
  @Option(help: "Write the plot as PNG.") var png: String?
  @Option(help: "Write the plot as an interactive page, with replays of each point's first problems in a folder beside it.") var html: String?
  @Flag(help: "With --html: no replays.") var noTraces = false
  @Option(help: "Write the plot as a Vega-Lite specification; - is standard output.") var vega: String?
  @Option(help: "Points that --json printed: check that these runs agree with them, each estimate in the other's interval. Exit code 1 if not.")
  var against: String?
  @Option(help: "A Python that has vl-convert, for plots. Default: UNMASK_PYTHON, or what `make plots` made, or python3.") var python: String?

  func validate() throws {
    if folders.isEmpty { throw ValidationError("pareto needs a folder, as results/NAME") }
    if !(100...100_000).contains(draws) { throw ValidationError("--draws is 100 to 100000") }
    for share in qualityKept where !(share > 0 && share <= 1) { throw ValidationError("--quality-kept takes shares above 0 and up to 1, as 0.99") }
    if [json, csv == "-", vega == "-"].count(where: { $0 }) > 1 {
      throw ValidationError("--json, --csv - and --vega - print on standard output; name files for all but one")
    }
    for (name, file) in [("--svg", svg), ("--png", png), ("--html", html)] where file == "-" {
      throw ValidationError("\(name) writes a file; only --csv and --vega can go to standard output")
    }
    if noTraces, html == nil { throw ValidationError("--no-traces goes with --html") }
  }

  func run() throws {
    for file in outputs { try DurableFile.check(destination: file) }
    let renderer = svg ?? png ?? html == nil ? nil : try PlotRenderer(python: python)
    let stored = try against.map { try Input.json(ParetoRecord.self, file: $0, expected: "points that `unmask pareto --json` printed") }
    let search = try StoredRun.find(in: folders)
    let pareto = try study(search)
    for remark in pareto.remarks { Terminal.note(remark) }
    try writeFiles(pareto, renderer)
    print(pareto, isChecked: stored != nil)
    if let stored { try check(pareto, against: stored) }
    if let damage = search.damage { throw Failure(code: 1, message: damage) }
  }

  private func print(_ pareto: Pareto, isChecked: Bool) {
    if json {
      Terminal.out(pareto.json.json)
    } else if isChecked {
      return
    } else if csv == "-" {
      Terminal.out(pareto.csv, terminator: "")
    } else if vega == "-" {
      Terminal.out(ParetoPlot(pareto).specification.json)
    } else {
      Terminal.out(pareto.text + "\n\n" + pareto.legend)
    }
  }

  private func check(_ pareto: Pareto, against stored: ParetoRecord) throws {
    let verdict = try stored.verdict(on: pareto)
    for fault in verdict.faults { json ? Terminal.complain(fault) : Terminal.out(fault) }
    guard verdict.faults.isEmpty else { throw Failure(code: 1, message: verdict.summary) }
    Terminal.note(verdict.summary)
  }

  /// Files to write.
  private var outputs: [String] { [csv, svg, png, html, vega].compactMap(\.self).filter { $0 != "-" } }

  private func writeFiles(_ pareto: Pareto, _ renderer: PlotRenderer?) throws {
    if let csv, csv != "-" { try write(Array(pareto.csv.utf8), to: csv) }
    let specification = ParetoPlot(pareto).specification
    if let vega, vega != "-" { try write(Array((specification.json + "\n").utf8), to: vega) }
    guard let renderer else { return }
    if let svg { try write(try renderer.render(specification, as: .svg), to: svg) }
    if let png { try write(try renderer.render(specification, as: .png(scale: 3)), to: png) }
    if let html { try writePage(pareto, renderer, to: html) }
  }

  private func writePage(_ pareto: Pareto, _ renderer: PlotRenderer, to file: String) throws {
    var progress: Progress?
    defer { progress?.finish() }
    var pages = TracePages()
    if !noTraces {
      pages = try TracePages(of: pareto, beside: file, begin: { progress = Progress("traces", total: $0) }, advance: { progress?.advance() })
      progress?.finish()
    }
    if Terminal.isInteractive(STDERR_FILENO) { Terminal.note("packing the plot's scripts …") }
    try write(Array(ParetoPage(pareto, links: pages.links, library: try renderer.javascript()).html.utf8), to: file)
    if !pages.links.isEmpty { Terminal.note("its traces: \(pages.links.count) replay pages, \(pages.bytes >> 10) KiB") }
  }

  private var options: Pareto.Options {
    var options = Pareto.Options()
    options.cost = cost
    options.quality = quality
    options.kept = qualityKept
    options.draws = draws
    options.seed = seed
    options.allowsSharedTimes = sharedTimes
    options.strategies = strategy
    options.baseline = baseline
    return options
  }

  /// Reads the runs and works out their fronts.
  private func study(_ search: StoredRun.Search) throws -> Pareto {
    for remark in search.remarks { Terminal.note(remark) }
    for damage in search.damages { Terminal.complain(damage) }
    guard !search.runs.isEmpty else {
      throw ConfigurationError.unsupported("\(folders.joined(separator: ", ")): no finished run; `unmask run` finishes the experiment")
    }
    for run in search.runs {
      let count = run.outcomes.count { $0.incomplete == true }
      if count > 0 {
        Terminal.note("\(run.entry.strategy) \(run.entry.setting): \(count) of \(run.outcomes.count) samples reached max_rounds and count as wrong")
      }
    }
    var progress: Progress?
    defer { progress?.finish() }
    return try Pareto(CellResults.cells(of: search.runs), options, begin: { progress = Progress("drawing", total: $0) }, advance: { progress?.advance() })
  }

  private func write(_ bytes: [UInt8], to file: String) throws {
    try DurableFile.replace(file, with: bytes)
    Terminal.note("\(file): \(bytes.count) bytes")
  }

  @Sendable private static func chosen<Value: RawRepresentable & CaseIterable>(_ name: String) throws -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: name) else {
      throw ValidationError("`\(name)` is none of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }
}

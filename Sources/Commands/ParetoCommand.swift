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

  func validate() throws {
    if folders.isEmpty { throw ValidationError("pareto needs a folder, as results/NAME") }
    if !(100...100_000).contains(draws) { throw ValidationError("--draws is 100 to 100000") }
    for share in qualityKept where !(share > 0 && share <= 1) { throw ValidationError("--quality-kept takes shares above 0 and up to 1, as 0.99") }
    if json, csv == "-" { throw ValidationError("--json and --csv - both print on standard output; name a file for the CSV") }
  }

  func run() throws {
    let pareto = try study()
    for remark in pareto.remarks { Terminal.note(remark) }
    if let csv, csv != "-" { try write(pareto.csv, to: csv) }
    if json { return Terminal.out(pareto.json.json) }
    if csv == "-" { return Terminal.out(pareto.csv, terminator: "") }
    Terminal.out(pareto.text + "\n\n" + pareto.legend)
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
  private func study() throws -> Pareto {
    let search = try StoredRun.find(in: folders)
    for remark in search.remarks { Terminal.note(remark) }
    guard !search.runs.isEmpty else {
      throw ConfigurationError.unsupported("\(folders.joined(separator: ", ")): no finished run; `unmask run` finishes the experiment")
    }
    var progress: Progress?
    defer { progress?.finish() }
    return try Pareto(CellResults.cells(of: search.runs), options, begin: { progress = Progress("drawing", total: $0) }, advance: { progress?.advance() })
  }

  private func write(_ text: String, to file: String) throws {
    try DurableFile.replace(file, with: Array(text.utf8))
    Terminal.note("\(file): \(text.utf8.count) bytes")
  }

  @Sendable private static func chosen<Value: RawRepresentable & CaseIterable>(_ name: String) throws -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: name) else {
      throw ValidationError("`\(name)` is none of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }
}

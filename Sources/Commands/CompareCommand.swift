internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Traces
internal import Workbench

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Paired tests of strategies on the same problems: accuracy, costs, and what the sample is enough for.",
    discussion: """
      Of two runs' folders the first is the baseline. Of an experiment's folder every strategy is compared with its baseline, and p values are
      corrected for their number (Holm). Right and wrong answers are compared by the exact sign-flip test over problems (McNemar's, with one seed),
      costs by a paired bootstrap, and whether 99 and 99.9 percent of the accuracy are kept by Nam and Blackwelder's score test. Exit code 1 if a
      candidate is less accurate (p below 0.05 after the correction).

      EXAMPLES
        unmask compare results/first-light --strategy threshold
        unmask compare results/eight-strategies
        unmask compare results/eight-strategies --baseline threshold --json
        unmask compare results/first-light/0d57cee49e5d037f results/first-light/c640c663e4e4b977 --difference 0.02
      """)

  @Argument(help: "Two runs' folders, or experiments' folders.") var folders: [String]
  @Option(help: "The strategy that others are measured against. Default: the experiment's baseline.") var baseline: String?
  @Option(help: "Only this strategy, with its setting if it is swept; may be repeated.") var strategy: [String] = []
  @Option(help: "The difference in accuracy that is looked for.") var difference = 0.01
  @Flag(help: "Print JSON: a list of comparisons.") var json = false

  func validate() throws {
    if folders.isEmpty { throw ValidationError("name two runs' folders, or an experiment's") }
    if !(difference > 0 && difference < 1) { throw ValidationError("--difference is a share above 0 and below 1, as 0.01 for one point") }
  }

  func run() throws {
    let runs = folders.filter { FileManager.default.fileExists(atPath: $0 + "/run.yaml") }
    guard runs.isEmpty || runs.count == folders.count else {
      throw ConfigurationError.unsupported("\(runs[0]) is a run's folder, and not all of the others are; name two runs, or experiments' folders")
    }
    if !runs.isEmpty, runs.count != 2 { throw ConfigurationError.unsupported("a run is compared with one other; name two runs' folders") }
    if !runs.isEmpty, baseline != nil || !strategy.isEmpty {
      throw ConfigurationError.unsupported("--baseline and --strategy choose from an experiment's folder; of two runs the first is the baseline")
    }
    let search = try StoredRun.find(in: folders)
    for remark in search.remarks + search.damages { Terminal.complain(remark) }
    let sweep = try runs.isEmpty ? self.sweep(CellResults.cells(of: search.runs)) : pair(search.runs)
    if json {
      Terminal.out(sweep.json.json)
    } else if sweep.comparisons.count == 1 || strategy.count == 1 {
      for remark in sweep.remarks { Terminal.complain(remark) }
      show(sweep.comparisons.map { $0.page(canReplay: Self.canReplay($0)) }.joined(separator: "\n\n"))
    } else {
      show(sweep.page)
    }
    let endings = [sweep.regression, search.damage].compactMap(\.self)
    if !endings.isEmpty { throw Failure(code: 1, message: endings.joined(separator: "\n")) }
  }

  /// Prints lines; names in them are from files, and cannot move the cursor.
  private func show(_ page: String) { for line in page.split(separator: "\n", omittingEmptySubsequences: false) { Terminal.out(line.printable) } }

  private func pair(_ runs: [StoredRun]) throws(ConfigurationError) -> PairComparisonSweep {
    // Each by itself: the same run in two folders is two samples of its speed.
    let cells = runs.map { CellResults.cells(of: [$0])[0] }
    let pairing = try Pairing(cells[1], against: cells[0])
    return PairComparisonSweep([PairComparison(pairing, Bootstrap(count: pairing.count), lookingFor: difference)])
  }

  private func sweep(_ cells: [CellResults]) throws(ConfigurationError) -> PairComparisonSweep {
    var progress: Progress?
    defer { progress?.finish() }
    return try PairComparisonSweep(
      cells, baseline: baseline, candidates: strategy, lookingFor: difference, begin: { progress = Progress("comparisons", total: $0) },
      advance: { progress?.advance() })
  }

  /// Whether both traces of a comparison hold decisions.
  private static func canReplay(_ comparison: PairComparison) -> Bool {
    guard let change = comparison.lost.first ?? comparison.won.first else { return false }
    return [comparison.pairing.baseline, comparison.pairing.candidate].allSatisfy { side in
      guard let directory = side.directories[change.seed] else { return false }
      do throws(TraceError) { return try TraceFile.summary(directory + "/trace.h5").attributes.level != TraceLevel.none.name } catch { return false }
    }
  }
}

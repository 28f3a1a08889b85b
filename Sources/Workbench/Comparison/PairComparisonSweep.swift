public import Diffusion

/// Every cell of one or several experiments against the baseline of its group, corrected for their number.
public struct PairComparisonSweep: Sendable {
  /// The comparisons, in the order of the cells.
  public let comparisons: [PairComparison]
  /// What a person should know, one sentence each.
  public let remarks: [String]

  /// Compares cells.
  ///
  /// - Parameters:
  ///   - cells: of one or several groups; each is compared within its own.
  ///   - baseline: a label or a strategy's name; nil for the experiments' own baseline.
  ///   - candidates: labels or strategies' names; all but the baseline where there are none.
  ///   - lookedFor: the difference in accuracy looked for, as 0.01.
  ///   - draws: of the bootstrap.
  ///   - begin: told how many comparisons there are.
  ///   - advance: called after each.
  /// - Throws: for a name that no cell has, and where nothing is left to compare.
  public init(
    _ cells: [CellResults], baseline: String?, candidates: [String] = [], lookingFor lookedFor: Double = 0.01, draws: Int = 2000,
    begin: (Int) -> Void = { _ in }, advance: () -> Void = {}
  ) throws(ConfigurationError) {
    for name in candidates + [baseline].compactMap(\.self) where !cells.contains(where: { $0.isNamed(name) }) {
      let known = cells.flatMap { [$0.strategy, $0.label] }
      throw .unknownName(name: name, kind: "strategy here", known: known.enumerated().filter { known.firstIndex(of: $1) == $0 }.map(\.element))
    }
    var remarks: [String] = []
    var pairs: [(candidate: CellResults, baseline: CellResults)] = []
    for group in cells.map(\.group).uniqued {
      let mine = cells.filter { $0.group == group }
      let found = mine.filter { cell in baseline.map(cell.isNamed) ?? cell.isBaseline }
      guard let own = found.first else {
        remarks.append("\(group.title): left out, as no baseline was decoded there")
        continue
      }
      if found.count > 1 {
        throw .unsupported(
          "`\(own.strategy)` has \(found.count) settings, and a baseline is one; name it with --baseline: " + found.map(\.label).joined(separator: ", "))
      }
      pairs += mine.filter { $0.label != own.label && (candidates.isEmpty || candidates.contains(where: $0.isNamed)) }.map { ($0, own) }
    }
    guard !pairs.isEmpty else {
      let known = cells.map(\.label).uniqued.joined(separator: ", ")
      throw .unsupported("there is nothing to compare: name the strategy that others are measured against with --baseline; here are \(known)")
    }
    begin(pairs.count)
    var bootstraps: [Int: Bootstrap] = [:]
    var comparisons: [PairComparison] = []
    for pair in pairs {
      let pairing = try Pairing(pair.candidate, against: pair.baseline)
      let bootstrap = bootstraps[pairing.count] ?? Bootstrap(count: pairing.count, draws: draws)
      bootstraps[pairing.count] = bootstrap
      comparisons.append(PairComparison(pairing, bootstrap, lookingFor: lookedFor))
      advance()
    }
    self.init(comparisons, remarks: remarks)
  }

  /// Corrects comparisons for their number: the test of a difference, and for each share the test that it is kept, each as a family.
  public init(_ comparisons: [PairComparison], remarks: [String] = []) {
    let adjusted = Holm.adjusted(comparisons.map(\.p))
    let kept = PairComparison.shares.indices.map { place in Holm.adjusted(comparisons.map { $0.kept[place].p }) }
    self.comparisons = comparisons.enumerated().map { index, comparison in
      var copy = comparison
      copy.adjusted = adjusted[index]
      copy.keptAdjusted = kept.map { $0[index] }
      return copy
    }
    self.remarks = remarks
  }

  /// Comparisons whose candidate is less accurate, after the correction.
  public var worse: [PairComparison] { comparisons.filter(\.isWorse) }

  /// The comparisons as JSON.
  public var json: Setting { Setting(.list(comparisons.map(\.json))) }

  // MARK: Text

  /// What a person reads: per group the accuracies and the costs, then what is shown.
  public var page: String {
    let groups = comparisons.map(\.pairing.title).uniqued
    let parts = groups.map { title in
      let mine = comparisons.filter { $0.pairing.title == title }
      let baseline = mine[0]
      let problems = mine.map(\.pairing.count).max() ?? 0
      let head =
        "\(title), \(PairComparison.counted(problems, "problem")): against \(baseline.pairing.baseline.label), "
        + "\(PairComparison.percent(baseline.baselineAccuracy.value)) ± \(PairComparison.percent(baseline.baselineAccuracy.error)) percent right"
      return [head, Self.qualities(mine), "", Self.costs(mine)].joined(separator: "\n")
    }
    let notes = (remarks + comparisons.flatMap(\.pairing.remarks)).uniqued.map { "note: \($0)" }
    return (parts + [([Self.legend] + notes).joined(separator: "\n"), verdict]).joined(separator: "\n\n")
  }

  private static func qualities(_ comparisons: [PairComparison]) -> String {
    let isUneven = Set(comparisons.map(\.pairing.count)).count > 1
    let rows = comparisons.map { comparison -> [String] in
      let (low, high) = comparison.difference
      return [comparison.pairing.candidate.label] + (isUneven ? ["\(comparison.pairing.count)"] : []) + [
        PairComparison.percent(comparison.candidateAccuracy.value), PairComparison.signed(comparison.table.difference),
        "\(PairComparison.signed(low)) to \(PairComparison.signed(high))", "\(comparison.lost.count)", "\(comparison.won.count)",
        probability(comparison.p), probability(comparison.adjusted),
      ] + comparison.kept.indices.map { (comparison.isKept($0) ? "yes " : "") + probability(comparison.kept[$0].p) }
        + [PairComparison.percent(comparison.agreement.value)]
    }
    let header =
      ["accuracy"] + (isUneven ? ["problems"] : []) + ["%", "difference", "95 % interval", "lost", "won", "p", "Holm"]
      + comparisons[0].kept.map { "keeps \($0.name) %" } + ["same answers %"]
    return TextTable(rows, header: header, numeric: Set(1..<header.count)).text
  }

  /// Positions and seconds beside rounds, and the quality-penalised ratio of the time, or of the rounds where nothing was timed.
  private static func costs(_ comparisons: [PairComparison]) -> String {
    let isTimed = comparisons.contains { $0.costs.contains { $0.kind == .seconds } }
    let kinds: [PairComparison.Cost.Kind] = isTimed ? [.rounds, .positions, .seconds, .qualityPerSeconds] : [.rounds, .positions, .qualityPerRounds]
    let rows = comparisons.map { comparison in
      [comparison.pairing.candidate.label]
        + kinds.flatMap { kind -> [String] in
          guard let effect = comparison.costs.first(where: { $0.kind == kind })?.effect else { return ["shared", ""] }
          return [fixed(effect.value, 2), "\(fixed(effect.low, 2)) to \(fixed(effect.high, 2))"]
        }
    }
    let names = kinds.flatMap { [$0.ratio, "95 % interval"] }
    return TextTable(rows, header: ["cost"] + names, numeric: Set(1..<(names.count + 1))).text
  }

  private static let legend = """
    lost, won: problems right with the baseline alone, with the candidate alone; p: exact paired test; Holm: the same for all comparisons together
    keeps: p of keeping that share of the baseline's accuracy, `yes` where Holm's correction leaves it below 0.05; intervals are each row's own
    rounds ÷, positions ÷, speedup: the baseline's over the candidate's; QPS: speedup (or rounds ÷) times the ratio of accuracies to the fourth
    """

  /// Who is less accurate, in a line; nil where nobody is.
  public var regression: String? {
    guard let first = worse.first else { return nil }
    let names = worse.prefix(3).map { "\($0.pairing.candidate.label) (p \(probability($0.adjusted)))" }.joined(separator: ", ")
    return "less accurate than \(first.pairing.baseline.label): \(names)" + (worse.count > 3 ? " and \(worse.count - 3) more" : "")
  }

  /// The closing sentences.
  public var verdict: String {
    let several = comparisons.map(\.pairing.title).uniqued.count > 1
    // A sentence of a hundred names is not read; the table has them all.
    func names(_ chosen: [PairComparison]) -> String {
      let named = chosen.prefix(chosen.count > 8 ? 5 : 8).map { $0.pairing.candidate.label + (several ? " (\($0.pairing.title))" : "") }
      if named.isEmpty { return "none" }
      return named.joined(separator: ", ") + (named.count < chosen.count ? " and \(chosen.count - named.count) more" : "")
    }
    let undecided = comparisons.filter { !$0.isWorse && !$0.isBetter && !$0.isKept(0) }
    var lines = [
      "Of \(PairComparison.counted(comparisons.count, "comparison")), less accurate than the baseline: \(names(worse)); more accurate: \(names(comparisons.filter(\.isBetter))); "
        + "shown to keep 99 percent of its accuracy: \(names(comparisons.filter { $0.isKept(0) }))."
    ]
    if let hardest = undecided.map(\.problemsToSee).max(), let first = undecided.first {
      lines.append(
        "Neither is shown for \(names(undecided)); to see a difference of \(PairComparison.percent(first.lookedFor)) points takes up to "
          + "\(PairComparison.estimated(hardest)) problems.")
    }
    return lines.joined(separator: "\n")
  }
}

extension PairComparison.Cost.Kind {
  /// The name of its effect.
  fileprivate var ratio: String {
    switch self {
    case .rounds, .positions: title + " ÷"
    case .seconds: "speedup"
    case .tokensPerRound, .qualityPerRounds, .qualityPerSeconds: title
    }
  }
}

extension CellResults {
  /// Whether a person means it by a name: its strategy's, or its strategy's and setting's.
  fileprivate func isNamed(_ name: String) -> Bool { name == strategy || name == label }
}

extension Array where Element: Hashable {
  /// The same without repetitions, in order.
  fileprivate var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

public import Diffusion

/// Fronts of quality against cost, one per strategy and one over all, with the uncertainty that the problems leave.
///
/// Everything is drawn from one set of bootstrap draws per group: in each draw all cells have the same problems, so fronts, ratios and areas keep their pairing.
public struct Pareto: Sendable {
  /// What a point costs, on average per sample.
  public enum Cost: String, Sendable, CaseIterable {
    /// Model calls.
    case rounds
    /// Decoding seconds.
    case seconds
    /// Canvas positions pushed through the layers.
    case positions
  }

  /// What a point is good for, on average per sample.
  public enum Quality: String, Sendable, CaseIterable {
    /// Share of right answers.
    case accuracy
    /// Partial credit, 0 to 1.
    case score
  }

  /// What is asked for.
  public struct Options: Sendable {
    /// The axis of cost.
    public var cost = Cost.rounds
    /// The axis of quality.
    public var quality = Quality.accuracy
    /// Shares of the baseline's quality at which strategies are compared by their cost.
    public var kept = [0.99]
    /// Bootstrap draws.
    public var draws = 2000
    /// Equal seeds give equal draws.
    public var seed: UInt64 = 0
    /// Whether seconds are taken of runs that were not timed alone.
    public var allowsSharedTimes = false
    /// Strategies to look at, beside the baseline; all where empty.
    public var strategies: [String] = []
    /// What others are measured against: a strategy, or a strategy and its setting; nil: the experiment's.
    public var baseline: String?

    /// Rounds against accuracy.
    public init() {}

    /// Whether others are measured against a cell.
    func isBaseline(_ cell: CellResults) -> Bool { baseline.map { $0 == cell.strategy || $0 == cell.label } ?? cell.isBaseline }
  }

  /// What was asked for.
  public let options: Options
  /// What can be compared, each by itself, in the order of the runs.
  public let groups: [Group]
  /// What a person should know, one sentence each.
  public let remarks: [String]

  /// Fronts of cells.
  ///
  /// - Parameters:
  ///   - begin: told how many cells there are.
  ///   - advance: called after each.
  /// - Throws: for seconds that are no speed, strategies that are not there, and more problems than can be drawn.
  public init(
    _ cells: [CellResults], _ options: Options = Options(), begin: (Int) -> Void = { _ in }, advance: () -> Void = {}
  ) throws(ConfigurationError) {
    let cells = try Self.chosen(cells, options)
    if options.cost == .seconds, !options.allowsSharedTimes { try Self.checkTimes(cells) }
    var titles: [CellResults.Group] = []
    for cell in cells where !titles.contains(cell.group) { titles.append(cell.group) }
    begin(cells.count)
    var groups: [Group] = []
    for title in titles {
      let mine = cells.filter { $0.group == title }
      // In an order that does not depend on which cell came first.
      let problems = Set(mine.flatMap(\.problems)).sorted()
      guard problems.count <= 65_535 else {
        throw .unsupported("\(title.title): \(problems.count) problems; at most 65,535 can be drawn from")
      }
      guard problems.count * options.draws <= 1 << 29 else {
        throw .unsupported("\(title.title): \(options.draws) draws of \(problems.count) problems take more than 1 GiB; ask for fewer --draws")
      }
      let columns = mine.map { Cell($0, along: problems, options) }
      groups.append(Group(title, columns, problems: problems.count, options, advance: advance))
    }
    self.init(groups, options)
  }

  /// Groups that are worked out.
  init(_ groups: [Group], _ options: Options) {
    self.options = options
    self.groups = groups
    remarks = groups.flatMap(\.remarks)
  }

  /// The cells of the strategies asked for, and of the baseline.
  private static func chosen(_ cells: [CellResults], _ options: Options) throws(ConfigurationError) -> [CellResults] {
    var names: [String] = []
    for cell in cells where !names.contains(cell.strategy) { names.append(cell.strategy) }
    for name in options.strategies where !names.contains(name) { throw .unknownName(name: name, kind: "strategy in these runs", known: names) }
    if let name = options.baseline, !cells.contains(where: options.isBaseline) {
      throw .unknownName(name: name, kind: "strategy in these runs", known: names)
    }
    guard !options.strategies.isEmpty else { return cells }
    return cells.filter { options.strategies.contains($0.strategy) || options.isBaseline($0) }
  }

  /// Seconds are a speed only where nothing else was in flight.
  private static func checkTimes(_ cells: [CellResults]) throws(ConfigurationError) {
    let shared = cells.filter { !$0.isTimed }
    guard let first = shared.first else { return }
    let others = shared.count > 1 ? " and \(shared.count - 1) more" : ""
    let what = "\(first.label) on \(first.group.benchmark)\(others)"
    throw .unsupported(
      "seconds are no speed in \(shared.count) of \(cells.count) cells (\(what)), which were decoded beside other samples or resumed after a stop; "
        + "run them with --jobs 1 into a new --output, or ask for these seconds with --shared-times")
  }
}

extension Pareto {
  /// A strategy at a setting: one value per problem, NaN for problems it was not decoded on.
  struct Cell: Sendable {
    let strategy: String
    let setting: String
    let isBaseline: Bool
    /// Cost, in the unit of the axis.
    let costs: [Double]
    /// Quality, 0 to 1.
    let qualities: [Double]
    /// Answer tokens.
    let tokens: [Double]
    /// Model calls.
    let rounds: [Double]
    /// Where its runs are, the digest and the folder of each.
    let runs: [Point.Run]

    /// Strategy and setting together.
    var label: String { setting.isEmpty ? strategy : "\(strategy) \(setting)" }
  }
}

extension Pareto.Cell {
  fileprivate init(_ cell: CellResults, along problems: [String], _ options: Pareto.Options) {
    let cost: Measure =
      switch options.cost {
      case .rounds: .rounds
      case .seconds: .seconds
      case .positions: .positions
      }
    self.init(
      strategy: cell.strategy, setting: cell.setting, isBaseline: options.isBaseline(cell),
      costs: cell.column(cost, along: problems), qualities: cell.column(options.quality == .accuracy ? .correct : .score, along: problems),
      tokens: cell.column(.tokens, along: problems), rounds: cell.column(.rounds, along: problems),
      runs: cell.runs.map { Pareto.Point.Run(digest: $0.entry.digest, directory: $0.directory, model: $0.entry.model) })
  }
}

public import Diffusion

/// The samples of two cells laid side by side: the same problem, decoded with the same seed.
public struct Pairing: Sendable {
  /// One decoded problem.
  public struct Sample: Sendable {
    let outcome: Outcome
    let seconds: Double
  }

  /// The same problem and seed with both.
  struct Pair: Sendable {
    let seed: Int
    let baseline: Sample
    let candidate: Sample
  }

  /// One of the two.
  public struct Side: Sendable {
    /// Strategy and setting.
    public let label: String
    /// Folders of its runs, by seed.
    public let directories: [Int: String]
    /// Whether its seconds are a speed.
    public let isTimed: Bool
    let samples: [Sample]

    init(label: String, directories: [Int: String], isTimed: Bool, samples: [Sample]) {
      self.label = label
      self.directories = directories
      self.isTimed = isTimed
      self.samples = samples
    }

    /// A cell's samples.
    init(_ cell: CellResults) {
      let directories = cell.runs.compactMap { run in run.outcomes.first.map { ($0.seed, run.directory.trimmed) } }
      self.init(
        label: cell.label, directories: Dictionary(directories) { first, _ in first }, isTimed: cell.isTimed,
        samples: cell.runs.flatMap { zip($0.outcomes, $0.seconds).map { Sample(outcome: $0, seconds: $1) } })
    }
  }

  /// What both were decoded on, in words.
  public let title: String
  /// What the candidate is measured against.
  public let baseline: Side
  /// What is measured.
  public let candidate: Side
  /// What a person should know of the samples, one sentence each.
  public let remarks: [String]
  let problems: [(name: String, pairs: [Pair])]

  /// How many problems both have.
  public var count: Int { problems.count }
  /// How many seeds most problems have.
  public var seeds: Int { problems.map(\.pairs.count).max() ?? 0 }
  /// Whether the seconds of both are a speed.
  public var isTimed: Bool { baseline.isTimed && candidate.isTimed }

  /// Pairs two cells.
  ///
  /// - Throws: where a pair would not be one: another model, benchmark, data or geometry, or no problem in common. The message shows the difference.
  public init(_ candidate: CellResults, against baseline: CellResults) throws(ConfigurationError) {
    let names = (candidate.runs[0].directory, baseline.runs[0].directory)
    let configs = (
      candidate: candidate.runs[0].config.without(["seed", "strategy", "cache"]), baseline: baseline.runs[0].config.without(["seed", "strategy", "cache"])
    )
    if let difference = RunFiles.difference(configs.baseline, configs.candidate) {
      throw .unsupported("\(names.0) cannot be compared with \(names.1): \(difference); a pair is the same problem on the same model")
    }
    try self.init(title: baseline.group.title, baseline: Side(baseline), candidate: Side(candidate))
  }

  init(title: String, baseline: Side, candidate: Side) throws(ConfigurationError) {
    let known = Dictionary(candidate.samples.map { ($0.key, $0) }) { first, _ in first }
    var places: [String: Int] = [:]
    var problems: [(name: String, pairs: [Pair])] = []
    for sample in baseline.samples {
      guard let other = known[sample.key] else { continue }
      let name = sample.outcome.problem
      if places[name] == nil {
        places[name] = problems.count
        problems.append((name, []))
      }
      if let place = places[name] { problems[place].pairs.append(Pair(seed: sample.outcome.seed, baseline: sample, candidate: other)) }
    }
    guard !problems.isEmpty else {
      throw .unsupported(
        "\(candidate.label) and \(baseline.label) have no sample in common: \(candidate.extent) against \(baseline.extent); a pair is the same problem with the same seed"
      )
    }
    let pairs = problems.reduce(0) { $0 + $1.pairs.count }
    remarks = [baseline, candidate].flatMap { side -> [String] in
      let more = side.samples.count - pairs
      let endless = side.samples.count { !$0.outcome.isComplete }
      return (more > 0 ? ["\(side.label) has \(more) more samples (\(side.extent)), which take no part"] : [])
        + (endless > 0 ? ["\(endless) samples of \(side.label) reached max_rounds and count as wrong"] : [])
    }
    self.title = title
    self.baseline = baseline
    self.candidate = candidate
    self.problems = problems
  }

  /// A figure of each problem: the mean over its seeds.
  func means(_ value: (Pair) -> Double) -> [Double] {
    problems.map { problem in problem.pairs.reduce(0) { $0 + value($1) } / Double(problem.pairs.count) }
  }

  /// How many independent problems a problem is worth for the difference of accuracies: the variance of a mean of single pairs over that of the problems'
  /// means (the design effect of Rao and Scott, Biometrics 1992). 1 with one seed and where the seeds tell the same; never more than there are seeds.
  var weight: Double {
    let changes = means { Double($0.change) }
    let mean = changes.reduce(0, +) / Double(count)
    let single = means { Double($0.change * $0.change) }.reduce(0, +) / Double(count) - mean * mean
    let clustered = changes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    guard single > 0 else { return 1 }
    let fewest = Double(problems.map(\.pairs.count).min() ?? 1)
    return clustered > 0 ? min(max(single / clustered, 1), fewest) : fewest
  }
}

extension Pairing.Sample {
  /// What makes two samples a pair.
  fileprivate struct Key: Hashable {
    let problem: String
    let seed: Int
  }

  fileprivate var key: Key { Key(problem: outcome.problem, seed: outcome.seed) }
}

extension Pairing.Side {
  /// What it has, in words.
  fileprivate var extent: String {
    let problems = Set(samples.map(\.outcome.problem)).count
    let seeds = Set(samples.map(\.outcome.seed)).sorted()
    let first = samples.first.map { ", the first \($0.outcome.problem)" } ?? ""
    return "\(problems) problems\(first), seed\(seeds.count == 1 ? "" : "s") \(seeds.map(String.init).joined(separator: ", "))"
  }
}

extension String {
  /// A folder's path without slashes at its end.
  fileprivate var trimmed: String {
    var path = self
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}

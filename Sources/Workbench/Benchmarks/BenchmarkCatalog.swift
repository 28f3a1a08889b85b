/// The benchmarks that can be asked for by name. A downstream package adds its own: `.standard + [Riddles.self]`.
public struct BenchmarkCatalog: Sendable {
  /// Everything this package ships.
  public static let standard = BenchmarkCatalog([
    Arithmetic.self,
    Lists.self,
  ])

  /// The types, in the order they are listed in.
  public let benchmarks: [any Benchmark.Type]

  /// A catalog of exactly these; where two have one name, the later one is found.
  public init(_ benchmarks: [any Benchmark.Type]) { self.benchmarks = benchmarks }

  /// The catalog with more benchmarks at its end.
  public static func + (catalog: BenchmarkCatalog, more: [any Benchmark.Type]) -> BenchmarkCatalog {
    BenchmarkCatalog(catalog.benchmarks + more)
  }

  /// All names, in order.
  public var names: [String] { benchmarks.map { $0.name } }

  /// The benchmark of that name.
  public func benchmark(named name: String) throws(BenchmarkError) -> any Benchmark {
    guard let type = benchmarks.last(where: { $0.name == name }) else {
      throw .unknownBenchmark(name, nearest: Self.nearest(to: name, among: names), known: names)
    }
    return type.init()
  }

  /// The split of that name, in the same manner.
  public static func split(named name: String) throws(BenchmarkError) -> Split {
    guard let split = Split(rawValue: name) else {
      let known = Split.allCases.map(\.rawValue)
      throw .unknownSplit(name, nearest: nearest(to: name, among: known), known: known)
    }
    return split
  }

  /// The closest name that is at most a third of its letters away, at least two.
  static func nearest(to name: String, among known: [String]) -> String? {
    let ranked = known.map { (distance: distance(Array(name.lowercased()), Array($0)), name: $0) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(2, best.name.count / 3) else { return nil }
    return best.name
  }

  /// The number of letters to insert, delete or replace (Levenshtein), row by row of the usual table.
  private static func distance(_ one: [Character], _ other: [Character]) -> Int {
    var row = Array(0...other.count)
    for (i, letter) in one.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, counterpart) in other.enumerated() {
        let replaced = diagonal + (letter == counterpart ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[other.count]
  }
}

/// What can be wrong with the choice of a benchmark.
public enum BenchmarkError: Error, Equatable, Sendable {
  /// No benchmark has that name.
  case unknownBenchmark(String, nearest: String?, known: [String])
  /// No split has that name.
  case unknownSplit(String, nearest: String?, known: [String])
}

extension BenchmarkError: CustomStringConvertible {
  /// One line: what is wrong and what would be right.
  public var description: String {
    switch self {
    case .unknownBenchmark(let name, let nearest, let known): Self.unknown("benchmark", name, nearest, known)
    case .unknownSplit(let name, let nearest, let known): Self.unknown("split", name, nearest, known)
    }
  }

  private static func unknown(_ what: String, _ name: String, _ nearest: String?, _ known: [String]) -> String {
    let hint = nearest.map { "did you mean \"\($0)\"?" } ?? "known: \(known.joined(separator: ", "))"
    return "no \(what) is named \"\(name)\"; \(hint)"
  }
}

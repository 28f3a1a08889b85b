public import Diffusion

/// The benchmarks that can be asked for by name. A downstream package adds its own: `.standard + [Riddles.self]`.
public struct BenchmarkCatalog: Sendable {
  /// Everything this package ships.
  public static let standard = BenchmarkCatalog([
    Arithmetic.self,
    Code.self,
    Countdown.self,
    Sudoku.self,
    Lists.self,
    Choice.self,
    Rewrite.self,
    Infill.self,
    GSM8K.self,
    HumanEval.self,
    MATH500.self,
    MBPP.self,
    ARCChallenge.self,
    MMLU.self,
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

  /// Whether programs that a model wrote are run without a sandbox.
  public private(set) var runsUnsafeCode = false

  /// The same catalog, whose benchmarks run programs that a model wrote with no protection but limits on time and memory.
  public func runningUnsafeCode() -> BenchmarkCatalog {
    var copy = self
    copy.runsUnsafeCode = true
    return copy
  }

  /// The benchmark of that name by itself: where its problems are read from a file, it has none.
  public func benchmark(named name: String) throws(ConfigurationError) -> any Benchmark { try type(named: name).init() }

  /// The benchmark of that name with its problems.
  public func benchmark(named name: String, _ source: BenchmarkSource) throws(ConfigurationError) -> any Benchmark {
    var source = source
    source.isUnsafe = source.isUnsafe || runsUnsafeCode
    return try type(named: name).init(source)
  }

  private func type(named name: String) throws(ConfigurationError) -> any Benchmark.Type {
    guard let type = benchmarks.last(where: { $0.name == name }) else { throw .unknownName(name: name, kind: "benchmark", known: names) }
    return type
  }
}

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
  public func benchmark(named name: String) throws(ConfigurationError) -> any Benchmark {
    guard let type = benchmarks.last(where: { $0.name == name }) else { throw .unknownName(name: name, kind: "benchmark", known: names) }
    return type.init()
  }
}

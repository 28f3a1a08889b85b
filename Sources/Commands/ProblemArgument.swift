internal import Diffusion
internal import Workbench

/// A benchmark's problem named on the command line: `lists/test/7`.
struct ProblemArgument {
  let problem: Problem
  let geometry: Geometry
  private let benchmark: any Benchmark

  /// - Parameters:
  ///   - data: the benchmark's file or its folder, where it has one.
  ///   - isChat: whether the question is put to an assistant.
  init(_ text: String, data: String? = nil, isChat: Bool = false) throws(ConfigurationError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let index = Int(parts[2]), index >= 0, index < 1 << 40 else {
      throw .outOfRange(key: "--problem", value: text, expected: "benchmark/split/index, as lists/test/7")
    }
    let splits = Split.allCases.map(\.rawValue)
    guard let split = Split(rawValue: parts[1]) else { throw .unknownName(name: parts[1], kind: "split", known: splits) }
    benchmark = try Unmask.benchmarks.benchmark(named: parts[0], BenchmarkSource(split: split, path: data, isChat: isChat))
    if let count = benchmark.count(of: split), index >= count {
      throw .outOfRange(key: "--problem", value: text, expected: "an index below \(count), the problems of that split")
    }
    problem = benchmark.problem(index, of: split)
    geometry = type(of: benchmark).geometry
  }

  /// Several problems, of one benchmark.
  static func all(_ texts: [String], data: String? = nil, isChat: Bool = false) throws(ConfigurationError) -> [ProblemArgument] {
    var problems: [ProblemArgument] = []
    for text in texts { problems.append(try ProblemArgument(text, data: data, isChat: isChat)) }
    let benchmarks = Set(problems.map { type(of: $0.benchmark).name })
    guard benchmarks.count <= 1 else {
      throw .composition("--problem takes problems of one benchmark at a time, not of \(benchmarks.sorted().joined(separator: " and "))")
    }
    return problems
  }

  /// The final answer in a response.
  func extract(_ response: String) -> String? { benchmark.extract(response) }

  /// One line on whether a response is right.
  func verdict(on response: String) throws(ConfigurationError) -> String {
    try benchmark.grade(response, problem).isCorrect ? "correct" : "wrong: expected\(problem.answer)"
  }
}

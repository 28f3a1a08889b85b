public import Diffusion

/// A benchmark whose problems are read from a file: it says how a line becomes an exercise and how an exercise is put, and the rest is here.
package protocol FileBenchmark: Benchmark {
  /// What the file looks like.
  static var layout: BenchmarkFiles { get }
  /// The split that examples come from unless a file is named for them; nil where the benchmark has none.
  static var shotSplit: Split? { get }
  /// How many examples there are where nothing is said.
  static var usualShots: Int { get }
  /// Whether responses are programs that have to be run.
  static var runsCode: Bool { get }

  /// Reads a line.
  static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise
  /// The examples that an exercise is shown with, among those there are.
  static func examples(_ candidates: [Exercise], for exercise: Exercise, count: Int) -> [Exercise]
  /// What stands before the examples, or before the question where there are none.
  static func heading(_ exercise: Exercise, isChat: Bool) -> String
  /// The question, to the point where a response goes on.
  static func ask(_ exercise: Exercise, isChat: Bool) -> String

  /// The problems that were read.
  var set: ProblemSet { get }
  init(set: ProblemSet)
}

/// A line of a benchmark's file, understood.
package struct Exercise: Sendable, Hashable {
  /// The number or name that the file gives it, where it gives one.
  var key = ""
  /// The split that the line itself says it is in; nil where the file is of one split.
  var split: Split?
  /// Whether the file has it for examples alone.
  var isExample = false
  /// What is asked.
  var question: String
  /// Further text of the question: options, tests.
  var more = ""
  /// A full response that is right, as it follows a question.
  var solution: String
  var kind: String
  var level: Int
  var program: Problem.Program?
}

/// Problems that were read from a file.
package struct ProblemSet: Sendable {
  package var split = Split.test
  package var problems: [Problem] = []
  /// The lines that the problems were read from, in the same order.
  package var rows: [ProblemRow] = []
  /// SHA-256 of the file, and of the file that examples come from where that is another one.
  package var digest = ""
  package var shots = 0
  /// What runs programs; nil where none are.
  package var python: Python?

  package init() {}
}

extension FileBenchmark {
  package static var files: BenchmarkFiles? { layout }
  package static var usualShots: Int { 0 }
  package static var runsCode: Bool { false }
  package static func examples(_ candidates: [Exercise], for exercise: Exercise, count: Int) -> [Exercise] { Array(candidates.prefix(count)) }
  package static func heading(_ exercise: Exercise, isChat: Bool) -> String { "" }

  package init() { self.init(set: ProblemSet()) }

  package init(_ source: BenchmarkSource) throws(ConfigurationError) {
    var set = ProblemSet()
    set.split = source.split
    set.shots = source.shots ?? Self.usualShots
    let file = try ProblemFile(Self.locate(source.split, source))
    let all = try Self.exercises(file)
    let chosen = all.indices.filter { !all[$0].isExample && (all[$0].split == nil || all[$0].split == source.split) }
    let exercises = chosen.map { all[$0] }
    for index in chosen { set.rows.append(try file.rows[index].get()) }
    guard !exercises.isEmpty else { throw .unsupported("\(file.path) has no problem of the split `\(source.split.rawValue)` of \(Self.name)") }
    set.digest = file.digest
    var candidates: [Exercise] = []
    if set.shots > 0 {
      candidates = all.filter(\.isExample)
      if source.shotsPath != nil || candidates.isEmpty {
        let other = try ProblemFile(try Self.locateShots(set.shots, source))
        candidates = try Self.exercises(other)
        if other.digest != file.digest { set.digest += " " + other.digest }
      }
    }
    for (index, exercise) in exercises.enumerated() {
      // A question is no example for itself.
      let others = candidates.filter { $0.question != exercise.question || $0.more != exercise.more }
      let examples = set.shots > 0 ? Self.examples(others, for: exercise, count: set.shots) : []
      guard examples.count == set.shots else {
        throw .outOfRange(key: "benchmark.shots", value: "\(set.shots)", expected: "at most \(examples.count), the examples there are for a `\(exercise.kind)`")
      }
      set.problems.append(Self.problem(exercise, "\(Self.name)/\(source.split.rawValue)/\(index)", examples, isChat: source.isChat))
    }
    if Self.runsCode { set.python = try Python(isUnsafe: source.isUnsafe) }
    self.init(set: set)
  }

  /// An exercise after its examples.
  package static func problem(_ exercise: Exercise, _ id: String, _ examples: [Exercise], isChat: Bool) -> Problem {
    let shown = examples.map { ask($0, isChat: isChat) + $0.solution + "\n\n" }.joined()
    return Problem(
      id: id, prompt: heading(exercise, isChat: isChat) + shown + ask(exercise, isChat: isChat), answer: exercise.solution, kind: exercise.kind,
      level: exercise.level, program: exercise.program)
  }

  /// The problem that the made-up line of its schema becomes.
  package static func example(isChat: Bool = false) throws(ConfigurationError) -> Problem {
    let row = try ProblemRow(Array(layout.example.utf8), path: "the example of \(name)", line: 1)
    return problem(try exercise(row), "\(name)/example/0", [], isChat: isChat)
  }

  package func count(of split: Split) -> Int? { split == set.split ? set.problems.count : 0 }

  package func problem(_ index: Int, of split: Split) -> Problem {
    guard split == set.split, set.problems.indices.contains(index) else {
      return Problem(id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: "", answer: "", kind: "none", level: 0)
    }
    return set.problems[index]
  }

  package func identity(of split: Split) -> String { set.digest }

  package var settings: [Setting.Entry] {
    let unsafe = set.python?.isUnsafe == true ? [Setting.Entry("unsafe_code", true)] : []
    return [Setting.Entry("shots", Setting(.integer(set.shots)))] + unsafe
  }

  private static func exercises(_ file: ProblemFile) throws(ConfigurationError) -> [Exercise] {
    var exercises: [Exercise] = []
    for row in file.rows {
      let row = try row.get()
      exercises.append(try exercise(row))
    }
    return exercises
  }

  /// The file of a split: the one named, or one of its usual names in the folder named.
  private static func locate(_ split: Split, _ source: BenchmarkSource) throws(ConfigurationError) -> String {
    guard let names = layout.names[split] else {
      throw .unsupported("\(name) has no split `\(split.rawValue)`; it has \(layout.splits.map { "`\($0.rawValue)`" }.joined(separator: " and "))")
    }
    guard let path = source.path ?? ProblemFile.dataFolder.map({ $0 + "/" + name }) else { throw absent("no `path` is given", split, names) }
    let isFolder = ProblemFile.isFolder(path)
    if !isFolder, split == source.pathSplit ?? split {
      guard ProblemFile.exists(path) else { throw absent("there is no \(path)", split, names) }
      let file = ProblemFile.name(of: path)
      if let other = layout.splits.first(where: { $0 != split && layout.names[$0]?.contains(file) == true }), !names.contains(file) {
        throw .composition("\(path) is by its name the split `\(other.rawValue)` of \(name), and `\(split.rawValue)` is asked for")
      }
      return path
    }
    let folder = isFolder ? path : ProblemFile.folder(of: path)
    for place in [folder, folder + "/" + name] {
      for name in names where ProblemFile.exists(place + "/" + name) { return place + "/" + name }
    }
    throw absent("\(folder) has no \(names.joined(separator: " or "))", split, names)
  }

  private static func locateShots(_ count: Int, _ source: BenchmarkSource) throws(ConfigurationError) -> String {
    if let path = source.shotsPath { return path }
    guard let split = shotSplit else {
      throw .missing(key: "shots_path", owner: "benchmark \(name)", expected: "a file of examples for shots: \(count), in its schema: \(layout.schemaLine)")
    }
    do { return try locate(split, source) } catch {
      throw .composition("the \(count) examples of \(name) come from its split `\(split.rawValue)`, or from `shots_path`; `shots: 0` asks for none. \(error)")
    }
  }

  private static func absent(_ what: String, _ split: Split, _ names: [String]) -> ConfigurationError {
    .unsupported(
      "\(name) reads its problems from a file, and \(what): get \(names[0]) from \(layout.origin), and name it or its folder, as "
        + "`benchmark: {name: \(name), path: DIR}`; expected \(layout.schemaLine)")
  }
}

extension BenchmarkSource {
  /// The folder that `UNMASK_DATA` names, in which a benchmark without a path looks for a folder of its name; nil where it is not set.
  public static var dataFolder: String? { ProblemFile.dataFolder }

  /// The problem that the made-up line of a benchmark's schema becomes; nil for a benchmark without a file.
  public static func example(of type: any Benchmark.Type, isChat: Bool = false) throws(ConfigurationError) -> Problem? {
    guard let type = type as? any FileBenchmark.Type else { return nil }
    return try type.example(isChat: isChat)
  }
}

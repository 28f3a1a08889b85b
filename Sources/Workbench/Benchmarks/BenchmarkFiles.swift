/// What a benchmark's file looks like, and where it is had.
public struct BenchmarkFiles: Sendable {
  /// Names that a split's file may have in a folder; a split that is not here is one the benchmark does not have.
  public let names: [Split: [String]]
  /// The keys of a line and what they hold.
  public let schema: [(key: String, holds: String)]
  /// Where the file is had, and under which licence.
  public let origin: String
  /// A line as the file might have it, made up for this purpose.
  public let example: String
  /// SHA-256 of files known to be the original, and what they are.
  public let known: [String: String]

  /// What a benchmark's file looks like.
  public init(names: [Split: [String]], schema: [(key: String, holds: String)], origin: String, example: String, known: [String: String] = [:]) {
    (self.names, self.schema, self.origin, self.example, self.known) = (names, schema, origin, example, known)
  }

  /// The splits it has, in the usual order.
  public var splits: [Split] { Split.allCases.filter { names[$0] != nil } }

  /// The schema in a line.
  public var schemaLine: String { "one JSON object per line with " + schema.map { "`\($0.key)` (\($0.holds))" }.joined(separator: ", ") }
}

/// Where a benchmark's problems are read from, and how they are put.
public struct BenchmarkSource: Sendable, Hashable {
  /// The split.
  public var split: Split
  /// The benchmark's file, or the folder that has it; nil: the folder of its name in the folder that `UNMASK_DATA` names.
  public var path: String?
  /// The split that a path to a file is meant for; nil: `split`. For another one a file of its usual name is looked for beside it.
  public var pathSplit: Split?
  /// Examples before each question; nil: as many as the benchmark has by itself.
  public var shots: Int?
  /// The file that examples are taken from, in the benchmark's own schema; nil: the split that examples come from, in the same folder.
  public var shotsPath: String?
  /// Whether the question is put to an assistant, as a user's turn, and not as the beginning of a text.
  public var isChat: Bool
  /// Whether programs that a model wrote are run without a sandbox.
  public var isUnsafe: Bool

  /// Where a benchmark's problems are read from.
  public init(
    split: Split = .test, path: String? = nil, pathSplit: Split? = nil, shots: Int? = nil, shotsPath: String? = nil, isChat: Bool = false,
    isUnsafe: Bool = false
  ) {
    (self.split, self.path, self.pathSplit, self.shots) = (split, path, pathSplit, shots)
    (self.shotsPath, self.isChat, self.isUnsafe) = (shotsPath, isChat, isUnsafe)
  }
}

import Foundation

/// What ratios must reach, from `goals.json`: the one place where goals are written down.
struct Goals {
  /// A bound on a ratio.
  struct Goal: Codable, Equatable {
    var atLeast: Double?
    var atMost: Double?

    private enum CodingKeys: String, CodingKey {
      case atLeast = "at_least"
      case atMost = "at_most"
    }

    func isMet(by value: Double) -> Bool { value >= atLeast ?? -.infinity && value <= atMost ?? .infinity }

    var words: String {
      if let atLeast { return ">= " + Self.number(atLeast) }
      return atMost.map { "<= " + Self.number($0) } ?? ""
    }

    private static func number(_ value: Double) -> String { value == value.rounded() ? String(format: "%.0f", value) : String(format: "%g", value) }
  }

  private let goals: [String: Goal]

  /// Reads the file beside the package.
  init() throws { goals = try JSONDecoder().decode([String: Goal].self, from: Data(contentsOf: Self.folder.appending(path: "goals.json"))) }

  /// A goal by its name.
  subscript(name: String) -> Goal {
    get throws {
      guard let goal = goals[name] else { throw BenchError("goals.json has no goal named \(name); it has \(goals.keys.sorted().joined(separator: ", "))") }
      return goal
    }
  }

  /// `Experiments/benchmarks` of the source tree this program was built from.
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL
}

/// What keeps a benchmark from being taken.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

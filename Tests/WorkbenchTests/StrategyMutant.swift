import Foundation

/// A copy of a strategy in which one comparison is another: `>=` for `>`, `atLeast:` for `above:`, and back.
struct StrategyMutant: Sendable {
  /// Its number, which names it on the command line of the package.
  let number: Int
  /// The strategy's name.
  let strategy: String
  /// The line as it is and as it was.
  let change: String
  fileprivate let type: String
  fileprivate let code: String

  /// The command that has them.
  static let command = "mutants"
  /// The environment's variable that chooses one.
  static let variable = "UNMASK_MUTANT"

  /// The strategies that hold beliefs against bars.
  static let strategies = ["Threshold", "Factor", "Frechet", "Hierarchy", "LocalLeap", "Prophet", "Sched", "Saber"]

  /// Strategies that do, and whose bars no belief meets, each with the reason.
  static let others = ["Timesteps": "its bars are draws, which meet a share once in 2^52 times, and ranks, which are whole numbers of its own counting"]

  /// Every strategy that says it holds numbers against bars.
  static func found() throws -> Set<String> {
    let folder = RepositoryTests.root.appending(path: "Sources/Strategies").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
    let comparing = try files.filter { try String(contentsOfFile: folder + "/" + $0, encoding: .utf8).contains(#/atLeast: |above: /#) }
    return Set(comparing.map { String($0.dropLast(".swift".count)) })
  }

  /// What stands for what.
  private static let swaps = [(" >= ", " > "), (" > ", " >= "), (" <= ", " < "), (" < ", " <= "), ("atLeast: ", "above: "), ("above: ", "atLeast: ")]

  /// Every mutant of every strategy.
  static func all() throws -> [StrategyMutant] {
    var mutants: [StrategyMutant] = []
    for type in strategies {
      let file = RepositoryTests.root.appending(path: "Sources/Strategies/\(type).swift")
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      guard let start = lines.firstIndex(where: { $0.hasPrefix("struct \(type): Strategy") }),
        let name = lines.lazy.compactMap({ $0.firstMatch(of: #/static let name = "(.*)"/#)?.output.1 }).first
      else { continue }
      for (index, line) in lines.enumerated().dropFirst(start) {
        let isComment = line.trimmingCharacters(in: .whitespaces).hasPrefix("//")
        for (old, new) in swaps where !isComment {
          // Not what is said in a text.
          for range in line.ranges(of: old) where line[..<range.lowerBound].count(where: { $0 == "\"" }).isMultiple(of: 2) {
            var changed = lines
            changed[index].replaceSubrange(range, with: new)
            let change = "\(type).swift:\(index + 1): " + changed[index].trimmingCharacters(in: .whitespaces)
            let code = changed[start...].joined(separator: "\n")
            mutants.append(StrategyMutant(number: mutants.count, strategy: String(name), change: change, type: type, code: code))
          }
        }
      }
    }
    return mutants
  }

  /// The sources of a command in which the environment chooses a mutant to take its strategy's name over.
  static func sources() throws -> [(name: String, text: String)] {
    let mutants = try all()
    let files = mutants.map { mutant in
      ("Mutant\(mutant.number).swift", "import Diffusion\nimport Foundation\n\nenum Mutant\(mutant.number) {\n\(mutant.code)\n}\n")
    }
    let list = mutants.map { "Mutant\($0.number).\($0.type).self" }.joined(separator: ", ")
    let main = """
      import Commands
      import Diffusion
      import Foundation
      import Strategies

      @main struct Main {
        static let mutants: [any Strategy.Type] = [\(list)]

        static func main() async {
          let chosen = ProcessInfo.processInfo.environment["\(variable)"].flatMap(Int.init)
          await Unmask.main(catalog: chosen.map { .standard + [mutants[$0]] } ?? .standard)
        }
      }

      """
    return [("Main.swift", main)] + files
  }
}

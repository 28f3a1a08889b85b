import Diffusion
import Foundation
import Strategies
import Testing

@testable import Workbench

/// Shows that the shipped goldens have teeth: a strategy in which `>=` became `>` is caught, by name.
@Suite struct GoldenMutationTests {
  /// Changes that change no decision, each with its reason.
  static let equivalent: [String: String] = [:]

  /// A strategy that joins the catalog and has a bar joins the test below.
  @Test func everyStrategyWithABarIsChanged() throws {
    #expect(try StrategyMutant.found() == Set(StrategyMutant.strategies + StrategyMutant.others.keys))
    let mutants = try StrategyMutant.all()
    #expect(Set(mutants.map(\.strategy)).count == StrategyMutant.strategies.count, "each has a comparison to change")
    #expect(Self.equivalent.keys.allSatisfy { change in mutants.contains { $0.change == change } })
  }

  @Test(.timeLimit(.minutes(30))) func everyChangedComparisonIsCaught() throws {
    let command = try DownstreamPackage.command(StrategyMutant.command)
    // A copy: what is pending must not be left in the source tree, nor in another test's way.
    let folder = try Folder()
    let copy = folder.path + "/goldens"
    try FileManager.default.copyItem(atPath: RepositoryTests.root.path + "/Tests/Goldens", toPath: copy)
    let unchanged = try Command.run(["check", copy, "--model", "ties"], executable: command)
    #expect(unchanged.code == 0, "\(unchanged.output)\(unchanged.errors)")

    let entries = try GoldenSuite(folder: copy).entries(.standard)
    for mutant in try StrategyMutant.all() where Self.equivalent[mutant.change] == nil {
      // Its own goldens first, then those of lists that it is part of.
      let own = entries.filter { $0.name == mutant.strategy }
      let others = entries.filter { $0.name != mutant.strategy && $0.rules.json.contains("\"\(mutant.strategy)\"") }
      let isCaught = try (own + others).contains { entry in
        let result = try Command.run(
          ["\(StrategyMutant.variable)=\(mutant.number)", command.path, "check", copy, "--model", "ties", "--only", entry.name],
          executable: URL(fileURLWithPath: "/usr/bin/env"))
        // One of them runs past the end of a list, and nothing is louder.
        return result.code == 1 && result.errors.contains("do not match their goldens: \(entry.name);") || result.errors.contains("Index out of range")
      }
      #expect(isCaught, "\(mutant.change)")
    }
  }
}

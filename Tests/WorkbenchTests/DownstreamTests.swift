import Foundation
import Testing

/// The walk-through of Experiments/your-own-strategy, done as a user would: a package of one's own that adds a strategy without a fork.
@Suite struct DownstreamTests {
  @Test(.timeLimit(.minutes(30))) func aPackageOfOnesOwnHasEveryCommand() throws {
    let package = try DownstreamPackage.built()
    let command = try DownstreamPackage.command("my-unmask")

    let settings = try Command.run(["strategies", "careful"], executable: command)
    #expect(
      settings.output == """
        careful: reveal the surest few above a bar
        role: selector

        setting     default  values      meaning
        ──────────  ───────  ──────────  ───────────────────────────
        confidence  0.9      0.0 to 1.0  the bar, inclusive
        most        4        1 or more   positions per round at most

        """)
    let misspelt = try Command.run(["decode", "--problem", "lists/dev/0", "--strategy", "careful: {mots: 1}"], executable: command)
    #expect(misspelt.code == 2 && misspelt.errors.contains("careful has no setting `mots`; did you mean `most`?"))

    // Few problems: this build is not optimised.
    let folder = try Folder()
    let experiment = folder.path + "/compare.yaml"
    try folder.text(package + "/compare.yaml").replacing("limit: 10", with: "limit: 1").write(toFile: experiment, atomically: true, encoding: .utf8)
    let run = try Command.run(["run", experiment, "--output", folder.path + "/results", "--json"], executable: command)
    #expect(run.code == 0, "\(run.errors)")
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
    #expect(rows.compactMap { $0["strategy"] as? String } == ["one-by-one", "threshold", "careful most=1", "careful most=2", "careful most=4"])
    let rounds = rows.compactMap { ($0["rounds"] as? [String: Any])?["value"] as? Double }
    #expect(rounds.count == 5 && rounds[2] == rounds[0], "one position per round is one token per round")
  }
}

import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Which cells may still be on the front, and a sweep that spends its samples on those.
@Suite struct AdaptiveSweepTests {
  typealias Cell = FrontForecast.Cell

  /// A cell that is right on the problems a pattern marks with 1, at a cost that is the same on all.
  static func cell(_ pattern: String, cost: Double) -> Cell {
    Cell(correct: pattern.map { $0 == "1" ? 1 : 0 }, cost: pattern.map { _ in cost })
  }

  @Test func whenAllIsSeenTheFrontIsCertain() {
    let cells = [Self.cell("1111", cost: 8), Self.cell("1110", cost: 4), Self.cell("1100", cost: 4), Self.cell("1110", cost: 4), Self.cell("1000", cost: 2)]
    #expect(FrontForecast(cells, total: 4).probabilities == [1, 1, 0, 1, 1], "equal points are on the front together")
    #expect(FrontForecast([], total: 4).probabilities.isEmpty)
    let unknown = FrontForecast([Cell(correct: [], cost: [])], total: 4)
    #expect(unknown.probabilities == [1], "nothing is known yet")
  }

  @Test func agreementOnFewProblemsIsNoProof() {
    // As right as each other so far, one at twice the cost: it may still turn out better.
    let chances = [4, 16, 64, 150].map { count in
      let pattern = String(repeating: "1", count: count)
      return FrontForecast([Self.cell(pattern, cost: 4), Self.cell(pattern, cost: 8)], total: 160).probabilities[1]
    }
    #expect(chances[0] > 0.1 && chances[3] < 0.1)
    #expect(zip(chances, chances.dropFirst()).allSatisfy { $0 + 0.05 > $1 }, "\(chances)")
    let clear = [Self.cell(String(repeating: "1", count: 40), cost: 4), Self.cell(String(repeating: "10", count: 20), cost: 8)]
    #expect(FrontForecast(clear, total: 200).probabilities[1] < 0.02)
  }

  /// What is said to be nearly out of the question seldom happens, and the likelier a cell is said to be on the front the more often it is.
  @Test func forecastsHold() {
    var bins = [Double: (sum: Double, hits: Double, count: Double)]()
    var dropped: [Double] = []
    for trial in 0..<150 {
      let random = SeededRandom(seed: 7)[trial]
      let cells = (0..<6).map { place in
        // Problems differ in difficulty, and cells in skill; the costly ones tend to be better.
        let correct = (0..<100).map { problem -> Double in
          let skill = 0.72 + 0.03 * Double(place) + 0.2 * (random["skill"][place].uniform - 0.5)
          return random["difficulty"][problem].uniform * 0.5 + random["luck"][place][problem].uniform * 0.5 < skill ? 1 : 0
        }
        return Cell(correct: correct, cost: correct.map { _ in Double(place) + 1 })
      }
      let truth = FrontForecast(cells, total: 100).probabilities
      let seen = cells.map { Cell(correct: Array($0.correct.prefix(30)), cost: Array($0.cost.prefix(30))) }
      let early = FrontForecast(seen, total: 100, draws: 200).probabilities
      for (chance, isOn) in zip(early, truth) {
        if chance < 0.02 { dropped.append(isOn) }
        let bin = (chance * 4).rounded(.down) / 4
        let old = bins[bin] ?? (0, 0, 0)
        bins[bin] = (old.sum + chance, old.hits + isOn, old.count + 1)
      }
    }
    let shares = bins.sorted { $0.key < $1.key }.map { $0.value.hits / $0.value.count }
    #expect(bins.count == 5 && zip(shares, shares.dropFirst()).allSatisfy { $0 < $1 }, "\(bins)")
    for (bin, found) in bins {
      let (said, came) = (found.sum / found.count, found.hits / found.count)
      #expect(abs(said - came) < 0.2, "said \(said) from \(bin) on, came to \(came)")
    }
    // Some of those that are all but ruled out come back; far fewer than of all.
    let all = bins.values.reduce((0.0, 0.0)) { ($0.0 + $1.hits, $0.1 + $1.count) }
    let back = dropped.reduce(0, +) / Double(dropped.count)
    #expect(dropped.count > 100 && back < 0.5 * all.0 / all.1, "\(back) of those given less than 2 percent, of all \(all.0 / all.1)")
  }

  @Test func aFewCellsHoldTheFrontOfMany() {
    // Two places on the front, the better one held by four cells of the same answers, which differ by less than counts.
    let better = (0..<4).map { Self.cell(String(repeating: "1110", count: 10), cost: 8 + 0.05 * Double($0)) }
    let cells = better + [Self.cell(String(repeating: "1000", count: 10), cost: 2), Self.cell(String(repeating: "10", count: 20), cost: 20)]
    let forecast = FrontForecast(cells, total: 80)
    #expect(Set(forecast.covering(2, always: [])).isSubset(of: [0, 1, 2, 3, 4]) && forecast.covering(2, always: []).contains(4))
    // What has to be there is, and counts; more than there are is all of them, each once.
    #expect(forecast.covering(2, always: [5]).first == 5 && forecast.covering(2, always: [5]).count == 2)
    #expect(forecast.covering(9, always: []).sorted() == Array(0..<6))
    #expect(forecast.covering(0, always: [5]) == [5] && FrontForecast([], total: 4).covering(3, always: []).isEmpty)
    // Where all is known, as many as the front has members that differ.
    let known = FrontForecast(cells, total: 40)
    #expect(Set(known.covering(2, always: [])) == [0, 4], "\(known.covering(2, always: []))")
  }

  @Test(arguments: [(12, 200, 56, 3000), (4, 5, 3, 2), (6, 24, 9, 36), (1, 100, 40, 0), (8, 64, 10, 1_000_000)])
  func aBudgetLastsToTheLastRung(_ reached: Int, _ limit: Int, _ cells: Int, _ budget: Int) {
    let steps = AdaptiveSweep.steps(from: reached, to: limit)
    #expect(steps.reduce(reached, +) == limit)
    let share = AdaptiveSweep.share(kept: steps, of: cells, within: budget)
    var (left, spent) = (Double(cells), 0.0)
    for step in steps {
      left *= share
      spent += left * Double(step)
    }
    let all = Double(cells * steps.reduce(0, +))
    #expect(spent <= Double(budget) + 1e-6 && (share == 1 ? all <= Double(budget) : abs(spent - Double(budget)) < 1e-3 * Double(budget) + 1e-6))
  }

  static let experiment = """
    name: race
    benchmark: {name: lists, split: dev, limit: 24}
    baseline: one-by-one
    trace: none
    adaptive: {first: 6, samples: 90}
    strategies:
      one-by-one: [quota: {}]
      threshold: {use: [threshold: {}], sweep: {threshold.confidence: [0.3, 0.5, 0.7, 0.9, 0.99]}}
      quota: {use: [quota: {}], sweep: {quota.steps: [8, 4, 2]}}
    """

  @Test func aRaceKeepsToItsBudgetAndDecidesTheSameWhenResumed() throws {
    try ExperimentFileTests.with(Self.experiment) { file in
      let folder = try Folder()
      let race = try Command.run(["run", file, "--output", folder.path + "/race", "--json"])
      #expect(race.code == 0, "\(race.errors)")
      let rows = try #require(try JSONSerialization.jsonObject(with: Data(race.output.utf8)) as? [[String: Any]])
      let samples = rows.compactMap { $0["samples"] as? Int }
      #expect(rows.count == 9 && samples.reduce(0, +) <= 90 + 24, "no more than the budget and what the baseline has to have: \(samples)")
      #expect(samples[0] == 24 && samples.contains { $0 < 24 } && samples.allSatisfy { [6, 12, 24].contains($0) })
      #expect(race.errors.contains("samples instead of 216"))

      // What it decoded is what a full sweep decodes.
      let full = try Command.run(["run", file, "--output", folder.path + "/full", "--set", "adaptive=null", "--json"])
      #expect(full.code == 0)
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/race/race") where name.count == 16 {
        let part = try folder.text(folder.path + "/race/race/\(name)/outcomes.jsonl")
        #expect(try folder.text(folder.path + "/full/race/\(name)/outcomes.jsonl").hasPrefix(part))
      }
      // The same command again decodes nothing, and in a folder that has everything already the race takes the same course.
      for place in ["race", "full"] {
        let again = try Command.run(["run", file, "--output", folder.path + "/" + place, "--json"])
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [[String: Any]])
        #expect(again.code == 0 && rows.compactMap { $0["samples"] as? Int } == samples)
        // Progress is told of what takes long, and that depends on the machine.
        let told = { (text: String) in text.split(separator: "\n").filter { !$0.hasPrefix("  [") } }
        #expect(told(again.errors) == told(race.errors.replacing("/race/", with: "/\(place)/")))
      }
    }
  }

  /// Decodings of one geometry that differ in `max_rounds` alone are tuned apart.
  @Test func decodingsOfOneGeometryAreTunedApart() throws {
    let text = Self.experiment.replacing("adaptive: {first: 6, samples: 90}", with: "decoding: [{max_rounds: 100}, {max_rounds: 200}]")
      .replacing("limit: 24", with: "limit: 2").replacing("[0.3, 0.5, 0.7, 0.9, 0.99]", with: "[0.3, 0.9]")
    try ExperimentFileTests.with(text) { file in
      let folder = try Folder()
      let tuned = try Command.run(["run", file, "--output", folder.path, "--tune", "--json"])
      #expect(tuned.code == 0, "\(tuned.errors)")
      let answer = try #require(try JSONSerialization.jsonObject(with: Data(tuned.output.utf8)) as? [[String: Any]])
      let choices = try #require(answer[0]["choices"] as? [[String: Any]])
      #expect(choices.count == 6 && choices.allSatisfy { $0["test_accuracy"] is Double })
      #expect(choices.filter { $0["strategy"] as? String == "threshold" }.map { $0["settings_tried"] as? Int } == [2, 2])
      #expect(Set(choices.compactMap { ($0["geometry"] as? String)?.split(separator: " ").last }) == ["max_rounds=100", "max_rounds=200"])
      let table = try Command.run(["run", file, "--output", folder.path, "--tune"])
      #expect(table.output.contains("max_rounds=100  threshold") && table.output.contains("max_rounds=200  threshold"), "\(table.output)")
    }
  }

  @Test func settingsAreChosenOnDevAndReportedOnTest() throws {
    let text = Self.experiment.replacing("adaptive: {first: 6, samples: 90}", with: "tune: {kept: 0.9}").replacing("limit: 24", with: "limit: 10")
    try ExperimentFileTests.with(text) { file in
      let folder = try Folder()
      let tuned = try Command.run(["run", file, "--output", folder.path, "--tune", "--json"])
      #expect(tuned.code == 0, "\(tuned.errors)")
      let answer = try #require(try JSONSerialization.jsonObject(with: Data(tuned.output.utf8)) as? [[String: Any]])
      let choices = try #require(answer[0]["choices"] as? [[String: Any]])
      #expect(choices.map { $0["strategy"] as? String } == ["one-by-one", "threshold", "quota"])
      #expect(choices.map { $0["settings_tried"] as? Int } == [1, 5, 3])
      // The rule by hand, from what was decoded.
      let runs = try StoredRun.find(in: [folder.path + "/race"]).runs
      #expect(runs.count == 9 + 3)
      let cells = CellResults.cells(of: runs)
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
      let dev = cells.filter { $0.group.benchmark == "lists/dev" }
      let bar = 0.9 * mean(dev[0][.correct])
      for choice in choices {
        let own = dev.filter { $0.strategy == choice["strategy"] as? String }
        let keeping = own.filter { mean($0[.correct]) >= bar }
        let chosen = own.first { $0.setting == choice["setting"] as? String }
        #expect(choice["keeps"] as? Bool == !keeping.isEmpty)
        if !keeping.isEmpty { #expect(chosen.map { mean($0[.rounds]) } == keeping.map { mean($0[.rounds]) }.min()) }
        #expect(cells.contains { $0.group.benchmark == "lists/test" && $0.label == chosen?.label })
        #expect(choice["test_accuracy"] is Double)
      }
      let table = try Command.run(["run", file, "--output", folder.path, "--tune"])
      #expect(table.code == 0 && table.output.contains("tried") && table.output.contains("chosen on dev"))
    }
  }

  @Test(arguments: [
    (["--tune", "--adaptive"], "--tune tries every setting on dev"), (["--adaptive", "--shard", "0/2"], "they run in one process"),
    (["--budget", "0"], "--budget is 1 or more"), (["--tune", "--set", "baseline=null"], "needs `baseline`: the strategy whose accuracy --tune is to keep"),
    (["--set", "adaptive.drop=2"], "`adaptive.drop` is 2.0, expected a probability"), (["--set", "tune={kep: 1}"], "did you mean `kept`?"),
  ])
  func whatMakesNoSenseIsRefused(_ options: [String], _ message: String) throws {
    try ExperimentFileTests.with(Self.experiment) { file in
      let folder = try Folder()
      let result = try Command.run(["run", file, "--output", folder.path] + options)
      #expect(result.code == 2 && result.errors.contains(message), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty, "refused before anything runs")
    }
  }

  @Test func aDryRunEstimatesRoundsAndTime() throws {
    try ExperimentFileTests.with(Self.experiment.replacing("adaptive: {first: 6, samples: 90}\n", with: "")) { file in
      let folder = try Folder()
      let json = try Command.run(["run", file, "--output", folder.path, "--dry-run", "--json"])
      let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
      #expect(rows.count == 9 && rows.allSatisfy { $0["seconds"] as? Double ?? -1 > 0 })
      // A fixed number of rounds is estimated exactly.
      #expect(rows.map { $0["rounds"] as? Double }.prefix(1) + rows.map { $0["rounds"] as? Double }.suffix(3) == [16, 8, 4, 2])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty, "a pilot leaves nothing behind")
      let table = try Command.run(["run", file, "--output", folder.path, "--dry-run", "--jobs", "2"])
      #expect(table.output.contains("9 runs, 216 samples to decode: about 0:0") && table.output.contains("with --jobs 2"), "\(table.output)")
      let none = try Command.run(["run", file, "--output", folder.path, "--dry-run", "--pilot", "0"])
      #expect(none.output.contains("9 runs, 216 samples to decode") && !none.output.contains("about"))
    }
  }
}

import Foundation
import Testing

@testable import Workbench

/// `unmask pareto` as a process, on a few small runs.
@Suite(.serialized) struct ParetoCommandTests {
  /// An experiment of four cells, run; its folder holds the results.
  private func experiment(_ folder: Folder, jobs: Int = 1) throws -> String {
    let file = folder.path + "/front.yaml"
    let text = """
      name: front
      model: reference
      benchmark: {name: lists, split: test, limit: 4}
      baseline: one-by-one
      strategies:
        one-by-one: [quota: {}]
        bar: {use: [threshold: {}], sweep: {threshold.confidence: [0.5, 0.7, 0.9]}}
      """
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let run = try Command.run(["run", file, "--output", folder.path, "--jobs", "\(jobs)"])
    try #require(run.code == 0, "\(run.errors)")
    return folder.path + "/front"
  }

  @Test func pointsAreWhatTheContractSays() throws {
    let folder = try Folder()
    let results = try experiment(folder)
    let json = try Command.run(["pareto", results, "--json"])
    #expect(json.code == 0)
    let points = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(points.map { $0["setting"] as? String } == ["", "confidence=0.5", "confidence=0.7", "confidence=0.9"])
    let contract = ["strategy", "setting", "x", "x_low", "x_high", "score", "score_low", "score_high", "on_front_probability"]
    let order = json.output.matches(of: #/"(\w+)":/#).prefix(contract.count).map { String($0.output.1) }
    #expect(order == contract)
    for point in points {
      let numbers = try contract.dropFirst(2).map { try #require(point[$0] as? Double) }
      #expect(numbers[1] <= numbers[0] && numbers[0] <= numbers[2] && numbers[4] <= numbers[3] && numbers[3] <= numbers[5])
      #expect((0...1).contains(numbers[6]))
    }
    #expect(points[0]["x"] as? Double == 16)
    // The same seed gives the same draws, and what was printed agrees with itself.
    #expect(try Command.run(["pareto", results, "--json"]).output == json.output)
    let stored = folder.path + "/points.json"
    try json.output.write(toFile: stored, atomically: true, encoding: .utf8)
    let same = try Command.run(["pareto", results, "--against", stored])
    #expect(same.code == 0 && same.errors == "4 of 4 stored points agree\n")
    try json.output.replacing("confidence=0.7", with: "confidence=0.6").write(toFile: stored, atomically: true, encoding: .utf8)
    let other = try Command.run(["pareto", results, "--against", stored])
    #expect(other.code == 1 && other.output == "lists/test bar confidence=0.6: it is not in these runs\n")
    #expect(other.errors == "unmask: 3 of 4 stored points agree, 1 do not; 1 point is not stored\n")
  }

  @Test func aDamagedRunIsLeftOutAndSaid() throws {
    let folder = try Folder()
    let results = try experiment(folder)
    let index = try #require(try RunIndex.read(from: results))
    let lost = try #require(index.runs.first { $0.setting == "confidence=0.7" })
    // An answer that the trace does not have.
    let outcomes = "\(results)/\(lost.digest)/outcomes.jsonl"
    let text = try folder.text(outcomes)
    let verdict = text.contains("\"correct\":true") ? true : false
    let changed = text.replacing("\"correct\":\(verdict)", with: "\"correct\":\(!verdict)")
    try changed.write(toFile: outcomes, atomically: true, encoding: .utf8)
    let result = try Command.run(["pareto", results, "--json"])
    let points = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    #expect(points.map { $0["setting"] as? String } == ["", "confidence=0.5", "confidence=0.9"])
    #expect(result.code == 1 && result.errors.contains("1 damaged run is left out") && result.errors.contains("outcomes.jsonl and trace.h5 differ on lists"))
    // Named by itself it is refused.
    let alone = try Command.run(["compare", "\(results)/\(lost.digest)", "\(results)/\(index.runs[0].digest)"])
    #expect(alone.code == 1 && alone.output.isEmpty && alone.errors.contains("differ on"))
  }

  @Test func groupsThatDifferInOneSettingAreToldApart() throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    let text = """
      name: bounds
      benchmark: {name: lists, split: dev, limit: 3}
      decoding: [{max_rounds: 50}, {max_rounds: 60}]
      strategies: {threshold: [threshold: {}]}
      """
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try Command.run(["run", file, "--output", folder.path]).code == 0)
    let json = try Command.run(["pareto", folder.path + "/bounds", "--json"])
    let points = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(points.map { $0["geometry"] as? String } == ["16/16 max_rounds=50", "16/16 max_rounds=60"], "\(json.errors)")
  }

  @Test(arguments: ["--svg", "--png", "--html"]) func aPictureNeedsAFile(_ option: String) throws {
    let folder = try Folder()
    let result = try Command.run(["pareto", folder.path, option, "-"])
    #expect(result.code == 2 && result.errors.contains("\(option) writes a file"), "\(result.errors)")
    let nowhere = try Command.run(["pareto", folder.path + "/none"])
    #expect(nowhere.code == 2 && nowhere.errors.contains("there is no such folder; expected an experiment's"), "\(nowhere.errors)")
  }

  @Test func tablesGoToFilesToo() throws {
    let folder = try Folder()
    let results = try experiment(folder, jobs: 2)
    let csv = try Command.run(["pareto", results, "--csv", "-", "--strategy", "bar"])
    let lines = csv.output.split(separator: "\r\n")
    #expect(csv.code == 0 && lines.count == 5 && lines[0].hasPrefix("strategy,setting,x,x_low,x_high,score,") && lines[2].hasPrefix("bar,confidence=0.5,"))
    let table = try Command.run(["pareto", results])
    #expect(table.code == 0 && table.output.contains("one-by-one (baseline)") && table.output.contains("÷ at 99 %"))
    // Two samples at a time are no speed.
    let seconds = try Command.run(["pareto", results, "--x", "seconds"])
    #expect(seconds.code == 2 && seconds.errors.contains("--jobs 1") && seconds.errors.contains("--shared-times"))
    #expect(try Command.run(["pareto", results, "--x", "seconds", "--shared-times"]).output.contains("seconds (shared)"))
    #expect(try Command.run(["pareto", results, "--strategy", "baar"]).errors.contains("did you mean `bar`?"))
    #expect(try Command.run(["pareto", results, "--x", "money"]).code == 2)
    #expect(try Command.run(["pareto", folder.path + "/nowhere"]).code == 2)
    #expect(try Command.run(["pareto", results, "--svg", folder.path, "--python", "/bin/false"]).code == 3)
    let broken = try Command.run(["pareto", results, "--svg", folder.path + "/a.svg", "--python", "/bin/false"])
    #expect(broken.code == 2 && broken.errors.contains("/bin/false"))
  }

  @Test(.enabled(if: (PlotPython.isInstalled && Browser.isInstalled) || ProcessInfo.processInfo.environment["CI"] != nil, "NO BROWSER OR NO PLOTS"))
  func pointsOfThePageOpenTheirTraces() throws {
    let folder = try Folder()
    let results = try experiment(folder)
    let page = folder.path + "/a front.html"
    let made = try Command.run(["pareto", results, "--html", page])
    #expect(made.code == 0 && made.errors.contains("its traces: 4 replay pages"))
    let browser = try Browser()
    defer { do { try browser.quit() } catch { Issue.record(error) } }
    try browser.open(URL(fileURLWithPath: page).absoluteString)
    let wait = "return new Promise(done => { const look = () => document.body.dataset.ready ? done(true) : setTimeout(look, 20); look(); })"
    #expect(try browser.evaluate(wait, as: Bool.self))
    let points = "[...document.querySelectorAll('#plot path[aria-roledescription=point]')]"
    #expect(try browser.evaluate("return \(points).length", as: Int.self) == 4)
    // Every link leads to a replay of that run, in the folder beside the page.
    let links = "const links = []; HTMLAnchorElement.prototype.dispatchEvent = function () { links.push(this.getAttribute('href') + ' ' + this.target); }"
    let click = "for (const point of \(points)) point.dispatchEvent(new MouseEvent('click', {bubbles: true}));"
    let answer = "return new Promise(done => setTimeout(() => done(links), 200))"
    let found = try browser.evaluate("\(links); \(click) \(answer)", as: [String].self)
    #expect(Set(found).count == 4)
    for link in found {
      let address = try #require(URL(string: String(link.dropLast(" _blank".count)), relativeTo: URL(fileURLWithPath: page)))
      #expect(link.hasSuffix(" _blank") && address.path.hasPrefix(folder.path + "/a front_traces/"))
      #expect(try folder.text(address.path).contains("lists/test/0"))
    }
    // The pointer over a point says what it is.
    let hover = """
      const point = \(points)[0], box = point.getBoundingClientRect();
      for (const type of ["pointermove", "mousemove"])
        point.dispatchEvent(new MouseEvent(type, {bubbles: true, clientX: box.left + 2, clientY: box.top + 2}));
      return new Promise(done => setTimeout(() => done(document.getElementById("vg-tooltip-element")?.innerText ?? ""), 200));
      """
    let said = try browser.evaluate(hover, as: String.self)
    #expect(said.contains("rounds per sample") && said.contains("click to open it"))
    #expect(browser.complaints.isEmpty, "\(browser.complaints)")
  }
}

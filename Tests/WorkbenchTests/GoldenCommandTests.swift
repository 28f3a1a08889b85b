import Foundation
import Testing
import Traces

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `unmask check` as a process: what it prints, its exit codes, and what a kill leaves.
@Suite struct GoldenCommandTests {
  static let strategies = """
    strategies:
      steady: [threshold: {confidence: 0.8}]
      both: [credit: {}, localleap: {relaxed: 0.5}]
    """

  /// A suite on the exact model, made by the command.
  private func made(_ folder: Folder, strategies: String = Self.strategies) throws -> String {
    let file = folder.path + "/strategies.yaml"
    try strategies.write(toFile: file, atomically: true, encoding: .utf8)
    let suite = folder.path + "/s"
    let result = try Command.run(["check", "--create", suite, "--model", "ties", "--strategies", file])
    #expect(result.code == 0, "\(result.errors)")
    return suite
  }

  /// The same suite with a bar that is met by other positions.
  private func change(_ suite: String) throws {
    let file = suite + "/suite.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.contains("confidence: 0.8"))
    try text.replacing("confidence: 0.8", with: "confidence: 0.4").write(toFile: file, atomically: true, encoding: .utf8)
  }

  private func contents(_ suite: String) throws -> [String: Data] {
    try FileManager.default.subpathsOfDirectory(atPath: suite).filter { !$0.hasPrefix("pending") && $0.contains(".") }
      .reduce(into: [:]) { $0[$1] = FileManager.default.contents(atPath: suite + "/" + $1) }
  }

  @Test func oneCommandMakesASuiteAndOneChecksIt() throws {
    let folder = try Folder()
    let suite = try made(folder)
    let checked = try Command.run(["check", suite])
    #expect(checked.code == 0 && checked.errors == "")
    #expect(checked.output.hasPrefix("s: 2 of 2 strategies as recorded, "))
    #expect(checked.output.hasSuffix("every decision is the golden's, and every belief bit for bit\n"))
    let again = try Command.run(["check", "--create", suite, "--model", "ties"])
    #expect(again.code == 2 && again.errors.contains("is there already"))
    let accepted = try Command.run(["check", suite, "--accept"])
    #expect(accepted.code == 0 && accepted.errors == "nothing to accept\n")
    for golden in try FileManager.default.subpathsOfDirectory(atPath: suite) where golden.hasSuffix(".h5") {
      #expect(try Command.run(["trace", "validate", suite + "/" + golden]).code == 0)
    }
  }

  /// A mistake in the strategies is said once, and leaves no suite behind that would be in the way of the next try.
  @Test func aSuiteOfNothingIsNotMade() throws {
    let folder = try Folder()
    let file = folder.path + "/strategies.yaml"
    try "a: [treshold: {}]\n".write(toFile: file, atomically: true, encoding: .utf8)
    let suite = folder.path + "/s"
    let result = try Command.run(["check", "--create", suite, "--strategies", file, "--problems", "lists/dev/0"])
    let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("unmask: ") }
    #expect(result.code == 2 && lines.count == 2 && lines[0].contains("did you mean `threshold`?"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: suite))
  }

  @Test func aDifferenceIsShownKeptAndAccepted() throws {
    let folder = try Folder()
    let suite = try made(folder)
    let before = try contents(suite)
    try change(suite)
    let checked = try Command.run(["check", suite, "--only", "steady"])
    #expect(checked.code == 1)
    #expect(checked.output.contains("threshold.confidence was 0.8 and is 0.4; first difference: ties/0, round "))
    #expect(checked.output.contains("    golden ") && checked.output.contains("    now    "))
    #expect(checked.errors.contains("1 of 1 strategies do not match their goldens: steady; what would take their place is in \(suite)/pending"))
    #expect(checked.errors.hasSuffix(", `unmask check \(suite) --accept` shows and records it\n"))
    #expect(try Command.run(["trace", "validate", suite + "/pending/steady/ties.h5"]).code == 0)
    // Nobody is there to be asked: nothing is accepted.
    let refused = try Command.run(["check", suite, "--accept"])
    #expect(refused.code == 2 && refused.errors.contains("--accept --yes"))
    #expect(try contents(suite).filter { $0.key != "suite.yaml" } == before.filter { $0.key != "suite.yaml" })
    let accepted = try Command.run(["check", suite, "--accept", "--yes"])
    #expect(accepted.code == 0 && accepted.output.contains("changed  steady/ties.h5"))
    #expect(!FileManager.default.fileExists(atPath: suite + "/pending"))
    #expect(try Command.run(["check", suite]).code == 0)
    // Only what belongs to the strategy changed.
    let after = try contents(suite)
    let changed = after.keys.filter { after[$0] != before[$0] }
    #expect(changed.allSatisfy { $0.hasPrefix("steady/") || ["suite.yaml", "manifest.json"].contains($0) })
  }

  /// A disk that takes no file as large as a golden, played by a limit in the process: the difference is shown and reported all the same.
  @Test func aDifferenceIsShownWhereNothingCanBeWritten() throws {
    let folder = try Folder()
    let suite = try made(folder)
    try change(suite)
    let junit = folder.path + "/junit.xml"
    let arguments = ["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", Command.executable.path, "check", suite, "--junit", junit]
    let checked = try Command.run(arguments, executable: URL(fileURLWithPath: "/bin/bash"))
    #expect(checked.code == 1 && checked.output.contains("    golden ") && checked.output.contains("    now    "), "\(checked.errors)")
    let lines = checked.errors.split(separator: "\n").filter { $0.hasPrefix("unmask: ") }
    #expect(lines.count == 2 && lines[0].hasPrefix("unmask: what would take the goldens' place could not be written: "), "\(checked.errors)")
    #expect(lines.last == "unmask: 1 of 2 strategies do not match their goldens: steady")
    let xml = try folder.text(junit)
    #expect(xml.contains("<failure ") && xml.contains("could not be written"))
    #expect(try !FileManager.default.subpathsOfDirectory(atPath: suite).contains { $0.hasPrefix("pending") && $0.hasSuffix(".h5") })
  }

  /// The whole catalog on the benchmarks' own lengths, with nothing said of either.
  @Test(.timeLimit(.minutes(30))) func aSuiteOfTheCatalogNeedsNoOptions() throws {
    let folder = try Folder()
    let suite = folder.path + "/s"
    let made = try Command.run(["check", "--create", suite])
    #expect(made.code == 0 && !made.errors.contains("could not be recorded"), "\(made.errors)")
    let checked = try Command.run(["check", suite, "--only", "timesteps"])
    #expect(checked.code == 0 && checked.output.hasPrefix("s: 1 of 1 strategies as recorded, "), "\(checked.errors)")
  }

  @Test func reportsForMachines() throws {
    let folder = try Folder()
    let suite = try made(folder)
    try change(suite)
    let file = suite + "/suite.yaml"
    let name = "a<b>&\"c\""
    try (try folder.text(file)).replacing("name: s\n", with: "name: '\(name)'\n").write(toFile: file, atomically: true, encoding: .utf8)
    let junit = folder.path + "/junit.xml"
    let result = try Command.run(["check", suite, "--json", "--junit", junit])
    #expect(result.code == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect(object["passed"] as? Bool == false && object["suite"] as? String == name)
    let strategies = try #require(object["strategies"] as? [[String: Any]])
    #expect(strategies.map { $0["strategy"] as? String } == ["steady", "both"] && strategies.map { $0["passed"] as? Bool } == [false, true])
    let goldens = try #require(strategies[0]["goldens"] as? [[String: Any]])
    #expect(goldens[0]["verdict"] as? String == "settings" && goldens[0]["sample"] as? String == "ties/0" && goldens[0]["round"] is Int)

    let xml = JUnit()
    let parser = XMLParser(data: try folder.bytes(junit))
    parser.delegate = xml
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(xml.elements["testsuites"]?.count == 1 && xml.elements["testsuite"]?.first?["name"] == name)
    #expect(xml.elements["testsuite"]?.first?["tests"] == "2" && xml.elements["testsuite"]?.first?["failures"] == "1")
    #expect(xml.elements["testcase"]?.map { $0["name"] } == ["steady", "both"])
    for entry in xml.elements["testcase"] ?? [] { #expect(entry["classname"]?.hasSuffix(name) == true && entry["time"].flatMap(Double.init) != nil) }
    #expect(xml.elements["failure"]?.count == 1 && xml.elements["failure"]?.first?["message"]?.hasPrefix("threshold.confidence was 0.8") == true)
    #expect(xml.text.contains("golden ") && xml.text.contains("now    "))
    let place = try Command.run(["check", suite, "--junit", "/nowhere/at/all.xml"])
    #expect(place.code == 3 && place.output == "", "a report that cannot be written is said before anything is decoded")
  }

  @Test(arguments: [
    (["check", "nowhere"], 2, "unmask: nowhere/suite.yaml: "), (["check", "--yes"], 2, "unmask: --yes goes with --accept"),
    (["check", "--create", "x", "--accept"], 2, "unmask: --create makes a suite of its own"),
    (["check", "--problems", "lists/dev/1"], 2, "unmask: --strategies"),
  ])
  func mistakesAreOneClearLine(_ arguments: [String], _ code: Int32, _ message: String) throws {
    let result = try Command.run(arguments)
    #expect(result.code == code && result.output == "")
    #expect(result.errors.hasPrefix(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  /// Killed at any moment of an acceptance, every file is the old one or the new one, and the next check finds the suite whole or says which file is not.
  @Test(.timeLimit(.minutes(30))) func aKilledAcceptanceIsWholeOrLoud() throws {
    let folder = try Folder()
    let names = (0..<3).map { "steady-\($0)" }
    let suite = try made(folder, strategies: "strategies:\n" + names.map { "  \($0): [threshold: {confidence: 0.8}]\n" }.joined())
    let old = try contents(suite)
    try change(suite)
    let copy = folder.path + "/done"
    try FileManager.default.copyItem(atPath: suite, toPath: copy)
    // How long writing takes here, from the first golden that changes to the end.
    let whole = try accept(copy, first: names[0], killedAfter: nil)
    let new = try contents(copy)
    let changed = new.keys.filter { new[$0] != old[$0] && $0.hasSuffix(".h5") }
    #expect(Set(changed.map { $0.prefix { $0 != "/" } }).count == names.count && changed.count > names.count)

    var states: [String: Int] = [:]
    let moments = 8
    // Before the first file, then spread over all of them; again where the machine was too busy to hit one in between.
    for attempt in 0..<4 * moments where attempt <= moments || states["between"] == nil {
      let trial = folder.path + "/trial"
      try FileManager.default.copyItem(atPath: suite, toPath: trial)
      let share = Double(attempt % (moments + 1)) / Double(moments)
      try accept(trial, first: attempt == 0 ? nil : names[0], killedAfter: attempt == 0 ? 0.001 : share * whole)
      let left = try contents(trial)
      for (file, bytes) in left where file.hasSuffix(".h5") && bytes != old[file] {
        try #require(new[file] != nil, "\(file) belongs to no suite")
        let differences = try TraceFile.read(trial + "/" + file).differences(from: TraceFile.read(copy + "/" + file))
        #expect(differences == [], "\(file) is neither the old one nor the new one")
      }
      let checked = try Command.run(["check", trial])
      #expect(checked.code == 0 || checked.code == 1 && checked.errors.contains("do not match their goldens: steady-"), "\(checked.errors)")
      let isOld = old.allSatisfy { $0.key == "suite.yaml" || left[$0.key] == $0.value } && Set(left.keys) == Set(old.keys)
      // Silent only when nothing of the old suite is left.
      if checked.code == 0 { #expect(Set(left.keys.filter { !$0.hasSuffix(".tmp") }) == Set(new.keys) && !isOld) }
      states[checked.code == 0 ? "new" : isOld ? "old" : "between", default: 0] += 1
      let healed = try Command.run(["check", trial, "--accept", "--yes"])
      #expect(healed.code == 0, "\(healed.errors)")
      #expect(try Command.run(["check", trial]).code == 0)
      #expect(Set(try contents(trial).keys) == Set(new.keys))
      try FileManager.default.removeItem(atPath: trial)
    }
    #expect(states["old"] != nil && states["between"] != nil, "kills came at different moments: \(states)")
  }

  /// Accepts what changed in a suite and is killed some time after the first golden has changed (nil: after it was started; not at all for a nil delay).
  ///
  /// - Returns: seconds from the first change to the end.
  @discardableResult
  private func accept(_ suite: String, first: String?, killedAfter delay: Double?) throws -> Double {
    let file = first.map { suite + "/\($0)/ties.h5" }
    let before = file.flatMap { FileManager.default.contents(atPath: $0) }
    let clock = ContinuousClock()
    let process = try Command.start(["check", suite, "--accept", "--yes"])
    if let file { while process.isRunning, FileManager.default.contents(atPath: file) == before { usleep(100) } }
    let changed = clock.now
    if let delay {
      usleep(UInt32(delay * 1e6))
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    #expect(delay != nil || process.terminationStatus == 0)
    return (clock.now - changed) / .seconds(1)
  }
}

/// Elements, attributes and text of a JUnit report.
private final class JUnit: NSObject, XMLParserDelegate {
  var elements: [String: [[String: String]]] = [:]
  var text = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
  ) { elements[name, default: []].append(attributes) }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}

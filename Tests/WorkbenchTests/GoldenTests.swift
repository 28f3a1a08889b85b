import Diffusion
import Foundation
import Models
import Strategies
import Testing
import Traces

@testable import Workbench

/// Suites of goldens, made and checked on the model of exact confidences: what holds, what is noticed, and what accepting changes.
@Suite struct GoldenTests {
  /// A bar, inclusive or not: two strategies of one name.
  struct Inclusive: Strategy {
    static let name = "bar"
    private let bar: Double
    init(_ parameters: inout Parameters) throws(ConfigurationError) { bar = try parameters.number("confidence", default: 0.9, in: 0..., "the bar") }
    mutating func decide(_ step: inout Step) {
      for position in step.open where step.belief[position].confidence >= bar { step.reveal(position) }
    }
  }

  struct Exclusive: Strategy {
    static let name = "bar"
    private let bar: Double
    init(_ parameters: inout Parameters) throws(ConfigurationError) { bar = try parameters.number("confidence", default: 0.9, in: 0..., "the bar") }
    mutating func decide(_ step: inout Step) {
      for position in step.open where step.belief[position].confidence > bar { step.reveal(position) }
    }
  }

  /// The same with another default.
  struct Bolder: Strategy {
    static let name = "bar"
    private let bar: Double
    init(_ parameters: inout Parameters) throws(ConfigurationError) { bar = try parameters.number("confidence", default: 0.4, in: 0..., "the bar") }
    mutating func decide(_ step: inout Step) {
      for position in step.open where step.belief[position].confidence >= bar { step.reveal(position) }
    }
  }

  /// Ends in no number of rounds.
  struct Stuck: Strategy {
    static let name = "bar"
    init(_ parameters: inout Parameters) throws(ConfigurationError) { _ = try parameters.number("confidence", default: 0.9, in: 0..., "the bar") }
    mutating func decide(_ step: inout Step) { step.pass() }
  }

  static let catalog = Catalog([Inclusive.self])

  /// A suite in a folder of its own, recorded with a catalog.
  final class Recorded {
    let folder: Folder
    let suite: GoldenSuite

    init(_ settings: Setting = ["model": "ties", "decoding": ["max_rounds": 60]], _ catalog: Catalog = GoldenTests.catalog) throws {
      folder = try Folder()
      try GoldenSuite.make(folder.path + "/s", settings)
      suite = try GoldenSuite(folder: folder.path + "/s")
      try accept(catalog)
    }

    func check(_ catalog: Catalog = GoldenTests.catalog, _ benchmarks: BenchmarkCatalog = .standard, only: String? = nil) throws -> GoldenReport {
      try GoldenCheck(try GoldenSuite(folder: suite.folder), catalog: catalog, benchmarks: benchmarks, only: only).run()
    }

    @discardableResult
    func accept(_ catalog: Catalog) throws -> GoldenRevision {
      let check = try GoldenCheck(suite, catalog: catalog, benchmarks: .standard)
      let revision = try GoldenRevision(try check.run(), check)
      try revision.apply()
      return revision
    }

    func path(_ file: String) -> String { suite.folder + "/" + file }
    /// Every golden, pending ones left out.
    var goldens: [String] { get throws { try bytes.keys.filter { $0.hasSuffix(".h5") }.sorted() } }
    /// Every byte of the suite, by file.
    var bytes: [String: Data] {
      get throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: suite.folder).filter { !$0.hasPrefix("pending") }
        return try files.reduce(into: [:]) { all, file in
          var isFolder: ObjCBool = false
          if FileManager.default.fileExists(atPath: path(file), isDirectory: &isFolder), !isFolder.boolValue { all[file] = try folder.bytes(path(file)) }
        }
      }
    }
  }

  private func verdicts(_ report: GoldenReport) -> Set<String> {
    Set(report.results.filter { !$0.verdict.isFine }.map { "\($0.golden.file) \($0.verdict.name)" })
  }

  @Test func whatWasRecordedHolds() throws {
    let recorded = try Recorded()
    let report = try recorded.check()
    #expect(report.isPassed && report.furthest == nil)
    #expect(report.results.count == (try recorded.goldens.count) && report.results.count > 1)
    for file in try recorded.goldens { #expect(try TraceFile.read(recorded.path(file)).validate() == []) }
    // Checking leaves nothing behind, and accepting nothing changes nothing.
    let before = try recorded.bytes
    #expect(try recorded.accept(Self.catalog).changes.isEmpty)
    #expect(try recorded.bytes == before)
  }

  /// The edge of an inclusive bar is a confidence itself; one float64 further the decisions are others. A bar that is exclusive now is noticed there and only there.
  @Test func aFlippedComparisonIsNoticedOnItsEdge() throws {
    let recorded = try Recorded()
    let edges = try recorded.check().results.compactMap(\.golden.edge)
    #expect(edges == ["confidence=0.5", "confidence=1.0"])
    let report = try recorded.check(Catalog([Exclusive.self]))
    let bad = report.results.filter { !$0.verdict.isFine }
    #expect(bad.map(\.golden.edge) == ["confidence=0.5", "confidence=1.0"])
    let difference = try #require(bad.first?.verdict.difference)
    let lines = difference.lines(try #require(bad.first?.text), width: 100, hasColour: false)
    #expect(difference.problem == "ties/0" && lines[0].hasPrefix("golden ") && lines.contains { $0.hasPrefix("now    ") })
    #expect(lines.contains { $0.hasPrefix("only golden  reveals") && $0.hasSuffix("confidence 0.5, by bar") })
    #expect(lines.last == "this model is made of arithmetic and believes what it believed: the rules decide otherwise on it")
    #expect(FileManager.default.fileExists(atPath: recorded.path("pending/" + (try #require(bad.first).golden.file))))
  }

  /// What stands under `bars` is decoded on the exact model as it is, and is not moved about.
  @Test func aBarIsMetWhereItStands() throws {
    let recorded = try Recorded(["model": "ties", "bars": ["met": [["bar": ["confidence": 0.5]]], "passed": [["bar": ["confidence": 0.6]]]]])
    #expect(try recorded.goldens.filter { !$0.hasPrefix("bar/") } == ["met/ties.h5", "passed/ties.h5"])
    #expect(try TraceFile.read(recorded.path("met/ties.h5")).attributes.level == TraceLevel.edits.name)
    let bad = try recorded.check(Catalog([Exclusive.self])).results.filter { !$0.verdict.isFine }
    #expect(bad.contains { $0.golden.strategy == "met" } && !bad.contains { $0.golden.strategy == "passed" })
    // Accepted, it is still one golden.
    try recorded.accept(Catalog([Exclusive.self]))
    #expect(try recorded.check(Catalog([Exclusive.self])).isPassed && recorded.goldens.count { $0.hasPrefix("met/") } == 1)
    #expect(throws: ConfigurationError.self, "one name for two strategies") {
      try Recorded(["model": "ties", "bars": ["bar": [["bar": ["confidence": 0.5]]]]])
    }
  }

  @Test func aStrategyThatJoinsTheCatalogIsMissing() throws {
    let recorded = try Recorded()
    let grown = Self.catalog + Catalog.standard.entries.filter { $0.name == "threshold" }
    let report = try recorded.check(grown)
    #expect(verdicts(report) == ["threshold/ties.h5 missing"] && !report.isPassed)
    let revision = try recorded.accept(grown)
    #expect(Set(revision.changes.map(\.kind)) == [.new])
    #expect(try recorded.check(grown).isPassed)
    // One that leaves it is too much, until that is accepted.
    let shrunk = try recorded.check()
    #expect(!shrunk.isPassed && Set(shrunk.results.filter { !$0.verdict.isFine }.map(\.verdict.name)) == ["extra"])
    try recorded.accept(Self.catalog)
    #expect(try recorded.check().isPassed && recorded.goldens.allSatisfy { $0.hasPrefix("bar/") })
    #expect(!FileManager.default.fileExists(atPath: recorded.path("threshold")))
  }

  @Test func anotherDefaultIsNamed() throws {
    let recorded = try Recorded()
    let report = try recorded.check(Catalog([Bolder.self]))
    let first = try #require(report.results.first)
    guard case .settings(let what, let difference?) = first.verdict else {
      Issue.record("\(first.verdict)")
      return
    }
    #expect(what == "bar.confidence was 0.9 and is 0.4" && difference.round != nil)
    // Edges are recorded with every setting, so the default does not touch them.
    #expect(report.results.dropFirst().allSatisfy { $0.verdict.isFine })
  }

  @Test func aStrategyThatDoesNotEndIsNamed() throws {
    let recorded = try Recorded()
    let report = try recorded.check(Catalog([Stuck.self]))
    #expect(report.results.allSatisfy { $0.verdict.message?.contains("max_rounds = 60") == true })
    // Nothing can take its place: accepting leaves the suite as it is.
    let before = try recorded.bytes
    #expect(try recorded.accept(Catalog([Stuck.self])).unresolved.count == 1)
    #expect(try recorded.bytes == before)
  }

  @Test func whatIsMissingExtraOrEditedIsNamed() throws {
    let recorded = try Recorded(["model": "ties", "strategies": ["other": [["bar": ["confidence": 0.6]]]]])
    let files = try recorded.goldens
    #expect(files.count >= 4)
    try FileManager.default.removeItem(atPath: recorded.path(files[0]))
    try FileManager.default.copyItem(atPath: recorded.path(files[1]), toPath: recorded.path("bar/stray.h5"))
    try FileManager.default.removeItem(atPath: recorded.path(files[1]))
    try FileManager.default.copyItem(atPath: recorded.path(files[2]), toPath: recorded.path(files[1]))
    var bytes = try recorded.folder.bytes(recorded.path(files[3]))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: recorded.path(files[3])))
    let report = try recorded.check()
    #expect(verdicts(report) == ["\(files[0]) missing", "bar/stray.h5 extra", "\(files[1]) edited", "\(files[3]) edited"])
    try recorded.accept(Self.catalog)
    #expect(try recorded.check().isPassed && recorded.goldens == files)
  }

  /// A golden that its manifest lists and that is no trace, or one that contradicts itself.
  @Test(arguments: [0, 1]) func whatIsDamagedIsNamed(_ kind: Int) throws {
    let recorded = try Recorded()
    let file = try recorded.goldens[0]
    if kind == 0 {
      try Data("no trace".utf8).write(to: URL(fileURLWithPath: recorded.path(file)))
    } else {
      var trace = try TraceFile.read(recorded.path(file))
      let samples = try trace.samples()
      var lying = samples[0]
      lying.response[0] = (lying.response[0] + 1) % 14
      trace = try Trace(attributes: trace.attributes, samples: [lying] + samples.dropFirst())
      try TraceFile.write(trace, to: recorded.path(file))
    }
    let manifest = try #require(try GoldenManifest(folder: recorded.suite.folder))
    let old = try #require(manifest.record(file)).digest
    let new = GoldenManifest.digest(of: try recorded.folder.bytes(recorded.path(file)))
    try manifest.text.replacing(old, with: new).write(toFile: recorded.path("manifest.json"), atomically: true, encoding: .utf8)
    let report = try recorded.check()
    #expect(verdicts(report) == ["\(file) damaged"])
    #expect(report.results.first { $0.golden.file == file }?.verdict.message?.contains(file) == true)
  }

  @Test func aDamagedManifestIsOneError() throws {
    let recorded = try Recorded()
    let head = "{\"schema\":\"unmask-goldens\",\"version\":"
    for text in ["", "{", "[]", head + "2,\"goldens\":[]}", head + "1,\"goldens\":[{}]}"] {
      try text.write(toFile: recorded.path("manifest.json"), atomically: true, encoding: .utf8)
      #expect(throws: RunError.self) { try recorded.check() }
    }
    // A path that leads out of the suite is none of this program's.
    let outside = """
      {"schema":"unmask-goldens","version":1,"goldens":[{"file":"../x.h5","sha256":"0","strategy":"bar","model":"ties","model_digest":"0","engine":1,"settings":[]}]}
      """
    try outside.write(toFile: recorded.path("manifest.json"), atomically: true, encoding: .utf8)
    #expect(throws: RunError.self) { try recorded.check() }
    // Without one, everything is missing, what lies there is extra, and that it is gone is the first that is said.
    try FileManager.default.removeItem(atPath: recorded.path("manifest.json"))
    for only in [nil, "bar"] {
      let report = try recorded.check(only: only)
      #expect(Set(report.results.map(\.verdict.name)) == ["missing", "extra"])
      #expect(report.results.first?.verdict.message == "its file is there, but no manifest lists it")
      #expect(report.remarks.count == 1 && report.remarks.first?.hasPrefix(recorded.path("manifest.json") + " is missing") == true)
    }
    // A suite that was never recorded has none to lose.
    for file in try recorded.goldens { try FileManager.default.removeItem(atPath: recorded.path(file)) }
    #expect(try recorded.check().remarks == [])
  }

  @Test func anotherModelIsTheFirstCause() throws {
    let recorded = try Recorded()
    let manifest = try recorded.folder.text(recorded.path("manifest.json"))
    try manifest.replacing(TieDenoiser.digest, with: String(repeating: "0", count: 64))
      .write(toFile: recorded.path("manifest.json"), atomically: true, encoding: .utf8)
    let report = try recorded.check()
    let change = try #require(report.modelChanges.first)
    #expect(change.goldens == (try recorded.goldens.count) && change.message.hasPrefix("the model changed: \(change.goldens) goldens are for ties"))
    #expect(report.results.allSatisfy { $0.verdict.name == "other-model" })
    // Renewed from the model's problems, the goldens are what they were.
    let before = try recorded.bytes.filter { $0.key.hasSuffix(".h5") }
    try recorded.accept(Self.catalog)
    let after = try recorded.bytes.filter { $0.key.hasSuffix(".h5") }
    #expect(try recorded.check().isPassed && before.keys == after.keys)
    for file in before.keys { #expect(try TraceFile.read(recorded.path(file)).validate() == []) }
  }

  @Test func oneStrategyCanBeChecked() throws {
    let catalog = Self.catalog + Catalog.standard.entries.filter { $0.name == "quota" }
    let recorded = try Recorded(["model": "ties"], catalog)
    let report = try recorded.check(Catalog([Exclusive.self]) + Catalog.standard.entries.filter { $0.name == "quota" }, only: "quota")
    #expect(report.isPassed && report.strategies.map(\.name) == ["quota"])
    #expect(throws: ConfigurationError.self) { try recorded.check(catalog, only: "quote") }
    // What is too much in its folder is noticed, another strategy's is not.
    for folder in ["bar", "quota"] {
      try FileManager.default.copyItem(atPath: recorded.path("quota/ties.h5"), toPath: recorded.path(folder + "/stray.h5"))
    }
    let crowded = try recorded.check(catalog, only: "quota")
    #expect(verdicts(crowded) == ["quota/stray.h5 extra"])
  }

  @Test func aSuiteSaysWhatItIs() throws {
    for settings: Setting in [
      ["model": "reference"], ["model": "ties", "catalog": false], ["model": "ties", "strategies": ["../up": ["bar"]]], ["modle": "ties"],
      ["model": "ties", "strategies": ["pending": ["bar"]]], ["model": "ties", "tolerance": ["absolute": -1]],
      ["model": "ties", "decoding": ["pinned": ["0": 1]]], ["model": "reference", "problems": ["lists/dev/0"], "bars": ["met": ["bar"]]],
      ["model": "ties", "bars": ["../up": ["bar"]]], ["model": "ties", "cached": ["over": ["bar"]]], ["model": "ties", "cached": ["over": ["cache": "dual"]]],
      ["model": "ties", "cached": ["over": ["cache": "none", "rules": ["bar"]]]],
      ["model": "ties", "cached": ["over": ["cache": "duel", "rules": ["bar"]]]],
      ["model": "ties", "cached": ["over": ["cache": "dual", "rules": ["bar"], "rule": 1]]],
    ] { #expect(throws: ConfigurationError.self, "\(settings.json)") { try GoldenSuite(settings, folder: "x") } }
    let suite = try GoldenSuite(["model": "ties", "strategies": ["bar": [["bar": ["confidence": 0.5]]], "both": ["bar", "quota"]]], folder: "x")
    let entries = suite.entries(Self.catalog + Catalog.standard.entries.filter { $0.name == "quota" })
    #expect(entries.map(\.name) == ["bar", "quota", "both"] && entries[0].rules == [["bar": ["confidence": 0.5]]])
  }

  /// The shipped suite holds decodes over every cache policy; a refresh less, and its golden says so.
  @Test func cachesHaveGoldens() throws {
    let shipped = try GoldenSuite(folder: GoldenSuite.shipped())
    let policies = Set(shipped.cached.compactMap { entry in if case .text(let name)? = entry.cache?["policy"]?.value { name } else { nil } })
    #expect(policies == Set(CacheCatalog.standard.names.dropFirst()))
    let settings = { (refresh: Int) -> Setting in
      [
        "model": "reference", "problems": ["countdown/dev/2"], "catalog": false,
        "cached": ["over": ["cache": ["policy": "dkv", "refresh": Setting(.integer(refresh))], "rules": ["quota"]]],
      ]
    }
    let recorded = try Recorded(settings(2), .standard)
    #expect(try recorded.check(.standard).results.map(\.verdict.name) == ["equal"])
    let sample = try TraceFile.read(recorded.path("over/reference-countdown.h5")).samples()[0]
    #expect(sample.rounds.contains { $0.cost.positions < sample.prompt.count })
    // Another refresh: said, and recorded anew when it is accepted.
    let check = try GoldenCheck(GoldenSuite(settings(4), folder: recorded.suite.folder), catalog: .standard, benchmarks: .standard)
    let report = try check.run()
    guard case .settings(let what, _)? = report.results.first?.verdict else { Issue.record("\(report.results.map(\.verdict.name))"); return }
    #expect(what == "cache.refresh was 2 and is 4")
    try GoldenRevision(report, check).apply()
    #expect(try check.run().results.map(\.verdict.name) == ["equal"])
    let changed = try TraceFile.read(recorded.path("over/reference-countdown.h5")).samples()[0]
    #expect(changed.rounds.map(\.cost.positions) != sample.rounds.map(\.cost.positions))
  }
}

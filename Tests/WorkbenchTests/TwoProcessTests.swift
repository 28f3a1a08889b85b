import Foundation
import Models
import Strategies
import Testing
import Traces

@testable import Workbench

/// Two processes at work on one folder at once: they share the work, and what they leave is what one would have left.
@Suite(.serialized) struct TwoProcessTests {
  private static let limit = 12
  private static let text = """
    name: shared
    benchmark: {name: lists, split: dev, limit: \(limit)}
    strategies:
      one-by-one: [quota: {}]
      threshold:
        use: [threshold: {}]
        sweep: {threshold.confidence: [0.5, 0.6, 0.7, 0.8, 0.9]}
    """

  private static func write(_ folder: Folder) throws -> String {
    let file = folder.path + "/e.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  private static func compare(_ mine: String, _ theirs: String, _ folder: Folder) throws {
    let runs = try FileManager.default.contentsOfDirectory(atPath: theirs + "/shared").filter { $0.utf8.count == 16 }
    #expect(runs.count == 6)
    for run in runs {
      let (mine, theirs) = (mine + "/shared/" + run, theirs + "/shared/" + run)
      #expect(try folder.bytes(mine + "/outcomes.jsonl") == folder.bytes(theirs + "/outcomes.jsonl"))
      #expect(try TraceFile.read(mine + "/trace.h5").differences(from: TraceFile.read(theirs + "/trace.h5")) == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: mine).sorted() == ["outcomes.jsonl", "run.yaml", "trace.h5"])
    }
  }

  /// Samples that a process decoded itself, by its own account of each run.
  private static func decoded(_ errors: String) -> Int {
    errors.split(separator: "\n").reduce(0) { sum, line in
      guard let total = line.firstMatch(of: #/  seed 0  (\d+) samples(.*)$/#) else { return sum }
      if total.2 == ", all kept from before" { return sum }
      let kept = total.2.firstMatch(of: #/, (\d+) kept/#).flatMap { Int($0.1) } ?? 0
      return sum + (Int(total.1) ?? 0) - kept
    }
  }

  @Test(.timeLimit(.minutes(30))) func twoHelpEachOther() throws {
    let folder = try Folder()
    let file = try Self.write(folder)
    #expect(try Command.run(["run", file, "--output", folder.path + "/whole"]).code == 0)
    let both = folder.path + "/both"
    let errors = [folder.path + "/first", folder.path + "/second"]
    let processes = try errors.map { try Command.start(["run", file, "--output", both], errors: $0) }
    for process in processes { process.waitUntilExit() }
    let texts = try errors.map { try folder.text($0) }
    #expect(processes.map(\.terminationStatus) == [0, 0], "\(texts)")
    let counts = texts.map(Self.decoded)
    #expect(counts.reduce(0, +) == 6 * Self.limit, "every sample is decoded once: \(texts)")
    #expect(counts.allSatisfy { $0 > 0 }, "both do some of the work: \(texts)")
    try Self.compare(both, folder.path + "/whole", folder)
  }

  /// Seconds are a speed where nothing else was at work, be it on another experiment.
  @Test(.timeLimit(.minutes(30))) func neighboursAreNoticed() throws {
    let folder = try Folder()
    let output = folder.path + "/out"
    let plans = try ExperimentFileTests.with(Self.text) { file in
      #expect(try Command.run(["run", file, "--output", output]).code == 0)
      return try ExperimentFile(file).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans
    }
    let files = RunFiles(Runner(output: output).directory(of: plans[0]), digest: plans[0].digest)
    #expect(!files.hasCompany && !files.hasNeighbours && !Company(files).isThere)
    let other = output + "/other/0123456789abcdef"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    let journal = try Journal(other + "/journal", runDigest: "0123456789abcdef")
    #expect(!files.hasCompany && files.hasNeighbours && Company(files).isThere)
    try journal.remove()
    #expect(!files.hasNeighbours)
  }

  @Test(.timeLimit(.minutes(30))) func oneTakesOverFromAnotherThatIsKilled() throws {
    let folder = try Folder()
    let file = try Self.write(folder)
    #expect(try Command.run(["run", file, "--output", folder.path + "/whole"]).code == 0)
    let both = folder.path + "/both"
    let errors = [folder.path + "/first", folder.path + "/second"]
    let first = try Command.start(["run", file, "--output", both], errors: errors[0])
    // Stopped in the middle of a run, so that the other one has to wait for it in the end.
    let started = Date()
    while first.isRunning, try !folder.text(errors[0]).contains("lists  one-by-one"), Date().timeIntervalSince(started) < 30 { usleep(1000) }
    kill(first.processIdentifier, SIGSTOP)
    let isMidway = try Self.isHeld(in: both)
    let second = try Command.start(["run", file, "--output", both], errors: errors[1])
    if isMidway {
      while second.isRunning, try !folder.text(errors[1]).contains("waiting for another process"), Date().timeIntervalSince(started) < 60 { usleep(5000) }
      #expect(try folder.text(errors[1]).contains("  waiting for another process, which works on lists  "))
      #expect(second.isRunning)
    }
    kill(first.processIdentifier, SIGKILL)
    first.waitUntilExit()
    second.waitUntilExit()
    #expect(second.terminationStatus == 0)
    try Self.compare(both, folder.path + "/whole", folder)
  }

  /// Ctrl-C while waiting: the other process is left alone.
  @Test(.timeLimit(.minutes(30))) func waitingCanBeInterrupted() throws {
    let folder = try Folder()
    let file = try Self.write(folder)
    let output = folder.path + "/out"
    let plan = try #require(try RunnerTests().plans(Self.text).first)
    let directory = Runner(output: output).directory(of: plan)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let held = try Journal(directory + "/journal", runDigest: plan.digest)
    let errors = folder.path + "/errors"
    let process = try Command.start(["run", file, "--output", output], errors: errors)
    let started = Date()
    while process.isRunning, try !folder.text(errors).contains("waiting for another process"), Date().timeIntervalSince(started) < 60 { usleep(5000) }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 3)
    #expect(try folder.text(errors).hasSuffix("unmask: interrupted; the other process goes on, and what this one finished is kept\n"))
    #expect(held.entries.isEmpty)
  }

  private static func isHeld(in output: String) throws -> Bool {
    try FileManager.default.subpathsOfDirectory(atPath: output).contains { $0.hasSuffix("/journal") && Journal.isHeld(output + "/" + $0) }
  }
}

import Foundation
import Synchronization
import Testing
import Traces

@testable import Workbench

/// Runs that are killed at any moment, and disks that take no more: what was finished is never lost.
@Suite(.serialized) struct DurabilityTests {
  /// Many small runs, so that kills fall on samples being appended, on files being sealed and on all between.
  private static let text = """
    name: durable
    benchmark: {name: lists, split: dev, limit: 3}
    trace: beliefs
    strategies:
      one-by-one: [quota: {}]
      threshold:
        use: [threshold: {}]
        sweep: {threshold.confidence: [0.5, 0.7, 0.9]}
    """

  private static func write(_ folder: Folder) throws -> String {
    let file = folder.path + "/e.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  /// Bytes of everything under a folder: it grows as soon as something is done.
  private static func size(of folder: String) -> Int {
    do {
      return try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) {
        $0 + (try FileManager.default.attributesOfItem(atPath: folder + "/" + $1)[.size] as? Int ?? 0)
      }
    } catch { return 0 }
  }

  /// Every finished sample under a folder, as run and problem, each read whole.
  private static func finished(in output: String) throws -> Set<String> {
    let experiment = output + "/durable"
    guard FileManager.default.fileExists(atPath: experiment) else { return [] }
    var found: Set<String> = []
    for digest in try FileManager.default.contentsOfDirectory(atPath: experiment) where digest.utf8.count == 16 {
      let folder = experiment + "/" + digest
      if FileManager.default.fileExists(atPath: folder + "/trace.h5") {
        let trace = try TraceFile.read(folder + "/trace.h5")
        #expect(trace.seal == .whole && trace.validate() == [])
        found.formUnion(try trace.samples().map { digest + " " + $0.problem })
      }
      for entry in try Journal.peek(folder + "/journal", runDigest: digest) {
        let alone = try Trace(attributes: Trace.Attributes(config: "{}", runDigest: digest, modelDigest: "", level: .beliefs(8)), samples: [entry.sample])
        #expect(alone.validate() == [])
        found.insert(digest + " " + entry.sample.problem)
      }
    }
    return found
  }

  @Test(.timeLimit(.minutes(30))) func nothingFinishedIsLostByKills() throws {
    let folder = try Folder()
    let file = try Self.write(folder)
    let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
    #expect(try Command.run(["run", file, "--output", whole]).code == 0)
    var kept: Set<String> = []
    var kills = 0
    var sizes = 0
    for attempt in 0..<12 {
      let process = try Command.start(["run", file, "--output", parts])
      // Other moments every time, counted from the first sign of work: how long a process takes to begin depends on the machine.
      let started = Date()
      while process.isRunning, Self.size(of: parts) == sizes, Date().timeIntervalSince(started) < 20 { usleep(1000) }
      usleep(useconds_t(attempt * 7000))
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      sizes = Self.size(of: parts)
      let found = try Self.finished(in: parts)
      #expect(kept.isSubset(of: found), "kill \(attempt) lost \(kept.subtracting(found))")
      kept = found
      if process.terminationReason == .exit { break }
      kills += 1
    }
    #expect(kills > 2)
    #expect(try Command.run(["run", file, "--output", parts]).code == 0)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole + "/durable") where name.utf8.count == 16 {
      let (mine, theirs) = (parts + "/durable/\(name)", whole + "/durable/\(name)")
      #expect(try folder.bytes(mine + "/outcomes.jsonl") == folder.bytes(theirs + "/outcomes.jsonl"))
      #expect(try TraceFile.read(mine + "/trace.h5").differences(from: TraceFile.read(theirs + "/trace.h5")) == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: mine).sorted() == ["outcomes.jsonl", "run.yaml", "trace.h5"], "nothing is left lying about")
    }
  }

  /// A small disk of its own, in a namespace that only this test sees. Filled up at different moments, made larger, then write-protected.
  @Test(.timeLimit(.minutes(30)), arguments: [12, 60]) func aFullDiskLosesNothing(_ kilobytes: Int) throws {
    let folder = try Folder()
    _ = try Self.write(folder)
    try FileManager.default.createDirectory(atPath: folder.path + "/disk", withIntermediateDirectories: false)
    let script = """
      cd "$1" && mount -t tmpfs -o size=\(kilobytes)k none disk || { echo REFUSED; exit 0; }
      run() { "$2" run e.yaml --output disk > out.$1 2> err.$1; echo "$1 $?"; }
      run full "$2"
      df --output=avail disk | tail -1
      cp -r disk full
      mount -o remount,size=20m disk
      run roomy "$2"
      cp -r disk roomy
      mount -o remount,ro disk
      run again "$2"
      rm -rf roomy-again; mkdir roomy-again; cp -r disk/. roomy-again
      """
    let result = try Command.run(
      ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", folder.path, Command.executable.path],
      executable: URL(fileURLWithPath: "/usr/bin/env"))
    guard result.code == 0, !result.output.contains("REFUSED") else {
      print("SKIPPED: aFullDiskLosesNothing needs a system that lets users mount in namespaces of their own: \(result.errors)")
      return
    }
    #expect(result.output.contains("full 3"), "\(result.output)")
    let errors = try folder.text(folder.path + "/err.full").split(separator: "\n").filter { $0.hasPrefix("unmask: ") }
    #expect(errors.count == 1 && errors.allSatisfy { $0.contains("No space left on device") }, "\(errors)")
    let kept = try Self.finished(in: folder.path + "/full")
    let complaint = try folder.text(folder.path + "/err.roomy")
    #expect(result.output.contains("roomy 0"), "\(result.output) \(complaint)")
    let all = try Self.finished(in: folder.path + "/roomy")
    #expect(kept.isSubset(of: all) && all.count == 12)
    // A folder that takes nothing is said in one line, and what is there stays.
    #expect(result.output.contains("again 3"), "\(result.output)")
    let refusal = try folder.text(folder.path + "/err.again").split(separator: "\n").filter { $0.hasPrefix("unmask: ") }
    #expect(refusal.count == 1 && refusal.allSatisfy { $0.contains("Read-only file system") }, "\(refusal)")
    #expect(try Self.finished(in: folder.path + "/roomy-again") == all)
  }

  @Test func aDamagedRecordIsSaid() throws {
    let folder = try Folder()
    let text = """
      name: damaged
      benchmark: {name: lists, split: dev, limit: 5}
      strategies: {one-by-one: [quota: {}]}
      """
    let plan = try #require(try RunnerTests().plans(text).first)
    let runner = Runner(output: folder.path)
    let stop = Counter()
    #expect(try runner.result(plan, advance: { stop.add() }, while: { stop.value < 4 }) == nil)
    let path = runner.directory(of: plan) + "/journal"
    var bytes = try folder.bytes(path)
    let name = try #require(bytes.range(of: Data("lists/dev/1".utf8)))
    bytes[name.upperBound + 40] ^= 0x20
    try bytes.write(to: URL(fileURLWithPath: path))
    var starts: [Runner.Start] = []
    guard case .finished(let result) = try runner.run(plan, begin: { starts.append($0) }) else {
      Issue.record("not finished")
      return
    }
    #expect(starts.count == 1 && starts[0].kept == 3 && starts[0].remarks.count == 1)
    #expect(starts[0].remarks[0].hasPrefix("\(path): damaged at bytes ") && starts[0].remarks[0].hasSuffix("; lists/dev/1 is decoded again"))
    #expect(result.outcomes.map(\.problem) == (0..<5).map { "lists/dev/\($0)" })
    // What is complete has nothing to say, and is not read for its rounds.
    _ = try runner.run(plan, begin: { starts.append($0) })
    #expect(starts.count == 2 && starts[1].kept == 5 && starts[1].remarks == [])
  }
}

/// A number that several threads count up.
final class Counter: Sendable {
  private let number = Mutex(0)
  var value: Int { number.withLock { $0 } }
  func add() { number.withLock { $0 += 1 } }
}

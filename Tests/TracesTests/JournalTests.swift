import Foundation
import Testing

@testable import Traces

@Suite struct JournalTests {
  static func samples() throws -> [SampleTrace] { try Samples.trace(count: 3).samples() }

  @Test func whatIsAppendedIsThereAgain() throws {
    let folder = try Folder()
    let samples = try Self.samples()
    do {
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      #expect(journal.entries.isEmpty)
      for (index, sample) in samples.enumerated() { try journal.append(sample, outcome: [UInt8(index), 7]) }
    }
    let journal = try Journal(folder.file("journal"), runDigest: "run")
    #expect(journal.entries.map(\.outcome) == [[0, 7], [1, 7], [2, 7]])
    #expect(journal.torn == 0 && journal.damage.isEmpty)
    #expect(try Samples.assemble(journal.entries.map(\.sample)).differences(from: Samples.assemble(samples)) == [])
    try journal.remove()
    try journal.remove()
    #expect(try folder.names == [])
    #expect(throws: TraceError.self) { try journal.append(samples[0]) }
  }

  /// Cut off at every byte: the whole records are there, the file can be continued.
  @Test func tornAtEveryByte() throws {
    let folder = try Folder()
    let samples = try Self.samples()
    var ends: [Int] = []
    do {
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      ends.append(try folder.bytes("journal").count)
      for sample in samples {
        try journal.append(sample, outcome: [1])
        ends.append(try folder.bytes("journal").count)
      }
    }
    let whole = try folder.bytes("journal")
    for length in 0...whole.count {
      try folder.write(Array(whole[..<length]), "torn")
      let journal = try Journal(folder.file("torn"), runDigest: "run")
      let complete = ends.dropFirst().count { $0 <= length }
      guard journal.entries.count == complete, journal.damage.isEmpty else {
        Issue.record("cut at \(length): \(journal.entries.count) entries, \(complete) expected")
        return
      }
      if length % 97 == 0 {
        try journal.append(samples[2], outcome: [1])
        let bytes = try folder.bytes("torn")
        #expect(bytes.count == max(ends[complete], ends[0]) + ends[3] - ends[2])
      }
    }
  }

  @Test func damageInTheMiddleIsReportedAndTheRestKept() throws {
    let folder = try Folder()
    let samples = try Self.samples()
    var ends: [Int] = []
    do {
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      for sample in samples {
        ends.append(try folder.bytes("journal").count)
        try journal.append(sample)
      }
    }
    let whole = try folder.bytes("journal")
    for place in stride(from: ends[1], to: ends[2], by: 5) {
      var bytes = whole
      bytes[place] ^= 0x10
      try folder.write(bytes, "journal")
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      guard journal.damage == [ends[1]..<ends[2]], journal.entries.map(\.sample.problem) == [samples[0].problem, samples[2].problem] else {
        Issue.record("a bit flipped at \(place): \(journal.damage), \(journal.entries.count) entries")
        return
      }
    }
  }

  @Test func anotherRunsJournalAndForeignFilesAreRefused() throws {
    let folder = try Folder()
    do { _ = try Journal(folder.file("journal"), runDigest: "run") }
    let before = try folder.bytes("journal")
    #expect(throws: TraceError.otherRun(path: folder.file("journal"), expected: "other", found: "run")) {
      _ = try Journal(folder.file("journal"), runDigest: "other")
    }
    #expect(try folder.bytes("journal") == before)
    let text = Array(repeating: UInt8(65), count: 9999)
    try folder.write(text, "journal")
    #expect(throws: TraceError.self) { _ = try Journal(folder.file("journal"), runDigest: "run") }
    #expect(try folder.bytes("journal") == text)
  }

  @Test func oneHolderAtATime() throws {
    let folder = try Folder()
    do {
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      #expect(throws: TraceError.locked(path: folder.file("journal"))) { _ = try Journal(folder.file("journal"), runDigest: "run") }
      // Another process cannot have it either.
      let (status, _) = try Python.flock(folder.file("journal"))
      #expect(status != 0)
      try journal.append(try Self.samples()[0])
    }
    #expect(try Journal(folder.file("journal"), runDigest: "run").entries.count == 1)
  }

  @Test func manyThreadsAppend() async throws {
    let folder = try Folder()
    let samples = try Self.samples()
    do {
      let journal = try Journal(folder.file("journal"), runDigest: "run")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<30 { group.addTask { try journal.append(samples[index % 3], outcome: [UInt8(index)]) } }
        try await group.waitForAll()
      }
    }
    let journal = try Journal(folder.file("journal"), runDigest: "run")
    #expect(journal.entries.map { Int($0.outcome[0]) }.sorted() == Array(0..<30))
  }

  @Test func aFolderThatTakesNothingIsOneError() throws {
    let folder = try Folder()
    for path in [folder.file("no/such/folder/journal"), folder.path] {
      do {
        _ = try Journal(path, runDigest: "run")
        Issue.record("opened \(path)")
      } catch {
        guard case .unwritable = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
    #expect(throws: TraceError.self) { try TraceFile.write(try Samples.trace(), to: folder.file("no/trace.h5")) }
  }
}

extension Python {
  /// Tries to lock a file from another process; status 0 if it could.
  static func flock(_ path: String) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
    process.arguments = ["-n", path, "true"]
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, "")
  }
}

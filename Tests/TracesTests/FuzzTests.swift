import CHDF5
import Diffusion
import Foundation
import Testing

@testable import Traces

/// Thousands of files made bad on purpose: each ends in an answer or in one clear error, in bounded time and memory, and this process survives.
///
/// UNMASK_FUZZ multiplies the number of files, UNMASK_FUZZ_KEEP names a folder for those that crashed a child or kept it busy.
@Suite struct FuzzTests {
  static var times: Int { ProcessInfo.processInfo.environment["UNMASK_FUZZ"].flatMap { Int($0) } ?? 1 }

  /// What came of some files.
  struct Tally {
    var counts: [String: Int] = [:]
    var slowest = Duration.zero
    /// The largest memory a child took, in kilobytes.
    var memory: Int {
      var usage = rusage()
      return getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage) == 0 ? usage.ru_maxrss : 0
    }

    var total: Int { counts.values.reduce(0, +) }
  }

  private func feed(_ bytes: [UInt8], _ folder: Folder, _ tally: inout Tally) throws {
    try folder.write(bytes, "bad")
    try feed(folder.file("bad"), &tally)
  }

  /// Reads a file and does with the trace whatever anybody does with one.
  private func feed(_ path: String, _ tally: inout Tally) throws {
    let started = ContinuousClock.now
    let outcome = try outcome(path)
    if outcome.hasSuffix("contained"), let keep = ProcessInfo.processInfo.environment["UNMASK_FUZZ_KEEP"] {
      try FileManager.default.copyItem(atPath: path, toPath: "\(keep)/\(outcome.prefix(5))-\(UUID().uuidString).h5")
    }
    tally.counts[outcome, default: 0] += 1
    tally.slowest = max(tally.slowest, ContinuousClock.now - started)
  }

  private func outcome(_ path: String) throws -> String {
    let trace: Trace
    do throws(TraceError) { trace = try TraceFile.read(path) } catch {
      #expect(!error.description.contains { $0.isNewline } && error.description.count < 1000, "\(error)")
      if case .damaged(_, _, let reason) = error, reason.contains("crashed") { return "crash contained" }
      if case .damaged(_, _, let reason) = error, reason.contains("does not end") { return "endless loop contained" }
      return "refused"
    }
    let faults = trace.validate()
    #expect(faults.allSatisfy { !$0.description.contains { $0.isNewline } })
    _ = TraceSummary(trace).description
    do throws(TraceError) {
      for sample in try trace.samples() {
        _ = try sample.stepMap()
        _ = try Replay(sample)
      }
    } catch { #expect(!faults.isEmpty, "\(error)") }
    for format in TraceExport.formats {
      do throws(TraceError) { try format.write(trace, TraceExport.Request()) { _ in } } catch { #expect(!faults.isEmpty || trace.sampleCount == 0, "\(error)") }
    }
    return faults.isEmpty ? "valid" : "faults"
  }

  private func report(_ what: String, _ tally: Tally, expecting count: Int) {
    let counts = tally.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    print("\(tally.total) files, \(what): \(counts); slowest \(tally.slowest), largest child \(tally.memory >> 10) MB")
    #expect(tally.total == count)
    #expect(tally.slowest < .seconds(600))
    #expect(tally.memory < 2 << 20)
  }

  /// Changes bytes anywhere: headers, indices, heaps and values.
  static func mutate(_ whole: [UInt8], _ random: SeededRandom) -> [UInt8] {
    var bytes = whole
    var stream = SeededStream(random)
    func place() -> Int { Int.random(in: 0..<bytes.count, using: &stream) }
    switch Int.random(in: 0..<7, using: &stream) {
    case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &stream))
    case 1: for _ in 0..<Int.random(in: 1...4, using: &stream) { bytes[place()] ^= 1 << UInt8.random(in: 0..<8, using: &stream) }
    case 2: for _ in 0..<Int.random(in: 1...64, using: &stream) { bytes[place()] = UInt8.random(in: 0...255, using: &stream) }
    case 3:
      let start = place()
      for index in start..<min(start + 8, bytes.count) { bytes[index] = 0xFF }
    case 4:
      let start = place()
      for index in start..<min(start + Int.random(in: 1...32, using: &stream), bytes.count) { bytes[index] = 0 }
    case 5:
      let (from, to) = (place(), place())
      for index in 0..<min(Int.random(in: 1...256, using: &stream), bytes.count - max(from, to)) { bytes[to + index] = whole[from + index] }
    default:
      // A number that says a size or an address becomes another, small or large.
      let start = Int.random(in: 0..<(bytes.count - 8), using: &stream)
      let value = [1, 255, 65_535, 1 << 31, 1 << 40, Int.max, -1, whole.count][Int.random(in: 0..<8, using: &stream)]
      let size = [1, 2, 4, 8][Int.random(in: 0..<4, using: &stream)]
      for index in 0..<size { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
    return bytes
  }

  /// The seal that a writer would have put under the bytes.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] { bytes + TraceFile.seal(of: bytes) }

  enum Form: String, CaseIterable { case ours, oursSealed, plain, plainSealed, compressed }

  @Test(.timeLimit(.minutes(30)), arguments: Form.allCases) func changedBytes(_ form: Form) throws {
    let folder = try Folder()
    let trace = try Samples.trace(level: .beliefs(3), count: 3)
    let whole =
      switch form {
      case .ours, .oursSealed: Array(try HostileFileTests.goodFile(folder, count: 3).dropLast(24))
      case .plain, .plainSealed: try PlainFile.image(of: trace, isCompressed: false)
      case .compressed: try PlainFile.image(of: trace, isCompressed: true)
      }
    try folder.write(whole, "whole")
    #expect(try TraceFile.read(folder.file("whole")).validate() == [], "the file is good before it is made bad")
    let isSealed = form == .oursSealed || form == .plainSealed
    var tally = Tally()
    let random = SeededRandom(seed: 21)[form.rawValue]
    for index in 0..<300 * Self.times {
      let bytes = Self.mutate(whole, random[index])
      try feed(isSealed ? Self.sealed(bytes) : bytes, folder, &tally)
    }
    report("bytes changed, \(form.rawValue)", tally, expecting: 300 * Self.times)
  }

  /// Wrong types, huge extents, links to elsewhere, cycles, virtual columns, missing filters; then bytes changed on top.
  @Test(.timeLimit(.minutes(30))) func changedStructure() throws {
    let folder = try Folder()
    let whole = try HostileFileTests.goodFile(folder, count: 3)
    var tally = Tally()
    for (number, attack) in HostileFileTests.attacks.enumerated() {
      try folder.write(whole)
      let isDone = try HDF5.exclusively { () throws(TraceError) -> Bool in
        let file = H5Fopen(folder.file(), unmask_read_write(), unmask_default())
        defer { H5Fclose(file) }
        return attack.apply(file)
      }
      #expect(isDone, "\(attack.testDescription)")
      let attacked = try folder.bytes()
      for index in 0..<8 * Self.times {
        let bytes = index == 0 ? attacked : Self.mutate(attacked, SeededRandom(seed: 22)[number][index])
        try feed(index % 2 == 0 ? Self.sealed(bytes) : bytes, folder, &tally)
      }
    }
    report("structure changed", tally, expecting: HostileFileTests.attacks.count * 8 * Self.times)
  }

  /// Sound files whose numbers are not: extremes in every column, columns of other lengths, another `k`.
  @Test(.timeLimit(.minutes(30))) func changedNumbers() throws {
    let folder = try Folder()
    let good = try Samples.trace(level: .beliefs(3), count: 3)
    var tally = Tally()
    for index in 0..<400 * Self.times {
      var trace = good
      var stream = SeededStream(SeededRandom(seed: 23)[index])
      for _ in 0..<Int.random(in: 1...3, using: &stream) { Self.change(&trace, &stream) }
      try TraceFile.write(trace, to: folder.file())
      try feed(folder.file(), &tally)
    }
    report("numbers changed", tally, expecting: 400 * Self.times)
    #expect(tally.counts["refused"] == nil && tally.counts["crash contained"] == nil && tally.counts["endless loop contained"] == nil)
  }

  private static func change(_ trace: inout Trace, _ stream: inout SeededStream) {
    let columns = trace.tables.indices.flatMap { table in trace.tables[table].names.map { (table, $0) } }
    let (table, name) = columns[Int.random(in: columns.indices, using: &stream)]
    guard let column = trace.tables[table][name], column.count > 0 else { return }
    let row = Int.random(in: 0..<column.count, using: &stream)
    let extremes = [Int.min, Int.max, -1, -2, 0, 1, Int(Int32.max), Int(Int32.min), 65_536, 1 << 40]
    let value = extremes[Int.random(in: extremes.indices, using: &stream)]
    let count = [column.count - 1, 0, column.count][Int.random(in: 0..<3, using: &stream)]
    func numbers<T>(_ values: [T], _ new: T, _ make: ([T]) -> Column) -> Column {
      var values = values
      values[row] = new
      return make(Array(values.prefix(max(count, 0))))
    }
    trace.tables[table][name] =
      switch column {
      case .int8(let values): numbers(values, Int8(clamping: value), Column.int8)
      case .uint8(let values): numbers(values, UInt8(clamping: value), Column.uint8)
      case .int32(let values): numbers(values, Int32(clamping: value), Column.int32)
      case .int64(let values): numbers(values, Int64(value), Column.int64)
      case .float32(let values): numbers(values, [Float.nan, .infinity, -1, 1e30][abs(value % 4)], Column.float32)
      case .float64(let values): numbers(values, [Double.nan, .infinity, -1, 1e300][abs(value % 4)], Column.float64)
      case .string(let values): numbers(values, String(repeating: "x\u{1B}\n", count: 99), Column.string)
      }
    if value == 65_536 { trace.candidates = value }
  }
}

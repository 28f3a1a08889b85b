import CHDF5
import Diffusion
import Foundation
import Support
import Testing

@testable import Traces

@Suite(.serialized) struct HostileFileTests {
  /// A way to make a good file bad with HDF5's own calls.
  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// A word that the error must say.
    let says: String
    let apply: @Sendable (hid_t) -> Bool

    init(_ name: String, says: String, _ apply: @escaping @Sendable (hid_t) -> Bool) {
      testDescription = name
      self.says = says
      self.apply = apply
    }
  }

  /// A dataset in the place of another.
  static func replace(
    _ path: String, in file: hid_t, type: hid_t, extent: [hsize_t], maximum: [hsize_t]? = nil, properties: (hid_t) -> Void = { _ in }
  ) -> Bool {
    guard H5Ldelete(file, path, unmask_default()) >= 0 else { return false }
    let space = maximum.map { H5Screate_simple(Int32(extent.count), extent, $0) } ?? H5Screate_simple(Int32(extent.count), extent, nil)
    let creation = H5Pcreate(unmask_dataset_create())
    properties(creation)
    let dataset = H5Dcreate2(file, path, type, space, unmask_default(), creation, unmask_default())
    defer {
      H5Sclose(space)
      H5Pclose(creation)
      if dataset >= 0 { H5Dclose(dataset) }
    }
    return dataset >= 0
  }

  static func put(_ name: String, _ value: Int64, on file: hid_t) -> Bool {
    var value = value
    let attribute = H5Aopen(file, name, unmask_default())
    defer { H5Aclose(attribute) }
    return H5Awrite(attribute, unmask_native_int64(), &value) >= 0
  }

  static let attacks: [Attack] = [
    Attack("a soft link", says: "link to somewhere else") { file in
      H5Ldelete(file, "edits/kind", unmask_default()) >= 0 && H5Lcreate_soft("/rounds/kind", file, "edits/kind", unmask_default(), unmask_default()) >= 0
    },
    Attack("an external link", says: "link to somewhere else") { file in
      H5Ldelete(file, "edits", unmask_default()) >= 0 && H5Lcreate_external("/etc/passwd", "/edits", file, "edits", unmask_default(), unmask_default()) >= 0
    },
    Attack("a cycle", says: "edits/kind") { file in
      H5Ldelete(file, "edits/kind", unmask_default()) >= 0 && H5Lcreate_hard(file, "/", file, "edits/kind", unmask_default(), unmask_default()) >= 0
    },
    Attack("a table that is a column", says: "/edits") { file in
      H5Ldelete(file, "edits", unmask_default()) >= 0
        && H5Lcreate_hard(file, "rounds/kind", file, "edits", unmask_default(), unmask_default()) >= 0
    }, Attack("a missing table", says: "no group /edits") { H5Ldelete($0, "edits", unmask_default()) >= 0 },
    Attack("a missing column", says: "no column /edits/kind") { H5Ldelete($0, "edits/kind", unmask_default()) >= 0 },
    Attack("a missing attribute", says: "config") { H5Adelete($0, "config") >= 0 },
    Attack("no schema", says: "schema") { H5Adelete($0, "schema") >= 0 },
    Attack("a later version", says: "newer") { put("schema_version", 2, on: $0) },
    Attack("a version of 0", says: "schema_version") { put("schema_version", 0, on: $0) },
    Attack("a vocabulary of -3", says: "`vocabulary_size` -3") { put("vocabulary_size", -3, on: $0) },
    Attack("an end token beyond the vocabulary", says: "`end_token` \(1 << 40)") { put("end_token", 1 << 40, on: $0) },
    Attack("half a vocabulary", says: "`mask_token` missing") { H5Adelete($0, "mask_token") >= 0 },
    Attack("another type", says: "not of type uint8") { replace("edits/kind", in: $0, type: unmask_int32(), extent: [3]) },
    Attack("numbers for texts", says: "not of type variable-length string") { replace("authors/name", in: $0, type: unmask_int32(), extent: [3]) },
    Attack("two dimensions", says: "one dimension") { replace("edits/token", in: $0, type: unmask_int32(), extent: [2, 3]) },
    Attack("a huge extent without data", says: "only 0 bytes") {
      replace("edits/token", in: $0, type: unmask_int32(), extent: [1 << 40]) { _ = H5Pset_chunk($0, 1, [1 << 10]) }
    },
    Attack("an extent that overflows in bytes", says: "claims") {
      replace("edits/token", in: $0, type: unmask_int32(), extent: [1 << 60]) { _ = H5Pset_chunk($0, 1, [1 << 10]) }
    },
    Attack("a huge contiguous extent", says: "claims") { replace("edits/token", in: $0, type: unmask_int32(), extent: [1 << 50]) },
    Attack("another filter", says: "none of deflate and shuffle") {
      replace("edits/token", in: $0, type: unmask_int32(), extent: [8]) {
        H5Pset_chunk($0, 1, [8])
        H5Pset_fletcher32($0)
      }
    },
    Attack("values in another file", says: "another file") {
      replace("edits/token", in: $0, type: unmask_int32(), extent: [8]) { _ = H5Pset_external($0, "/etc/passwd", 0, 32) }
    },
    Attack("a virtual column", says: "virtual") {
      replace("edits/token", in: $0, type: unmask_int32(), extent: [8]) {
        let space = H5Screate_simple(1, [8], nil)
        _ = H5Pset_virtual($0, space, "/etc/passwd", "/x", space)
        H5Sclose(space)
      }
    }, Attack("columns of different lengths", says: "values, not") { replace("edits/token", in: $0, type: unmask_int32(), extent: [0]) },
  ]

  static func goodFile(_ folder: Folder, level: TraceLevel = .beliefs(3), count: Int = 6) throws -> [UInt8] {
    try TraceFile.write(try Samples.trace(level: level, count: count), to: folder.file())
    return try folder.bytes()
  }

  @Test(arguments: attacks)
  func eachAttackIsOneClearError(attack: Attack) throws {
    let folder = try Folder()
    _ = try Self.goodFile(folder)
    let done = try HDF5.exclusively { () throws(TraceError) -> Bool in
      let file = H5Fopen(folder.file(), unmask_read_write(), unmask_default())
      defer { H5Fclose(file) }
      return attack.apply(file)
    }
    #expect(done)
    do {
      let faults = try TraceFile.read(folder.file()).validate()
      #expect(faults.contains { $0.description.contains(attack.says) }, "\(faults.map(\.description))")
    } catch { #expect("\(error)".contains(attack.says), "\(error)") }
  }

  @Test func notHDF5AtAll() throws {
    let folder = try Folder()
    for bytes in [[], [0x89], Array("hello, world".utf8), [UInt8](repeating: 0, count: 4096)] {
      try folder.write(bytes)
      #expect(throws: TraceError.self) { try TraceFile.read(folder.file()) }
    }
    #expect(throws: TraceError.self) { try TraceFile.read(folder.path) }
    #expect(throws: TraceError.self) { try TraceFile.read(folder.file("none")) }
    #expect(throws: TraceError.self) { try TraceFile.read("/dev/zero") }
  }

  /// Every answer is a trace or an error; what libhdf5 does on the way is its child's business.
  private func outcome(_ bytes: [UInt8], _ folder: Folder) throws -> String {
    try folder.write(bytes, "bad")
    do {
      let trace = try TraceFile.read(folder.file("bad"))
      return trace.validate().isEmpty ? "valid" : "faults"
    } catch {
      if case .damaged(_, _, let reason) = error, reason.contains("crashed") { return "crash contained" }
      if case .damaged(_, _, let reason) = error, reason.contains("does not end") { return "hang contained" }
      return "refused"
    }
  }

  /// Only a file as it was written is used. What is wrong with another one is for `validate` and `inspect` to say, which ask for it.
  @Test func aSealThatDoesNotHoldIsRefused() throws {
    let folder = try Folder()
    let whole = try Self.goodFile(folder)
    let seal = TraceFile.seal(of: []).count
    let reason = "bytes changed since it was written: the checksum at its end does not hold"
    let damaged = TraceError.damaged(path: folder.file(), place: "the file", reason: reason)
    let ends: [[UInt8]] = [whole + [0], whole + whole.suffix(seal)] + (1..<seal).map { [UInt8](whole.dropLast($0)) }
    for bytes in ends {
      try folder.write(bytes)
      #expect(throws: damaged) { try TraceFile.read(folder.file()) }
      #expect(throws: damaged) { try TraceFile.summary(folder.file()) }
      let trace = try TraceFile.read(folder.file(), evenIfChanged: true)
      #expect(trace.seal == .broken && trace.validate().map(\.description) == ["file: \(reason)"])
    }
    for place in stride(from: TraceFile.signature.count + 8, to: whole.count - seal, by: whole.count / Self.mutations) {
      var bytes = whole
      bytes[place] ^= 1
      try folder.write(bytes)
      #expect(throws: TraceError.self) { try TraceFile.read(folder.file()) }
    }
    // What has no seal at all is another program's.
    for bytes in [Array(whole.dropLast(seal)), try PlainFile.image(of: try Samples.trace(), isCompressed: false)] {
      try folder.write(bytes)
      #expect(try TraceFile.read(folder.file()).seal == .none)
    }
  }

  private static let mutations = 50

  @Test func truncatedFilesAreRefused() throws {
    let folder = try Folder()
    let whole = try Self.goodFile(folder)
    var counts: [String: Int] = [:]
    for length in stride(from: 0, to: whole.count, by: max(whole.count / Self.mutations, 1)) {
      counts[try outcome(Array(whole[..<length]), folder), default: 0] += 1
    }
    print("truncations: \(counts)")
    #expect(counts["valid"] == nil || counts["valid"] == 1)
  }

  @Test(arguments: [1, 8]) func flippedBitsAreNoticed(flips: Int) throws {
    let folder = try Folder()
    let whole = try Self.goodFile(folder)
    var counts: [String: Int] = [:]
    let random = SeededRandom(seed: 11)[flips]
    for round in 0..<Self.mutations {
      var bytes = whole
      for flip in 0..<flips { bytes[random[round][2 * flip].integer(below: whole.count)] ^= 1 << UInt8(random[round][2 * flip + 1].integer(below: 8)) }
      counts[try outcome(bytes, folder), default: 0] += 1
    }
    print("\(flips) flipped bits: \(counts)")
    #expect(counts["valid"] == nil)
  }

  @Test func aChildThatCrashesHangsOrEatsMemoryIsAnError() throws {
    #expect(try Containment.run(memory: 1 << 30, seconds: 5) { [1, 2, 3] } == [1, 2, 3])
    #expect(throws: Containment.Failure.self) {
      try Containment.run(memory: 1 << 30, seconds: 5) {
        raise(SIGSEGV); return []
      }
    }
    #expect(throws: Containment.Failure.self) { try Containment.run(memory: 1 << 30, seconds: 1) { while true { usleep(1000) } } }
    #expect(throws: Containment.Failure.self) {
      try Containment.run(memory: 1 << 28, seconds: 5) { [UInt8](repeating: 1, count: 1 << 31) }
    }
  }

  /// Rows that compress to nothing must not take all memory or all day when they are played.
  @Test(.timeLimit(.minutes(30))) func longReplaysAreRefused() throws {
    var sample = try Samples.record(try Canvas.toy(16), [OneByOne()])
    let round = try #require(sample.rounds.first)
    sample.rounds = Array(repeating: round, count: 5000) + sample.rounds
    sample.initial = Array(repeating: -1, count: Trace.longestResponse - 1)
    sample.pinned = Array(repeating: false, count: Trace.longestResponse - 1)
    sample.edits = []
    #expect(throws: TraceError.self) { try Replay(sample) }
    sample.rounds = [round]
    sample.edits = (0..<60_000).map { RecordedEdit(round: 0, edit: Edit($0 % 2 == 0 ? .insertMask : .delete, at: 0)) }
    #expect(throws: TraceError.self) { try Replay(sample) }
    #expect(throws: TraceError.self) { try sample.stepMap() }
  }

  /// A disk that takes no more, played by a limit on file sizes in a child.
  @Test func aFullDiskLosesNothing() throws {
    let folder = try Folder()
    let sample = try Samples.trace().samples()[0]
    let good = try Self.goodFile(folder)
    let answer = try Containment.run(memory: 1 << 30, seconds: 30) {
      signal(SIGXFSZ, SIG_IGN)
      do {
        let journal = try Journal(folder.file("journal"), runDigest: "run")
        try journal.append(sample)
        try journal.append(sample)
        var limit = rlimit(rlim_cur: rlim_t(sample.encoded.count * 5 / 2), rlim_max: rlim_t(sample.encoded.count * 5 / 2))
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        var refusals: [UInt8] = []
        for _ in 0..<2 {
          do {
            try journal.append(sample)
            refusals.append(0)
          } catch { refusals.append("\(error)".contains("cannot be written") ? 1 : 2) }
        }
        do { try TraceFile.write(try Samples.trace(level: .beliefs(8), count: 9), to: folder.file()) } catch { refusals.append(1) }
        return refusals
      } catch { return [9] }
    }
    #expect(answer == [1, 1, 1])
    let journal = try Journal(folder.file("journal"), runDigest: "run")
    #expect(journal.entries.count == 2 && journal.torn == 0)
    #expect(try folder.bytes() == good)
    #expect(try folder.names == ["journal", "trace.h5"])
  }
}

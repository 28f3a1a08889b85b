internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// An append-only file of finished samples: what makes a run survive being killed.
///
/// The decision: HDF5 files that are being written do not survive a kill, and SWMR needs a file format that HDF5 1.8 readers and some viewers refuse. So a
/// running run writes a journal, one framed record per finished sample, each with a single `write` and an `fsync`. When the run is complete, journal and
/// earlier `trace.h5` become one new `trace.h5` (written beside it, flushed, renamed over it), and only then is the journal removed. At every moment every
/// finished sample is whole in the journal or in `trace.h5`, and `trace.h5` is always a complete HDF5 file.
///
/// A record is 4 bytes of mark, length of the payload (8), check of the payload (4), check of these 16 bytes (4), then the payload, all little-endian. The
/// first record carries the run's digest. What a kill or a power failure leaves of a record at the end is cut off when the journal is next opened. A record
/// damaged in the middle is skipped and reported, its sample is decoded again, and the records after it stay.
///
/// One process at a time: a lock on the open file (`flock`) that the system drops when the process ends, however it ends. It holds between machines where
/// their shared file system passes such locks on, as NFS does. Open the journal before reading the `trace.h5` beside it. Threads may append at once.
public final class Journal: Sendable {
  /// One finished sample.
  public struct Entry: Sendable {
    /// The sample's trace.
    public let sample: SampleTrace
    /// What the runner keeps beside it; its form is the runner's.
    public let outcome: [UInt8]
  }

  /// Where the journal lies.
  public let path: String
  /// The samples that were there when the journal was opened, in order of writing.
  public let entries: [Entry]
  /// Byte ranges of records that were damaged when the journal was opened; their samples are lost.
  public let damage: [Range<Int>]
  /// The problems that damaged records name, as far as their first bytes can still be read; they may be anything.
  public let damagedProblems: [String]
  /// Bytes of an unfinished record that were cut off when the journal was opened.
  public let torn: Int

  private let state: Mutex<State>
  private let number: Int32

  private struct State {
    var end: Int
    var isRemoved = false
  }

  /// The largest journal that is read, in bytes.
  public static let largestFile = 8 << 30

  /// Opens the journal of a run, or begins one, and holds it until it is released.
  ///
  /// - Throws: `.locked` if another process holds it, `.otherRun` if it belongs to another run, `.unwritable` if the folder does not take it.
  public init(_ path: String, runDigest: String) throws(TraceError) {
    let number = try Self.lock(path)
    do throws(TraceError) {
      let bytes = try Files.read(number, path: path, limit: Self.largestFile)
      let contents = JournalRecords(bytes)
      if let found = contents.runDigest {
        guard found == runDigest else { throw .otherRun(path: path, expected: runDigest, found: found) }
      } else if contents.records.isEmpty == false || bytes.count > Self.longestHeader {
        throw .damaged(path: path, place: "byte 0", reason: "it does not begin like a journal; move it away")
      }
      var damage = contents.damage
      var entries: [Entry] = []
      for record in contents.records {
        if let entry = Self.entry(bytes[record.payload]) { entries.append(entry) } else { damage.append(record.whole) }
      }
      var end = contents.end
      guard ftruncate(number, off_t(end)) == 0, lseek(number, off_t(end), SEEK_SET) >= 0 else {
        throw .unwritable(path: path, reason: Files.reason, isResumable: true)
      }
      if contents.runDigest == nil {
        let header = JournalRecords.frame(JournalRecords.header(runDigest))
        guard Files.write(header[...], to: number), fsync(number) == 0 else {
          throw .unwritable(path: path, reason: Files.reason, isResumable: true)
        }
        Files.synchronize(folder: Files.folder(of: path))
        end = header.count
      }
      self.path = path
      self.entries = entries
      self.damage = damage
      damagedProblems = damage.compactMap { Self.problem(bytes[$0]) }
      torn = contents.runDigest == nil ? 0 : bytes.count - contents.end
      state = Mutex(State(end: end))
      self.number = number
    } catch {
      flock(number, LOCK_UN)
      close(number)
      throw error
    }
  }

  deinit {
    // Unlocked by hand: a child that a contained reader forked at this moment holds the same open file, and closing ours would leave it locked.
    flock(number, LOCK_UN)
    close(number)
  }

  /// A first record may be torn as well; anything longer is somebody else's file.
  private static let longestHeader = 4096

  private static func lock(_ path: String) throws(TraceError) -> Int32 {
    while true {
      let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
      guard number >= 0 else { throw .unwritable(path: path, reason: Files.reason) }
      if let failure = hold(number) {
        let reason = String(cString: strerror(failure))
        close(number)
        throw failure == EWOULDBLOCK ? .locked(path: path) : .unwritable(path: path, reason: reason)
      }
      // The process that held the lock may have removed the file while we waited for it to open: then this one has no name any more.
      var held = stat()
      var named = stat()
      if fstat(number, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino, held.st_dev == named.st_dev { return number }
      close(number)
    }
  }

  /// Takes an open file's lock; gives the system's reason where it cannot be had.
  private static func hold(_ number: Int32) -> Int32? {
    // Who only asks whether it is held holds it for a moment, so one refusal says little.
    for attempt in 0..<5 {
      if flock(number, LOCK_EX | LOCK_NB) == 0 { return nil }
      guard errno == EWOULDBLOCK || errno == EINTR else { return errno }
      if attempt < 4 { usleep(2000) }
    }
    return EWOULDBLOCK
  }

  /// Whether some process is working on a journal at this moment.
  package static func isHeld(_ path: String) -> Bool {
    guard let file = Files.Descriptor.opened(path, O_RDONLY | O_NONBLOCK) else { return false }
    if flock(file.number, LOCK_SH | LOCK_NB) != 0 { return errno == EWOULDBLOCK }
    flock(file.number, LOCK_UN)
    return false
  }

  /// The whole records of a journal, whoever holds it, without changing anything; none where there is no journal of this run.
  public static func peek(_ path: String, runDigest: String) throws(TraceError) -> [Entry] {
    let bytes: [UInt8]
    do throws(TraceError) { bytes = try Files.read(path, limit: largestFile) } catch {
      // None, or none any more.
      if access(path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR { return [] }
      throw error
    }
    let contents = JournalRecords(bytes)
    return contents.runDigest == runDigest ? contents.records.compactMap { entry(bytes[$0.payload]) } : []
  }

  private static func entry(_ payload: ArraySlice<UInt8>) -> Entry? {
    var reader = ByteReader(payload)
    guard let sample = reader.blob(), let outcome = reader.blob(), reader.isAtEnd, let trace = SampleTrace(decoding: sample[...]) else { return nil }
    return Entry(sample: trace, outcome: outcome)
  }

  /// The problem of a damaged record, if its place is undamaged: it comes first in a sample, and a sample first in a payload.
  private static func problem(_ record: ArraySlice<UInt8>) -> String? {
    var reader = ByteReader(record.dropFirst(JournalRecords.frameLength))
    return reader.integer() == nil ? nil : reader.text()
  }

  /// Adds a finished sample. When it returns the sample survives a kill and a power failure.
  ///
  /// - Throws: `.unwritable` if the disk is full or the like; the records before it are whole.
  public func append(_ sample: SampleTrace, outcome: [UInt8] = []) throws(TraceError) {
    var payload = ByteWriter()
    payload.put(blob: sample.encoded)
    payload.put(blob: outcome)
    let record = JournalRecords.frame(payload.bytes)
    let failure = state.withLock { state -> String? in
      if state.isRemoved { return "the journal was removed" }
      if Files.write(record[...], to: number), fsync(number) == 0 {
        state.end += record.count
        return nil
      }
      let reason = Files.reason
      // What went in of this record is taken back, so that a later one can follow.
      ftruncate(number, off_t(state.end))
      lseek(number, off_t(state.end), SEEK_SET)
      return reason
    }
    if let failure { throw .unwritable(path: path, reason: failure, isResumable: true) }
  }

  /// Deletes the file, once everything in it is in `trace.h5`. The lock is held until the journal is released.
  public func remove() throws(TraceError) {
    let failure = state.withLock { state -> String? in
      if state.isRemoved { return nil }
      guard unlink(path) == 0 else { return Files.reason }
      state.isRemoved = true
      return nil
    }
    if let failure { throw .unwritable(path: path, reason: failure, isResumable: true) }
    Files.synchronize(folder: Files.folder(of: path))
  }
}

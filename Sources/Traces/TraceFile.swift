internal import Diffusion

/// Traces on disk: one HDF5 file each, written whole and read with suspicion.
///
/// The file is ordinary HDF5 (1.8 and later, h5py, h5web) followed by a seal of 24 bytes that HDF5 readers do not look at: a mark, the length and a checksum of
/// all bytes before it. A file whose seal holds is read at once. Any other (cut off, bits flipped, rewritten by another program) is read in a child process
/// (`Containment`), so that a crash or a hang of libhdf5 becomes an error here. A program that opens a trace for writing takes the seal off, or breaks it.
public enum TraceFile {
  /// The largest file that is read, in bytes.
  public static let largestFile = 4 << 30
  /// What all columns of a file may take in memory, in bytes.
  public static let largestContent = 8 << 30
  private static let mark: [UInt8] = Array("UNMSKSEA".utf8)
  private static let sealLength = 24
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Writes a trace; the file is there as a whole or not at all, and an earlier one stays until then.
  ///
  /// - Returns: the file's size in bytes.
  @discardableResult
  public static func write(_ trace: Trace, to path: String) throws(TraceError) -> Int {
    var bytes = try HDF5.image(of: trace.tables, attributes: attributes(of: trace), groupAttributes: groupAttributes(of: trace))
    var seal = ByteWriter()
    seal.put(fixed: UInt64(bytes.count))
    seal.put(fixed: CRC32.of(bytes[...]))
    // The seal's own words are under a check too, so that half of a seal is none.
    seal.put(fixed: CRC32.of(seal.bytes[...]))
    bytes += mark + seal.bytes
    try DurableFile.replace(path, with: bytes)
    return bytes.count
  }

  /// Refuses a path that `write` could not write to, before there is a trace: what is not a regular file (a device, a pipe, a folder), and a folder
  /// that is missing or takes no files. A path that does not exist yet is right.
  ///
  /// - Throws: `.unwritable`.
  public static func check(destination path: String) throws(TraceError) { try DurableFile.check(destination: path) }

  private static func attributes(of trace: Trace) -> [(String, HDF5.Attribute)] {
    let own = trace.attributes
    var list: [(String, HDF5.Attribute)] = [
      ("schema", .text(TraceSchema.name)), ("schema_version", .integer(TraceSchema.version)), ("config", .text(own.config)),
      ("run_digest", .text(own.runDigest)), ("model_digest", .text(own.modelDigest)), ("created", .text(own.created)), ("status", .text(own.status.rawValue)),
      ("level", .text(own.level)),
    ]
    if let timing = own.timing { list.append(("timing", .text(timing.rawValue))) }
    if let vocabulary = own.vocabulary {
      list += [
        ("vocabulary_size", .integer(vocabulary.size)), ("mask_token", .integer(Int(vocabulary.mask))), ("end_token", .integer(Int(vocabulary.end))),
      ]
    }
    return list
  }

  private static func groupAttributes(of trace: Trace) -> [String: [(String, HDF5.Attribute)]] {
    trace[TraceSchema.beliefs] == nil ? [:] : [TraceSchema.beliefs: [("k", .integer(trace.candidates))]]
  }

  /// Reads a trace. Its columns have the types of the schema; what they say is for `Trace.validate` to judge.
  public static func read(_ path: String) throws(TraceError) -> Trace {
    let bytes = try Files.read(path, limit: largestFile)
    guard bytes.starts(with: signature) else {
      throw bytes.isEmpty
        ? .damaged(path: path, place: "byte 0", reason: "the file is empty") : .notATrace(path: path, reason: "it does not begin like an HDF5 file")
    }
    let seal = sealState(of: bytes)
    var trace = try seal == .whole ? HDF5.exclusively { () throws(TraceError) in try content(of: bytes, path: path) } : contained(bytes, path: path)
    trace.seal = seal
    return trace
  }

  private static func sealState(of bytes: [UInt8]) -> Trace.Seal {
    guard bytes.count > sealLength else { return .none }
    let start = bytes.count - sealLength
    guard bytes[start..<start + mark.count].elementsEqual(mark) else { return .none }
    let words = bytes[(start + mark.count)...]
    var reader = ByteReader(words)
    guard let length = reader.fixed(UInt64.self), let check = reader.fixed(UInt32.self), let own = reader.fixed(UInt32.self),
      own == CRC32.of(words.dropLast(4)), length == UInt64(start), check == CRC32.of(bytes[..<start])
    else { return .broken }
    return .whole
  }

  /// Reads in a child, which answers with the trace or with its error.
  private static func contained(_ bytes: [UInt8], path: String) throws(TraceError) -> Trace {
    try HDF5.exclusively { () throws(TraceError) -> Trace in
      // A hundred times what a slow machine needs.
      let time = UInt32(clamping: 5 + bytes.count >> 20)
      var attempts = 0
      while true {
        attempts += 1
        let answer: [UInt8]
        do throws(Containment.Failure) {
          answer = try Containment.run(memory: 4 << 30, seconds: time) {
            var out = ByteWriter()
            do throws(TraceError) {
              let trace = try content(of: bytes, path: path)
              out.put(0)
              out.put(blob: trace.encoded)
            } catch { out.put(error) }
            return out.bytes
          }
        } catch {
          switch error {
          case .timedOut where attempts < 2: continue
          case .timedOut: throw TraceError.damaged(path: path, place: "the file", reason: "reading it does not end")
          case .died(let signal): throw TraceError.damaged(path: path, place: "the file", reason: "reading it crashed the HDF5 library (signal \(signal))")
          case .unavailable(let reason): throw TraceError.unreadable(path: path, reason: reason)
          }
        }
        return try unpack(answer, path: path).get()
      }
    }
  }

  private static func unpack(_ answer: [UInt8], path: String) -> Result<Trace, TraceError> {
    var reader = ByteReader(answer[...])
    if let error = reader.traceError(path: path) { return .failure(error) }
    var whole = ByteReader(answer[...])
    guard whole.integer() == 0, let blob = whole.blob(), let trace = Trace(decoding: blob) else {
      return .failure(.damaged(path: path, place: "the file", reason: "reading it gave no sensible answer"))
    }
    return .success(trace)
  }

  /// Everything of an image that the schema names. The caller is alone in the library.
  private static func content(of bytes: borrowing [UInt8], path: String) throws(TraceError) -> Trace {
    var reader = try HDF5Reader(bytes, path: path, limit: largestContent)
    guard let schema = try reader.text(attribute: "schema") else { throw .notATrace(path: path, reason: "there is no attribute `schema`") }
    guard schema == TraceSchema.name else { throw .notATrace(path: path, reason: "its schema is `\(schema.prefix(80))`, not `\(TraceSchema.name)`") }
    guard let version = try reader.integer(attribute: "schema_version"), version >= 1 else {
      throw .notATrace(path: path, reason: "there is no attribute `schema_version` from 1 to \(TraceSchema.version)")
    }
    guard version <= TraceSchema.version else { throw .newer(path: path, version: version, supported: TraceSchema.version) }
    func text(_ name: String) throws(TraceError) -> String {
      guard let text = try reader.text(attribute: name) else { throw .notATrace(path: path, reason: "there is no attribute `\(name)`") }
      return text
    }
    guard let status = Trace.Status(rawValue: try text("status")) else {
      throw .notATrace(path: path, reason: "the attribute `status` is neither `started` nor `complete`")
    }
    var attributes = Trace.Attributes(
      config: try text("config"), runDigest: try text("run_digest"), modelDigest: try text("model_digest"), created: try text("created"), status: status)
    let hasBeliefs = reader.has(group: TraceSchema.beliefs)
    attributes.level = try reader.text(attribute: "level") ?? (hasBeliefs ? TraceSchema.beliefs : "edits")
    attributes.timing = try reader.text(attribute: "timing").flatMap(Trace.Timing.init(rawValue:))
    if let size = try reader.integer(attribute: "vocabulary_size"), let mask = try reader.integer(attribute: "mask_token").flatMap(Int32.init(exactly:)),
      let end = try reader.integer(attribute: "end_token").flatMap(Int32.init(exactly:)), size > 0
    {
      attributes.vocabulary = .init(size: size, mask: mask, end: end)
    }
    var tables: [Table] = []
    for group in TraceSchema.groups where group.name != TraceSchema.beliefs || hasBeliefs {
      var table = Table(group.name)
      for field in group.fields { table[field.name] = try reader.column(field, of: group.name) }
      tables.append(table)
    }
    var candidates = 0
    if hasBeliefs {
      guard let k = try reader.integer(attribute: "k", of: TraceSchema.beliefs) else { throw .notATrace(path: path, reason: "/beliefs has no attribute `k`") }
      candidates = k
    }
    return Trace(attributes: attributes, tables: tables, candidates: candidates)
  }
}

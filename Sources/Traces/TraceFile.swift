internal import Diffusion

/// Traces on disk: one HDF5 file each, written whole and read with suspicion.
///
/// The file is ordinary HDF5 (1.8 and later, h5py, h5web) followed by a seal of 24 bytes that HDF5 readers do not look at: a mark, the length and a checksum of
/// all bytes before it, which tell bytes that changed by accident. A program that opens a trace for writing takes the seal off, or breaks it.
///
/// Every file is read in a child process (`Containment`), so that a crash or a hang of libhdf5 becomes an error here. The seal is no reason to trust a file:
/// whoever makes one to do harm can compute a checksum.
public enum TraceFile {
  /// The largest file that is read, in bytes.
  public static let largestFile = 4 << 30
  /// What all columns of a file may take in memory, in bytes.
  public static let largestContent = 8 << 30
  private static let mark: [UInt8] = Array("UNMSKSEA".utf8)
  private static let sealLength = 24
  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Writes a trace; the file is there as a whole or not at all, and an earlier one stays until then.
  ///
  /// - Returns: the file's size in bytes.
  @discardableResult
  public static func write(_ trace: Trace, to path: String) throws(TraceError) -> Int {
    var bytes = try HDF5.image(of: trace.tables, attributes: attributes(of: trace), groupAttributes: groupAttributes(of: trace))
    bytes += seal(of: bytes)
    try DurableFile.replace(path, with: bytes)
    return bytes.count
  }

  /// The last bytes of a file whose other bytes are these.
  static func seal(of bytes: [UInt8]) -> [UInt8] {
    var seal = ByteWriter()
    seal.put(fixed: UInt64(bytes.count))
    seal.put(fixed: CRC32.of(bytes[...]))
    // The seal's own words are under a check too, so that half of a seal is none.
    seal.put(fixed: CRC32.of(seal.bytes[...]))
    return mark + seal.bytes
  }

  /// Refuses a path that `write` could not write to, before there is a trace: what is not a regular file (a device, a pipe, a folder), and a folder
  /// that is missing or takes no files. A path that does not exist yet is right.
  ///
  /// - Parameters:
  ///   - inputs: files that the same command reads, under whatever names: they are not written over.
  ///   - kind: what these are, as `the trace itself`.
  /// - Throws: `.unwritable`, and `.input` for one of the inputs.
  public static func check(
    destination path: String, apartFrom inputs: [String] = [], _ kind: String = "the trace itself"
  ) throws(TraceError) {
    if inputs.contains(where: { Files.areSame($0, path) }) { throw .input(path: path, kind: kind) }
    try DurableFile.check(destination: path)
  }

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

  /// How the seal stands: what follows HDF5's own bytes must be one seal, whole, or nothing at all.
  static func sealState(of bytes: [UInt8]) -> Trace.Seal {
    // A file that breaks off before its end is for HDF5 to refuse.
    guard let end = contentEnd(of: bytes), bytes.count > end else { return .none }
    let words = bytes[end...].dropFirst(mark.count)
    var reader = ByteReader(words)
    guard bytes.count == end + sealLength, bytes[end...].starts(with: mark), let length = reader.fixed(UInt64.self),
      let check = reader.fixed(UInt32.self), let own = reader.fixed(UInt32.self), own == CRC32.of(words.dropLast(4)), length == UInt64(end),
      check == CRC32.of(bytes[..<end])
    else { return .broken }
    return .whole
  }

  /// Where HDF5's own bytes end, by their superblock; nil for one of no known version.
  private static func contentEnd(of bytes: [UInt8]) -> Int? {
    guard bytes.count > 24 else { return nil }
    // Sizes of addresses, and where the addresses begin: a base, one of something else, the end.
    let (size, first): (Int, Int)
    switch bytes[8] {
    case 0: (size, first) = (Int(bytes[13]), 24)
    case 1: (size, first) = (Int(bytes[13]), 28)
    case 2, 3: (size, first) = (Int(bytes[9]), 12)
    default: return nil
    }
    let place = first + 2 * size
    guard (1...8).contains(size), bytes.count >= place + size else { return nil }
    return Int(exactly: bytes[place..<place + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}

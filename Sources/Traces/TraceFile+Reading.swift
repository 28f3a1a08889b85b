internal import Diffusion

extension TraceFile {
  /// Reads a trace. Its columns have the types of the schema; what they say is for `Trace.validate` to judge.
  ///
  /// - Parameter evenIfChanged: whether to take a file whose bytes changed since it was written, to say what is in it; its `seal` is `.broken` then.
  /// - Throws: `.damaged` for such a file otherwise. One without a seal, from another program, is read.
  public static func read(_ path: String, evenIfChanged: Bool = false) throws(TraceError) -> Trace {
    try read(path, groups: nil, evenIfChanged: evenIfChanged)
  }

  /// The attributes and `/samples` alone: all that is needed of a run that is complete. Such a trace holds no canvases and does not validate.
  package static func summary(_ path: String) throws(TraceError) -> Trace { try read(path, groups: ["samples"], evenIfChanged: false) }

  /// Reads the groups named, or all.
  private static func read(_ path: String, groups: Set<String>?, evenIfChanged: Bool) throws(TraceError) -> Trace {
    let bytes = try Files.read(path, limit: largestFile)
    guard bytes.starts(with: signature) else {
      throw bytes.isEmpty
        ? .damaged(path: path, place: "byte 0", reason: "the file is empty") : .notATrace(path: path, reason: "it does not begin like an HDF5 file")
    }
    let seal = sealState(of: bytes)
    guard seal != .broken || evenIfChanged else {
      throw .damaged(path: path, place: "the file", reason: "bytes changed since it was written: the checksum at its end does not hold")
    }
    var trace = try contained(bytes, path: path, groups: groups)
    (trace.seal, trace.path) = (seal, path)
    return trace
  }

  /// What all columns of a file of some size may take in memory: what deflate can make of it, and never more than `largestContent`.
  static func contentLimit(_ size: Int) -> Int { min(largestContent, 64 << 20 + HDF5Reader.deflateRatio * min(size, largestContent)) }

  /// Reads in a child, which answers with the trace or with its error.
  private static func contained(_ bytes: [UInt8], path: String, groups: Set<String>?) throws(TraceError) -> Trace {
    // A hundred times what a file needs.
    let time = UInt32(clamping: 1 + bytes.count >> 20)
    let limit = contentLimit(bytes.count)
    // The file's image twice, the columns, and twice the answer while it grows.
    let memory = 128 << 20 + 2 * bytes.count + 3 * limit
    var attempts = 0
    while true {
      attempts += 1
      // The library is ours only while the child is made: the child takes the lock along and is alone in its copy of the library.
      let child = try HDF5.exclusively { () throws(TraceError) -> Result<Containment.Child, Containment.Failure> in
        Result { () throws(Containment.Failure) in
          try Containment.start(memory: memory, seconds: time) {
            var out = ByteWriter()
            do throws(TraceError) {
              let trace = try content(of: bytes, path: path, groups: groups, limit: limit)
              out.put(0)
              out.put(blob: trace.encoded)
            } catch { out.put(error) }
            return out.bytes
          }
        }
      }
      let answer: [UInt8]
      do throws(Containment.Failure) { answer = try child.get().answer() } catch {
        switch error {
        case .stuck where attempts < 2: continue
        case .stuck, .endless: throw TraceError.damaged(path: path, place: "the file", reason: "reading it does not end")
        case .died(let signal): throw TraceError.damaged(path: path, place: "the file", reason: "reading it crashed the HDF5 library (signal \(signal))")
        case .unavailable(let reason): throw TraceError.unreadable(path: path, reason: reason)
        }
      }
      return try unpack(answer, path: path).get()
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

  /// Everything of an image that the schema names, or of the groups wanted. The caller is alone in the library.
  private static func content(of bytes: borrowing [UInt8], path: String, groups: Set<String>?, limit: Int) throws(TraceError) -> Trace {
    var reader = try HDF5Reader(bytes, path: path, limit: limit)
    var attributes = try Self.attributes(in: reader, path: path)
    let hasBeliefs = reader.has(group: TraceSchema.beliefs)
    attributes.level = try reader.text(attribute: "level") ?? (hasBeliefs ? TraceSchema.beliefs : "edits")
    var tables: [Table] = []
    for group in TraceSchema.groups where (group.name != TraceSchema.beliefs || hasBeliefs) && groups?.contains(group.name) != false {
      var table = Table(group.name)
      for field in group.fields {
        if field.isOptional, try !reader.has(column: field.name, of: group.name) { continue }
        table[field.name] = try reader.column(field, of: group.name)
      }
      tables.append(table)
    }
    var candidates = 0
    if hasBeliefs {
      guard let k = try reader.integer(attribute: "k", of: TraceSchema.beliefs) else { throw .notATrace(path: path, reason: "/beliefs has no attribute `k`") }
      candidates = k
    }
    return Trace(attributes: attributes, tables: tables, candidates: candidates)
  }

  private static func attributes(in reader: borrowing HDF5Reader, path: String) throws(TraceError) -> Trace.Attributes {
    guard let schema = try reader.text(attribute: "schema") else { throw .notATrace(path: path, reason: "there is no attribute `schema`") }
    guard schema == TraceSchema.name else {
      throw .notATrace(path: path, reason: "its schema is `\(schema.prefix(80).printable)`, not `\(TraceSchema.name)`")
    }
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
    attributes.timing = try reader.text(attribute: "timing").flatMap(Trace.Timing.init(rawValue:))
    attributes.vocabulary = try vocabulary(in: reader, path: path)
    return attributes
  }

  /// What a file says of its tokens; nil if nothing. Half of it would leave every token unchecked.
  private static func vocabulary(in reader: borrowing HDF5Reader, path: String) throws(TraceError) -> Vocabulary? {
    let names = ["vocabulary_size", "mask_token", "end_token"]
    var values: [Int?] = []
    for name in names { values.append(try reader.integer(attribute: name)) }
    if values.allSatisfy({ $0 == nil }) { return nil }
    guard let size = values[0], let mask = values[1], let end = values[2], (1...Int(Token.max)).contains(size), (0..<size).contains(mask),
      (0..<size).contains(end)
    else {
      let found = zip(names, values).map { name, value in "`\(name)` " + (value.map { "\($0)" } ?? "missing") }.joined(separator: ", ")
      throw .damaged(path: path, place: "the attributes", reason: "\(found) are not a vocabulary and two of its tokens")
    }
    return Vocabulary(size: size, mask: Token(mask), end: Token(end))
  }
}

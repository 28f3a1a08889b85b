/// What could not be read, written or stored as a trace.
public enum TraceError: Error, Sendable, Hashable {
  /// The operating system refused to open or read a file.
  case unreadable(path: String, reason: String)
  /// A file could not be created, written, flushed or renamed; what was there before is untouched. `isResumable` where a journal keeps everything
  /// finished before, so that the same command goes on from there.
  case unwritable(path: String, reason: String, isResumable: Bool = false)
  /// A file to be written is one that the same command reads.
  case input(path: String, kind: String)
  /// A file is truncated, corrupt, or made to do harm.
  case damaged(path: String, place: String, reason: String)
  /// A sound file that does not hold a trace.
  case notATrace(path: String, reason: String)
  /// A file that does not hold step maps.
  case notAStepMap(path: String, reason: String)
  /// A trace of a later version of the schema.
  case newer(path: String, version: Int, supported: Int)
  /// More than a reader takes.
  case tooLarge(path: String, what: String, limit: String)
  /// Another process works in the same directory.
  case locked(path: String)
  /// A journal of another run.
  case otherRun(path: String, expected: String, found: String)
  /// A value that the format cannot hold.
  case unstorable(what: String, reason: String)
  /// A table, sample or position that the trace does not have.
  case missing(what: String, known: String)
}

extension TraceError: CustomStringConvertible {
  /// What was wrong, where, and what would be right. What a file says in it moves no cursor.
  public var description: String { words.printable }

  private var words: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason, let isResumable):
      "\(path): cannot be written: \(reason)" + (isResumable ? "; everything finished before is kept, run the same command again" : "")
    case .input(let path, let kind): "\(path): is \(kind), and would be written over; choose another path"
    case .damaged(let path, let place, let reason): "\(path): damaged at \(place): \(reason)"
    case .notATrace(let path, let reason): "\(path): not a trace: \(reason)"
    case .notAStepMap(let path, let reason): "\(path): no step maps: \(reason)"
    case .newer(let path, let version, let supported):
      "\(path): schema_version \(version) is newer than the \(supported) that this program reads; use a newer unmask"
    case .tooLarge(let path, let what, let limit): "\(path): \(what) is more than the limit of \(limit)"
    case .locked(let path): "\(path): another process is working on this run; wait for it to end, or choose another --output"
    case .otherRun(let path, let expected, let found):
      "\(path): belongs to run \(found), not \(expected); move it away, or choose another --output"
    case .unstorable(let what, let reason): "\(what) cannot be stored in a trace: \(reason)"
    case .missing(let what, let known): "the trace has no \(what); it has \(known)"
    }
  }
}

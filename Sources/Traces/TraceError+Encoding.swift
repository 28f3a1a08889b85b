/// Errors of reading, as a contained reader sends them: a number for the case and its words. 0 stands for no error.
extension ByteWriter {
  mutating func put(_ error: TraceError) {
    switch error {
    case .damaged(_, let place, let reason): put(1, [place, reason])
    case .notATrace(_, let reason): put(2, [reason])
    case .newer(_, let version, let supported): put(3, ["\(version)", "\(supported)"])
    case .tooLarge(_, let what, let limit): put(4, [what, limit])
    case .unreadable(_, let reason): put(5, [reason])
    case .unwritable, .input, .locked, .otherRun, .unstorable, .missing, .notAStepMap: put(5, [error.description])
    }
  }

  private mutating func put(_ number: Int, _ words: [String]) {
    put(number)
    for word in words { put(word) }
  }
}

extension ByteReader {
  /// The error that was sent, or nil if the bytes do not begin with one.
  mutating func traceError(path: String) -> TraceError? {
    guard let number = integer(), let first = number == 0 ? nil : text() else { return nil }
    switch number {
    case 1: return text().map { .damaged(path: path, place: first, reason: $0) }
    case 2: return .notATrace(path: path, reason: first)
    case 3:
      guard let version = Int(first), let supported = text().flatMap({ Int($0) }) else { return nil }
      return .newer(path: path, version: version, supported: supported)
    case 4: return text().map { .tooLarge(path: path, what: first, limit: $0) }
    case 5: return .unreadable(path: path, reason: first)
    default: return nil
    }
  }
}

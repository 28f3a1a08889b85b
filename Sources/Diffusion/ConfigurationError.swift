/// A mistake in what a user asked for. Exit code 2.
public indirect enum ConfigurationError: Error, Sendable, Hashable {
  /// A setting that its owner does not have.
  case unknownKey(key: String, owner: String, known: [String])
  /// A strategy, benchmark or the like that is not in its catalog.
  case unknownName(name: String, kind: String, known: [String])
  /// A setting that has no default.
  case missing(key: String, owner: String, expected: String)
  /// A value of another kind than its setting takes.
  case wrongKind(key: String, found: String, expected: String)
  /// A value out of its setting's range.
  case outOfRange(key: String, value: String, expected: String)
  /// Things that mean nothing together.
  case composition(String)
  /// Something asked for that is not to be had.
  case unsupported(String)
  /// A file that the system does not give.
  case unreadable(file: String, reason: String)
  /// A file that was found damaged. Exit code 1.
  case damaged(String)
  /// A mistake with its place: a file, a path of keys, a line.
  case located(ConfigurationError, file: String?, path: String?, line: Int?)
  /// Several mistakes, one line each.
  case several([ConfigurationError])

  /// The same mistake with a place, unless it has one that is more exact.
  public func at(file: String? = nil, path: String? = nil, line: Int? = nil) -> ConfigurationError {
    switch self {
    case .several(let all): return .several(all.map { $0.at(file: file, path: path, line: line) })
    case .located(let inner, let oldFile, let oldPath, let oldLine):
      let joined = [path, oldPath].compactMap(\.self).joined(separator: ".")
      return .located(inner, file: oldFile ?? file, path: joined.isEmpty ? nil : joined, line: oldLine ?? line)
    default: return .located(self, file: file, path: path, line: line)
    }
  }

  /// Whether a file is at fault, and not what was asked for.
  public var isDamage: Bool {
    switch self {
    case .damaged: true
    case .located(let inner, _, _, _): inner.isDamage
    case .several(let errors): errors.contains(where: \.isDamage)
    default: false
    }
  }

  /// Each mistake by itself.
  public var all: [ConfigurationError] {
    if case .several(let errors) = self { errors.flatMap(\.all) } else { [self] }
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// What was wrong, where, and what would be right; one line per mistake.
  public var description: String {
    switch self {
    case .unknownKey(let key, let owner, let known):
      return "\(owner) has no setting `\(key)`" + Self.suggestion(key, known)
    case .unknownName(let name, let kind, let known):
      return "there is no \(kind) named `\(name)`" + Self.suggestion(name, known)
    case .missing(let key, let owner, let expected):
      return "\(owner) needs `\(key)`: \(expected)"
    case .wrongKind(let key, let found, let expected):
      return "`\(key)` is \(found), expected \(expected)"
    case .outOfRange(let key, let value, let expected):
      return "`\(key)` is \(value), expected \(expected)"
    case .composition(let reason), .unsupported(let reason), .damaged(let reason): return reason
    case .unreadable(let file, let reason): return "\(file): \(reason)"
    case .located(let inner, let file, let path, let line):
      var place = file ?? ""
      if let line { place += place.isEmpty ? "line \(line)" : ":\(line)" }
      if let path { place += place.isEmpty ? path : ": \(path)" }
      return place.isEmpty ? inner.description : "\(place): \(inner.description)"
    case .several(let errors): return errors.map(\.description).joined(separator: "\n")
    }
  }

  private static func suggestion(_ name: String, _ known: [String]) -> String {
    let list = known.isEmpty ? "" : "; known: " + known.joined(separator: ", ")
    guard let nearest = nearest(to: name, in: known) else { return list }
    return "; did you mean `\(nearest)`?" + list
  }

  /// The known name that is fewest single-letter changes away, if it is near at all.
  public static func nearest(to name: String, in known: [String]) -> String? {
    let scored = known.map { ($0, distance(Array(name.utf8.prefix(64)), Array($0.utf8.prefix(64)))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, best.0.utf8.count / 3) else { return nil }
    return best.0
  }

  /// Levenshtein's distance, neighbouring letters swapped counting once.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}

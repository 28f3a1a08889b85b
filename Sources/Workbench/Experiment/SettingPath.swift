internal import Diffusion

extension Setting {
  /// The value with another one at a place inside it, named by keys joined by dots: `strategies.threshold.use.0.threshold.confidence`.
  ///
  /// A key may hold dots itself (`sweep.threshold.confidence`): the longest key that fits is taken. A list is entered by a place, from 0, or by the name of
  /// the rule that stands there. The last key may be new; those before it have to exist.
  ///
  /// - Parameters:
  ///   - path: the keys.
  ///   - parents: what the path is below of, for messages; the topmost keys have none.
  ///   - makes: whether a key that is missing here may be made on the way, as an empty map.
  func replacing(_ path: Substring, with value: Setting, below parents: String = "", makes: (Substring) -> Bool = { _ in false }) throws(ConfigurationError)
    -> Setting
  {
    guard !path.isEmpty else { return value }
    switch self.value {
    case .list(let items): return try replacing(path, in: items, with: value, below: parents)
    case .null: return try Setting(.map([]), line: line).replacing(path, with: value, below: parents, makes: makes)
    case .map(let entries):
      let fitting = entries.indices.filter { path == entries[$0].key || path.hasPrefix(entries[$0].key + ".") }
      if let place = fitting.max(by: { entries[$0].key.utf8.count < entries[$1].key.utf8.count }) {
        var entries = entries
        let key = entries[place].key
        let isOpen = ["decoding", "adaptive", "tune"].contains(key) && parents.isEmpty
        entries[place] = Entry(
          key, try entries[place].value.replacing(path.after(key), with: value, below: parents.joined(to: key)) { _ in isOpen })
        return Setting(.map(entries), line: line)
      }
      let first = path.prefix { $0 != "." }
      // A swept key holds a dot.
      if first.count == path.count || parents.hasSuffix("sweep") { return Setting(.map(entries + [Entry(String(path), value)]), line: line) }
      guard makes(first) else {
        throw .unknownName(name: String(first), kind: parents.isEmpty ? "key" : "key under `\(parents)`", known: entries.map(\.key))
      }
      let made = try Setting(.map([]), line: value.line).replacing(path.after(String(first)), with: value, below: String(first))
      return Setting(.map(entries + [Entry(String(first), made)]), line: line)
    default:
      // A rule may be given by its name alone.
      if case .text(let name) = self.value, path.hasPrefix(name + ".") {
        let settings = try Setting(.map([]), line: line).replacing(path.after(name), with: value, below: parents.joined(to: name))
        return Setting(.map([Entry(name, settings)]), line: line)
      }
      throw .wrongKind(key: parents, found: "\(kind) (\(description))", expected: "a map or a list, to hold `\(path)`")
    }
  }

  private func replacing(_ path: Substring, in items: [Setting], with value: Setting, below parents: String) throws(ConfigurationError) -> Setting {
    let first = path.prefix { $0 != "." }
    var items = items
    if let place = Int(first) {
      guard items.indices.contains(place) else {
        throw .outOfRange(key: parents.joined(to: String(first)), value: first.description, expected: "a place from 0 to \(items.count - 1)")
      }
      items[place] = try items[place].replacing(path.after(String(first)), with: value, below: parents.joined(to: String(first)))
      return Setting(.list(items), line: line)
    }
    let names = items.map { item in
      switch item.value {
      case .text(let name): name
      case .map(let entries): entries.first?.key ?? ""
      default: ""
      }
    }
    guard items.allSatisfy(\.isRule) else {
      throw .wrongKind(key: parents, found: "a list", expected: "a place in it, from 0 to \(items.count - 1), before `\(path)`")
    }
    guard let place = names.firstIndex(of: String(first)) else {
      throw .unknownName(name: String(first), kind: "rule in `\(parents)`", known: names.filter { !$0.isEmpty })
    }
    items[place] = try items[place].replacing(path, with: value, below: parents)
    return Setting(.list(items), line: line)
  }

  /// The value with another one laid over it: maps are merged key by key, a `null` removes what it is laid over, anything else replaces.
  func overlaid(with other: Setting) -> Setting {
    guard case .map(var entries) = value, case .map(let others) = other.value else { return other }
    for entry in others {
      guard let place = entries.firstIndex(where: { $0.key == entry.key }) else {
        entries.append(entry)
        continue
      }
      if case .null = entry.value.value {
        entries.remove(at: place)
      } else {
        entries[place] = Entry(entry.key, entries[place].value.overlaid(with: entry.value))
      }
    }
    return Setting(.map(entries), line: other.line)
  }

  /// The same value, its lines counted from further on.
  func shifted(by lines: Int) -> Setting {
    let moved = line.map { $0 + lines }
    switch value {
    case .list(let items): return Setting(.list(items.map { $0.shifted(by: lines) }), line: moved)
    case .map(let entries): return Setting(.map(entries.map { Entry($0.key, $0.value.shifted(by: lines)) }), line: moved)
    default: return Setting(value, line: moved)
    }
  }
}

extension Setting {
  /// Whether it may be a rule of a list: a name, or a name with its settings.
  fileprivate var isRule: Bool {
    switch value {
    case .text: true
    case .map(let entries): entries.count == 1
    default: false
    }
  }
}

extension Substring {
  /// What is left of a path after its first key.
  fileprivate func after(_ key: String) -> Substring { dropFirst(key.count + 1) }
}

extension String {
  /// A path with one more key.
  fileprivate func joined(to key: String) -> String { isEmpty ? key : self + "." + key }
}

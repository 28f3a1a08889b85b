/// A key of a replay.
enum ReplayKey: Sendable, Hashable {
  case character(Character)
  case left, right, up, down, home, end, enter, escape
  /// Ctrl-C, typed.
  case interrupt
  /// Ctrl-Z, typed.
  case suspend

  /// The keys that a terminal sent at once. What is not a key of ours is left out.
  static func keys(in bytes: [UInt8]) -> [ReplayKey] {
    var keys: [ReplayKey] = []
    var rest = bytes[...]
    while let first = rest.popFirst() {
      switch first {
      case 0x03: keys.append(.interrupt)
      case 0x1A: keys.append(.suspend)
      case 0x0A, 0x0D: keys.append(.enter)
      case 0x1B: keys += sequence(&rest)
      case 0x20...0x7E: keys.append(.character(Character(UnicodeScalar(first))))
      default: break
      }
    }
    return keys
  }

  /// What follows an escape: nothing, or `[` or `O` with parameters and a letter.
  private static func sequence(_ rest: inout ArraySlice<UInt8>) -> [ReplayKey] {
    guard let kind = rest.first, kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { return [.escape] }
    rest.removeFirst()
    var parameters: [UInt8] = []
    while let byte = rest.popFirst() {
      guard (0x40...0x7E).contains(byte) else {
        parameters.append(byte)
        continue
      }
      switch (Character(UnicodeScalar(byte)), parameters.first) {
      case ("A", _): return [.up]
      case ("B", _): return [.down]
      case ("C", _): return [.right]
      case ("D", _): return [.left]
      case ("H", _), ("~", UInt8(ascii: "1")), ("~", UInt8(ascii: "7")): return [.home]
      case ("F", _), ("~", UInt8(ascii: "4")), ("~", UInt8(ascii: "8")): return [.end]
      default: return []
      }
    }
    return []
  }
}

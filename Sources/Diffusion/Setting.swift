/// A value of a configuration file, with the line it stands on.
public struct Setting: Sendable, Hashable {
  /// The kinds of values that YAML and JSON share.
  public indirect enum Content: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([Setting])
    case map([Entry])
  }

  /// One key of a map.
  public struct Entry: Sendable, Hashable {
    /// The key.
    public let key: String
    /// Its value.
    public let value: Setting

    /// A key and its value.
    public init(_ key: String, _ value: Setting) {
      self.key = key
      self.value = value
    }
  }

  /// The value.
  public var value: Content
  /// The line of the file, from 1; nil where it was not read from one.
  public var line: Int?

  /// A value, with its line.
  public init(_ value: Content, line: Int? = nil) {
    self.value = value
    self.line = line
  }

  /// A map's value under a key.
  public subscript(key: String) -> Setting? {
    guard case .map(let entries) = value else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// Equality of values, whatever the lines.
  public static func == (left: Setting, right: Setting) -> Bool { left.value == right.value }

  /// Hashes the value, whatever the line.
  public func hash(into hasher: inout Hasher) { hasher.combine(value) }

  /// What kind of value it is, in words.
  public var kind: String {
    switch value {
    case .null: "nothing"
    case .bool: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "text"
    case .list: "a list"
    case .map: "a map"
    }
  }

  /// The value as it would stand in a file, on one line.
  public var description: String {
    switch value {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .text(let text): text
    case .list(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
    case .map(let entries): "{" + entries.map { "\($0.key): \($0.value.description)" }.joined(separator: ", ") + "}"
    }
  }
}

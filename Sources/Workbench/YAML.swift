package import Diffusion
internal import Foundation
internal import Yams

/// Reading of YAML and JSON files into settings that remember their lines. Hostile files are bounded before they are expanded.
package enum YAML {
  /// The largest file read, in bytes.
  static let sizeLimit = 4 << 20
  /// The most values a file may expand to, aliases included.
  static let valueLimit = 1_000_000
  /// The deepest nesting.
  static let depthLimit = 64

  /// The value of a file of one document.
  package static func read(file path: String) throws(ConfigurationError) -> Setting {
    let text = try text(of: path)
    do { return try parse(text) } catch { throw error.at(file: path) }
  }

  /// The values of a file's documents, which lines of `---` part.
  package static func documents(file path: String) throws(ConfigurationError) -> [Setting] {
    let text = try text(of: path)
    do { return try documents(text) } catch { throw error.at(file: path) }
  }

  /// A file's text; files over the size limit and what is not UTF-8 are refused.
  static func text(of path: String) throws(ConfigurationError) -> String {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { handle.closeFile() }
      let data = try handle.read(upToCount: sizeLimit + 1) ?? Data()
      guard data.count <= sizeLimit else { throw ConfigurationError.unreadable(file: path, reason: "it is larger than \(sizeLimit >> 20) MiB") }
      guard let decoded = String(validating: data, as: UTF8.self) else {
        throw ConfigurationError.unreadable(file: path, reason: "it is not UTF-8 text")
      }
      return decoded
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw .unreadable(file: path, reason: reason(error))
    }
  }

  /// The values of a text's documents; an empty text is one empty document.
  package static func documents(_ text: String) throws(ConfigurationError) -> [Setting] {
    var nodes: [Node] = []
    do {
      var stream = try Yams.compose_all(yaml: text)
      while let node = stream.next() { nodes.append(node) }
      if let error = stream.error { throw error }
    } catch { throw broken(error) }
    if nodes.isEmpty { return [Setting(.null, line: 1)] }
    var budget = valueLimit
    var documents: [Setting] = []
    for node in nodes { documents.append(try setting(node, depth: 0, budget: &budget)) }
    return documents
  }

  /// The value of a text of one document.
  package static func parse(_ text: String) throws(ConfigurationError) -> Setting {
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch { throw broken(error) }
    guard let node else { return Setting(.null, line: 1) }
    var budget = valueLimit
    return try setting(node, depth: 0, budget: &budget)
  }

  private static func setting(_ node: Node, depth: Int, budget: inout Int) throws(ConfigurationError) -> Setting {
    budget -= 1
    let line = node.mark?.line
    guard budget > 0 else { throw ConfigurationError.unsupported("the file expands to over \(valueLimit) values").at(line: line) }
    guard depth < depthLimit else { throw ConfigurationError.unsupported("nested deeper than \(depthLimit) levels").at(line: line) }
    switch node {
    case .scalar(let scalar): return Setting(value(scalar, node), line: line)
    case .sequence(let items):
      var list: [Setting] = []
      for item in items { list.append(try setting(item, depth: depth + 1, budget: &budget)) }
      return Setting(.list(list), line: line)
    case .mapping(let pairs):
      var entries: [Setting.Entry] = []
      var seen: Set<String> = []
      for (key, value) in pairs {
        guard case .scalar(let name) = key else { throw ConfigurationError.unsupported("a key must be text").at(line: key.mark?.line) }
        guard seen.insert(name.string).inserted else {
          throw ConfigurationError.composition("`\(name.string)` is given twice").at(line: key.mark?.line)
        }
        var entry = try setting(value, depth: depth + 1, budget: &budget)
        entry.line = key.mark?.line
        entries.append(Setting.Entry(name.string, entry))
      }
      return Setting(.map(entries), line: line)
    case .alias: throw ConfigurationError.unsupported("an unresolved alias").at(line: line)
    }
  }

  private static func value(_ scalar: Node.Scalar, _ node: Node) -> Setting.Content {
    guard scalar.style == .any || scalar.style == .plain else { return .text(scalar.string) }
    if node.null != nil { return .null }
    if let flag = node.bool { return .bool(flag) }
    if let number = Int(scalar.string) { return .integer(number) }
    if let number = Double(scalar.string), number.isFinite, scalar.string.first(where: { !"+-.0123456789".contains($0) }) != "n" { return .number(number) }
    return .text(scalar.string)
  }

  private static func broken(_ error: any Error) -> ConfigurationError {
    .unsupported("not valid YAML: " + ((error as? YamlError).map(message) ?? "\(error)"))
  }

  /// The parser's words on one line of bearable length.
  private static func message(_ error: YamlError) -> String {
    let line = "\(error)".split(separator: "\n").joined(separator: " ")
    return line.count > 160 ? line.prefix(160) + "…" : line
  }

  /// The system's own words for a failure to read, without its wrapping.
  package static func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError { return reason(inner) }
    if error.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(error.code))) }
    return error.localizedDescription
  }

  /// A setting as a YAML document, block style, keys in order.
  package static func write(_ setting: Setting) throws(ConfigurationError) -> String {
    do { return try Yams.serialize(node: node(setting), width: 120, allowUnicode: true) } catch { throw .unsupported("could not write YAML: \(error)") }
  }

  private static func node(_ setting: Setting) -> Node {
    switch setting.value {
    case .null: Node("null", Tag(.null))
    case .bool(let flag): Node(flag ? "true" : "false", Tag(.bool))
    case .integer(let number): Node("\(number)", Tag(.int))
    case .number(let number): Node("\(number)", Tag(.float))
    case .text(let text): Node(text, Tag(.str), needsQuotes(text) ? .doubleQuoted : .any)
    case .list(let items): Node(items.map(node), Tag(.seq), items.allSatisfy(\.isScalar) ? .flow : .block)
    case .map(let entries): Node(entries.map { (Node($0.key), node($0.value)) }, Tag(.map), .block)
    }
  }

  /// Whether a text could be read as something else; quoting too much does no harm.
  private static func needsQuotes(_ text: String) -> Bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    guard let first = text.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic else { return true }
    return words.contains(text.lowercased())
      || !text.utf8.allSatisfy { byte in
        let scalar = Unicode.Scalar(byte)
        return byte < 128 && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || "-_.".unicodeScalars.contains(scalar))
      }
  }
}

extension Setting {
  fileprivate var isScalar: Bool {
    switch value {
    case .list, .map: false
    default: true
    }
  }
}

package import Diffusion
internal import Foundation
internal import Models

/// A benchmark's file: JSON objects, one per line, plain or packed with gzip.
package struct ProblemFile {
  /// The largest file, packed or not.
  static let limit = 256 << 20
  /// The most lines.
  static let lineLimit = 2_000_000

  package let path: String
  /// SHA-256 of its bytes as they lie on disk, 64 hexadecimal digits.
  package let digest: String
  /// Its lines, or what is wrong with one; empty ones are left out.
  package let rows: [Result<ProblemRow, ConfigurationError>]

  /// Reads a file whole.
  package init(_ path: String) throws(ConfigurationError) {
    self.path = path
    var bytes: [UInt8]
    do throws(WeightsError) {
      let file = try MappedFile(path)
      guard file.count <= Self.limit else { throw WeightsError.unreadable(file: path, reason: "it is larger than \(Self.limit >> 20) MiB") }
      bytes = file.withBytes { Array($0) }
    } catch { throw .unsupported("\(error)") }
    var hash = SHA256()
    hash.update(bytes)
    digest = hash.hexadecimal()
    if bytes.starts(with: [0x1F, 0x8B]) {
      do throws(GzipFault) { bytes = try Gzip.unpack(bytes, limit: Self.limit) } catch { throw .damaged("\(path): \(error)") }
    }
    if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
      throw .unsupported("\(path) is one JSON array; expected one JSON object per line")
    }
    var rows: [Result<ProblemRow, ConfigurationError>] = []
    for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() where line.contains(where: { $0 > 0x20 }) {
      guard rows.count < Self.lineLimit else { throw .unsupported("\(path) has more than \(Self.lineLimit) lines") }
      do throws(ConfigurationError) { rows.append(.success(try ProblemRow(Array(line), path: path, line: number + 1))) } catch { rows.append(.failure(error)) }
    }
    self.rows = rows
  }

  /// The folder that `UNMASK_DATA` names; nil where it is not set.
  package static var dataFolder: String? { ProcessInfo.processInfo.environment["UNMASK_DATA"].flatMap { $0.isEmpty ? nil : $0 } }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  static func name(of path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

  static func folder(of path: String) -> String { URL(fileURLWithPath: path).deletingLastPathComponent().path }
}

/// One line of a benchmark's file, read strictly: a key that is not there or holds something else is an error with its place.
package struct ProblemRow: Sendable {
  /// File and line, for messages.
  package let place: String
  private let document: JSONDocument
  private let value: JSONDocument.Value

  package init(_ bytes: [UInt8], path: String, line: Int) throws(ConfigurationError) {
    place = "\(path), line \(line)"
    do throws(JSONFault) { document = try JSONDocument(bytes, limits: .init(values: 100_000)) } catch { throw .damaged("\(path), line \(line): \(error)") }
    value = document.root
    guard case .object = value else { throw .damaged("\(place): expected a JSON object, found \(document.kind(value))") }
  }

  private init(_ value: JSONDocument.Value, of row: ProblemRow, _ step: String) {
    (place, document, self.value) = (row.place + ", " + step, row.document, value)
  }

  /// Whether there is something under a key.
  func has(_ key: String) -> Bool { document.member(key, of: value) != nil }

  /// The text under the first of these keys that is there.
  func text(_ keys: String...) throws(ConfigurationError) -> String {
    for key in keys {
      guard let member = document.member(key, of: value) else { continue }
      guard case .string(let text) = member else { throw wrong(key, "a text", member) }
      return document.string(text)
    }
    throw missing(keys)
  }

  /// The whole number under a key, also where it is written as a text.
  func integer(_ key: String) throws(ConfigurationError) -> Int {
    guard let member = document.member(key, of: value) else { throw missing([key]) }
    if let number = document.integer(member) { return number }
    if case .string(let text) = member, let number = Int(document.string(text)) { return number }
    throw wrong(key, "a whole number", member)
  }

  /// The texts in the list under a key.
  func texts(_ key: String) throws(ConfigurationError) -> [String] {
    guard let member = document.member(key, of: value) else { throw missing([key]) }
    guard case .array(let items) = member else { throw wrong(key, "a list of texts", member) }
    return try items.map { (item) throws(ConfigurationError) in
      guard case .string(let text) = item else { throw wrong(key, "a list of texts", item) }
      return document.string(text)
    }
  }

  /// The object under a key; nil where something else is there.
  func object(_ key: String) -> ProblemRow? {
    guard let member = document.member(key, of: value), case .object = member else { return nil }
    return ProblemRow(member, of: self, "`\(key)`")
  }

  /// The objects in the list under a key.
  func objects(_ key: String) throws(ConfigurationError) -> [ProblemRow] {
    guard let member = document.member(key, of: value) else { throw missing([key]) }
    guard case .array(let items) = member else { throw wrong(key, "a list of objects", member) }
    return try items.enumerated().map { (index, item) throws(ConfigurationError) in
      guard case .object = item else { throw wrong(key, "a list of objects", item) }
      return ProblemRow(item, of: self, "`\(key)` number \(index + 1)")
    }
  }

  /// Whether the number under a key is 1; anything but 0 and 1 is no score of right or wrong.
  func isOne(_ key: String) throws(ConfigurationError) -> Bool {
    guard let member = document.member(key, of: value) else { throw missing([key]) }
    if case .bool(let flag) = member { return flag }
    guard let number = document.double(member) else { throw wrong(key, "0 or 1", member) }
    guard number == 0 || number == 1 else { throw fault("`\(key)` is \(number); expected 0 or 1, wrong or right") }
    return number == 1
  }

  /// The first text in the list under a key, or in a list that is its first item; nil where there is none.
  func firstText(_ key: String) -> String? {
    var member = document.member(key, of: value)
    while case .array(let items)? = member { member = items.first }
    guard case .string(let text)? = member else { return nil }
    return document.string(text)
  }

  /// The line as it was read.
  var source: String { String(decoding: document.source, as: UTF8.self) }

  /// The line as Python's `json.dumps(indent=2, ensure_ascii=False)` writes it.
  var pythonJSON: String { PythonJSON.indented(value, of: document) }

  /// What is wrong with this line.
  func fault(_ reason: String) -> ConfigurationError { .damaged("\(place): \(reason)") }

  private func missing(_ keys: [String]) -> ConfigurationError { fault("there is no \(keys.map { "`\($0)`" }.joined(separator: " and no "))") }

  private func wrong(_ key: String, _ expected: String, _ found: JSONDocument.Value) -> ConfigurationError {
    fault("`\(key)` holds \(document.kind(found)); expected \(expected)")
  }
}

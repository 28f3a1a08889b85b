/// Reads the keys of a `config.json`; every refusal names the file and the key.
package struct ConfigurationReader: Sendable {
  /// The file, for messages.
  package let file: String
  private let document: JSONDocument

  /// Reads a file.
  package init(_ path: String) throws(ModelError) {
    file = path
    let mapped: MappedFile
    do throws(WeightsError) { mapped = try MappedFile(path) } catch { throw .weights(error) }
    guard mapped.count <= 1 << 20 else { throw .malformed(file: path, reason: "it has \(mapped.count) bytes, expected at most 1 MB") }
    do throws(JSONFault) { document = try JSONDocument(mapped.withBytes { Array($0) }) } catch {
      throw .malformed(file: path, reason: "not valid JSON: \(error)")
    }
    guard case .object = document.root else { throw .malformed(file: path, reason: "it is \(document.kind(document.root)), expected an object") }
  }

  /// A mistake about a key.
  package func fault(_ key: String, expected: String) -> ModelError {
    .configuration(file: file, key: key, found: self[key].map(document.kind) ?? "missing or null", expected: expected)
  }

  /// The value of a key; nil where it is absent or null.
  package subscript(key: String) -> JSONDocument.Value? { document.member(key, of: document.root) }

  /// An integer in a range; `fallback` where the key is absent or null.
  package func integer(_ key: String, _ range: ClosedRange<Int>, default fallback: Int? = nil) throws(ModelError) -> Int {
    guard let value = self[key] else {
      if let fallback { return fallback }
      throw fault(key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    guard let integer = document.integer(value), range.contains(integer) else {
      throw fault(key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  /// A number in a range; `fallback` where the key is absent or null.
  package func number(_ key: String, _ range: ClosedRange<Double>, default fallback: Double? = nil) throws(ModelError) -> Double {
    if self[key] == nil, let fallback { return fallback }
    guard let number = self[key].flatMap(document.double), range.contains(number) else {
      throw fault(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// True or false; `fallback` where the key is absent or null.
  package func flag(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
    guard let value = self[key] else { return fallback }
    guard case .bool(let flag) = value else { throw fault(key, expected: "true or false") }
    return flag
  }

  /// The strings of an array; nil where the key is absent or anything else.
  package func strings(_ key: String) -> [String]? {
    guard case .array(let values)? = self[key] else { return nil }
    var strings: [String] = []
    for value in values {
      guard case .string(let text) = value else { return nil }
      strings.append(document.string(text))
    }
    return strings
  }

  /// The integers of an array; nil where the key is absent or null.
  package func integers(_ key: String, _ range: ClosedRange<Int>) throws(ModelError) -> [Int]? {
    guard let value = self[key] else { return nil }
    let wrong = fault(key, expected: "a list of integers from \(range.lowerBound) to \(range.upperBound)")
    guard case .array(let values) = value else { throw wrong }
    var integers: [Int] = []
    for value in values {
      guard let integer = document.integer(value), range.contains(integer) else { throw wrong }
      integers.append(integer)
    }
    return integers
  }

  /// A token id: an integer, or the first of a list of them, as generation settings have it; `fallback` where the key is absent or null and the
  /// fallback is an id.
  package func token(_ key: String, of vocabulary: Int, default fallback: Int? = nil) throws(ModelError) -> Int32 {
    let ids = 0...vocabulary - 1
    if case .array? = self[key], let first = try integers(key, ids)?.first { return Int32(first) }
    return Int32(try integer(key, ids, default: fallback.flatMap { ids.contains($0) ? $0 : nil }))
  }

  /// The member `name` of an object under `key`; nil where either is absent or null.
  package func member(_ name: String, of key: String) -> JSONDocument.Value? { self[key].flatMap { document.member(name, of: $0) } }

  /// A string, as it stands; nil for any other value.
  package func text(_ value: JSONDocument.Value?) -> String? {
    guard case .string(let text)? = value else { return nil }
    return document.string(text)
  }

  /// A finite number; nil for any other value.
  package func double(_ value: JSONDocument.Value?) -> Double? { value.flatMap(document.double) }

  /// The one value of a setting that is implemented.
  package enum Only {
    case string(String)
    case flag(Bool)
    case integer(Int)
    case number(Double)
    /// The key must be absent or null.
    case nothing
  }

  /// Refuses any value but `expected` (or the key's absence): settings that would change the arithmetic are never ignored.
  package func require(_ key: String, _ expected: Only) throws(ModelError) {
    guard let value = self[key] else { return }
    let words: String
    switch (expected, value) {
    case (.string(let wanted), .string(let found)) where document.string(found) == wanted: return
    case (.flag(let wanted), .bool(let found)) where found == wanted: return
    case (.integer(let wanted), .number) where document.integer(value) == wanted: return
    case (.number(let wanted), .number) where document.double(value) == wanted: return
    case (.string(let wanted), _): words = "\"\(wanted)\""
    case (.flag(let wanted), _): words = "\(wanted)"
    case (.integer(let wanted), _): words = "\(wanted)"
    case (.number(let wanted), _): words = "\(wanted)"
    case (.nothing, _): words = "null"
    }
    throw fault(key, expected: "\(words) (nothing else is implemented)")
  }
}

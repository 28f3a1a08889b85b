/// Reads the parts of a tokenizer from its file, and refuses what it does not understand.
struct TokenizerLoader {
  typealias Value = JSONDocument.Value

  /// What errors call the file.
  let file: String
  let json: JSONDocument

  init(_ json: TokenizerJSON) {
    file = json.file
    self.json = json.document
  }

  func checkVersion() throws(TokenizerError) {
    guard case .object = json.root else { throw .field(file: file, field: "the file", expected: "an object") }
    guard let version = json.member("version", of: json.root) else { return }
    guard case .string(let text) = version, json.text(text).elementsEqual("1.0".utf8) else {
      throw .field(file: file, field: "version", expected: "\"1.0\"")
    }
  }

  // MARK: Fields

  func string(_ key: String, of value: Value, at field: String) throws(TokenizerError) -> [UInt8] {
    guard case .string(let text)? = json.member(key, of: value) else {
      throw .field(file: file, field: "\(field).\(key)", expected: "a string")
    }
    return json.text(text)
  }

  /// A Boolean; without `fallback` it must be there.
  func bool(_ key: String, of value: Value, at field: String, default fallback: Bool? = nil) throws(TokenizerError) -> Bool {
    let member = json.member(key, of: value)
    if member == nil, let fallback { return fallback }
    guard case .bool(let flag)? = member else { throw .field(file: file, field: "\(field).\(key)", expected: "true or false") }
    return flag
  }

  func count(_ key: String, of value: Value, at field: String) throws(TokenizerError) -> Int {
    guard let number = json.member(key, of: value).flatMap(json.integer), number >= 0 else {
      throw .field(file: file, field: "\(field).\(key)", expected: "a whole number, 0 or more")
    }
    return number
  }

  func array(_ key: String, of value: Value, at field: String) throws(TokenizerError) -> [Value] {
    guard case .array(let values)? = json.member(key, of: value) else {
      throw .field(file: file, field: "\(field).\(key)", expected: "an array")
    }
    return values
  }

  /// The steps of a part that may be null, one step, or a `Sequence` of steps in the member `list`; sequences may nest.
  func steps(
    _ value: Value?, at field: String, list: String
  ) throws(TokenizerError) -> [(type: String, value: Value, field: String)] {
    guard let value else { return [] }
    let type = String(decoding: try string("type", of: value, at: field), as: UTF8.self)
    guard type == "Sequence" else { return [(type, value, field)] }
    var result: [(type: String, value: Value, field: String)] = []
    for (index, part) in try array(list, of: value, at: field).enumerated() {
      result += try steps(part, at: "\(field).\(list)[\(index)]", list: list)
    }
    return result
  }

  func unsupported(_ piece: String, at field: String) -> TokenizerError {
    .unsupported(file: file, field: field, piece: quoted(Array(piece.utf8)))
  }

  // MARK: Patterns

  func compiled(_ source: String, at field: String) throws(TokenizerError) -> Pattern {
    do throws(PatternProblem) { return try Pattern(source) } catch { throw failure(error, source, field) }
  }

  /// A member `pattern`, of the form `{"Regex": "..."}` or `{"String": "..."}`.
  func pattern(of value: Value, at field: String) throws(TokenizerError) -> Pattern {
    guard let pattern = json.member("pattern", of: value), case .object(let members) = pattern, members.count == 1 else {
      throw .field(file: file, field: "\(field).pattern", expected: "an object with one member, Regex or String")
    }
    let inner = "\(field).pattern"
    if json.member("Regex", of: pattern) != nil {
      return try compiled(String(decoding: try string("Regex", of: pattern, at: inner), as: UTF8.self), at: inner)
    }
    let literal = try string("String", of: pattern, at: inner)
    do throws(PatternProblem) { return try Pattern(literal: literal) } catch {
      throw failure(error, String(decoding: literal, as: UTF8.self), inner)
    }
  }

  private func failure(_ problem: PatternProblem, _ source: String, _ field: String) -> TokenizerError {
    .pattern(file: file, field: field, pattern: quoted(Array(source.utf8)), offset: problem.offset, problem: problem.problem)
  }
}

/// A `tokenizer.json`: its values, and what errors call it.
struct TokenizerJSON: Sendable {
  /// Large vocabularies with their merges hold two million values.
  private static let limits = JSONDocument.Limits(depth: 64, values: 8_000_000)

  let file: String
  let document: JSONDocument

  init(bytes: [UInt8], file: String) throws(TokenizerError) {
    self.file = file
    do throws(JSONFault) {
      document = try JSONDocument(bytes, limits: Self.limits)
    } catch {
      switch error.problem {
      case .syntax(let problem): throw .malformed(file: file, line: error.line, problem: problem)
      case .repeatedKey(let key): throw .repeatedKey(file: file, line: error.line, key: key)
      }
    }
  }
}

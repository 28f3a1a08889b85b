/// Why a `tokenizer.json` could not be used: one case per mistake, each naming the file and the place.
public enum TokenizerError: Error, Hashable, Sendable {
  /// The file cannot be opened or read; `reason` is the system's.
  case unreadable(file: String, reason: String)
  /// The file holds more than `limit` bytes.
  case tooLarge(file: String, bytes: Int, limit: Int)
  /// The bytes are not JSON; `line` counts from 1.
  case malformed(file: String, line: Int, problem: String)
  /// One object gives the same key twice.
  case repeatedKey(file: String, line: Int, key: String)
  /// A field is missing or of the wrong kind.
  case field(file: String, field: String, expected: String)
  /// A normalizer, pre-tokenizer, model, decoder or option that this reader does not know.
  case unsupported(file: String, field: String, piece: String)
  /// A pattern that cannot be read; `offset` counts scalars from 0.
  case pattern(file: String, field: String, pattern: String, offset: Int, problem: String)
  /// A token id below zero or not below `limit`.
  case idOutOfRange(file: String, token: String, id: String, limit: Int)
  /// Two tokens claim one id.
  case repeatedID(file: String, id: Int, first: String, second: String)
  /// A merge speaks of a token that the vocabulary lacks; `merge` counts from 0.
  case unknownMerge(file: String, merge: Int, token: String)
  /// An added token whose id is not the one its place gives it.
  case addedID(file: String, token: String, id: Int, expected: Int)
  /// The same added token twice.
  case repeatedToken(file: String, token: String)
}

extension TokenizerError: CustomStringConvertible {
  /// One line: what is wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): cannot be read: \(reason)"
    case .tooLarge(let file, let bytes, let limit):
      "\(file): \(bytes) bytes; a tokenizer file may hold at most \(limit)"
    case .malformed(let file, let line, let problem):
      "\(file):\(line): not valid JSON: \(problem)"
    case .repeatedKey(let file, let line, let key):
      "\(file):\(line): the key \(key) is given twice in one object"
    case .field(let file, let field, let expected):
      "\(file): \(field) should be \(expected)"
    case .unsupported(let file, let field, let piece):
      "\(file): \(field): \(piece) is not supported"
    case .pattern(let file, let field, let pattern, let offset, let problem):
      "\(file): \(field): the pattern \(pattern) fails at character \(offset): \(problem)"
    case .idOutOfRange(let file, let token, let id, let limit):
      "\(file): token \(token) has id \(id); ids run from 0 to \(limit - 1)"
    case .repeatedID(let file, let id, let first, let second):
      "\(file): tokens \(first) and \(second) share id \(id)"
    case .unknownMerge(let file, let merge, let token):
      "\(file): merge \(merge) needs token \(token), which is not in the vocabulary"
    case .addedID(let file, let token, let id, let expected):
      "\(file): added token \(token) has id \(id), but the vocabulary and the added tokens before it give it \(expected)"
    case .repeatedToken(let file, let token):
      "\(file): added token \(token) is listed twice"
    }
  }
}

/// Text to token ids and back, as a Hugging Face `tokenizer.json` of the byte pair encoding family says.
///
/// The ids are those of the `tokenizers` library, to the last one, with `add_special_tokens` off: special tokens are recognised where the
/// text spells them and never added, and the file's truncation, padding and post-processor are left aside. A part of the file that is not
/// understood is refused when it is read, never skipped.
///
/// Cheap to copy, and safe to use from many threads at once; what it gives does not depend on what it was asked before.
public struct Tokenizer: Sendable {
  private let core: TokenizerCore

  /// Reads `tokenizer.json` in `directory`; no other file is needed.
  public init(directory: String) throws(TokenizerError) {
    let path = directory.hasSuffix("/") ? directory + "tokenizer.json" : directory + "/tokenizer.json"
    try self.init(json: TokenizerFile.read(path), name: path)
  }

  /// Reads the bytes of a `tokenizer.json`; `name` is what errors call it.
  public init(json: [UInt8], name: String) throws(TokenizerError) {
    guard json.count <= TokenizerFile.limit else { throw .tooLarge(file: name, bytes: json.count, limit: TokenizerFile.limit) }
    core = try TokenizerCore(TokenizerJSON(bytes: json, file: name))
  }

  /// The ids of a text. No special tokens are added; those in the text are recognised.
  ///
  /// Time is proportional to n log n for a text of n bytes, whatever the text.
  public func encode(_ text: String) -> [Int32] { core.encode(Array(text.utf8)) }

  /// The text of some ids; ids without a token are skipped, bytes that are no UTF-8 read as U+FFFD.
  ///
  /// - Parameter skippingSpecial: whether special tokens are left out.
  public func decode(_ ids: [Int32], skippingSpecial: Bool = true) -> String {
    core.decode(ids, skippingSpecial: skippingSpecial)
  }

  /// What one id stands for, to be shown: the text of its bytes where they are UTF-8 by themselves, else the piece as the vocabulary
  /// spells it; nil for an id without a token.
  public func token(_ id: Int32) -> String? { core.display(id) }

  /// The id of a token as the vocabulary or the list of added tokens spells it.
  public func id(_ token: String) -> Int32? { core.id(Array(token.utf8)) }

  /// One more than the highest id.
  public var size: Int { core.size }

  /// The ids of the tokens marked special.
  public var specialIDs: Set<Int32> { core.specialIDs }
}

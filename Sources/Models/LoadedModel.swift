/// A model ready to decode: its denoiser, its tokenizer where it has one, and the digest of both.
public struct LoadedModel: Sendable {
  /// The name it was asked for by.
  public let name: String
  /// Where its files are.
  public let directory: String
  /// The model.
  public let denoiser: TransformerDenoiser
  /// Its tokenizer; nil where the directory has no `tokenizer.json`. Token ids need none.
  public let tokenizer: Tokenizer?
  /// SHA-256 over configuration, tokenizer and weights, and options where there are any; 64 hexadecimal digits.
  public let digest: String

  /// Loads a shipped model by name, or a checkpoint directory in Hugging Face layout; `name` may end in options (see `ModelReference`).
  ///
  /// - Parameter threads: how many threads one model call may use; no result depends on it.
  public init(_ name: String, threads: Int = 1) throws(ModelError) {
    self.name = name
    let reference = try ModelReference(name)
    directory = try ModelCatalog().directory(reference.place)
    denoiser = try TransformerDenoiser(directory: directory, threads: threads, options: reference.options)
    tokenizer = MappedFile.exists(directory + "/tokenizer.json") ? try Self.tokenizer(directory) : nil
    digest = try ModelCatalog.digest(directory, options: reference.options)
  }

  /// The tokenizer of a directory.
  public static func tokenizer(_ directory: String) throws(ModelError) -> Tokenizer {
    do throws(TokenizerError) { return try Tokenizer(directory: directory) } catch { throw .tokenizer(error) }
  }

  /// The family that reads it.
  public var family: String { denoiser.configuration.family }
}

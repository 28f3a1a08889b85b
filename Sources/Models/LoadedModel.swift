/// A model ready to decode: its denoiser, its tokenizer, and the digest of both.
public struct LoadedModel: Sendable {
  /// The name it was asked for by.
  public let name: String
  /// Where its files are.
  public let directory: String
  /// The model.
  public let denoiser: TransformerDenoiser
  /// Its tokenizer.
  public let tokenizer: Tokenizer
  /// SHA-256 over configuration, tokenizer and weights, 64 hexadecimal digits.
  public let digest: String

  /// Loads a shipped model by name, or a checkpoint directory in Hugging Face layout.
  ///
  /// - Parameter threads: how many threads one model call may use; no result depends on it.
  public init(_ name: String, threads: Int = 1) throws(ModelError) {
    self.name = name
    directory = try ModelCatalog().directory(name)
    denoiser = try TransformerDenoiser(directory: directory, threads: threads)
    do throws(TokenizerError) { tokenizer = try Tokenizer(directory: directory) } catch { throw .malformed(file: directory, reason: error.description) }
    digest = try ModelCatalog.digest(directory)
  }

  /// The family that reads it.
  public var family: String { denoiser.configuration.family }
}

extension ModelConfiguration {
  /// Number of weights.
  public var parameterCount: Int {
    let queries = heads * headWidth
    let keys = keyValueHeads * headWidth
    var layer = width * (2 * queries + 2 * keys) + 3 * width * feedForward + 2 * width
    if attentionBias { layer += queries + 2 * keys }
    if outputBias { layer += width }
    return layers * layer + vocabularySize * width * (tiedEmbeddings ? 1 : 2) + width
  }
}

extension Parameters {
  /// Read-only surroundings of a strategy.
  public struct Context: Sendable {
    /// Response length in tokens.
    public var genLength: Int
    /// Block length in tokens.
    public var blockLength: Int
    /// The model's vocabulary.
    public var vocabulary: Vocabulary
    /// How tokens are proposed.
    public var sampling: Sampling
    /// Token ids of a text, where a tokenizer is at hand.
    public var encode: (@Sendable (String) -> [Token])?
    /// Text of token ids, where a tokenizer is at hand.
    public var decode: (@Sendable ([Token]) -> String)?
    /// The final answer in a response's text, where a benchmark is at hand.
    public var extract: (@Sendable (String) -> String?)?
    /// The strategies that a wrapper's `base` may name.
    public var catalog: Catalog

    /// The surroundings of one run.
    public init(
      genLength: Int = 64, blockLength: Int = 16, vocabulary: Vocabulary = Vocabulary(size: 4, mask: 3, end: 2), sampling: Sampling = .greedy,
      catalog: Catalog = Catalog([])
    ) {
      self.genLength = genLength
      self.blockLength = blockLength
      self.vocabulary = vocabulary
      self.sampling = sampling
      self.catalog = catalog
    }
  }
}

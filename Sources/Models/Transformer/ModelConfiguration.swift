/// The shape of a transformer, whatever its family calls things.
public struct ModelConfiguration: Sendable, Hashable {
  /// The family that read it.
  public var family: String
  /// Layers.
  public var layers: Int
  /// Width of the residual stream, `D`.
  public var width: Int
  /// Query heads, `H`.
  public var heads: Int
  /// Key and value heads; divides `heads`.
  public var keyValueHeads: Int
  /// Width of a head.
  public var headWidth: Int
  /// Width of the feed-forward part, `F`.
  public var feedForward: Int
  /// Logits in a row, `V`.
  public var vocabularySize: Int
  /// Added to the mean square in norms.
  public var normEpsilon: Float
  /// Base of the rotary angles.
  public var rotaryBase: Double
  /// The longest sequence.
  public var maxLength: Int
  /// Whether the head is the embedding.
  public var tiedEmbeddings = false
  /// What logits are multiplied by.
  public var logitScale: Float = 1
  /// Whether queries, keys and values have a bias.
  public var attentionBias = false
  /// Whether the other linear layers have one.
  public var outputBias = false
  /// The id of the mask token.
  public var mask: Int32
  /// The id of the end token.
  public var end: Int32
  /// The id that starts a text, if there is one.
  public var start: Int32?

  /// A shape with heads of `width / heads`.
  package init(
    family: String, layers: Int, width: Int, heads: Int, keyValueHeads: Int, feedForward: Int, vocabularySize: Int,
    normEpsilon: Float = 1e-5, rotaryBase: Double = 10000, maxLength: Int, mask: Int32, end: Int32
  ) {
    self.family = family
    self.layers = layers
    self.width = width
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    headWidth = width / max(heads, 1)
    self.feedForward = feedForward
    self.vocabularySize = vocabularySize
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.maxLength = maxLength
    self.mask = mask
    self.end = end
  }
}

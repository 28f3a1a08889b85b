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
  /// How many of a head's elements are rotated; the others are left as they are.
  public var rotaryWidth: Int
  /// The longest sequence.
  public var maxLength: Int
  /// Whether the head is the embedding.
  public var tiedEmbeddings = false
  /// What logits are multiplied by.
  public var logitScale: Float = 1
  /// Whether queries, keys and values have a bias.
  public var attentionBias = false
  /// Whether attention's output has one.
  public var outputBias = false
  /// Whether the feed-forward part and an untied head have one.
  public var feedForwardBias = false
  /// Whether each head's queries and keys are normed before they are rotated.
  public var queryKeyNorm = false
  /// Positions in a block of attention: a row sees its own block and those before it, counted from position 0. Nil: every row sees every row.
  public var attentionBlock: Int?
  /// Whether row i predicts the token at i + 1. The denoiser answers for it, so that no strategy knows.
  public var predictsNext = false
  /// Layers that are left out, counted from 0: an option, never a family's.
  public var skippedLayers: Set<Int> = []
  /// The experts of the layers that have some.
  public var mixture: Mixture?
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
    rotaryWidth = headWidth
    self.feedForward = feedForward
    self.vocabularySize = vocabularySize
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.maxLength = maxLength
    self.mask = mask
    self.end = end
  }
}

/// A feed-forward part made of experts, few of which see a row.
public struct Mixture: Sendable, Hashable {
  /// How many experts, `E`.
  public var experts: Int
  /// How many of them see a row.
  public var chosen: Int
  /// Their feed-forward width.
  public var width: Int
  /// The width of the expert that sees every row; 0 where there is none.
  public var sharedWidth = 0
  /// Layers with an ordinary feed-forward part.
  public var denseLayers: Set<Int> = []
  /// How experts are chosen and weighed.
  public var router: Router

  /// How experts are chosen and weighed.
  public struct Router: Sendable, Hashable {
    /// What turns the router's logits into scores.
    public enum Score: Sendable, Hashable { case softmax, sigmoid }
    /// What a bias of each expert is added to.
    public enum Bias: Sendable, Hashable {
      /// There is none.
      case none
      /// To the scores by which experts are chosen; they are weighed by their scores without it. A checkpoint may leave it out.
      case choice
      /// To the scores, for good.
      case scores
    }
    /// What turns the router's logits into scores.
    public var score = Score.softmax
    /// What a bias is added to.
    public var bias = Bias.none
    /// Experts come in groups of equal size, as many.
    public var groups = 1
    /// From how many groups experts are chosen: those with the largest sum of their best two scores.
    public var chosenGroups = 1
    /// Whether the weights of a row's experts are divided by their sum.
    public var isNormalized = false
    /// What the weights are multiplied by.
    public var scale: Float = 1
  }
}

public import Diffusion

/// What a cache holds back from the model: which rows of a sequence are computed anew in a round, and what the others are taken from.
///
/// A policy is a value that lives along one trajectory: it is copied where the trajectory forks, and its memory stands in stored properties. It sees tokens,
/// never beliefs, so that what is computed does not depend on the strategy. A policy is one file and one line in `CacheCatalog.standard`.
public protocol CachePolicy: Sendable {
  /// The name it goes by in experiments.
  static var name: String { get }
  /// One line: the idea.
  static var summary: String { get }
  /// Where the rule comes from.
  static var source: String { get }
  /// Whether positions of the window that a round did not compute are kept from being decided in it. Otherwise rules read what an earlier round said of them.
  static var withholds: Bool { get }
  /// Reads its settings; reading a key declares its name, default and range.
  init(_ parameters: inout Parameters) throws(ConfigurationError)
  /// What is computed in the next round. The first round of a trajectory is computed in full whatever this says.
  mutating func plan(_ shown: CacheView) -> CachePlan
}

extension CachePolicy {
  /// Rules read what an earlier round said.
  public static var withholds: Bool { false }
}

/// A sequence as a cache policy sees it. Rows are counted from the start of the prompt.
public struct CacheView: Sendable {
  /// The tokens of prompt and response.
  public let tokens: [Token]
  /// How many of them are the prompt.
  public let promptLength: Int
  /// The rows of the current block.
  public let window: Range<Int>
  /// The mask token.
  public let mask: Token

  /// A sequence.
  public init(tokens: [Token], promptLength: Int, window: Range<Int>, mask: Token) {
    (self.tokens, self.promptLength, self.window, self.mask) = (tokens, promptLength, window, mask)
  }

  /// How many rows there are.
  public var count: Int { tokens.count }
  /// The rows of the response that show the mask.
  public var masked: [Int] { tokens.indices.dropFirst(promptLength).filter { tokens[$0] == mask } }
  /// Masked rows before the end of the window: those that may be decided.
  public var eligible: [Int] { masked.filter { $0 < window.upperBound } }
}

/// What is computed in a round.
public enum CachePlan: Sendable, Hashable {
  /// Every row, and all keys and values are kept: a refresh.
  case full
  /// Some rows.
  ///
  /// - `rows`: go through all layers and see each other's new keys and values. Masked rows that may be decided and have no belief yet are computed too.
  /// - `seen`: the rows that they see; nil: all.
  /// - `kept`: those of `rows` whose new keys and values replace the ones held.
  case part(rows: [Int], seen: [Int]? = nil, kept: [Int] = [])
  /// In every layer only what has changed: see `FeatureCache`. Parts of a sequence are refreshed on their own, and of the rest of the response the `ratio` of
  /// rows whose values have changed most.
  case features(prompt: Bool, response: Bool, ratio: Double)
}

/// A count of rounds between full passes, as several policies have it.
struct RefreshClock: Sendable {
  /// Rounds from one full pass to the next; 0: never for its own sake.
  let rounds: Int
  private var since = 0

  init(_ rounds: Int) { self.rounds = rounds }

  /// Another round passes. Whether it is due for a full pass.
  mutating func tick() -> Bool {
    since += 1
    guard rounds > 0, since >= rounds else { return false }
    since = 0
    return true
  }

  /// A full pass takes place.
  mutating func restart() { since = 0 }
}

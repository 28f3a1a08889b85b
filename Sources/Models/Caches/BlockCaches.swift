public import Diffusion

/// Keys and values of everything before the current block are those of the full pass that opened it; the block and what follows it are computed anew.
///
/// Fast-dLLM (arXiv 2505.22618), prefix cache; its released `generate_with_prefix_cache`, which also makes a call on a block that the first pass has filled.
public struct PrefixCache: CachePolicy {
  /// The name it goes by.
  public static let name = "prefix"
  /// One line.
  public static let summary = "a full pass opens a block; later rounds compute from the block's start on"
  /// Where the rule comes from.
  public static let source = "Fast-dLLM, arXiv 2505.22618"

  private var blocks: BlockMemory

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) { blocks = try BlockMemory(&parameters) }

  /// The block and what follows it.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    if blocks.isDue(shown) { return .full }
    return .part(rows: blocks.changed(shown, before: shown.window.lowerBound) + Array(shown.window.lowerBound..<shown.count))
  }
}

/// Keys and values of everything outside the current block are those of the full pass that opened it; the block alone is computed anew.
///
/// Fast-dLLM (arXiv 2505.22618), dual cache; its released `generate_with_dual_cache`.
public struct DualCache: CachePolicy {
  /// The name it goes by.
  public static let name = "dual"
  /// One line.
  public static let summary = "a full pass opens a block; later rounds compute the block alone"
  /// Where the rule comes from.
  public static let source = "Fast-dLLM, arXiv 2505.22618"

  private var blocks: BlockMemory

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) { blocks = try BlockMemory(&parameters) }

  /// The block, and what has changed before it.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    if blocks.isDue(shown) { return .full }
    return .part(rows: blocks.changed(shown, before: shown.window.lowerBound) + Array(shown.window))
  }
}

/// The block and its neighbourhood are computed anew, after some full rounds at the start.
///
/// dInfer (arXiv 2510.08666), vicinity refresh; its released `VicinityCacheIteration`, which runs a refresh and the round after it as one iteration: here they are
/// two rounds. Without neighbourhood and warm-up it is `dual`.
public struct VicinityCache: CachePolicy {
  /// The name it goes by.
  public static let name = "vicinity"
  /// One line.
  public static let summary = "a full pass opens a block; later rounds compute the block and its neighbourhood"
  /// Where the rule comes from.
  public static let source = "dInfer, arXiv 2510.08666"

  private let before: Int
  private let after: Int
  private let warmup: Int
  private var rounds = 0
  private var blocks: BlockMemory

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {
    before = try parameters.int("prefix_look", default: 16, in: 0..., "rows before the block that are computed with it")
    after = try parameters.int("after_look", default: 16, in: 0..., "rows after the block that are computed with it")
    warmup = try parameters.int("warmup", default: 4, in: 0..., "full rounds at the start of a response, before the one that fills the cache")
    blocks = try BlockMemory(&parameters)
  }

  /// The block and its neighbourhood.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    rounds += 1
    if rounds <= warmup {
      blocks.forget()
      return .full
    }
    if blocks.isDue(shown) { return .full }
    let start = max(shown.window.lowerBound - min(before, shown.count), 0)
    return .part(rows: blocks.changed(shown, before: start) + Array(start..<min(shown.window.upperBound + min(after, shown.count), shown.count)))
  }
}

/// When caches that live for a block take a full pass: when the block is new, and where that is asked for, every so many rounds.
struct BlockMemory: Sendable {
  private var window: Range<Int>?
  /// What the last full pass saw.
  private var tokens: [Token] = []
  private var clock: RefreshClock

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    clock = RefreshClock(try parameters.int("refresh", default: 0, in: 0..., "rounds from one full pass to the next within a block; 0: only its first"))
  }

  /// Whether a round on this block is to be a full pass.
  mutating func isDue(_ shown: CacheView) -> Bool {
    let isDue = clock.tick()
    guard isDue || window != shown.window else { return false }
    (window, tokens) = (shown.window, shown.tokens)
    clock.restart()
    return true
  }

  /// Rows before another one that are masked, or hold another token than the last full pass saw: what is held of them is of a token that is gone.
  func changed(_ shown: CacheView, before end: Int) -> [Int] {
    (min(shown.promptLength, end)..<end).filter { shown.tokens[$0] == shown.mask || !tokens.indices.contains($0) || tokens[$0] != shown.tokens[$0] }
  }

  /// The next round is to be a full pass.
  mutating func forget() { window = nil }
}

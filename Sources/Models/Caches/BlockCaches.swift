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
    if blocks.isDue(shown.window) { return .full }
    return .part(rows: shown.eligible.filter { $0 < shown.window.lowerBound } + Array(shown.window.lowerBound..<shown.count))
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

  /// The block, and what was masked again before it.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    if blocks.isDue(shown.window) { return .full }
    return .part(rows: shown.eligible.filter { $0 < shown.window.lowerBound } + Array(shown.window))
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
    warmup = try parameters.int("warmup", default: 4, in: 0..., "full rounds at the start of a response")
    blocks = try BlockMemory(&parameters)
  }

  /// The block and its neighbourhood.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    rounds += 1
    if rounds <= warmup {
      blocks.forget()
      return .full
    }
    if blocks.isDue(shown.window) { return .full }
    let start = max(shown.window.lowerBound - min(before, shown.count), 0)
    return .part(rows: shown.eligible.filter { $0 < start } + Array(start..<min(shown.window.upperBound + min(after, shown.count), shown.count)))
  }
}

/// When caches that live for a block take a full pass: when the block is new, and where that is asked for, every so many rounds.
struct BlockMemory: Sendable {
  private var window: Range<Int>?
  private var clock: RefreshClock

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    clock = RefreshClock(try parameters.int("refresh", default: 0, in: 0..., "rounds from one full pass to the next within a block; 0: only its first"))
  }

  /// Whether a round on this block is to be a full pass.
  mutating func isDue(_ shown: Range<Int>) -> Bool {
    let isDue = clock.tick()
    guard isDue || window != shown else { return false }
    window = shown
    clock.restart()
    return true
  }

  /// The next round is to be a full pass.
  mutating func forget() { window = nil }
}

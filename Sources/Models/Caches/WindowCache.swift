public import Diffusion

/// Between full passes only the first masked rows are computed, and masked rows far ahead are not even seen.
///
/// Window-Diffusion (arXiv 2601.20332) as its released `llada/model/modeling_llada.py` does it, which knows no blocks: give it one. A phase begins with a full
/// pass. Until the next, rounds compute the first `active_tokens` masked rows and what was revealed since the phase began, except by its first
/// round; they see what is revealed after that round and the first `window_tokens` masked rows of then; only masked rows that are computed may be decided.
public struct WindowCache: CachePolicy {
  /// The name it goes by.
  public static let name = "window"
  /// One line.
  public static let summary = "rounds compute the first masked rows and see no mask far ahead"
  /// Where the rule comes from.
  public static let source = "Window-Diffusion, arXiv 2601.20332"
  /// Only what is computed is decided.
  public static let withholds = true

  private let windowTokens: Int
  private let activeTokens: Int
  private let refresh: Int
  private var round = 0
  private var seen: Set<Int> = []
  /// What was masked after the phase's first round, or has been since.
  private var opening: Set<Int> = []
  private var isSecond = false

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {
    windowTokens = try parameters.int("window_tokens", default: 64, in: 1..., "masked rows that are seen")
    activeTokens = try parameters.int("active_tokens", default: 16, in: 1..., "masked rows that are computed; at most window_tokens")
    refresh = try parameters.int("refresh", default: 32, in: 1..., "rounds of a phase, its full pass included")
    guard activeTokens <= windowTokens else {
      throw ConfigurationError.outOfRange(key: "active_tokens", value: "\(activeTokens)", expected: "at most window_tokens (\(windowTokens))").at(path: "cache")
    }
  }

  /// The first masked rows and what was revealed since the phase began.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    defer { round += 1 }
    let masked = shown.masked
    if round % refresh == 0 {
      (opening, isSecond) = (Set(masked), true)
      return .full
    }
    // What the phase's first round revealed is computed once more, in the second.
    let revealed = opening.subtracting(masked)
    if isSecond {
      seen = Set(shown.tokens.indices).subtracting(masked).union(masked.prefix(windowTokens))
      (opening, isSecond) = (opening.subtracting(revealed), false)
    }
    // What is masked again has the mask's keys and values from here on: once it is revealed, it is computed.
    opening.formUnion(masked)
    let rows = revealed.union(masked.prefix(activeTokens))
    return .part(rows: rows.sorted(), seen: seen.union(rows).sorted(), kept: rows.sorted())
  }
}

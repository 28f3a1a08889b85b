public import Diffusion

/// Keys and values of a revealed row are kept one round late: those of the round after it was revealed, the first that saw its token.
///
/// dKV-Cache (arXiv 2505.15781), `decode` as in its released `llada_dkv_cache_decode.py`, for every block anew: its first two rounds and every `refresh`-th are full
/// passes. `greedy` as in `llada_dkv_cache_greedy.py` computes only what was just revealed and the masked rows around it; the released code draws the order
/// of positions before it decodes and also computes those to be decided next, which a cache here does not know.
public struct DelayedCache: CachePolicy {
  /// The name it goes by.
  public static let name = "dkv"
  /// One line.
  public static let summary = "revealed rows keep what the round after their reveal computed"
  /// Where the rule comes from.
  public static let source = "dKV-Cache, arXiv 2505.15781"

  enum Variant: String, CaseIterable, Sendable { case decode, greedy }

  private let variant: Variant
  private let refresh: Int
  private let nearest: Int
  private var round = 0
  private var window: Range<Int>?
  /// Rows that were revealed when they were last computed: what is held of them is up to date.
  private var settled: Set<Int> = []
  /// Masked rows of the last round.
  private var lastMasked: Set<Int> = []

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {
    variant = try parameters.choice("variant", default: Variant.decode, "`greedy` computes only what was just revealed and its surroundings")
    refresh = try parameters.int("refresh", default: 8, in: 1..., "rounds from one full pass to the next, counted from the block's first")
    nearest = try parameters.int("window_size", default: 4, in: 1..., "of `greedy`: masked rows computed around each row that was just revealed")
  }

  /// What was not settled in the last round.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    if window != shown.window { (window, round, settled) = (shown.window, 0, []) }
    defer {
      round += 1
      lastMasked = Set(shown.masked)
    }
    let revealed = Set(shown.tokens.indices).subtracting(shown.masked)
    if round <= 1 || round % refresh == 0 {
      // The block's first pass settles nothing: what it saw is settled by the second.
      settled = round == 0 ? [] : revealed
      return .full
    }
    let rows: [Int]
    switch variant {
    case .decode: rows = shown.tokens.indices.filter { !settled.contains($0) || !revealed.contains($0) }
    case .greedy:
      let fresh = revealed.filter { lastMasked.contains($0) || !settled.contains($0) }
      let revoked = shown.eligible.filter { $0 < shown.window.lowerBound }
      rows = fresh.union(neighbours(of: fresh.sorted(), among: shown.eligible)).union(revoked).sorted()
    }
    settled = settled.intersection(revealed).union(rows.filter { revealed.contains($0) })
    return .part(rows: rows, kept: rows.filter { revealed.contains($0) })
  }

  /// The masked rows nearest to each row, in turn from its left and its right.
  private func neighbours(of rows: [Int], among masked: [Int]) -> Set<Int> {
    var found: Set<Int> = []
    for row in rows.isEmpty ? Array(masked.prefix(1)) : rows {
      let split = masked.firstIndex { $0 >= row } ?? masked.count
      var (left, right) = (split - 1, split)
      var own = 0
      while own < nearest, left >= 0 || right < masked.count {
        if left >= 0, own < nearest {
          found.insert(masked[left])
          (left, own) = (left - 1, own + 1)
        }
        if right < masked.count, own < nearest {
          found.insert(masked[right])
          (right, own) = (right + 1, own + 1)
        }
      }
    }
    return found
  }
}

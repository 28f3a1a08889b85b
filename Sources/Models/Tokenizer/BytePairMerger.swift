/// Merges the symbols of one piece, lowest rank first, and at equal rank from the left.
///
/// A heap over a linked list: n log n for a piece of n symbols. The arrays are kept from piece to piece.
struct BytePairMerger: Sendable {
  /// The ids to merge; afterwards -1 where a symbol was merged into the one before.
  var symbols: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  /// Rank and place of each candidate in one word, the smallest first.
  private var heap: [UInt64] = []

  /// The places that fit beside a rank in one word of the heap.
  private static let placeBits: UInt64 = 32

  mutating func merge(_ ranks: PairTable, _ merged: [Int32]) {
    let count = symbols.count
    // Places are kept in 32 bits. A piece of two thousand million symbols does not fit in memory with its links.
    guard count > 1, count < Int32.max else { return }
    heap.removeAll(keepingCapacity: true)
    for place in 0..<count - 1 {
      let rank = ranks.rank(symbols[place], symbols[place + 1])
      if rank >= 0 { heap.append(Self.candidate(rank, place)) }
    }
    if heap.isEmpty { return }
    next.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    for place in 0..<count {
      next.append(place + 1 < count ? Int32(truncatingIfNeeded: place + 1) : -1)
      previous.append(Int32(truncatingIfNeeded: place - 1))
    }
    for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
    while let top = pop() {
      let place = Int(top & (1 << Self.placeBits - 1))
      let becomes = merged[Int(top >> Self.placeBits)]
      guard symbols[place] >= 0, next[place] >= 0 else { continue }
      let right = Int(next[place])
      // The pair may have changed since. What counts, as in the reference, is that it still becomes the same token.
      let rank = ranks.rank(symbols[place], symbols[right])
      guard rank >= 0, merged[Int(rank)] == becomes else { continue }
      symbols[place] = becomes
      symbols[right] = -1
      let after = next[right]
      next[place] = after
      if after >= 0 {
        previous[Int(after)] = Int32(truncatingIfNeeded: place)
        offer(place, Int(after), ranks)
      }
      if previous[place] >= 0 { offer(Int(previous[place]), place, ranks) }
    }
  }

  /// Appends what is left.
  func append(to result: inout [Int32]) {
    for symbol in symbols where symbol >= 0 { result.append(symbol) }
  }

  @inline(__always)
  private static func candidate(_ rank: Int32, _ place: Int) -> UInt64 {
    UInt64(UInt32(bitPattern: rank)) << placeBits | UInt64(UInt32(truncatingIfNeeded: place))
  }

  @inline(__always)
  private mutating func offer(_ left: Int, _ right: Int, _ ranks: PairTable) {
    let rank = ranks.rank(symbols[left], symbols[right])
    guard rank >= 0 else { return }
    var place = heap.count
    let item = Self.candidate(rank, left)
    heap.append(item)
    while place > 0 {
      let parent = (place - 1) / 2
      guard heap[parent] > item else { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = item
  }

  private mutating func pop() -> UInt64? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      sink(0)
    }
    return top
  }

  private mutating func sink(_ start: Int) {
    let item = heap[start]
    var place = start
    while true {
      var child = place * 2 + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < item else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = item
  }
}

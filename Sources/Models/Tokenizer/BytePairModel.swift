/// Byte pair encoding: a vocabulary, and the ranked merges that build its tokens from single scalars.
struct BytePairModel: Sendable {
  /// The most that an id, or the number of merges, may be.
  static let limit = 1 << 24

  /// The tokens, numbered by their place in the file.
  var tokens = ByteTable()
  /// The id of each token number.
  var ids: [Int32] = []
  /// The token number of each id, or -1.
  var numbers: [Int32] = []
  /// The rank of each mergeable pair, and the id it becomes.
  var ranks = PairTable()
  var merged: [Int32] = []
  /// The id for scalars outside the vocabulary; without one they vanish.
  var unknown: Int32?
  var fusesUnknown = false
  /// The ids of `<0x00>` to `<0xFF>`, or -1, where scalars outside the vocabulary are written byte by byte.
  var byteFallback: [Int32]?
  var ignoresMerges = false

  /// The ids of single scalars: a table for the low ones, which are all there is to byte-level models.
  private var lowScalars = [Int32](repeating: -1, count: 0x180)
  private var highScalars: [UInt32: Int32] = [:]

  /// The id of a token.
  func id(_ token: [UInt8]) -> Int32? { tokens.find(token).map { ids[$0] } }

  /// The token with an id.
  func token(_ id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < numbers.count, numbers[Int(id)] >= 0 else { return nil }
    return tokens[Int(numbers[Int(id)])]
  }

  /// Indexes the tokens of one scalar. Call once the vocabulary is complete.
  mutating func indexScalars() {
    for number in 0..<tokens.count {
      let range = tokens.range(number)
      guard !range.isEmpty, range.count <= 4 else { continue }
      let (value, length) = tokens.pool.scalar(at: range.lowerBound)
      guard length == range.count else { continue }
      if value < lowScalars.count { lowScalars[Int(value)] = ids[number] } else { highScalars[value] = ids[number] }
    }
  }

  /// Appends the ids of the piece `text[range]`.
  func encode(_ text: [UInt8], _ range: Range<Int>, with merger: inout BytePairMerger, to result: inout [Int32]) {
    if ignoresMerges, let number = tokens.find(text, range) {
      result.append(ids[number])
      return
    }
    merger.symbols.removeAll(keepingCapacity: true)
    var waiting: Int32?
    var place = range.lowerBound
    while place < range.upperBound {
      let (value, length) = text.scalar(at: place)
      let end = place + length
      defer { place = end }
      let known = value < lowScalars.count ? lowScalars[Int(value)] : highScalars[value] ?? -1
      if known >= 0 {
        if let unknown = waiting { merger.symbols.append(unknown) }
        waiting = nil
        merger.symbols.append(known)
        continue
      }
      if let byteFallback {
        let bytes = text[place..<end].map { byteFallback[Int($0)] }
        if bytes.allSatisfy({ $0 >= 0 }) {
          merger.symbols += bytes
          continue
        }
      }
      guard let unknown else { continue }
      if let before = waiting, !fusesUnknown { merger.symbols.append(before) }
      waiting = unknown
    }
    if let unknown = waiting { merger.symbols.append(unknown) }
    merger.merge(ranks, merged)
    merger.append(to: &result)
  }
}

/// The ranks of pairs of ids: an open-addressed table with a seed per process.
struct PairTable: Sendable {
  private var keys: [UInt64]
  private var values: [Int32]
  private var count = 0
  private let seed: UInt64

  private static let empty = UInt64.max

  init() {
    keys = [UInt64](repeating: Self.empty, count: 16)
    values = [Int32](repeating: -1, count: 16)
    var hasher = Hasher()
    hasher.combine(1)
    seed = UInt64(truncatingIfNeeded: hasher.finalize()) | 1
  }

  /// The rank of a pair, or -1.
  @inline(__always)
  func rank(_ first: Int32, _ second: Int32) -> Int32 {
    values[slot(Self.key(first, second))]
  }

  /// Sets the rank of a pair; a later rank replaces an earlier one.
  mutating func set(_ first: Int32, _ second: Int32, rank: Int32) {
    if count * 2 >= keys.count { grow() }
    let key = Self.key(first, second)
    let slot = slot(key)
    if keys[slot] == Self.empty { count += 1 }
    keys[slot] = key
    values[slot] = rank
  }

  @inline(__always)
  private static func key(_ first: Int32, _ second: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int {
    var mixed = (key ^ seed) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 29) &* seed
    mixed ^= mixed >> 32
    let mask = keys.count - 1
    var slot = Int(truncatingIfNeeded: mixed) & mask
    while keys[slot] != key, keys[slot] != Self.empty { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let old = (keys, values)
    keys = [UInt64](repeating: Self.empty, count: old.0.count * 2)
    values = [Int32](repeating: -1, count: old.0.count * 2)
    for (key, value) in zip(old.0, old.1) where key != Self.empty {
      let slot = slot(key)
      keys[slot] = key
      values[slot] = value
    }
  }
}

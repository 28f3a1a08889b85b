/// A set of byte strings, numbered in the order of insertion.
///
/// One pool of bytes and one open-addressed index: a vocabulary of 150,000 tokens is four arrays, not 150,000. The hash is seeded per
/// process, so no file can be written to collide.
struct ByteTable: Sendable {
  private(set) var pool: [UInt8] = []
  private var ends: [Int] = [0]
  private var hashes: [Int] = []
  private var slots = [Int32](repeating: -1, count: 16)

  var count: Int { hashes.count }

  /// Where string number `index` lies in `pool`.
  func range(_ index: Int) -> Range<Int> { ends[index]..<ends[index + 1] }

  /// The bytes of string number `index`.
  subscript(index: Int) -> ArraySlice<UInt8> { pool[range(index)] }

  /// The number of the string `bytes[range]`.
  func find(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    let found = slots[slot(bytes, range, hash(bytes, range))]
    return found < 0 ? nil : Int(found)
  }

  /// The number of the string `bytes`.
  func find(_ bytes: [UInt8]) -> Int? { find(bytes, bytes.indices) }

  /// Adds `bytes[range]` unless it is there.
  @discardableResult
  mutating func insert(_ bytes: [UInt8], _ range: Range<Int>) -> (index: Int, isNew: Bool) {
    let hash = hash(bytes, range)
    var slot = slot(bytes, range, hash)
    if slots[slot] >= 0 { return (Int(slots[slot]), false) }
    if count * 2 >= slots.count {
      grow()
      slot = self.slot(bytes, range, hash)
    }
    slots[slot] = Int32(truncatingIfNeeded: count)
    pool.append(contentsOf: bytes[range])
    ends.append(pool.count)
    hashes.append(hash)
    return (count - 1, true)
  }

  @discardableResult
  mutating func insert(_ bytes: [UInt8]) -> (index: Int, isNew: Bool) { insert(bytes, bytes.indices) }

  private func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[range])) }
    return hasher.finalize()
  }

  /// The slot that holds the string, or the empty one where it belongs.
  private func slot(_ bytes: [UInt8], _ range: Range<Int>, _ hash: Int) -> Int {
    let mask = slots.count - 1
    var slot = hash & mask
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if hashes[index] == hash, ends[index + 1] - ends[index] == range.count, isEqual(index, bytes, range.lowerBound) { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func isEqual(_ index: Int, _ bytes: [UInt8], _ start: Int) -> Bool {
    var other = start
    for place in ends[index]..<ends[index + 1] {
      if pool[place] != bytes[other] { return false }
      other += 1
    }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    let mask = slots.count - 1
    for index in 0..<count {
      var slot = hashes[index] & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(truncatingIfNeeded: index)
    }
  }
}

internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Cosines and sines of rotary positions (Su et al., arXiv 2104.09864), the angles in float32 as the released models compute them.
///
/// Memory follows the longest sequence seen, not the longest allowed: there is one table per power of two, made when a sequence first needs it. Each number
/// is a function of its position alone, so all tables hold the same bits. Looking a table up takes no lock.
package final class Rotary: Sendable {
  private let frequencies: [Float]
  private let positions: Int
  private let tables: [Slot]
  /// Positions in the smallest table.
  private static let least = 256

  private final class Slot: Sendable {
    let table = AtomicLazyReference<Table>()
  }

  /// Angles `position / base^(2 i / headWidth)` for positions below `positions`.
  package init(headWidth: Int, base: Double, positions: Int) {
    frequencies = (0..<headWidth / 2).map { 1 / Float(pow(base, Double(Float(2 * $0) / Float(headWidth)))) }
    self.positions = positions
    tables = (0...Self.slot(positions)).map { _ in Slot() }
  }

  /// A table for positions below `count`, which is at most the `positions` of this object.
  package func table(_ count: Int) -> Table {
    let index = min(Self.slot(count), tables.count - 1)
    let slot = tables[index]
    return slot.table.load() ?? slot.table.storeIfNil(Table(frequencies, positions: min(Self.least << index, positions)))
  }

  /// The smallest `s` with `least << s >= count`.
  private static func slot(_ count: Int) -> Int {
    var slot = 0
    while slot < 40, least << slot < count { slot += 1 }
    return slot
  }

  /// Cosines and sines of the positions from 0 on.
  package final class Table: Sendable {
    /// How many positions.
    package let positions: Int
    private let half: Int
    private let values: AlignedFloats

    init(_ frequencies: [Float], positions: Int) {
      self.positions = positions
      half = frequencies.count
      values = AlignedFloats(count: positions * 2 * half)
      for position in 0..<positions {
        let row = values.pointer + position * 2 * half
        for (index, frequency) in frequencies.enumerated() {
          let angle = Double(Float(position) * frequency)
          row[index] = Float(cos(angle))
          row[half + index] = Float(sin(angle))
        }
      }
    }

    /// `headWidth / 2` cosines of a position in range.
    package func cosine(_ position: Int) -> UnsafePointer<Float> { UnsafePointer(values.pointer + position * 2 * half) }
    /// `headWidth / 2` sines of a position in range.
    package func sine(_ position: Int) -> UnsafePointer<Float> { UnsafePointer(values.pointer + position * 2 * half + half) }
  }
}

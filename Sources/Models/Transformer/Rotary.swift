#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Cosines and sines of rotary positions (Su et al., arXiv 2104.09864), the angles in float32 as the released models compute them.
package final class Rotary: Sendable {
  private let half: Int
  private let table: AlignedFloats

  /// Angles `position / base^(2 i / headWidth)` for every position below `positions`.
  package init(headWidth: Int, base: Double, positions: Int) {
    half = headWidth / 2
    table = AlignedFloats(count: positions * headWidth)
    let frequencies = (0..<half).map { 1 / Float(pow(base, Double(Float(2 * $0) / Float(headWidth)))) }
    for position in 0..<positions {
      let row = table.pointer + position * headWidth
      for (index, frequency) in frequencies.enumerated() {
        let angle = Double(Float(position) * frequency)
        row[index] = Float(cos(angle))
        row[half + index] = Float(sin(angle))
      }
    }
  }

  /// `headWidth / 2` cosines of a position in range.
  package func cosine(_ position: Int) -> UnsafePointer<Float> { UnsafePointer(table.pointer + position * 2 * half) }
  /// `headWidth / 2` sines of a position in range.
  package func sine(_ position: Int) -> UnsafePointer<Float> { UnsafePointer(table.pointer + position * 2 * half + half) }
}

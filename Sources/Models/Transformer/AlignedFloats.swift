/// Float32 memory at a cache line's start, zeroed when it is made: weights in their packed layout, and scratch.
///
/// Weights are written before they are shared and only read afterwards; scratch belongs to one forward pass at a time.
package final class AlignedFloats: @unchecked Sendable {
  /// The memory.
  package let pointer: UnsafeMutablePointer<Float>
  /// How many floats.
  package let count: Int

  /// `count` zeros.
  package init(count: Int) {
    self.count = count
    pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
      .initializeMemory(as: Float.self, repeating: 0, count: max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// The distance between rows of `width` floats: room for whole panels, and an odd number of cache lines so that
  /// rows do not compete for the same places in the cache.
  package static func stride(_ width: Int) -> Int { (width + 31) / 32 * 32 + 16 }
}

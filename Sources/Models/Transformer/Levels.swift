internal import CKernels
internal import Synchronization

/// Rows as small integers, in memory that is lent and used again. One user at a time has it.
///
/// Legend: M rows, K inputs, G inputs of a group.
final class Levels: @unchecked Sendable {
  private let memory: AlignedFloats
  private(set) var parts: unmask_levels
  /// Inputs that share a scale.
  private(set) var group: Int
  /// M.
  private(set) var rows: Int

  private static let free = Mutex<[Levels]>([])

  init(rows: Int, groups: Int, group: Int) {
    memory = AlignedFloats(count: Self.count(rows, groups, group))
    parts = Self.parts(memory, rows, groups, group)
    (self.group, self.rows) = (group, rows)
  }

  /// Rows `x[M, K]` turned into integers, in memory that is free and large enough, or new. Whoever asks gives it back.
  static func lend(_ x: UnsafePointer<Float>, _ stride: Int, rows: Int, inputs: Int, group: Int, workers: Workers?) -> Levels {
    let groups = (inputs + group - 1) / group
    let found = free.withLock({ $0.popLast() })
    let levels = found.flatMap { $0.memory.count >= count(rows, groups, group) ? $0 : nil } ?? Levels(rows: rows, groups: groups, group: group)
    levels.parts = parts(levels.memory, rows, groups, group)
    (levels.group, levels.rows) = (group, rows)
    let quantize = { (range: Range<Int>) in
      withUnsafePointer(to: levels.parts) { unmask_quantize(x, stride, rows, inputs, group, range.lowerBound, range.count, $0) }
    }
    if let workers { workers.split(rows, quantize) } else { quantize(0..<rows) }
    return levels
  }

  func giveBack() { Self.free.withLock { $0.append(self) } }

  /// Floats for scales, starts and levels, each part from a cache line on, and what a tile may read behind the last row.
  private static func count(_ rows: Int, _ groups: Int, _ group: Int) -> Int {
    2 * line(rows * groups) + line(rows * groups * group / 4) + 8 * Int(UNMASK_GROUP)
  }

  private static func line(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  private static func parts(_ memory: AlignedFloats, _ rows: Int, _ groups: Int, _ group: Int) -> unmask_levels {
    let all = UnsafeMutableRawPointer(memory.pointer)
    let scales = 4 * line(rows * groups)
    return unmask_levels(
      levels: (all + 2 * scales).assumingMemoryBound(to: Int8.self), scales: memory.pointer, starts: (all + scales).assumingMemoryBound(to: Int32.self))
  }
}

internal import CKernels
internal import Dispatch
internal import Synchronization

/// Weights as signed bytes, a float32 scale for each output and group of inputs, packed for the kernels.
///
/// A product turns each group of a row into bytes as well, the largest element in size becoming 127. A group's sum of products is an exact integer, and an
/// output is a chain of one fused multiply-add per group, in order, from zero: its bits depend on its row and its weights alone, on every path.
///
/// Legend: N outputs, K inputs, G inputs of a group. Memory: (1 + 4 / G) bytes a weight.
final class IntegerMatrix: Sendable {
  /// Inputs that share a scale.
  let group: Int
  private let inputs: Int
  private let blocks: AlignedFloats

  /// Matrices end to end. Integers are taken as they are stored, with their scales; other elements are rounded, group by group.
  init(_ matrices: [StoredMatrix], inputs: Int, panels: Int) throws(WeightsError) {
    let shared = matrices.filter { $0.scales != nil }.map(\.group)
    group = Self.group(inputs: inputs, dividing: shared)
    self.inputs = inputs
    blocks = AlignedFloats(count: panels * Int(UNMASK_PANEL) * Self.groups(inputs, group) * (group + 4) / 4)
    var first = 0
    for matrix in matrices {
      try fill(matrix, from: first)
      first += matrix.rows
    }
  }

  private static func groups(_ inputs: Int, _ group: Int) -> Int { (inputs + group - 1) / group }

  /// The largest group of at most 128 inputs that divides K and all stored groups; if that is below 64, and nothing is stored as integers, 64, the last
  /// group being short.
  static func group(inputs: Int, dividing stored: [Int]) -> Int {
    let most = Int(UNMASK_GROUP)
    if stored.isEmpty, inputs <= most { return max((inputs + 3) / 4 * 4, 4) }
    let fitting = Swift.stride(from: most, to: 0, by: -4).first { size in inputs % size == 0 && stored.allSatisfy { $0 % size == 0 } }
    guard let fitting, fitting >= 64 || !stored.isEmpty else { return 64 }
    return fitting
  }

  /// Rows of one matrix, as rows `first`, `first` + 1, ... of this one.
  private func fill(_ matrix: StoredMatrix, from first: Int) throws(WeightsError) {
    let scales = try matrix.checkedScales()
    let finite = Atomic(true)
    // Rows in blocks, one thread each at a time: a block's levels fit in a cache, and a large model has billions of them.
    let block = 256
    DispatchQueue.concurrentPerform(iterations: (matrix.rows + block - 1) / block) { index in
      let rows = index * block..<min((index + 1) * block, matrix.rows)
      let isGood = scales.map { copy(matrix, $0, rows, first) } ?? round(matrix, rows, first)
      if !isGood { finite.store(false, ordering: .relaxed) }
    }
    guard finite.load(ordering: .relaxed) else { throw matrix.tensor.fault(.nonFinite) }
  }

  /// Packs a row; `levels` holds K integers and `scales` one for each group.
  private func pack(_ levels: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>, row: Int) {
    unmask_pack_integers(levels, scales, row, inputs, group, UnsafeMutableRawPointer(blocks.pointer).assumingMemoryBound(to: UInt8.self))
  }

  /// Rounds floating weights; false where one is not finite.
  private func round(_ matrix: StoredMatrix, _ rows: Range<Int>, _ first: Int) -> Bool {
    guard case .plain(let type) = matrix.kind else { return false }
    let row = AlignedFloats(count: inputs)
    let levels = Levels(rows: 1, groups: Self.groups(inputs, group), group: group)
    return matrix.tensor.withBytes { bytes in
      for index in rows {
        guard unmask_widen(bytes.baseAddress?.advanced(by: index * inputs * type.width), type.code, inputs, row.pointer) == 1 else { return false }
        withUnsafePointer(to: levels.parts) { unmask_quantize(row.pointer, inputs, 1, inputs, group, 0, 1, $0) }
        pack(levels.parts.levels, levels.parts.scales, row: first + index)
      }
      return true
    }
  }

  /// Takes stored integers and scales.
  private func copy(_ matrix: StoredMatrix, _ scales: AlignedFloats, _ rows: Range<Int>, _ first: Int) -> Bool {
    let (perRow, groups) = (inputs / matrix.group, inputs / group)
    let own = AlignedFloats(count: groups)
    var levels = [Int8](repeating: 0, count: inputs)
    matrix.tensor.withBytes { bytes in
      for index in rows {
        for column in 0..<inputs { levels[column] = matrix.level(bytes, index * inputs + column) }
        for place in 0..<groups { own.pointer[place] = scales.pointer[index * perRow + place * group / matrix.group] }
        pack(levels, own.pointer, row: first + index)
      }
    }
    return true
  }

  /// Outputs of some panels, for some rows of `x` in groups of this matrix's size.
  func multiply(_ x: Levels, rows: Range<Int>, panels: Range<Int>, to y: UnsafeMutablePointer<Float>, _ stride: Int) {
    guard !rows.isEmpty, !panels.isEmpty else { return }
    var weights = unmask_integers(
      blocks: UnsafeRawPointer(blocks.pointer).assumingMemoryBound(to: UInt8.self), groups: Self.groups(inputs, group), group: group)
    withUnsafePointer(to: x.parts) {
      unmask_matmul_integers($0, x.rows, rows.lowerBound, rows.count, &weights, panels.lowerBound, panels.count, y, stride)
    }
  }
}

internal import CKernels

/// A linear layer `y = x Wᵀ + b`, its weights packed once for the kernels, or read as they are stored at every use.
///
/// With the package's kernels every output element is one chain of fused multiply-adds over the inputs in order, from zero, and then the
/// bias. Hence its bits depend on its row of `x` and its row of `W` alone: not on how many rows there are, where they lie, which thread
/// takes which panel, or whether the weights are packed or stored. Products of integers are other numbers, as stable. How weights are held is known only here.
package final class Linear: Sendable {
  /// How weights are held in memory.
  package enum Holding: Sendable, Hashable, CaseIterable {
    /// As float32 in the kernels' layout: the fastest, and a copy.
    case packed
    /// In the mapped file, widened block by block when they are used: no copy.
    case stored
    /// As bytes with scales; rows are turned into bytes too (see `IntegerMatrix`). Other values than the two above, which agree.
    case integers
  }

  /// Inputs, `K`.
  package let inputs: Int
  /// Outputs, `N`.
  package let outputs: Int
  /// Panels of 32 outputs.
  package let panels: Int
  private let weights: Weights
  private let bias: AlignedFloats?
  private let arithmetic: Arithmetic

  private enum Weights: Sendable {
    case packed(AlignedFloats)
    /// Matrices and the panels they fill, in order.
    case stored([(panels: Range<Int>, matrix: MappedMatrix)])
    case integers(IntegerMatrix)
  }

  /// Stacks matrices of `[outputs, inputs]` (and biases of `[outputs]`, as many or none) into one layer.
  package convenience init(_ matrices: [StoredTensor], biases: [StoredTensor] = [], arithmetic: Arithmetic = .kernels) throws(WeightsError) {
    var all: [StoredMatrix] = []
    for matrix in matrices { all.append(try StoredMatrix(matrix)) }
    try self.init(all, biases: biases, arithmetic: arithmetic, holding: .packed)
  }

  /// Stacks matrices of as many columns.
  package init(
    _ matrices: [StoredMatrix], biases: [StoredTensor] = [], arithmetic: Arithmetic = .kernels, holding: Holding
  ) throws(WeightsError) {
    let inputs = matrices.first?.columns ?? 0
    for matrix in matrices where matrix.columns != inputs {
      throw matrix.tensor.fault(.shape(found: matrix.tensor.shape, expected: [matrix.rows, inputs]))
    }
    let outputs = matrices.reduce(0) { $0 + $1.rows }
    let panels = (outputs + Int(UNMASK_PANEL) - 1) / Int(UNMASK_PANEL)
    // A panel belongs to one matrix.
    let isAligned = matrices.dropLast().allSatisfy { $0.rows % Int(UNMASK_PANEL) == 0 }
    weights =
      switch holding {
      case .integers: .integers(try IntegerMatrix(matrices, inputs: inputs, panels: panels))
      case .stored where isAligned && arithmetic == .kernels: .stored(try Self.stored(matrices))
      case .packed, .stored: .packed(try Self.packed(matrices, panels: panels))
      }
    var bias: AlignedFloats?
    if !biases.isEmpty {
      let all = AlignedFloats(count: panels * Int(UNMASK_PANEL))
      var at = 0
      for part in biases {
        let count = try part.shaped([part.shape.first ?? 0]).shape[0]
        guard at + count <= outputs else { throw part.fault(.shape(found: part.shape, expected: [outputs - at])) }
        try part.widen(into: all.pointer + at)
        at += count
      }
      bias = all
    }
    self.inputs = inputs
    self.outputs = outputs
    self.panels = panels
    self.bias = bias
    self.arithmetic = arithmetic
  }

  private static func stored(_ matrices: [StoredMatrix]) throws(WeightsError) -> [(panels: Range<Int>, matrix: MappedMatrix)] {
    var parts: [(panels: Range<Int>, matrix: MappedMatrix)] = []
    var first = 0
    for matrix in matrices {
      let count = (matrix.rows + Int(UNMASK_PANEL) - 1) / Int(UNMASK_PANEL)
      parts.append((first..<first + count, try MappedMatrix(matrix)))
      first += count
    }
    return parts
  }

  private static func packed(_ matrices: [StoredMatrix], panels: Int) throws(WeightsError) -> AlignedFloats {
    let inputs = matrices.first?.columns ?? 0
    let packed = AlignedFloats(count: panels * Int(UNMASK_PANEL) * inputs)
    var row = 0
    for matrix in matrices {
      if case .plain(let type) = matrix.kind {
        let finite = matrix.tensor.withBytes { unmask_pack($0.baseAddress, type.code, row, matrix.rows, inputs, packed.pointer) }
        guard finite == 1 else { throw matrix.tensor.fault(.nonFinite) }
      } else {
        let values = try matrix.values()
        unmask_pack(values.pointer, ElementType.float32.code, row, matrix.rows, inputs, packed.pointer)
      }
      row += matrix.rows
    }
    return packed
  }

  /// Rows `[M, K]` as a layer takes them: where weights are integers, turned into bytes once, whoever computes which outputs.
  package struct Rows: ~Copyable {
    let x: UnsafePointer<Float>
    let stride: Int
    /// M.
    package let count: Int
    /// K.
    fileprivate let inputs: Int
    fileprivate let levels: Levels?

    deinit { levels?.giveBack() }
  }

  /// Rows for this layer, or for any that takes the same.
  package func rows(_ x: UnsafePointer<Float>, stride: Int, count: Int, workers: Workers? = nil) -> Rows {
    guard case .integers(let matrix) = weights, count > 0 else { return Rows(x: x, stride: stride, count: count, inputs: inputs, levels: nil) }
    let levels = Levels.lend(x, stride, rows: count, inputs: inputs, group: matrix.group, workers: workers)
    return Rows(x: x, stride: stride, count: count, inputs: inputs, levels: levels)
  }

  /// Writes outputs `32 * panels` of some rows, or of all. Rows of `y` have room for whole panels.
  package func apply(
    _ x: borrowing Rows, _ some: Range<Int>? = nil, to y: UnsafeMutablePointer<Float>, stride outStride: Int, panels range: Range<Int>
  ) {
    let width = Int(UNMASK_PANEL)
    let first = y + range.lowerBound * width
    let rows = some ?? 0..<x.count
    let (from, stride) = (x.x + rows.lowerBound * x.stride, x.stride)
    switch weights {
    case .packed(let packed):
      let weights = packed.pointer + range.lowerBound * width * inputs
      switch arithmetic {
      case .kernels: unmask_matmul(from, stride, rows.count, inputs, weights, range.count, first, outStride)
      case .openBLAS:
        OpenBLAS.multiply(from, stride, rows: rows.count, inputs: inputs, packed: weights, panels: range.count, to: first, outStride)
      }
    case .stored(let parts):
      for (panels, matrix) in parts {
        let own = range.clamped(to: panels)
        matrix.multiply(
          from, stride, rows: rows.count, panels: own.lowerBound - panels.lowerBound..<own.upperBound - panels.lowerBound, to: y + own.lowerBound * width,
          outStride)
      }
    case .integers(let matrix):
      guard let levels = x.levels, levels.group == matrix.group, x.inputs == inputs else {
        // Another layer's rows, or none.
        return rows.isEmpty ? () : apply(self.rows(from, stride: stride, count: rows.count), to: y, stride: outStride, panels: range)
      }
      matrix.multiply(levels, rows: rows, panels: range, to: first, outStride)
    }
    if let bias { unmask_add(first, outStride, bias.pointer + range.lowerBound * width, 0, rows.count, range.count * width) }
  }

  /// The outputs of a `[rows, inputs]` matrix, for checks.
  package func callAsFunction(_ x: [Float]) -> [Float] {
    let rows = x.count / max(inputs, 1)
    let stride = AlignedFloats.stride(outputs)
    let out = AlignedFloats(count: rows * stride)
    x.withUnsafeBufferPointer { x in
      if let x = x.baseAddress { apply(self.rows(x, stride: inputs, count: rows), to: out.pointer, stride: stride, panels: 0..<panels) }
    }
    return Array(unsafeUninitializedCapacity: rows * outputs) { buffer, count in
      for row in 0..<rows {
        buffer.baseAddress?.advanced(by: row * outputs).initialize(from: out.pointer + row * stride, count: outputs)
      }
      count = rows * outputs
    }
  }
}

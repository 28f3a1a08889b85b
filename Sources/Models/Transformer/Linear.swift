internal import CKernels

/// A linear layer `y = x Wᵀ + b`, its weights packed once for the kernels.
///
/// With the package's kernels every output element is one chain of fused multiply-adds over the inputs in order, from zero, and then the
/// bias. Hence its bits depend on its row of `x` and its row of `W` alone: not on how many rows there are, where they lie, or which thread
/// takes which panel. How weights are held is known only here.
package final class Linear: Sendable {
  /// Inputs, `K`.
  package let inputs: Int
  /// Outputs, `N`.
  package let outputs: Int
  /// Packed panels of 32 outputs.
  package let panels: Int
  private let packed: AlignedFloats
  private let bias: AlignedFloats?
  private let arithmetic: Arithmetic

  /// Stacks matrices of `[outputs, inputs]` (and biases of `[outputs]`, as many or none) into one layer.
  package init(_ matrices: [StoredTensor], biases: [StoredTensor] = [], arithmetic: Arithmetic = .kernels) throws(WeightsError) {
    let inputs = matrices.first?.shape.last ?? 0
    var outputs = 0
    for matrix in matrices { outputs += try matrix.shaped([matrix.shape.first ?? 0, inputs]).shape[0] }
    let panels = (outputs + Int(UNMASK_PANEL) - 1) / Int(UNMASK_PANEL)
    let packed = AlignedFloats(count: panels * Int(UNMASK_PANEL) * inputs)
    var row = 0
    for matrix in matrices {
      let type = try matrix.elementType()
      let finite = matrix.withBytes { unmask_pack($0.baseAddress, type.code, row, matrix.shape[0], inputs, packed.pointer) }
      guard finite == 1 else { throw matrix.fault(.nonFinite) }
      row += matrix.shape[0]
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
    self.packed = packed
    self.bias = bias
    self.arithmetic = arithmetic
  }

  /// Writes outputs `32 * panels` of `rows` rows. Rows of `y` have room for whole panels.
  package func apply(
    _ x: UnsafePointer<Float>, stride: Int, rows: Int, to y: UnsafeMutablePointer<Float>, stride outStride: Int, panels range: Range<Int>
  ) {
    let width = Int(UNMASK_PANEL)
    let first = y + range.lowerBound * width
    let weights = packed.pointer + range.lowerBound * width * inputs
    switch arithmetic {
    case .kernels: unmask_matmul(x, stride, rows, inputs, weights, range.count, first, outStride)
    case .openBLAS: OpenBLAS.multiply(x, stride, rows: rows, inputs: inputs, packed: weights, panels: range.count, to: first, outStride)
    }
    if let bias { unmask_add(first, outStride, bias.pointer + range.lowerBound * width, 0, rows, range.count * width) }
  }

  /// The outputs of a `[rows, inputs]` matrix, for checks.
  package func callAsFunction(_ x: [Float]) -> [Float] {
    let rows = x.count / max(inputs, 1)
    let stride = AlignedFloats.stride(outputs)
    let out = AlignedFloats(count: rows * stride)
    apply(x, stride: inputs, rows: rows, to: out.pointer, stride: stride, panels: 0..<panels)
    return Array(unsafeUninitializedCapacity: rows * outputs) { buffer, count in
      for row in 0..<rows {
        buffer.baseAddress?.advanced(by: row * outputs).initialize(from: out.pointer + row * stride, count: outputs)
      }
      count = rows * outputs
    }
  }
}

extension ElementType {
  /// The kernels' code of the type.
  var code: Int32 {
    switch self {
    case .float32: Int32(UNMASK_F32)
    case .float16: Int32(UNMASK_F16)
    case .bfloat16: Int32(UNMASK_BF16)
    }
  }
}

extension StoredTensor {
  /// Number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// Writes all elements as float32; refuses what is not finite.
  package func widen(into pointer: UnsafeMutablePointer<Float>) throws(WeightsError) {
    let code = try elementType().code
    guard withBytes({ unmask_widen($0.baseAddress, code, count, pointer) }) == 1 else { throw fault(.nonFinite) }
  }

  /// All elements as float32.
  package func values() throws(WeightsError) -> [Float] {
    let memory = AlignedFloats(count: count)
    try widen(into: memory.pointer)
    return Array(UnsafeBufferPointer(start: memory.pointer, count: count))
  }
}

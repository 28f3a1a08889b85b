internal import CKernels

/// A stored matrix as the kernels read it: an address that stays good because the file stays mapped for as long as this object lives.
final class MappedMatrix: Sendable {
  private let matrix: StoredMatrix
  private let scales: AlignedFloats?
  /// Points into `matrix` and `scales`, which never change.
  private nonisolated(unsafe) let stored: unmask_stored

  /// Checks every element and scale once.
  init(_ matrix: StoredMatrix) throws(WeightsError) {
    self.matrix = matrix
    let scales = try matrix.checkedScales()
    self.scales = scales
    stored = unmask_stored(
      data: matrix.tensor.withBytes(\.baseAddress), rows: matrix.rows, type: matrix.code, scales: scales.map { UnsafePointer($0.pointer) }, group: matrix.group)
  }

  /// Outputs of some panels, for `rows` rows of `x`.
  func multiply(
    _ x: UnsafePointer<Float>, _ stride: Int, rows: Int, panels: Range<Int>, to y: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    guard !panels.isEmpty else { return }
    withUnsafePointer(to: stored) { unmask_matmul_stored(x, stride, rows, matrix.columns, $0, panels.lowerBound, panels.count, y, outStride) }
  }
}

extension StoredMatrix {
  /// The kernels' code of the elements.
  var code: Int32 {
    switch kind {
    case .plain(let type): type.code
    case .int8: Int32(UNMASK_I8)
    case .int4: Int32(UNMASK_U4)
    }
  }

  /// The scales, if there are any; elements and scales are checked.
  func checkedScales() throws(WeightsError) -> AlignedFloats? {
    if case .plain(let type) = kind {
      guard tensor.withBytes({ unmask_finite_stored($0.baseAddress, type.code, rows * columns) }) == 1 else { throw tensor.fault(.nonFinite) }
    }
    guard let scales else { return nil }
    let memory = AlignedFloats(count: scales.count)
    try scales.widen(into: memory.pointer)
    // An integer is at most 128 in size, so that no weight can overflow.
    for index in 0..<scales.count where memory.pointer[index].magnitude > 1e30 { throw scales.fault(.nonFinite) }
    return memory
  }

  /// Integer `index` of all, where elements are integers.
  func level(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int8 {
    kind == .int8 ? Int8(bitPattern: bytes[index]) : Int8(bytes[index / 2] >> (4 * UInt8(index % 2)) & 15) - 8
  }

  /// All weights as float32.
  package func values() throws(WeightsError) -> AlignedFloats {
    let values = AlignedFloats(count: rows * columns)
    guard let scales = try checkedScales() else {
      try tensor.widen(into: values.pointer)
      return values
    }
    let (group, perRow) = (group, columns / group)
    tensor.withBytes { bytes in
      for row in 0..<rows {
        for column in 0..<columns {
          let at = row * columns + column
          values.pointer[at] = Float(level(bytes, at)) * scales.pointer[row * perRow + column / group]
        }
      }
    }
    return values
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

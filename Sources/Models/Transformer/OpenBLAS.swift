internal import CKernels
internal import COpenBLAS

/// Who computes the matrix products of a model.
package enum Arithmetic: String, Sendable, CaseIterable {
  /// The package's own kernels: the same bits on every processor with fused multiply-add, and faster at every shape measured.
  case kernels
  /// OpenBLAS on tiles of one fixed size, one thread per call: the second opinion that the kernels are checked against.
  case openBLAS
}

/// OpenBLAS's single-precision product, called so that a row's bits do not depend on the rows beside it.
enum OpenBLAS {
  /// Rows of a tile: a multiple of every row count that its kernels work on, so that no row ever falls into one of their edges.
  static let tile = 48

  /// One thread per call: our own threads split the work. Evaluated once.
  private static let ready: Void = openblas_set_num_threads(1)

  /// y[rows, 32 * panels] = x Wᵀ for packed panels; short tiles are padded with zero rows.
  static func multiply(
    _ x: UnsafePointer<Float>, _ stride: Int, rows: Int, inputs: Int, packed: UnsafePointer<Float>, panels: Int,
    to y: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    _ = ready
    let width = Int(UNMASK_PANEL)
    let from = AlignedFloats(count: tile * inputs)
    let to = AlignedFloats(count: tile * width)
    for start in Swift.stride(from: 0, to: rows, by: tile) {
      let count = min(tile, rows - start)
      for row in 0..<tile {
        let place = from.pointer + row * inputs
        if row < count { place.update(from: x + (start + row) * stride, count: inputs) } else { place.update(repeating: 0, count: inputs) }
      }
      for panel in 0..<panels {
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(tile), blasint(width), blasint(inputs), 1, from.pointer, blasint(inputs),
          packed + panel * width * inputs, blasint(width), 0, to.pointer, blasint(width))
        for row in 0..<count { (y + (start + row) * outStride + panel * width).update(from: to.pointer + row * width, count: width) }
      }
    }
  }
}

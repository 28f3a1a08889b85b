internal import CKernels
internal import COpenBLAS

/// Who computes the matrix products of a model.
package enum Arithmetic: String, Sendable, CaseIterable {
  /// The package's own kernels: the same bits on every processor with fused multiply-add, and faster at every shape measured.
  case kernels
  /// OpenBLAS: the second opinion that the kernels are checked against. Its rows are not bit-stable.
  case openBLAS
}

/// OpenBLAS's single-precision product.
///
/// A row's bits depend on how many rows share its call and on its place among them, even in tiles of one fixed size (seen in 0.3.21 with its
/// Haswell kernels), so nothing that must be reproducible is computed with it.
enum OpenBLAS {
  /// One thread per call: our own threads split the work. Evaluated once.
  private static let ready: Void = openblas_set_num_threads(1)

  /// y[rows, 32 * panels] = x Wᵀ for packed panels.
  static func multiply(
    _ x: UnsafePointer<Float>, _ stride: Int, rows: Int, inputs: Int, packed: UnsafePointer<Float>, panels: Int,
    to y: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    _ = ready
    let width = Int(UNMASK_PANEL)
    for panel in 0..<panels {
      // A panel is a row-major matrix [K, 32] as it lies.
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(width), blasint(inputs), 1, x, blasint(stride),
        packed + panel * width * inputs, blasint(width), 0, y + panel * width, blasint(outStride))
    }
  }
}

extension OpenBLAS {
  /// The library's own words: version, options, and the processor that it has kernels for here.
  static var version: String {
    let words = openblas_get_config().map { String(cString: $0) } ?? "of unknown version"
    return words.split(separator: " ").joined(separator: " ")
  }
}

extension Kernels {
  /// The OpenBLAS that the kernels are checked against.
  package static var openBLAS: String { OpenBLAS.version }
}

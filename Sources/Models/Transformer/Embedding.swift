internal import CKernels
package import Diffusion

/// The embedding table `[V, D]`, read row by row from the mapped file in its stored width.
package struct Embedding: Sendable {
  private let table: StoredTensor
  private let type: ElementType
  private let width: Int

  /// Checks every element once.
  package init(_ table: StoredTensor) throws(WeightsError) {
    self.table = table
    type = try table.elementType()
    width = table.shape.last ?? 0
    let row = AlignedFloats(count: width)
    for token in 0..<(table.shape.first ?? 0) {
      guard read(token, into: row.pointer) else { throw table.fault(.nonFinite) }
    }
  }

  /// Writes the `D` values of a token; `token` is in range.
  @discardableResult
  package func read(_ token: Int, into pointer: UnsafeMutablePointer<Float>) -> Bool {
    table.withBytes { unmask_widen($0.baseAddress?.advanced(by: token * width * type.width), type.code, width, pointer) == 1 }
  }

  /// Writes the weighted sum of several tokens' embeddings, in the order given.
  package func mix(_ parts: [View.Weighted], into pointer: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
    pointer.update(repeating: 0, count: width)
    for part in parts {
      read(Int(part.token), into: scratch)
      for index in 0..<width { pointer[index] += part.weight * scratch[index] }
    }
  }
}

/// How a tensor's elements are stored.
package enum ElementType: String, Sendable, Hashable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// Bytes of one element.
  package var width: Int { self == .float32 ? 4 : 2 }
}

/// A tensor as it lies in a mapped file: bytes of its stored width, possibly at an odd address.
package struct StoredTensor: Sendable {
  /// The name in the file.
  package let name: String
  /// The type as the file names it; only those of `ElementType` can be read.
  package let typeName: String
  /// Rows first.
  package let shape: [Int]
  /// The file that holds it, kept mapped.
  package let file: MappedFile
  /// Where its bytes are.
  package let range: Range<Int>

  /// Lends the bytes.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    file.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// A fault of this tensor.
  package func fault(_ fault: TensorFault) -> WeightsError { .tensor(file: file.path, name: name, fault: fault) }

  /// The type of the elements, if this program can read it.
  package func elementType() throws(WeightsError) -> ElementType {
    guard let type = ElementType(rawValue: typeName) else { throw fault(.wrongType(found: typeName, expected: "F32, F16 or BF16")) }
    return type
  }

  /// The same tensor, if it has this shape.
  package func shaped(_ expected: [Int]) throws(WeightsError) -> StoredTensor {
    guard shape == expected else { throw fault(.shape(found: shape, expected: expected)) }
    return self
  }
}

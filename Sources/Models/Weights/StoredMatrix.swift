/// A weight matrix as a checkpoint stores it: elements of a floating type, or small integers and their scales.
package struct StoredMatrix: Sendable {
  /// How elements are stored.
  package enum Kind: Sendable, Hashable {
    case plain(ElementType)
    /// Signed bytes.
    case int8
    /// Halves of bytes less 8, the element of lower index in the lower half.
    case int4
  }

  /// The elements, row by row.
  package let tensor: StoredTensor
  /// Rows, `N`.
  package let rows: Int
  /// Columns, `K`.
  package let columns: Int
  /// How elements are stored.
  package let kind: Kind
  /// One factor for each group of a row's elements, where elements are integers.
  package let scales: StoredTensor?

  /// A matrix of a floating type.
  package init(_ tensor: StoredTensor) throws(WeightsError) {
    guard tensor.shape.count == 2 else { throw tensor.fault(.shape(found: tensor.shape, expected: [tensor.shape.first ?? 0, tensor.shape.last ?? 0])) }
    self.tensor = tensor
    rows = tensor.shape[0]
    columns = tensor.shape[1]
    kind = .plain(try tensor.elementType())
    scales = nil
  }

  /// Integers and their scales of `[rows, columns / group]`, groups being whole multiples of 16 elements.
  package init(_ tensor: StoredTensor, scales: StoredTensor, rows: Int, columns: Int) throws(WeightsError) {
    let halved = tensor.typeName == "U8"
    guard columns % 16 == 0 else { throw tensor.fault(.entry("its rows have \(columns) elements, expected a multiple of 16 where elements are integers")) }
    self.tensor = try tensor.shaped([rows, halved ? columns / 2 : columns])
    self.rows = rows
    self.columns = columns
    kind = halved ? .int4 : .int8
    guard scales.typeName == ElementType.float32.rawValue else { throw scales.fault(.wrongType(found: scales.typeName, expected: "F32")) }
    let groups = scales.shape.last ?? 0
    guard scales.shape == [rows, groups], groups > 0, columns % groups == 0, columns / groups % 16 == 0 else {
      throw scales.fault(.shape(found: scales.shape, expected: [rows, columns / 16]))
    }
    self.scales = scales
  }

  /// Elements of a row that share a scale; the whole row where there are none.
  package var group: Int { columns / max(scales?.shape.last ?? 1, 1) }

  /// Some of the rows.
  package func rows(_ range: Range<Int>) -> StoredMatrix {
    StoredMatrix(tensor.rows(range), scales?.rows(range), range.count, columns, kind)
  }

  private init(_ tensor: StoredTensor, _ scales: StoredTensor?, _ rows: Int, _ columns: Int, _ kind: Kind) {
    self.tensor = tensor
    self.scales = scales
    self.rows = rows
    self.columns = columns
    self.kind = kind
  }
}

extension StoredTensor {
  /// Some of the rows; `range` lies within them.
  package func rows(_ range: Range<Int>) -> StoredTensor {
    let bytes = self.range.count / max(shape.first ?? 1, 1)
    let start = self.range.lowerBound
    return StoredTensor(
      name: name, typeName: typeName, shape: [range.count] + shape.dropFirst(), file: file,
      range: start + range.lowerBound * bytes..<start + range.upperBound * bytes)
  }
}

extension Checkpoint {
  /// What a matrix's scales are called, behind its own name.
  package static let scaleSuffix = "_scale"

  /// A matrix of this name and shape: floating, or integers with scales under the name's `_scale`.
  package func matrix(_ name: String, rows: Int, columns: Int) throws(WeightsError) -> StoredMatrix {
    let tensor = try tensor(name)
    guard tensor.typeName == "I8" || tensor.typeName == "U8" else { return try StoredMatrix(tensor.shaped([rows, columns])) }
    return try StoredMatrix(tensor, scales: self.tensor(name + Self.scaleSuffix), rows: rows, columns: columns)
  }
}

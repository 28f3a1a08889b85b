/// Turns weights into small integers: 8 bits with one scale a row or a group of a row, or 4 bits with one scale a group.
///
/// Weights are symmetric about 0. With 8 bits the largest of a group becomes 127. With 4 bits, where levels go from -8 to 7, the weight that is largest in size
/// becomes -8, so that the scale has the other sign.
public struct Quantizer: Sendable, Hashable {
  /// Bits of an integer.
  public enum Bits: Int, Sendable, CaseIterable { case eight = 8, four = 4 }

  /// Bits of an integer.
  public let bits: Bits
  /// At most how many elements share a scale; nil for a whole row. A row that does not divide is cut into the largest groups that do.
  public let group: Int?

  /// - Parameter group: a multiple of 16, or nil for a whole row.
  public init(_ bits: Bits, group: Int?) {
    self.bits = bits
    self.group = group
  }

  /// How many elements of rows of `columns` share a scale; nil where such rows are left as they are, because they are no multiple of 16.
  package func group(columns: Int) -> Int? {
    guard columns > 0, columns % 16 == 0 else { return nil }
    var size = min(group ?? columns, columns) / 16 * 16
    while size > 16, columns % size != 0 { size -= 16 }
    return max(size, 16)
  }

  /// Appends a group's integers and gives their scale.
  package func append(_ weights: UnsafeBufferPointer<Float>, to bytes: inout [UInt8]) -> Float {
    let extreme = weights.reduce(Float(0)) { $1.magnitude > $0.magnitude ? $1 : $0 }
    switch bits {
    case .eight:
      let scale = extreme.magnitude / 127
      for weight in weights { bytes.append(UInt8(bitPattern: Int8(Self.level(weight, scale, -127...127)))) }
      return scale
    case .four:
      let scale = extreme / -8
      for index in stride(from: 0, to: weights.count, by: 2) {
        let (low, high) = (Self.level(weights[index], scale, -8...7) + 8, Self.level(weights[index + 1], scale, -8...7) + 8)
        bytes.append(UInt8(low | high << 4))
      }
      return scale
    }
  }

  private static func level(_ weight: Float, _ scale: Float, _ levels: ClosedRange<Float>) -> Int {
    // A scale too small to divide by stands for weights that are nothing.
    let level = weight / scale
    return level.isFinite ? Int(min(max(level.rounded(.toNearestOrEven), levels.lowerBound), levels.upperBound)) : 0
  }
}

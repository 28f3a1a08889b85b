import Foundation
import Models

/// Writes safetensors files: tensors in order of name, header padded to 8 bytes.
enum SafetensorsWriter {
  /// A tensor to be written.
  struct Tensor: Sendable {
    /// Its name.
    let name: String
    /// Its shape, rows first.
    let shape: [Int]
    /// How its elements are stored.
    let type: ElementType
    /// Its elements; rounded to the nearest (ties to even) where stored narrower.
    let values: [Float]
  }

  /// The bytes of a file holding `tensors`.
  static func encode(_ tensors: [Tensor]) -> [UInt8] {
    var header = "{"
    var data: [UInt8] = []
    for tensor in tensors.sorted(by: { $0.name < $1.name }) {
      let begin = data.count
      append(tensor, to: &data)
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      header += header.count > 1 ? "," : ""
      header += "\"\(tensor.name)\":{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(data.count)]}"
    }
    header += "}"
    while header.utf8.count % 8 != 0 { header += " " }
    return withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8) + data
  }

  /// Writes the file of `tensors`.
  static func save(_ tensors: [Tensor], to path: String) throws { try save(encode(tensors), to: path) }

  /// Writes bytes beside their final place and renames them there.
  static func save(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic) }

  private static func append(_ tensor: Tensor, to data: inout [UInt8]) {
    for value in tensor.values {
      switch tensor.type {
      case .float32: withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
      case .bfloat16:
        let bits = value.bitPattern
        let rounded = value.isNaN ? bits | 0x0040_0000 : bits &+ 0x7FFF &+ (bits >> 16 & 1)
        withUnsafeBytes(of: UInt16(truncatingIfNeeded: rounded >> 16).littleEndian) { data.append(contentsOf: $0) }
      case .float16: withUnsafeBytes(of: half(value).littleEndian) { data.append(contentsOf: $0) }
      }
    }
  }

  /// The nearest half; `Float16` does not exist on every platform that Swift runs on.
  private static func half(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let size = value.magnitude
    if size.isNaN { return sign | 0x7E00 }
    if size >= 65520 { return sign | 0x7C00 }
    // One unit in the last place of the half that is next: subnormals share the smallest.
    let exponent = max(size == 0 ? -14 : Int(size.exponent), -14)
    let units = (Double(size) * Double(sign: .plus, exponent: 10 - exponent, significand: 1)).rounded(.toNearestOrEven)
    return sign | (UInt16(units) + UInt16(exponent + 14) << 10)
  }
}

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Writes safetensors files: tensors in order of name, header padded to 8 bytes.
package enum SafetensorsWriter {
  /// A tensor to be written.
  package struct Tensor: Sendable {
    /// Its name.
    package let name: String
    /// Its shape, rows first.
    package let shape: [Int]
    /// How its elements are stored.
    package let type: ElementType
    /// Its elements; rounded to the nearest (ties to even) where stored narrower.
    package let values: [Float]

    /// A tensor; `values` must be as many as `shape` says.
    package init(name: String, shape: [Int], type: ElementType, values: [Float]) {
      self.name = name
      self.shape = shape
      self.type = type
      self.values = values
    }
  }

  /// The bytes of a file holding `tensors`.
  package static func encode(_ tensors: [Tensor]) -> [UInt8] {
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

  /// Writes a file beside its final place and renames it there, so that a reader sees the old bytes or the new ones.
  package static func save(_ tensors: [Tensor], to path: String) throws(WeightsError) {
    try save(encode(tensors), to: path)
  }

  /// Writes bytes beside their final place and renames them there.
  package static func save(_ bytes: [UInt8], to path: String) throws(WeightsError) {
    let temporary = path + ".part"
    func failure() -> WeightsError { .unreadable(file: path, reason: "cannot be written: " + String(cString: strerror(errno))) }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure() }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written) }
      guard count > 0 else {
        let error = failure()
        close(descriptor)
        unlink(temporary)
        throw error
      }
      written += count
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else { throw failure() }
  }

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

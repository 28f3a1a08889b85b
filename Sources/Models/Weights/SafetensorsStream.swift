#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Writes a safetensors file whose tensors are known by size beforehand, piece by piece; it gets its name when it is whole.
final class SafetensorsStream {
  /// A tensor to come.
  struct Entry {
    let name: String
    let type: String
    let shape: [Int]
    let bytes: Int
  }

  private let path: String
  private let partial: String
  private let descriptor: Int32
  private var left: Int

  /// Writes the header. Tensors follow in the order given.
  init(_ path: String, _ tensors: [Entry]) throws(ModelError) {
    self.path = path
    partial = path + ".partial"
    left = tensors.reduce(0) { $0 + $1.bytes }
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .unwritable(file: partial, reason: String(cString: strerror(errno))) }
    var header = "{"
    var at = 0
    for tensor in tensors {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      header += header.utf8.count > 1 ? "," : ""
      header += "\(Self.literal(tensor.name)):{\"dtype\":\"\(tensor.type)\",\"shape\":[\(shape)],\"data_offsets\":[\(at),\(at + tensor.bytes)]}"
      at += tensor.bytes
    }
    header += "}"
    while header.utf8.count % 8 != 0 { header += " " }
    let text = Array(header.utf8)
    try put(withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text)
  }

  deinit { close(descriptor) }

  /// The next bytes.
  func append(_ bytes: [UInt8]) throws(ModelError) {
    left -= bytes.count
    try put(bytes)
  }

  /// The file is whole: it is made durable and named.
  func finish() throws(ModelError) {
    guard left == 0 else { throw .unwritable(file: partial, reason: "\(left) bytes of its tensors are missing") }
    guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw .unwritable(file: path, reason: String(cString: strerror(errno))) }
  }

  private func put(_ bytes: [UInt8]) throws(ModelError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .unwritable(file: partial, reason: String(cString: strerror(errno))) }
      rest = rest.dropFirst(count)
    }
  }

  /// A JSON string.
  private static func literal(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 0x20: result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Writes numbers and texts end to end: variable-length integers, little-endian bit patterns.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: Int) {
    // Zigzag: small negative numbers, such as -1, stay one byte.
    var rest = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func put(_ value: Double) { put(fixed: value.bitPattern) }

  mutating func put(_ value: Float) { put(fixed: value.bitPattern) }

  mutating func put(fixed value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ text: String) { put(blob: Array(text.utf8)) }

  mutating func put(blob: [UInt8]) {
    put(blob.count)
    bytes += blob
  }

  mutating func put(_ values: [Int]) {
    put(values.count)
    for value in values { put(value) }
  }

  /// Values as they lie in memory: for a reader on this machine only.
  mutating func put(native values: [some BitwiseCopyable]) { values.withUnsafeBytes { bytes.append(contentsOf: $0) } }
}

/// Reads what `ByteWriter` wrote. Every length is checked against the bytes that are left; a nil means that the bytes are not what was written.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position == bytes.endIndex }
  private var left: Int { bytes.endIndex - position }

  mutating func integer() -> Int? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.endIndex, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)) }
      shift += 7
    }
    return nil
  }

  /// A count of things that take at least `size` bytes each.
  mutating func count(of size: Int = 1) -> Int? {
    guard let count = integer(), count >= 0, count <= left / size else { return nil }
    return count
  }

  mutating func fixed<T: FixedWidthInteger>(_: T.Type) -> T? {
    let size = T.bitWidth / 8
    guard left >= size else { return nil }
    defer { position += size }
    return bytes[position..<position + size].withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
  }

  mutating func double() -> Double? { fixed(UInt64.self).map(Double.init(bitPattern:)) }

  mutating func float() -> Float? { fixed(UInt32.self).map(Float.init(bitPattern:)) }

  mutating func blob() -> [UInt8]? {
    guard let count = count() else { return nil }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  mutating func text() -> String? { blob().flatMap { String(validating: $0, as: UTF8.self) } }

  /// Values as another process of this machine had them in memory.
  mutating func native<T: BitwiseCopyable>(_ count: Int, _: T.Type) -> [T]? {
    let size = MemoryLayout<T>.stride
    guard count >= 0, count <= left / size else { return nil }
    defer { position += count * size }
    return bytes[position..<position + count * size].withUnsafeBytes { from in
      [T](unsafeUninitializedCapacity: count) { into, filled in
        UnsafeMutableRawBufferPointer(into).copyMemory(from: UnsafeRawBufferPointer(rebasing: from[..<(count * size)]))
        filled = count
      }
    }
  }

  mutating func integers() -> [Int]? {
    guard let count = count() else { return nil }
    var values: [Int] = []
    values.reserveCapacity(count)
    for _ in 0..<count {
      guard let value = integer() else { return nil }
      values.append(value)
    }
    return values
  }
}

/// The cyclic redundancy check of zip, gzip and Ethernet (polynomial 0x04C11DB7, reflected), eight bytes at a time.
enum CRC32 {
  private static let tables: [[UInt32]] = {
    var tables = [
      (0..<256).map { (byte: UInt32) -> UInt32 in
        var value = byte
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
        return value
      }
    ]
    for slice in 1..<8 { tables.append(tables[slice - 1].map { ($0 >> 8) ^ tables[0][Int($0 & 0xFF)] }) }
    return tables
  }()
  private static let flat: [UInt32] = tables.flatMap { $0 }

  /// The check of some bytes.
  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBytes { bytes in
      flat.withUnsafeBufferPointer { table in
        var value = ~UInt32(0)
        var index = 0
        while index + 8 <= bytes.count {
          let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(value)
          value = 0
          for slice in 0..<8 { value ^= table[(7 - slice) * 256 + Int(truncatingIfNeeded: word >> UInt64(8 * slice)) & 0xFF] }
          index += 8
        }
        while index < bytes.count {
          value = (value >> 8) ^ table[Int((value ^ UInt32(bytes[index])) & 0xFF)]
          index += 1
        }
        return ~value
      }
    }
  }
}

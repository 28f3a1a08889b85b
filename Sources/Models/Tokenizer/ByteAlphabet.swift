/// The printable stand-ins for bytes in the vocabularies of byte-level models.
///
/// Printable Latin-1 bytes stand for themselves; the others, in order, take the scalars from U+0100 on. A space is `Ġ`.
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0..<UInt32(256)).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        next += 1
        return next - 1
      }
    }
  }()

  /// The byte of each scalar below U+0144, or -1.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(truncatingIfNeeded: byte) }
    return bytes
  }()

  /// The byte that a scalar stands for.
  static func byte(_ scalar: UInt32) -> UInt8? {
    guard scalar < bytes.count, bytes[Int(scalar)] >= 0 else { return nil }
    return UInt8(truncatingIfNeeded: bytes[Int(scalar)])
  }

  /// Appends the stand-ins of `bytes[range]` as UTF-8.
  static func append(_ bytes: [UInt8], _ range: Range<Int>, to result: inout [UInt8]) {
    for place in range {
      let scalar = scalars[Int(bytes[place])]
      if scalar < 0x80 {
        result.append(UInt8(truncatingIfNeeded: scalar))
      } else {
        result.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
        result.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
      }
    }
  }

  /// The bytes that a piece stands for, or nil when a scalar of it stands for none.
  static func decode(_ piece: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(piece.count)
    var place = 0
    while place < piece.count {
      let (value, length) = piece.scalar(at: place)
      guard let byte = byte(value) else { return nil }
      result.append(byte)
      place += length
    }
    return result
  }
}

/// One step that turns pieces back into text.
enum TokenDecoder: Sendable {
  /// Reads stand-ins back as bytes; bytes that are no UTF-8 become U+FFFD.
  case byteLevel
  /// Reads runs of `<0x..>` as bytes.
  case byteFallback
  /// Joins all pieces.
  case fuse
  case replace(Pattern, with: [UInt8])
  /// Removes up to `start` and `stop` copies of a scalar from the ends of every piece.
  case strip(UInt32, start: Int, stop: Int)

  func apply(_ pieces: [[UInt8]]) -> [[UInt8]] {
    switch self {
    case .byteLevel:
      var bytes: [UInt8] = []
      for piece in pieces { bytes += ByteAlphabet.decode(piece) ?? piece }
      return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    case .byteFallback: return Self.joinBytes(pieces)
    case .fuse: return [Array(pieces.joined())]
    case .replace(let pattern, let content):
      let step = TextNormalizer.replace(pattern, with: content)
      return pieces.map(step.apply)
    case .strip(let scalar, let start, let stop): return pieces.map { Self.strip($0, scalar, start, stop) }
    }
  }

  private static func joinBytes(_ pieces: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        for _ in bytes { result.append([0xEF, 0xBF, 0xBD]) }
      }
      bytes.removeAll()
    }
    for piece in pieces {
      if let byte = byte(piece) {
        bytes.append(byte)
      } else {
        flush()
        result.append(piece)
      }
    }
    flush()
    return result
  }

  /// The byte that `<0x..>` names.
  private static func byte(_ piece: [UInt8]) -> UInt8? {
    guard piece.count == 6, piece.starts(with: "<0x".utf8), piece[5] == UInt8(ascii: ">"), let high = hexDigit(piece[3]),
      let low = hexDigit(piece[4])
    else { return nil }
    return high << 4 | low
  }

  private static func strip(_ piece: [UInt8], _ scalar: UInt32, _ start: Int, _ stop: Int) -> [UInt8] {
    var lower = 0
    var upper = piece.count
    var left = start
    while left > 0, lower < upper {
      let (value, length) = piece.scalar(at: lower)
      guard value == scalar else { break }
      lower += length
      left -= 1
    }
    var right = stop
    while right > 0, upper > lower {
      let (value, length) = piece.scalar(before: upper)
      guard value == scalar else { break }
      upper -= length
      right -= 1
    }
    return Array(piece[lower..<upper])
  }
}

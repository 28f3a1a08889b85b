func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

extension JSONDocument {
  /// Undoes the escapes of a checked string literal.
  static func unescape(_ source: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var index = source.startIndex
    func code(at start: Int) -> UInt32 {
      var value: UInt32 = 0
      for place in start..<min(start + 4, source.endIndex) { value = value << 4 | UInt32(hexDigit(source[place]) ?? 0) }
      return value
    }
    while index < source.endIndex {
      let byte = source[index]
      guard byte == UInt8(ascii: "\\"), index + 1 < source.endIndex else {
        result.append(byte)
        index += 1
        continue
      }
      let kind = source[index + 1]
      index += 2
      switch kind {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var value = code(at: index)
        index += 4
        if value & 0xFC00 == 0xD800 {
          value = 0x10000 + (value & 0x3FF) << 10 + code(at: index + 2) & 0x3FF
          index += 6
        }
        appendScalar(value, to: &result)
      default: result.append(kind)
      }
    }
    return result
  }
}

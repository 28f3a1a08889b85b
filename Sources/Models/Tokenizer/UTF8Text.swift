/// Appends the UTF-8 of a scalar value.
func appendScalar(_ value: UInt32, to bytes: inout [UInt8]) {
  switch value {
  case 0..<0x80:
    bytes.append(UInt8(truncatingIfNeeded: value))
  case 0x80..<0x800:
    bytes.append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
  case 0x800..<0x10000:
    bytes.append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
  default:
    bytes.append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
  }
}

extension [UInt8] {
  /// The scalar at `place` in valid UTF-8, and its length in bytes.
  @inline(__always)
  func scalar(at place: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(self[place])
    if first < 0x80 { return (first, 1) }
    if first < 0xE0 { return ((first & 0x1F) << 6 | tail(place + 1), 2) }
    if first < 0xF0 { return ((first & 0x0F) << 12 | tail(place + 1) << 6 | tail(place + 2), 3) }
    return ((first & 0x07) << 18 | tail(place + 1) << 12 | tail(place + 2) << 6 | tail(place + 3), 4)
  }

  /// The scalar that ends before `place` in valid UTF-8, and its length in bytes.
  @inline(__always)
  func scalar(before place: Int) -> (value: UInt32, length: Int) {
    scalar(at: start(before: place))
  }

  /// Where the scalar that ends before `place` starts.
  @inline(__always)
  func start(before place: Int) -> Int {
    var start = place - 1
    while self[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  @inline(__always)
  private func tail(_ place: Int) -> UInt32 { UInt32(self[place] & 0x3F) }
}

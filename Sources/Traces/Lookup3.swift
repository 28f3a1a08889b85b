/// The checksum of HDF5's metadata: Bob Jenkins's lookup3, with 0 for a start.
enum Lookup3 {
  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    var rest = bytes
    func word(_ index: Int) -> UInt32 {
      rest.dropFirst(4 * index).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    while rest.count > 12 {
      (a, b, c) = (a &+ word(0), b &+ word(1), c &+ word(2))
      for (first, second) in [(4, 6), (16, 19)] as [(UInt32, UInt32)] {
        a = (a &- c) ^ turned(c, first)
        c = c &+ b
        b = (b &- a) ^ turned(a, second)
        a = a &+ c
        c = (c &- b) ^ turned(b, first == 4 ? 8 : 4)
        b = b &+ a
      }
      rest = rest.dropFirst(12)
    }
    if rest.isEmpty { return c }
    (a, b, c) = (a &+ word(0), b &+ word(1), c &+ word(2))
    c = (c ^ b) &- turned(b, 14)
    a = (a ^ c) &- turned(c, 11)
    b = (b ^ a) &- turned(a, 25)
    c = (c ^ b) &- turned(b, 16)
    a = (a ^ c) &- turned(c, 4)
    b = (b ^ a) &- turned(a, 14)
    return (c ^ b) &- turned(b, 24)
  }

  private static func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
}

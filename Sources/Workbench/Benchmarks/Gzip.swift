/// Unpacks gzip (RFC 1952) and deflate (RFC 1951) in memory, within a bound.
enum Gzip {
  /// The bytes of all members of a file, end to end.
  static func unpack(_ bytes: [UInt8], limit: Int) throws(GzipFault) -> [UInt8] {
    var output: [UInt8] = []
    var place = 0
    while place < bytes.count {
      var reader = BitReader(bytes, at: try header(bytes, place))
      let start = output.count
      var inflate = Inflate(limit: limit)
      try inflate.run(&reader, &output)
      place = reader.alignedPlace
      guard place + 8 <= bytes.count else { throw .truncated }
      let words = [place, place + 4].map { at in (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) } }
      guard words[0] == checksum(output[start...]), words[1] == UInt32(truncatingIfNeeded: output.count - start) else { throw .checksum }
      place += 8
    }
    return output
  }

  /// Where a member's data begin.
  private static func header(_ bytes: [UInt8], _ start: Int) throws(GzipFault) -> Int {
    guard start + 10 <= bytes.count else { throw .truncated }
    guard bytes[start] == 0x1F, bytes[start + 1] == 0x8B, bytes[start + 2] == 8, bytes[start + 3] & 0xE0 == 0 else { throw .format }
    let flags = bytes[start + 3]
    var place = start + 10
    if flags & 4 != 0 {
      guard place + 2 <= bytes.count else { throw .truncated }
      place += 2 + Int(bytes[place]) + Int(bytes[place + 1]) << 8
    }
    for bit in [UInt8(8), 16] where flags & bit != 0 {
      while place < bytes.count, bytes[place] != 0 { place += 1 }
      place += 1
    }
    if flags & 2 != 0 { place += 2 }
    guard place < bytes.count else { throw .truncated }
    return place
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }
}

/// What is wrong with a packed file.
enum GzipFault: Error, CustomStringConvertible {
  case truncated, format, checksum, tooLarge(limit: Int)

  var description: String {
    switch self {
    case .truncated: "the packed data end too early"
    case .format: "it is no gzip file, or a damaged one"
    case .checksum: "the packed data do not match their checksum"
    case .tooLarge(let limit): "it unpacks to more than \(limit >> 20) MiB"
    }
  }
}

/// Bits, lowest first.
private struct BitReader {
  private let bytes: [UInt8]
  private var place: Int
  private var held: UInt32 = 0
  private var count: UInt32 = 0

  init(_ bytes: [UInt8], at place: Int) { (self.bytes, self.place) = (bytes, place) }

  mutating func bits(_ wanted: UInt32) throws(GzipFault) -> Int {
    while count < wanted {
      guard place < bytes.count else { throw .truncated }
      held |= UInt32(bytes[place]) << count
      place += 1
      count += 8
    }
    defer {
      held >>= wanted
      count -= wanted
    }
    return Int(held & (1 << wanted - 1))
  }

  /// The first whole byte that has not been begun.
  var alignedPlace: Int { place - Int(count / 8) }

  mutating func align() {
    place = alignedPlace
    (held, count) = (0, 0)
  }
}

/// Canonical Huffman codes, decoded bit by bit by the first code of each length.
private struct Codes {
  private var counts = [Int](repeating: 0, count: 16)
  private var symbols: [Int] = []

  init(_ lengths: [Int]) throws(GzipFault) {
    for length in lengths where length > 0 { counts[length] += 1 }
    var room = 1
    for length in 1..<16 {
      room = room << 1 - counts[length]
      guard room >= 0 else { throw .format }
    }
    for length in 1..<16 { symbols += lengths.indices.filter { lengths[$0] == length } }
  }

  func next(_ reader: inout BitReader) throws(GzipFault) -> Int {
    var (code, first, index) = (0, 0, 0)
    for length in 1..<16 {
      code |= try reader.bits(1)
      if code - first < counts[length] { return symbols[index + code - first] }
      index += counts[length]
      first = (first + counts[length]) << 1
      code <<= 1
    }
    throw .format
  }
}

private struct Inflate {
  let limit: Int
  private static let lengthBases = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]

  mutating func run(_ reader: inout BitReader, _ output: inout [UInt8]) throws(GzipFault) {
    let start = output.count
    var isLast = false
    while !isLast {
      isLast = try reader.bits(1) == 1
      switch try reader.bits(2) {
      case 0:
        reader.align()
        let (length, other) = (try reader.bits(16), try reader.bits(16))
        guard length ^ other == 0xFFFF else { throw .format }
        for _ in 0..<length { try append(UInt8(try reader.bits(8)), &output) }
      case 1:
        let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
        try block(&reader, &output, start, try Codes(lengths), try Codes([Int](repeating: 5, count: 30)))
      case 2:
        let (literals, distances) = try tables(&reader)
        try block(&reader, &output, start, literals, distances)
      default: throw .format
      }
    }
  }

  private func append(_ byte: UInt8, _ output: inout [UInt8]) throws(GzipFault) {
    guard output.count < limit else { throw .tooLarge(limit: limit) }
    output.append(byte)
  }

  private func block(_ reader: inout BitReader, _ output: inout [UInt8], _ start: Int, _ literals: Codes, _ distances: Codes) throws(GzipFault) {
    while true {
      let symbol = try literals.next(&reader)
      if symbol < 256 {
        try append(UInt8(symbol), &output)
      } else if symbol == 256 {
        return
      } else {
        let place = symbol - 257
        guard place < 29 else { throw .format }
        let extra = place < 8 || place == 28 ? 0 : UInt32(place / 4 - 1)
        let length = Self.lengthBases[place] + (try reader.bits(extra))
        let code = try distances.next(&reader)
        guard code < 30 else { throw .format }
        let distance = Self.distanceBases[code] + (try reader.bits(code < 4 ? 0 : UInt32(code / 2 - 1)))
        guard distance <= output.count - start else { throw .format }
        for _ in 0..<length { try append(output[output.count - distance], &output) }
      }
    }
  }

  /// The two codes of a block that brings its own.
  private func tables(_ reader: inout BitReader) throws(GzipFault) -> (Codes, Codes) {
    let (literals, distances, lengths) = (try reader.bits(5) + 257, try reader.bits(5) + 1, try reader.bits(4) + 4)
    var order = [Int](repeating: 0, count: 19)
    for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(lengths) { order[place] = try reader.bits(3) }
    let codes = try Codes(order)
    var all: [Int] = []
    while all.count < literals + distances {
      switch try codes.next(&reader) {
      case 16:
        guard let last = all.last else { throw .format }
        all += [Int](repeating: last, count: 3 + (try reader.bits(2)))
      case 17: all += [Int](repeating: 0, count: 3 + (try reader.bits(3)))
      case 18: all += [Int](repeating: 0, count: 11 + (try reader.bits(7)))
      case let length: all.append(length)
      }
    }
    guard all.count == literals + distances else { throw .format }
    return (try Codes(Array(all[..<literals])), try Codes(Array(all[literals...])))
  }
}

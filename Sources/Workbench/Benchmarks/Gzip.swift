internal import CZlib

/// Unpacks gzip (RFC 1952) in memory, within a bound, by zlib.
enum Gzip {
  /// The bytes of all members of a file, end to end.
  ///
  /// - Parameter limit: bytes that it may unpack to.
  static func unpack(_ bytes: [UInt8], limit: Int) throws(GzipFault) -> [UInt8] {
    var stream = z_stream()
    guard unmask_gunzip_begin(&stream) == Z_OK else { throw .memory }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var place = 0
    var isBetween = true
    // zlib counts in 32 bits, so that it is given pieces.
    while place < bytes.count {
      let piece = bytes[place..<min(bytes.count, place + 1 << 20)]
      let (used, isAtEnd) = try piece.withUnsafeBufferPointer { (input) throws(GzipFault) in try unpack(input, &stream, &output, limit) }
      place += used
      isBetween = isAtEnd
      // Another member may follow.
      if isAtEnd { inflateReset(&stream) }
    }
    guard isBetween else { throw .truncated }
    return output
  }

  /// Unpacks a piece up to its end or the member's; says how much of it was used, and whether the member ended.
  private static func unpack(
    _ input: UnsafeBufferPointer<UInt8>, _ stream: inout z_stream, _ output: inout [UInt8], _ limit: Int
  ) throws(GzipFault) -> (used: Int, isAtEnd: Bool) {
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
    stream.avail_in = UInt32(input.count)
    var status = Z_OK
    while status == Z_OK {
      let chunk = [UInt8](unsafeUninitializedCapacity: chunkSize) { buffer, count in
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(chunkSize)
        status = inflate(&stream, Z_NO_FLUSH)
        count = chunkSize - Int(stream.avail_out)
      }
      guard output.count + chunk.count <= limit else { throw .tooLarge(limit: limit) }
      output += chunk
      switch status {
      case Z_OK where stream.avail_in == 0 && stream.avail_out > 0: return (input.count, false)
      case Z_OK, Z_STREAM_END: break
      // Nothing could be done: all that was there is used.
      case Z_BUF_ERROR: return (input.count - Int(stream.avail_in), false)
      case Z_MEM_ERROR: throw .memory
      default: throw isSum(stream) ? .checksum : .format
      }
    }
    return (input.count - Int(stream.avail_in), true)
  }

  /// Whether what zlib complains of is a sum over the data, and not over a header.
  private static func isSum(_ stream: z_stream) -> Bool {
    ["incorrect data check", "incorrect length check"].contains(stream.msg.map { String(cString: $0) } ?? "")
  }

  private static let chunkSize = 1 << 16
}

/// What is wrong with a packed file.
enum GzipFault: Error, CustomStringConvertible {
  case truncated, format, checksum, tooLarge(limit: Int), memory

  var description: String {
    switch self {
    case .truncated: "the packed data end too early"
    case .format: "it is no gzip file, or a damaged one"
    case .checksum: "the packed data do not match their checksum"
    case .tooLarge(let limit): "it unpacks to more than \(limit >> 20) MiB"
    case .memory: "there is no memory to unpack it"
    }
  }
}

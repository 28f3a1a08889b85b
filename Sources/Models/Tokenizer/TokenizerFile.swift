#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Reading one file whole, with the size checked first.
enum TokenizerFile {
  /// The most that a `tokenizer.json` may hold: the largest in use hold about 20 MiB.
  static let limit = 64 << 20

  /// Reads an ordinary file of at most `limit` bytes; a pipe, device or directory is refused.
  static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
    guard !path.utf8.contains(0) else { throw .unreadable(file: path, reason: "the path holds a zero byte") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(file: path, reason: reason(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: reason(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(file: path, reason: "it is not an ordinary file") }
    let size = Int(status.st_size)
    guard size <= limit else { throw .tooLarge(file: path, bytes: size, limit: limit) }
    var bytes = [UInt8](repeating: 0, count: size)
    var filled = 0
    while filled < size {
      let count = bytes.withUnsafeMutableBytes { readBytes(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[filled...])) }
      if count < 0 {
        guard errno == EINTR else { throw .unreadable(file: path, reason: reason(errno)) }
      } else if count == 0 {
        throw .unreadable(file: path, reason: "it became shorter while being read")
      } else {
        filled += count
      }
    }
    return bytes
  }

  private static func reason(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}

private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, buffer.baseAddress, buffer.count)
}

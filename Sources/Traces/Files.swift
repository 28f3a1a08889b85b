#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The few calls of the operating system that traces and journals need, with its reasons as errors.
enum Files {
  /// What the operating system said last.
  static var reason: String { String(cString: strerror(errno)) }

  /// An open file, closed when it goes out of scope.
  struct Descriptor: ~Copyable {
    let number: Int32

    static func opened(_ path: String, _ flags: Int32, mode: mode_t = 0o644) -> Descriptor? {
      var number: Int32
      repeat { number = open(path, flags | O_CLOEXEC, mode) } while number < 0 && errno == EINTR
      return number < 0 ? nil : Descriptor(number: number)
    }

    deinit { close(number) }
  }

  /// The folder that a path lies in.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Whether two paths lead to one file that exists.
  static func areSame(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// What a folder holds; nil if it cannot be read.
  static func names(in folder: String) -> [String]? {
    guard let stream = opendir(folder) else { return nil }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } })
    }
    return names
  }

  /// Every byte of a regular file. Anything else is refused, and opened without waiting: a pipe may never have a writer.
  ///
  /// - Parameter limit: the largest size taken.
  static func read(_ path: String, limit: Int) throws(TraceError) -> [UInt8] {
    guard let file = Descriptor.opened(path, O_RDONLY | O_NONBLOCK) else { throw .unreadable(path: path, reason: reason) }
    return try read(file.number, path: path, limit: limit)
  }

  static func read(_ number: Int32, path: String, limit: Int) throws(TraceError) -> [UInt8] {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .unreadable(path: path, reason: reason) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "it is not a regular file") }
    let size = Int(status.st_size)
    guard size <= limit else { throw .tooLarge(path: path, what: "a file of \(size) bytes", limit: "\(limit) bytes") }
    var bytes = [UInt8](repeating: 0, count: size)
    var done = 0
    while done < size {
      let got = bytes.withUnsafeMutableBytes { pread(number, $0.baseAddress.map { $0 + done }, size - done, off_t(done)) }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .unreadable(path: path, reason: reason) }
      if got == 0 { break }
      done += got
    }
    bytes.removeLast(size - done)
    return bytes
  }

  /// Writes all bytes where the file stands; false with `errno` set if not all went in.
  static func write(_ bytes: ArraySlice<UInt8>, to number: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        #if canImport(Glibc)
          let put = Glibc.write(number, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        #else
          let put = Darwin.write(number, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        #endif
        if put < 0, errno == EINTR { continue }
        if put <= 0 { return false }
        done += put
      }
      return true
    }
  }

  /// Makes names created, renamed or removed in a folder survive a power failure. File systems that cannot are left at that.
  static func synchronize(folder path: String) {
    if let folder = Descriptor.opened(path, O_RDONLY | O_DIRECTORY) { fsync(folder.number) }
  }
}

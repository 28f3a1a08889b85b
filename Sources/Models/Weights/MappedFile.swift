#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A file's bytes, mapped read-only for as long as this object lives.
///
/// The file must not shrink meanwhile: replace a file by renaming a new one over it, as writers of weights do.
package final class MappedFile: Sendable {
  /// The path it was opened by.
  package let path: String
  /// How many bytes.
  package var count: Int { mapping.count }
  /// The mapping is private and never written, so any thread may read it.
  private nonisolated(unsafe) let mapping: UnsafeRawBufferPointer

  /// Maps an ordinary file.
  package init(_ path: String) throws(WeightsError) {
    self.path = path
    // O_NONBLOCK: opening a pipe must not hang before it is recognised as none of ours.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(file: path, reason: Self.reason(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: Self.reason(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(file: path, reason: status.st_mode & S_IFMT == S_IFDIR ? "it is a directory" : "it is not an ordinary file")
    }
    guard let count = Int(exactly: status.st_size), count > 0 else { throw .unreadable(file: path, reason: "it is empty") }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .unreadable(file: path, reason: Self.reason(errno))
    }
    mapping = UnsafeRawBufferPointer(start: base, count: count)
  }

  deinit { if let base = mapping.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), mapping.count) } }

  /// Lends the bytes; they stay mapped until `body` returns.
  package func withBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
    // Without this the mapping could go as soon as its address has been read.
    defer { withExtendedLifetime(self) {} }
    return try body(mapping)
  }

  private static func reason(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }

  /// Whether something is there, of whatever kind.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

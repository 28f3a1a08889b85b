#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Files written as a whole: a reader sees the old bytes or the new ones, whatever happens in between, a power failure included.
package enum DurableFile {
  /// Replaces a file, or creates it; its permissions stay. A symbolic link stays, and what it points to is replaced.
  ///
  /// The bytes go to a temporary file in the same folder, are flushed, renamed over the destination, and the folder is flushed.
  ///
  /// - Throws: `.unwritable`, with the earlier file untouched. Devices, pipes, sockets and folders are refused.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(TraceError) {
    var new = try Replacement(of: try target(of: path), for: path)
    try new.write(bytes[...])
    try new.take()
  }

  /// Replaces a file by text that comes piece by piece.
  package static func replace(_ path: String, streaming body: ((String) throws(TraceError) -> Void) throws(TraceError) -> Void) throws(TraceError) {
    var new = try Replacement(of: try target(of: path), for: path)
    var waiting: [UInt8] = []
    try body { (text) throws(TraceError) in
      waiting += text.utf8
      guard waiting.count >= 1 << 18 else { return }
      try new.write(waiting[...])
      waiting.removeAll(keepingCapacity: true)
    }
    try new.write(waiting[...])
    try new.take()
  }

  /// Removes what killed processes left of replacements of files in a folder.
  package static func sweep(_ folder: String, of names: [String]) {
    for entry in Files.names(in: folder) ?? [] where entry.hasSuffix(ending) {
      guard let name = names.first(where: { entry.hasPrefix($0 + ".") }) else { continue }
      // Its maker may still be at work on it.
      guard let maker = pid_t(entry.dropFirst(name.count + 1).prefix { $0 != "." }), maker > 0, kill(maker, 0) != 0, errno == ESRCH else { continue }
      unlink(folder + "/" + entry)
    }
  }

  private static let ending = ".tmp"

  /// Refuses a destination that `replace` could not write, before any work is done for it.
  ///
  /// - Throws: `.unwritable` for what is not a regular file, and for a folder that is missing or takes no files.
  package static func check(destination path: String) throws(TraceError) {
    let folder = Files.folder(of: try target(of: path))
    var status = stat()
    guard stat(folder, &status) == 0 else { throw .unwritable(path: path, reason: "its folder \(folder): \(Files.reason)") }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .unwritable(path: path, reason: "\(folder) is not a folder") }
    guard access(folder, W_OK | X_OK) == 0 else { throw .unwritable(path: path, reason: "its folder \(folder): \(Files.reason)") }
  }

  /// The name to replace: the path itself, or what it points to if it is a symbolic link, where that is a regular file or nothing yet.
  private static func target(of path: String) throws(TraceError) -> String {
    func refused(_ reason: String) -> TraceError { .unwritable(path: path, reason: reason) }
    guard !path.isEmpty, !path.utf8.contains(0) else { throw refused("this names no file") }
    var status = stat()
    // Asked first, through every link: the links of /dev and /proc lead to places that no path names.
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { throw refused("it is not a regular file") }
    } else if errno != ENOENT {
      throw refused(Files.reason)
    }
    var target = path
    // As many links as the system follows.
    for _ in 0...40 {
      guard lstat(target, &status) == 0 else {
        if errno == ENOENT { return target }
        throw refused(Files.reason)
      }
      if status.st_mode & S_IFMT == S_IFREG { return target }
      guard status.st_mode & S_IFMT == S_IFLNK, let next = link(target) else { throw refused("it is not a regular file") }
      target = next.utf8.first == UInt8(ascii: "/") ? next : Files.folder(of: target) + "/" + next
    }
    throw refused("it is a circle of links")
  }

  /// What a symbolic link says.
  private static func link(_ path: String) -> String? {
    var characters = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &characters, characters.count)
    guard count > 0, count < characters.count else { return nil }
    return String(validating: characters[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A file in the making beside the one whose place it takes; gone if it never does.
  private struct Replacement: ~Copyable {
    private let target: String
    private let path: String
    private let name: String
    private let file: Files.Descriptor
    private var isTaken = false

    /// A new file in the target's folder. Never one that exists: another thread may be writing it, or somebody planted a link there.
    init(of target: String, for path: String) throws(TraceError) {
      for attempt in 0..<1000 {
        let name = "\(target).\(getpid()).\(attempt)\(ending)"
        if let file = Files.Descriptor.opened(name, O_WRONLY | O_CREAT | O_EXCL) {
          self.target = target
          self.path = path
          self.name = name
          self.file = file
          return
        }
        guard errno == EEXIST else { break }
      }
      throw .unwritable(path: path, reason: Files.reason)
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(TraceError) {
      if !Files.write(bytes, to: file.number) { throw .unwritable(path: path, reason: Files.reason) }
    }

    /// Flushes the file and puts it in the target's place.
    mutating func take() throws(TraceError) {
      var status = stat()
      // Who may read a file is its owner's decision, not ours.
      let mode = stat(target, &status) == 0 ? status.st_mode & 0o7777 : nil
      guard mode == nil || fchmod(file.number, mode ?? 0) == 0, fsync(file.number) == 0, rename(name, target) == 0 else {
        throw .unwritable(path: path, reason: Files.reason)
      }
      isTaken = true
      Files.synchronize(folder: Files.folder(of: target))
    }

    deinit { if !isTaken { unlink(name) } }
  }
}

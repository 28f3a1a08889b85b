internal import CHDF5
internal import Synchronization

/// The one owner of libhdf5: every call into the library happens inside `HDF5.exclusively`.
///
/// Debian's build has one global lock and keeps its errors per thread; taking a lock of our own around whole operations keeps a file's calls together and
/// lets a runner's thread use it without suspending. Files are always images in memory: the library touches no disk, so a full disk is our error, not one
/// that leaves it unable to close a file.
enum HDF5 {
  private static let lock = Mutex(())

  /// Runs `body` alone in the library. Not reentrant.
  static func exclusively<Result>(_ body: () throws(TraceError) -> Result) throws(TraceError) -> Result {
    var outcome: Swift.Result<Result, TraceError>?
    lock.withLock { _ in
      // Plugins are programs: a file must not be able to ask for one. The error stack is read, never printed.
      H5PLset_loading_state(0)
      H5Eset_auto2(unmask_error_stack(), nil, nil)
      do throws(TraceError) { outcome = .success(try body()) } catch { outcome = .failure(error) }
    }
    guard let outcome else { throw .unreadable(path: "libhdf5", reason: "the library could not be entered") }
    return try outcome.get()
  }

  /// What the library says went wrong last, innermost cause first, and forgets it.
  static func lastError() -> String {
    let collected = Collected()
    H5Ewalk2(
      unmask_error_stack(), H5E_WALK_UPWARD,
      { depth, entry, data in
        guard depth < 2, let entry, let data, let text = entry.pointee.desc else { return 0 }
        Unmanaged<Collected>.fromOpaque(data).takeUnretainedValue().reasons.append(String(cString: text))
        return 0
      }, Unmanaged.passUnretained(collected).toOpaque())
    H5Eclear2(unmask_error_stack())
    return collected.reasons.isEmpty ? "the HDF5 library gave no reason" : collected.reasons.joined(separator: ": ")
  }

  private final class Collected {
    var reasons: [String] = []
  }

  /// An open object of the library, closed when it goes out of scope.
  struct Handle: ~Copyable {
    /// The library's number for it.
    let id: hid_t
    private let close: (hid_t) -> herr_t

    private init(id: hid_t, close: @escaping (hid_t) -> herr_t) {
      self.id = id
      self.close = close
    }

    /// Takes over what a call of the library returned; nil if it failed.
    static func opened(_ id: hid_t, _ close: @escaping (hid_t) -> herr_t) -> Handle? { id < 0 ? nil : Handle(id: id, close: close) }

    deinit { _ = close(id) }
  }

  /// The type a column has on disk. Little-endian on every machine.
  static func stored(_ type: ColumnType) -> hid_t {
    switch type {
    case .int8: unmask_int8()
    case .uint8: unmask_uint8()
    case .int32: unmask_int32()
    case .int64: unmask_int64()
    case .float32: unmask_float32()
    case .float64: unmask_float64()
    case .string: unmask_c_string()
    }
  }

  /// The type a column has in memory.
  static func native(_ type: ColumnType) -> hid_t {
    switch type {
    case .int8: unmask_native_int8()
    case .uint8: unmask_native_uint8()
    case .int32: unmask_native_int32()
    case .int64: unmask_native_int64()
    case .float32: unmask_native_float32()
    case .float64: unmask_native_float64()
    case .string: unmask_c_string()
    }
  }

  /// Texts of any length in UTF-8.
  static func textType() -> Handle? {
    guard let type = Handle.opened(H5Tcopy(unmask_c_string()), H5Tclose) else { return nil }
    guard H5Tset_size(type.id, unmask_variable()) >= 0, H5Tset_cset(type.id, H5T_CSET_UTF8) >= 0 else { return nil }
    return type
  }

  /// Access through an image in memory, growing by a mebibyte, never written anywhere by the library. What is written has the format of HDF5 1.8: its
  /// groups and headers take a fraction of the older one's room and carry checksums of their own.
  static func memoryAccess() -> Handle? {
    guard let access = Handle.opened(H5Pcreate(unmask_file_access()), H5Pclose) else { return nil }
    guard H5Pset_fapl_core(access.id, 1 << 20, false) >= 0, H5Pset_libver_bounds(access.id, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0,
      H5Pset_meta_block_size(access.id, 512) >= 0, H5Pset_small_data_block_size(access.id, 512) >= 0
    else { return nil }
    return access
  }
}

extension TraceFile {
  /// The version of the HDF5 library, as `1.10.8`.
  package static var libraryVersion: String {
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    guard H5get_libversion(&major, &minor, &release) >= 0 else { return "of unknown version" }
    return "\(major).\(minor).\(release)"
  }
}

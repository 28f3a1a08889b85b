import CHDF5
import Foundation
import Testing

@testable import Traces

/// A trace as another program would write it: HDF5's oldest format, whose headers carry no checksums, so that a changed byte reaches the code behind them.
enum PlainFile {
  struct Failure: Error {}

  static func image(of trace: Trace, isCompressed: Bool) throws -> [UInt8] {
    let image = try HDF5.exclusively { () throws(TraceError) -> [UInt8] in
      let access = H5Pcreate(unmask_file_access())
      H5Pset_fapl_core(access, 1 << 16, false)
      let file = H5Fcreate("plain", unmask_truncate(), unmask_default(), access)
      defer {
        H5Fclose(file)
        H5Pclose(access)
      }
      let own = trace.attributes
      for (name, text) in [
        ("schema", TraceSchema.name), ("config", own.config), ("run_digest", own.runDigest), ("model_digest", own.modelDigest), ("created", own.created),
        ("status", own.status.rawValue), ("level", own.level),
      ] { put(name, .string([text]), on: file) }
      put("schema_version", .int64([Int64(TraceSchema.version)]), on: file)
      for table in trace.tables {
        let group = H5Gcreate2(file, table.name, unmask_default(), unmask_default(), unmask_default())
        for name in table.names {
          guard let column = table[name] else { continue }
          write(name, column, to: group, isCompressed: isCompressed)
        }
        if table.name == TraceSchema.beliefs { put("k", .int64([Int64(trace.candidates)]), on: group) }
        H5Gclose(group)
      }
      H5Fflush(file, H5F_SCOPE_GLOBAL)
      var bytes = [UInt8](repeating: 0, count: max(H5Fget_file_image(file, nil, 0), 0))
      H5Fget_file_image(file, &bytes, bytes.count)
      return bytes
    }
    if image.isEmpty { throw Failure() }
    return image
  }

  private static func put(_ name: String, _ value: Column, on object: hid_t) {
    let space = H5Screate(H5S_SCALAR)
    let type = self.type(value)
    let attribute = H5Acreate2(object, name, type, space, unmask_default(), unmask_default())
    withBytes(of: value) { _ = H5Awrite(attribute, type, $0) }
    H5Aclose(attribute)
    H5Sclose(space)
  }

  private static func write(_ name: String, _ column: Column, to group: hid_t, isCompressed: Bool) {
    var extent = [hsize_t(column.count)]
    let space = H5Screate_simple(1, &extent, nil)
    let creation = H5Pcreate(unmask_dataset_create())
    if isCompressed, column.type != .string, column.count > 0 {
      var chunk = [hsize_t(min(column.count, 100))]
      H5Pset_chunk(creation, 1, &chunk)
      H5Pset_deflate(creation, 6)
    }
    let type = self.type(column)
    let dataset = H5Dcreate2(group, name, type, space, unmask_default(), creation, unmask_default())
    if column.count > 0 { withBytes(of: column) { _ = H5Dwrite(dataset, type, unmask_whole(), unmask_whole(), unmask_default(), $0) } }
    H5Dclose(dataset)
    H5Pclose(creation)
    H5Sclose(space)
  }

  /// Types of texts are left open; a test's process ends soon.
  private static func type(_ column: Column) -> hid_t {
    guard column.type == .string else { return HDF5.stored(column.type) }
    let text = H5Tcopy(unmask_c_string())
    H5Tset_size(text, unmask_variable())
    H5Tset_cset(text, H5T_CSET_UTF8)
    return text
  }

  private static func withBytes(of column: Column, _ body: (UnsafeRawPointer?) -> Void) {
    switch column {
    case .int8(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .uint8(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .int32(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .int64(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .float32(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .float64(let values): values.withUnsafeBytes { body($0.baseAddress) }
    case .string(let values):
      let pointers = values.map { strdup($0) }
      pointers.withUnsafeBytes { body($0.baseAddress) }
      for pointer in pointers { free(pointer) }
    }
  }
}

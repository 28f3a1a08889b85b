internal import CHDF5

/// Reads the columns of one file image, distrusting every number in it.
///
/// Before a column is read: its links must be hard links, its object a dataset of one dimension and of exactly the stored type; its layout contiguous,
/// compact or chunked (no virtual or external storage); its filters deflate and shuffle only; and its extent must be explained by the bytes the file really
/// holds for it (deflate cannot expand a byte to more than 1032). All columns together must stay within the limit.
struct HDF5Reader: ~Copyable {
  private let file: HDF5.Handle
  private let path: String
  private let fileSize: Int
  private var budget: Int

  /// The largest expansion of one byte by deflate.
  static let deflateRatio = 1032
  /// The longest text of a column, in bytes.
  static let longestText = 1 << 16

  /// Opens an image. The caller is inside `HDF5.exclusively`.
  ///
  /// - Parameters:
  ///   - path: where the image came from, for messages.
  ///   - limit: bytes that all columns may take in memory.
  init(_ image: borrowing [UInt8], path: String, limit: Int) throws(TraceError) {
    self.path = path
    fileSize = image.count
    budget = limit
    guard let access = HDF5.memoryAccess() else { throw .unreadable(path: path, reason: HDF5.lastError()) }
    let placed = image.withUnsafeBytes { bytes in
      // The library copies the image; the pointer is not kept and not written through.
      H5Pset_file_image(access.id, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) >= 0
    }
    guard placed, let file = HDF5.Handle.opened(H5Fopen("trace", unmask_read_only(), access.id), H5Fclose) else {
      throw .damaged(path: path, place: "the file", reason: HDF5.lastError())
    }
    self.file = file
  }

  private func damaged(_ place: String, _ reason: String? = nil) -> TraceError { .damaged(path: path, place: place, reason: reason ?? HDF5.lastError()) }

  /// Whether a group is there, by a hard link.
  func has(group: String) -> Bool { H5Lexists(file.id, group, unmask_default()) > 0 }

  /// A text attribute of the file; nil if there is none.
  func text(attribute name: String) throws(TraceError) -> String? {
    guard try exists(name, on: file.id) else { return nil }
    let place = "attribute \(name)"
    guard let attribute = HDF5.Handle.opened(H5Aopen(file.id, name, unmask_default()), H5Aclose),
      let type = HDF5.Handle.opened(H5Aget_type(attribute.id), H5Tclose), let space = HDF5.Handle.opened(H5Aget_space(attribute.id), H5Sclose)
    else { throw damaged(place) }
    guard H5Tget_class(type.id) == H5T_STRING, H5Sget_simple_extent_npoints(space.id) == 1 else { throw damaged(place, "it is not one text") }
    if H5Tis_variable_str(type.id) > 0 {
      guard let memory = HDF5.textType(), H5Tset_cset(memory.id, H5Tget_cset(type.id)) >= 0 else { throw damaged(place) }
      var pointer: UnsafeMutablePointer<CChar>?
      guard H5Aread(attribute.id, memory.id, &pointer) >= 0 else { throw damaged(place) }
      guard let pointer else { return "" }
      defer { H5free_memory(pointer) }
      guard let text = String(validatingCString: pointer) else { throw damaged(place, "it is not UTF-8") }
      return text
    }
    let size = H5Tget_size(type.id)
    guard size > 0, size <= fileSize else { throw damaged(place, "a text of \(size) bytes in a file of \(fileSize)") }
    var bytes = [UInt8](repeating: 0, count: size)
    guard H5Aread(attribute.id, type.id, &bytes) >= 0 else { throw damaged(place) }
    guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else { throw damaged(place, "it is not UTF-8") }
    return text
  }

  /// An integer attribute of the file; nil if there is none.
  func integer(attribute name: String) throws(TraceError) -> Int? { try integer(name, of: file.id, "attribute \(name)") }

  /// An integer attribute of a group; nil if there is none.
  func integer(attribute name: String, of group: String) throws(TraceError) -> Int? {
    let owner = try open(group: group)
    return try integer(name, of: owner.id, "attribute \(name) of /\(group)")
  }

  private func integer(_ name: String, of object: hid_t, _ place: String) throws(TraceError) -> Int? {
    guard try exists(name, on: object) else { return nil }
    guard let attribute = HDF5.Handle.opened(H5Aopen(object, name, unmask_default()), H5Aclose),
      let type = HDF5.Handle.opened(H5Aget_type(attribute.id), H5Tclose), let space = HDF5.Handle.opened(H5Aget_space(attribute.id), H5Sclose)
    else { throw damaged(place) }
    guard H5Tget_class(type.id) == H5T_INTEGER, H5Tget_size(type.id) <= 8, H5Sget_simple_extent_npoints(space.id) == 1 else {
      throw damaged(place, "it is not one integer")
    }
    var value: Int64 = 0
    guard H5Aread(attribute.id, unmask_native_int64(), &value) >= 0 else { throw damaged(place) }
    return Int(value)
  }

  private func exists(_ attribute: String, on object: hid_t) throws(TraceError) -> Bool {
    let answer = H5Aexists(object, attribute)
    if answer < 0 { throw damaged("attribute \(attribute)") }
    return answer > 0
  }

  private func open(group: String) throws(TraceError) -> HDF5.Handle {
    guard H5Lexists(file.id, group, unmask_default()) > 0 else { throw .notATrace(path: path, reason: "there is no group /\(group)") }
    guard unmask_is_hard_link(file.id, group) != 0 else { throw damaged("/\(group)", "it is a link to somewhere else") }
    guard let handle = HDF5.Handle.opened(H5Gopen2(file.id, group, unmask_default()), H5Gclose) else { throw damaged("/\(group)") }
    return handle
  }

  /// Whether a group that is there has a column.
  func has(column: String, of group: String) throws(TraceError) -> Bool {
    let owner = try open(group: group)
    return H5Lexists(owner.id, column, unmask_default()) > 0
  }

  /// One column, checked before it is read.
  mutating func column(_ field: TraceSchema.Field, of table: String) throws(TraceError) -> Column {
    let place = "/\(table)/\(field.name)"
    let group = try open(group: table)
    guard H5Lexists(group.id, field.name, unmask_default()) > 0 else { throw .notATrace(path: path, reason: "there is no column \(place)") }
    guard unmask_is_hard_link(group.id, field.name) != 0 else { throw damaged(place, "it is a link to somewhere else") }
    guard let dataset = HDF5.Handle.opened(H5Dopen2(group.id, field.name, unmask_default()), H5Dclose),
      let type = HDF5.Handle.opened(H5Dget_type(dataset.id), H5Tclose), let space = HDF5.Handle.opened(H5Dget_space(dataset.id), H5Sclose)
    else { throw damaged(place) }
    try checkType(type.id, field, place)
    guard H5Sget_simple_extent_type(space.id) == H5S_SIMPLE, H5Sget_simple_extent_ndims(space.id) == 1 else {
      throw damaged(place, "it does not have exactly one dimension")
    }
    var extent: [hsize_t] = [0]
    guard H5Sget_simple_extent_dims(space.id, &extent, nil) == 1 else { throw damaged(place) }
    guard let count = Int(exactly: extent[0]) else { throw damaged(place, "it claims \(extent[0]) values") }
    try checkStorage(dataset.id, count: count, size: field.type.size, place)
    if field.type == .string { return .string(try texts(dataset.id, cset: H5Tget_cset(type.id), count: count, place)) }
    return try numbers(dataset.id, field.type, count: count, place)
  }

  private func checkType(_ type: hid_t, _ field: TraceSchema.Field, _ place: String) throws(TraceError) {
    let matches =
      field.type == .string
      ? H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0 : H5Tequal(type, HDF5.stored(field.type)) > 0
    guard matches else {
      throw .notATrace(path: path, reason: "\(place) is not of type \(field.type == .string ? "variable-length string" : field.type.rawValue)")
    }
  }

  private mutating func checkStorage(_ dataset: hid_t, count: Int, size: Int, _ place: String) throws(TraceError) {
    guard let properties = HDF5.Handle.opened(H5Dget_create_plist(dataset), H5Pclose) else { throw damaged(place) }
    let layout = H5Pget_layout(properties.id)
    guard layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT else { throw damaged(place, "its storage is virtual or unknown") }
    guard H5Pget_external_count(properties.id) == 0 else { throw damaged(place, "its values lie in another file") }
    let filters = H5Pget_nfilters(properties.id)
    guard filters >= 0 else { throw damaged(place) }
    var ratio = 1
    for index in 0..<UInt32(filters) {
      var flags: UInt32 = 0
      var parameters = 0
      let filter = H5Pget_filter2(properties.id, index, &flags, &parameters, nil, 0, nil, nil)
      guard filter == Int32(unmask_deflate()) || filter == Int32(unmask_shuffle()) else {
        throw damaged(place, "filter \(filter) is none of deflate and shuffle")
      }
      if filter == Int32(unmask_deflate()) {
        guard ratio == 1 else { throw damaged(place, "it is compressed twice") }
        ratio = Self.deflateRatio
      }
    }
    let bytes = count.multipliedReportingOverflow(by: size)
    let stored = Int(clamping: H5Dget_storage_size(dataset))
    // A chunked column's last chunk is stored whole, never more than the file.
    let explained = min(stored, fileSize).multipliedReportingOverflow(by: ratio)
    guard !bytes.overflow, !explained.overflow, bytes.partialValue <= explained.partialValue else {
      throw damaged(place, "it claims \(count) values, but only \(stored) bytes are stored for it")
    }
    if layout == H5D_CHUNKED {
      var chunk: [hsize_t] = [0]
      guard H5Pget_chunk(properties.id, 1, &chunk) == 1, let length = Int(exactly: chunk[0]), length > 0, length <= budget / size else {
        throw damaged(place, "its chunks are too large")
      }
    }
    // Strings are counted by their texts too, in `texts`.
    guard bytes.partialValue <= budget else { throw TraceError.tooLarge(path: path, what: "the size of all columns up to \(place)", limit: "the reader") }
    budget -= bytes.partialValue
  }

  private func numbers(_ dataset: hid_t, _ type: ColumnType, count: Int, _ place: String) throws(TraceError) -> Column {
    func read<T: BitwiseCopyable>(_ zero: T) throws(TraceError) -> [T] {
      if count == 0 { return [] }
      var values = [T](repeating: zero, count: count)
      let done = values.withUnsafeMutableBytes {
        H5Dread(dataset, HDF5.native(type), unmask_whole(), unmask_whole(), unmask_default(), $0.baseAddress) >= 0
      }
      if !done { throw damaged(place) }
      return values
    }
    return switch type {
    case .int8: .int8(try read(0))
    case .uint8: .uint8(try read(0))
    case .int32: .int32(try read(0))
    case .int64: .int64(try read(0))
    case .float32: .float32(try read(0))
    case .float64, .string: .float64(try read(0))
    }
  }

  /// Texts, each allocated by us so that a false length is refused before memory is taken.
  private mutating func texts(_ dataset: hid_t, cset: H5T_cset_t, count: Int, _ place: String) throws(TraceError) -> [String] {
    if count == 0 { return [] }
    guard let memory = HDF5.textType(), H5Tset_cset(memory.id, cset) >= 0, let space = HDF5.Handle.opened(H5Dget_space(dataset), H5Sclose),
      let transfer = HDF5.Handle.opened(H5Pcreate(unmask_dataset_transfer()), H5Pclose),
      H5Pset_vlen_mem_manager(
        transfer.id, { size, _ in size > 0 && size <= HDF5Reader.longestText ? UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16) : nil }, nil,
        { memory, _ in memory?.deallocate() }, nil) >= 0
    else { throw damaged(place) }
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard H5Dread(dataset, memory.id, unmask_whole(), unmask_whole(), transfer.id, &pointers) >= 0 else { throw damaged(place) }
    defer { H5Dvlen_reclaim(memory.id, space.id, transfer.id, &pointers) }
    var texts: [String] = []
    texts.reserveCapacity(count)
    for (row, pointer) in pointers.enumerated() {
      guard let pointer else {
        texts.append("")
        continue
      }
      guard let text = String(validatingCString: pointer) else { throw damaged(place, "row \(row) is not UTF-8") }
      // Many rows may point at one text: what they take in memory still counts.
      budget -= text.utf8.count
      if budget < 0 { throw .tooLarge(path: path, what: "the texts of \(place)", limit: "the reader") }
      texts.append(text)
    }
    return texts
  }
}

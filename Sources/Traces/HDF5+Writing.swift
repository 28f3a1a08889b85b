internal import CHDF5

extension HDF5 {
  /// Columns of fewer bytes are stored as they are: a filter's bookkeeping would cost more than it saves.
  static let smallestFiltered = 1024
  /// Elements per chunk of a filtered column: large enough to compress, small enough to read a part.
  static let chunk = 32_768

  /// A file as an image: groups of columns, attributes of the file and of its groups.
  ///
  /// Runs in the library alone; the caller holds no lock.
  static func image(of tables: [Table], attributes: [(String, Attribute)], groupAttributes: [String: [(String, Attribute)]]) throws(TraceError) -> [UInt8] {
    try exclusively { () throws(TraceError) -> [UInt8] in
      guard let access = memoryAccess(), let creation = untimed(unmask_file_create()), H5Pset_istore_k(creation.id, 4) >= 0, isCompact(creation),
        let file = Handle.opened(H5Fcreate("trace", unmask_truncate(), creation.id, access.id), H5Fclose)
      else { throw failure("the file") }
      for (name, value) in attributes { try write(value, name, on: file.id) }
      for table in tables {
        guard let plain = untimed(unmask_group_create()), isCompact(plain), H5Pset_est_link_info(plain.id, UInt32(table.names.count), 10) >= 0,
          let group = Handle.opened(H5Gcreate2(file.id, table.name, unmask_default(), plain.id, unmask_default()), H5Gclose)
        else { throw failure("group /\(table.name)") }
        for name in table.names {
          guard let column = table[name] else { continue }
          try write(column, name, in: group.id, place: "/\(table.name)/\(name)")
        }
        for (name, value) in groupAttributes[table.name] ?? [] { try write(value, name, on: group.id) }
      }
      guard H5Fflush(file.id, H5F_SCOPE_GLOBAL) >= 0 else { throw failure("the file") }
      let size = H5Fget_file_image(file.id, nil, 0)
      guard size > 0 else { throw failure("the file's image") }
      var image = [UInt8](repeating: 0, count: size)
      guard H5Fget_file_image(file.id, &image, size) == size else { throw failure("the file's image") }
      checkSuperblock(of: &image)
      clearExtensionTimes(in: &image)
      return image
    }
  }

  /// Libraries up to 1.10 take the mark "open for writing" off an image and leave the checksum that was taken with it.
  private static func checkSuperblock(of image: inout [UInt8]) {
    let (version, length) = (image[8], 44)
    guard version >= 2, image.count >= length + 4 else { return }
    withUnsafeBytes(of: Lookup3.of(image[..<length]).littleEndian) { image.replaceSubrange(length..<length + 4, with: $0) }
  }

  /// The superblock's extension, which says how large indices of chunks are, is stamped with the time whatever the creation properties say: the stamps are
  /// made zero, so that equal traces make equal files in every second.
  ///
  /// (HDF5 file format specification 3.0: II.B, the extension's address at byte 20; IV.A.1.b, an object header of version 2, flags at byte 5.)
  private static func clearExtensionTimes(in image: inout [UInt8]) {
    func number(at place: Int, bytes: Int) -> Int? {
      place + bytes <= image.count ? Int(exactly: image[place..<place + bytes].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) : nil
    }
    guard image[8] >= 2, let header = number(at: 20, bytes: 8), header < image.count - 22, image[header..<header + 4].elementsEqual("OHDR".utf8) else { return }
    let flags = image[header + 5]
    guard flags & 0x20 != 0 else { return }
    // Behind the stamps: limits of attributes where there are any, the size of the messages, the messages, the checksum of all that.
    let (stamps, width) = (header + 6..<header + 22, 1 << Int(flags & 3))
    let size = stamps.upperBound + (flags & 0x10 != 0 ? 4 : 0)
    guard let messages = number(at: size, bytes: width), messages <= image.count - size - width - 4 else { return }
    let end = size + width + messages
    image.replaceSubrange(stamps, with: repeatElement(0, count: stamps.count))
    withUnsafeBytes(of: Lookup3.of(image[header..<end]).littleEndian) { image.replaceSubrange(end..<end + 4, with: $0) }
  }

  /// An attribute's value.
  enum Attribute {
    case text(String)
    case integer(Int)
  }

  private static func failure(_ what: String) -> TraceError { .unstorable(what: what, reason: lastError()) }

  /// Creation properties without time stamps: equal traces make equal files.
  private static func untimed(_ kind: hid_t) -> Handle? {
    guard let properties = Handle.opened(H5Pcreate(kind), H5Pclose) else { return nil }
    return H5Pset_obj_track_times(properties.id, false) >= 0 ? consume properties : nil
  }

  /// Keeps a group's links and attributes in its header, which no group of ours outgrows: a heap and an index would take more than a small trace.
  private static func isCompact(_ properties: borrowing Handle) -> Bool {
    H5Pset_link_phase_change(properties.id, 64, 32) >= 0 && H5Pset_attr_phase_change(properties.id, 64, 32) >= 0
  }

  private static func write(_ value: Attribute, _ name: String, on object: hid_t) throws(TraceError) {
    guard let space = Handle.opened(H5Screate(H5S_SCALAR), H5Sclose) else { throw failure("attribute \(name)") }
    switch value {
    case .integer(let number):
      var number = Int64(number)
      guard let attribute = Handle.opened(H5Acreate2(object, name, unmask_int64(), space.id, unmask_default(), unmask_default()), H5Aclose),
        H5Awrite(attribute.id, unmask_native_int64(), &number) >= 0
      else { throw failure("attribute \(name)") }
    case .text(let text):
      guard let type = textType(),
        let attribute = Handle.opened(H5Acreate2(object, name, type.id, space.id, unmask_default(), unmask_default()), H5Aclose)
      else { throw failure("attribute \(name)") }
      let done = try withCStrings([text], "attribute \(name)") { H5Awrite(attribute.id, type.id, $0) >= 0 }
      guard done else { throw failure("attribute \(name)") }
    }
  }

  private static func write(_ column: Column, _ name: String, in group: hid_t, place: String) throws(TraceError) {
    var extent = [hsize_t(column.count)]
    // Without room for attributes, which our columns do not have.
    guard let space = Handle.opened(H5Screate_simple(1, &extent, nil), H5Sclose), let properties = untimed(unmask_dataset_create()),
      H5Pset_dset_no_attrs_hint(properties.id, true) >= 0
    else { throw failure(place) }
    if column.type != .string, column.count * column.type.size >= smallestFiltered {
      var chunk = [hsize_t(min(column.count, Self.chunk))]
      guard H5Pset_chunk(properties.id, 1, &chunk) >= 0, H5Pset_shuffle(properties.id) >= 0, H5Pset_deflate(properties.id, 1) >= 0 else {
        throw failure(place)
      }
    }
    guard let text = textType() else { throw failure(place) }
    let type = column.type == .string ? text.id : stored(column.type)
    let memory = column.type == .string ? text.id : native(column.type)
    guard
      let dataset = Handle.opened(H5Dcreate2(group, name, type, space.id, unmask_default(), properties.id, unmask_default()), H5Dclose)
    else { throw failure(place) }
    guard column.count > 0 else { return }
    let id = dataset.id
    let put = { (buffer: UnsafeRawPointer?) in H5Dwrite(id, memory, unmask_whole(), unmask_whole(), unmask_default(), buffer) >= 0 }
    let done =
      switch column {
      case .int8(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .uint8(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .int32(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .int64(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .float32(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .float64(let values): values.withUnsafeBytes { put($0.baseAddress) }
      case .string(let values): try withCStrings(values, place, put)
      }
    guard done else { throw failure(place) }
  }

  /// Lends texts as an array of C strings, all in one buffer. A text with a NUL inside cannot be told from a shorter one and is refused.
  private static func withCStrings(_ texts: [String], _ place: String, _ body: (UnsafeRawPointer?) -> Bool) throws(TraceError) -> Bool {
    var bytes: [CChar] = []
    var starts: [Int] = []
    for text in texts {
      if text.utf8.contains(0) { throw .unstorable(what: place, reason: "the text `\(text.prefix(40))` contains a NUL character") }
      starts.append(bytes.count)
      bytes += text.utf8.map(CChar.init(bitPattern:))
      bytes.append(0)
    }
    return bytes.withUnsafeBufferPointer { buffer in
      let pointers: [UnsafePointer<CChar>?] = starts.map { start in buffer.baseAddress.map { $0 + start } }
      return pointers.withUnsafeBytes { body($0.baseAddress) }
    }
  }
}

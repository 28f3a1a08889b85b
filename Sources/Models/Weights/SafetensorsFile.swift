/// A safetensors file: 8 bytes of header length, a JSON header, then the tensors' bytes without holes.
///
/// The format and its checks: https://huggingface.co/docs/safetensors. Nothing in the file is believed before it is checked; nothing is
/// allocated in proportion to a number the file only claims.
package struct SafetensorsFile: Sendable {
  /// The longest header accepted, as in the reference implementation.
  package static let headerLimit = 100_000_000

  /// The tensors by name.
  package let tensors: [String: StoredTensor]
  /// The mapped file.
  package let file: MappedFile

  /// Maps a file and checks its header.
  package init(_ path: String) throws(WeightsError) {
    file = try MappedFile(path)
    let size = file.count
    guard size >= 8 else { throw .malformed(file: path, reason: "it ends within the 8 bytes of the header's length") }
    let claimed = UInt64(littleEndian: file.withBytes { $0.loadUnaligned(as: UInt64.self) })
    guard claimed <= UInt64(Self.headerLimit), claimed <= UInt64(size - 8) else {
      throw .headerLength(file: path, length: claimed, bytes: size)
    }
    let dataStart = 8 + Int(claimed)
    let header: JSONDocument
    do throws(JSONFault) { header = try JSONDocument(file.withBytes { Array($0[8..<dataStart]) }) } catch {
      throw .malformed(file: path, reason: "its header is not valid JSON: \(error)")
    }
    guard case .object(let members) = header.root else {
      throw .malformed(file: path, reason: "its header is \(header.kind(header.root)), expected an object")
    }
    var tensors: [String: StoredTensor] = [:]
    // In order of name, so that the same file always gives the same error.
    for (name, entry) in header.named(members) {
      if name == "__metadata__" {
        try Self.checkMetadata(header, entry, path)
      } else {
        let tensor = try Self.tensor(name, header, entry, file, dataStart)
        // The reader tells keys apart by their bytes, a dictionary of strings by what Unicode says of them.
        guard tensors.updateValue(tensor, forKey: name) == nil else { throw tensor.fault(.entry("another tensor has the same name in other bytes")) }
      }
    }
    try Self.checkCoverage(tensors, file, dataStart)
    self.tensors = tensors
  }

  private static func checkMetadata(_ header: JSONDocument, _ entry: JSONDocument.Value, _ path: String) throws(WeightsError) {
    guard case .object(let members) = entry else { throw .malformed(file: path, reason: "__metadata__ is \(header.kind(entry)), expected an object") }
    for (key, value) in header.named(members) {
      guard case .string = value else { throw .malformed(file: path, reason: "__metadata__.\(key) is \(header.kind(value)), expected a string") }
    }
  }

  private static func tensor(
    _ name: String, _ header: JSONDocument, _ entry: JSONDocument.Value, _ file: MappedFile, _ dataStart: Int
  ) throws(WeightsError) -> StoredTensor {
    func fault(_ fault: TensorFault) -> WeightsError { .tensor(file: file.path, name: name, fault: fault) }
    guard case .object(let members) = entry else { throw fault(.entry("its entry is \(header.kind(entry)), expected an object")) }
    guard case .string(let type)? = header.member("dtype", of: entry) else { throw fault(.entry("`dtype` is missing or not a string")) }
    guard case .array(let sizes)? = header.member("shape", of: entry) else { throw fault(.entry("`shape` is missing or not an array")) }
    guard case .array(let offsets)? = header.member("data_offsets", of: entry), offsets.count == 2 else {
      throw fault(.entry("`data_offsets` is missing or not a pair"))
    }
    if let other = header.named(members).first(where: { !["dtype", "shape", "data_offsets"].contains($0.0) })?.0 {
      throw fault(.entry("`\(other)` is not a key of a tensor's entry"))
    }
    guard sizes.count <= 8 else { throw fault(.entry("it has \(sizes.count) dimensions, expected at most 8")) }
    let typeName = header.string(type)
    var shape: [Int] = []
    var elements = 1
    for element in sizes {
      guard let size = header.integer(element), size >= 0 else {
        throw fault(.entry("`shape` holds \(header.kind(element)), expected sizes"))
      }
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fault(.entry("`shape` has more elements than can be counted")) }
      shape.append(size)
      elements = product
    }
    let limit = file.count - dataStart
    guard let begin = header.integer(offsets[0]), let end = header.integer(offsets[1]), begin >= 0 else {
      throw fault(.entry("`data_offsets` are not offsets"))
    }
    guard begin <= end, end <= limit else { throw fault(.outside(begin: begin, end: end, limit: limit)) }
    guard let bits = widths[typeName] else { throw fault(.unknownType(typeName)) }
    let (size, overflow) = elements.multipliedReportingOverflow(by: bits)
    guard !overflow, size % 8 == 0, size / 8 == end - begin else {
      throw fault(.size(shape: shape, type: typeName, bytes: end - begin))
    }
    return StoredTensor(name: name, typeName: typeName, shape: shape, file: file, range: dataStart + begin..<dataStart + end)
  }

  /// Bits of an element, for every type of the format: a file may hold tensors that no model here reads.
  private static let widths = [
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
  ]

  /// The tensors, in order of place, must follow each other without a hole and fill the file.
  private static func checkCoverage(_ tensors: [String: StoredTensor], _ file: MappedFile, _ dataStart: Int) throws(WeightsError) {
    var at = dataStart
    var before = ""
    let places = tensors.values.sorted {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    for tensor in places {
      if tensor.range.lowerBound < at { throw tensor.fault(.overlap(with: before)) }
      if tensor.range.lowerBound > at { throw tensor.fault(.gap(begin: at - dataStart, end: tensor.range.lowerBound - dataStart)) }
      at = tensor.range.upperBound
      before = tensor.name
    }
    guard at == file.count else {
      throw .malformed(file: file.path, reason: "its last \(file.count - at) bytes belong to no tensor")
    }
  }
}

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
    let header: StrictJSON
    do throws(StrictJSON.Fault) {
      header = try file.withBytes { (bytes) throws(StrictJSON.Fault) in try StrictJSON(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])) }
    } catch {
      throw .malformed(file: path, reason: "its header is not valid JSON: \(error)")
    }
    guard case .object(let members) = header else { throw .malformed(file: path, reason: "its header is \(header.kind), expected an object") }
    var tensors: [String: StoredTensor] = [:]
    // In order of name, so that the same file always gives the same error.
    for (name, entry) in members.sorted(by: { $0.key < $1.key }) {
      if name == "__metadata__" {
        try Self.checkMetadata(entry, path)
      } else {
        tensors[name] = try Self.tensor(name, entry, file, dataStart)
      }
    }
    try Self.checkCoverage(tensors, file, dataStart)
    self.tensors = tensors
  }

  private static func checkMetadata(_ entry: StrictJSON, _ path: String) throws(WeightsError) {
    guard case .object(let members) = entry else { throw .malformed(file: path, reason: "__metadata__ is \(entry.kind), expected an object") }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      guard case .string = value else { throw .malformed(file: path, reason: "__metadata__.\(key) is \(value.kind), expected a string") }
    }
  }

  private static func tensor(_ name: String, _ entry: StrictJSON, _ file: MappedFile, _ dataStart: Int) throws(WeightsError) -> StoredTensor {
    func fault(_ fault: TensorFault) -> WeightsError { .tensor(file: file.path, name: name, fault: fault) }
    guard case .object(let members) = entry else { throw fault(.entry("its entry is \(entry.kind), expected an object")) }
    guard case .string(let typeName)? = members["dtype"] else { throw fault(.entry("`dtype` is missing or not a string")) }
    guard case .array(let sizes)? = members["shape"] else { throw fault(.entry("`shape` is missing or not an array")) }
    guard case .array(let offsets)? = members["data_offsets"], offsets.count == 2 else {
      throw fault(.entry("`data_offsets` is missing or not a pair"))
    }
    if let other = members.keys.filter({ !["dtype", "shape", "data_offsets"].contains($0) }).min() {
      throw fault(.entry("`\(other)` is not a key of a tensor's entry"))
    }
    guard sizes.count <= 8 else { throw fault(.entry("it has \(sizes.count) dimensions, expected at most 8")) }
    var shape: [Int] = []
    var elements = 1
    for size in sizes {
      guard let size = size.integer, size >= 0 else { throw fault(.entry("`shape` holds \(size.kind), expected sizes")) }
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fault(.entry("`shape` has more elements than can be counted")) }
      shape.append(size)
      elements = product
    }
    let limit = file.count - dataStart
    guard let begin = offsets[0].integer, let end = offsets[1].integer, begin >= 0 else {
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

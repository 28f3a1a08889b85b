/// Why a file of weights was refused.
public enum WeightsError: Error, Sendable, Hashable {
  /// The file cannot be opened or read.
  case unreadable(file: String, reason: String)
  /// The header's length is not believable.
  case headerLength(file: String, length: UInt64, bytes: Int)
  /// The header or index is not what the format says.
  case malformed(file: String, reason: String)
  /// One tensor's entry is not what the format says.
  case tensor(file: String, name: String, fault: TensorFault)
  /// The architecture needs a tensor that no file holds.
  case missing(directory: String, name: String)
  /// The index names a tensor that its shard does not hold, or the other way round.
  case index(file: String, name: String, shard: String, reason: String)
  /// Neither a model.safetensors nor an index is there.
  case noWeights(directory: String)
}

/// What is wrong with one tensor.
public enum TensorFault: Sendable, Hashable {
  /// Its entry in the header is not what the format says.
  case entry(String)
  /// An element type that the format does not have.
  case unknownType(String)
  /// An element type that this program cannot compute with.
  case wrongType(found: String, expected: String)
  /// Another shape than the architecture needs.
  case shape(found: [Int], expected: [Int])
  /// Its bytes are not as many as type and shape need.
  case size(shape: [Int], type: String, bytes: Int)
  /// Its bytes reach outside the file; all counted from the start of the data.
  case outside(begin: Int, end: Int, limit: Int)
  /// Its bytes are those of another tensor too.
  case overlap(with: String)
  /// Bytes before it that belong to no tensor.
  case gap(begin: Int, end: Int)
  /// A weight that is NaN or infinite.
  case nonFinite
}

extension TensorFault: CustomStringConvertible {
  /// What was found and what would be right.
  public var description: String {
    switch self {
    case .entry(let reason): reason
    case .unknownType(let type): "element type \"\(type)\" is unknown"
    case .wrongType(let found, let expected): "elements are \(found), expected \(expected)"
    case .shape(let found, let expected): "shape is \(found), expected \(expected)"
    case .size(let shape, let type, let bytes): "\(bytes) bytes of data do not hold \(type) elements of shape \(shape)"
    case .outside(let begin, let end, let limit): "its bytes \(begin) to \(end) reach outside the file's \(limit) bytes of data"
    case .overlap(let other): "its bytes overlap those of `\(other)`"
    case .gap(let begin, let end): "bytes \(begin) to \(end) before it belong to no tensor"
    case .nonFinite: "it holds a weight that is not a finite number"
    }
  }
}

extension WeightsError: CustomStringConvertible {
  /// What was wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
    case .headerLength(let file, let length, let bytes):
      "\(file): its header claims \(length) bytes; the file has \(bytes), and a header may have at most \(SafetensorsFile.headerLimit)"
    case .malformed(let file, let reason): "\(file): \(reason)"
    case .tensor(let file, let name, let fault): "\(file): tensor `\(name)`: \(fault)"
    case .missing(let directory, let name): "\(directory): tensor `\(name)` is missing"
    case .index(let file, let name, let shard, let reason): "\(file): tensor `\(name)` in \"\(shard)\": \(reason)"
    case .noWeights(let directory): "\(directory): neither model.safetensors nor model.safetensors.index.json is there"
    }
  }
}

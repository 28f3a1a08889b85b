#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Writes a checkpoint whose layers' matrices are small integers, into a directory that loads like any other.
///
/// Embedding, head, norms, biases and routers stay as they are stored; so do matrices whose rows are no multiple of 16.
public struct CheckpointQuantizer: Sendable {
  private let directory: String
  private let prefix: String
  private let router: String
  private let checkpoint: Checkpoint
  private let quantizer: Quantizer

  /// What was written.
  public struct Summary: Sendable, Hashable {
    /// Bytes of all tensors before.
    public var stored = 0
    /// And after.
    public var written = 0
    /// Matrices turned into integers.
    public var matrices = 0
  }

  /// Reads a checkpoint's configuration and headers.
  public init(directory: String, _ quantizer: Quantizer) throws(ModelError) {
    let reader = try ConfigurationReader(directory + "/config.json")
    let family = try ModelFamily.of(reader)
    _ = try family.configuration(reader)
    do throws(WeightsError) { checkpoint = try Checkpoint(directory: directory) } catch { throw .weights(error) }
    self.directory = directory
    self.quantizer = quantizer
    prefix = family.tensors.layerPrefix
    router = family.tensors.router
  }

  /// How many tensors there are: what `advance` is called for.
  public var count: Int { checkpoint.names.count }

  /// Writes the weights, then everything else that is small, the configuration last: a directory that was not finished does not load.
  ///
  /// - Parameter destination: a directory that does not exist yet.
  public func write(to destination: String, advance: () -> Void = {}) throws(ModelError) -> Summary {
    guard !MappedFile.exists(destination) else { throw .unwritable(file: destination, reason: "it exists already; name a directory that does not") }
    do { try FileManager.default.createDirectory(atPath: destination, withIntermediateDirectories: true) } catch {
      throw .unwritable(file: destination, reason: "no directory can be made there")
    }
    var summary = Summary()
    var tensors: [SafetensorsStream.Entry] = []
    do throws(WeightsError) {
      for name in checkpoint.names {
        let tensor = try checkpoint.tensor(name)
        summary.stored += tensor.range.count
        if let group = group(tensor) {
          summary.matrices += 1
          let (rows, columns) = (tensor.shape[0], tensor.shape[1])
          let halved = quantizer.bits == .four
          tensors.append(
            .init(name: name, type: halved ? "U8" : "I8", shape: [rows, halved ? columns / 2 : columns], bytes: rows * columns / (halved ? 2 : 1)))
          let scales = rows * (columns / group)
          tensors.append(.init(name: name + Checkpoint.scaleSuffix, type: "F32", shape: [rows, columns / group], bytes: 4 * scales))
        } else {
          tensors.append(.init(name: name, type: tensor.typeName, shape: tensor.shape, bytes: tensor.range.count))
        }
      }
    } catch { throw .weights(error) }
    summary.written = tensors.reduce(0) { $0 + $1.bytes }
    let stream = try SafetensorsStream(destination + "/model.safetensors", tensors)
    for name in checkpoint.names {
      try write(name, to: stream)
      advance()
    }
    try stream.finish()
    try copySmallFiles(to: destination)
    return summary
  }

  /// The group of a matrix that becomes integers.
  private func group(_ tensor: StoredTensor) -> Int? {
    guard tensor.shape.count == 2, tensor.name.hasPrefix(prefix), tensor.name.hasSuffix(".weight"), ElementType(rawValue: tensor.typeName) != nil,
      router.isEmpty || !tensor.name.hasSuffix("." + router + ".weight")
    else { return nil }
    return quantizer.group(columns: tensor.shape[1])
  }

  private func write(_ name: String, to stream: SafetensorsStream) throws(ModelError) {
    let tensor: StoredTensor
    do throws(WeightsError) { tensor = try checkpoint.tensor(name) } catch { throw .weights(error) }
    guard let group = group(tensor) else { return try stream.append(tensor.withBytes { Array($0) }) }
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    let memory = AlignedFloats(count: columns)
    var scales: [UInt8] = []
    var bytes: [UInt8] = []
    for row in 0..<rows {
      do throws(WeightsError) { try tensor.rows(row..<row + 1).widen(into: memory.pointer) } catch { throw .weights(error) }
      for start in stride(from: 0, to: columns, by: group) {
        let scale = quantizer.append(UnsafeBufferPointer(start: memory.pointer + start, count: group), to: &bytes)
        withUnsafeBytes(of: scale.bitPattern.littleEndian) { scales.append(contentsOf: $0) }
      }
      if bytes.count >= 1 << 22 || row == rows - 1 {
        try stream.append(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    try stream.append(scales)
  }

  /// Tokenizer, templates and settings, and the configuration last.
  private func copySmallFiles(to destination: String) throws(ModelError) {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter {
        ($0.hasSuffix(".json") || $0.hasSuffix(".jinja") || $0.hasSuffix(".txt")) && !$0.hasSuffix(".index.json") && $0 != "config.json"
      }
      for name in names.sorted() + ["config.json"] {
        try FileManager.default.copyItem(atPath: directory + "/" + name, toPath: destination + "/" + name)
      }
    } catch { throw .unwritable(file: destination, reason: "the configuration and tokenizer of \(directory) cannot be copied there") }
  }
}

/// The weights of a model directory in Hugging Face layout: `model.safetensors`, or shards named by `model.safetensors.index.json`.
package struct Checkpoint: Sendable {
  /// The directory.
  package let directory: String
  private let tensors: [String: StoredTensor]

  /// Maps the files of a directory and checks their headers.
  package init(directory: String) throws(WeightsError) {
    self.directory = directory
    let single = directory + "/model.safetensors"
    let index = directory + "/model.safetensors.index.json"
    if MappedFile.exists(single) {
      tensors = try SafetensorsFile(single).tensors
    } else if MappedFile.exists(index) {
      tensors = try Self.sharded(index, directory)
    } else {
      throw .noWeights(directory: directory)
    }
  }

  /// A tensor of this name.
  package func tensor(_ name: String) throws(WeightsError) -> StoredTensor {
    guard let tensor = tensors[name] else { throw .missing(directory: directory, name: name) }
    return tensor
  }

  /// A tensor of this name and shape.
  package func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> StoredTensor { try tensor(name).shaped(shape) }

  /// Whether there is a tensor of this name.
  package func holds(_ name: String) -> Bool { tensors[name] != nil }

  /// Elements of all tensors.
  package var elements: Int { tensors.values.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// The names of all tensors, sorted.
  package var names: [String] { tensors.keys.sorted() }

  private static func sharded(_ index: String, _ directory: String) throws(WeightsError) -> [String: StoredTensor] {
    let file = try MappedFile(index)
    guard file.count <= SafetensorsFile.headerLimit else {
      throw .malformed(file: index, reason: "it has \(file.count) bytes, expected at most \(SafetensorsFile.headerLimit)")
    }
    let document: JSONDocument
    do throws(JSONFault) { document = try JSONDocument(file.withBytes { Array($0) }) } catch {
      throw .malformed(file: index, reason: "not valid JSON: \(error)")
    }
    guard case .object(let map)? = document.member("weight_map", of: document.root) else {
      throw .malformed(file: index, reason: "`weight_map` is missing or not an object")
    }
    var shards: [String: SafetensorsFile] = [:]
    var tensors: [String: StoredTensor] = [:]
    for (name, value) in document.named(map) {
      guard case .string(let text) = value else {
        throw .index(file: index, name: name, shard: document.kind(value), reason: "expected the name of a file")
      }
      let shard = document.string(text)
      // A plain file name and nothing else: a model directory must not reach for files elsewhere.
      guard shard.hasSuffix(".safetensors"), !shard.contains("/"), !shard.contains("\\"), !shard.contains("\0"), !shard.hasPrefix(".") else {
        throw .index(file: index, name: name, shard: shard, reason: "a shard must be the plain name of a .safetensors file in the model's directory")
      }
      if shards[shard] == nil { shards[shard] = try SafetensorsFile(directory + "/" + shard) }
      guard let tensor = shards[shard]?.tensors[name] else {
        throw .index(file: index, name: name, shard: shard, reason: "the shard does not hold it")
      }
      tensors[name] = tensor
    }
    // A tensor the index forgets would be ignored in silence; it is a mistake of whoever made the index.
    for (shard, contents) in shards.sorted(by: { $0.key < $1.key }) {
      for name in contents.tensors.keys.sorted() where tensors[name]?.file !== contents.file {
        throw .index(file: index, name: name, shard: shard, reason: "the shard holds it, the index does not say so")
      }
    }
    return tensors
  }
}

import Diffusion
import Foundation

/// A LLaDA of any shape with generated bfloat16 weights: what time and memory need, which do not depend on what weights say.
struct GeneratedModel: Hashable {
  var name: String
  var width: Int
  var inner: Int
  var heads: Int
  var layers: Int
  var vocabulary: Int
  /// Whether the head is the embedding: half of the file, and no second of a pass.
  var tied = true

  /// 110 million weights.
  static let medium = GeneratedModel(name: "100M", width: 768, inner: 2048, heads: 12, layers: 12, vocabulary: 32_000)
  /// One of LLaDA-8B's 32 layers, with its whole head.
  static let layer = GeneratedModel(name: "8B-layer", width: 4096, inner: 12_288, heads: 32, layers: 1, vocabulary: 126_464)

  /// The same layer with next to no head.
  static let bareLayer = GeneratedModel(name: "8B-layer-bare", width: 4096, inner: 12_288, heads: 32, layers: 1, vocabulary: 128)
  /// LLaDA-8B with so many of its layers.
  static func full(layers: Int) -> GeneratedModel {
    GeneratedModel(name: "8B", width: 4096, inner: 12_288, heads: 32, layers: layers, vocabulary: 126_464, tied: false)
  }

  /// Tensors in the order of the file: name and shape.
  private var tensors: [(name: String, shape: [Int])] {
    var all: [(name: String, shape: [Int])] = tied ? [] : [("model.transformer.ff_out.weight", [vocabulary, width])]
    all += [("model.transformer.ln_f.weight", [width]), ("model.transformer.wte.weight", [vocabulary, width])]
    for layer in 0..<layers {
      let prefix = "model.transformer.blocks.\(layer)."
      for name in ["q_proj", "k_proj", "v_proj", "attn_out"] { all.append((prefix + name + ".weight", [width, width])) }
      for name in ["ff_proj", "up_proj"] { all.append((prefix + name + ".weight", [inner, width])) }
      all.append((prefix + "ff_out.weight", [width, inner]))
      for name in ["attn_norm", "ff_norm"] { all.append((prefix + name + ".weight", [width])) }
    }
    return all
  }

  /// Bytes of all weights.
  var bytes: Int { tensors.reduce(0) { $0 + 2 * $1.shape.reduce(1, *) } }

  /// Writes `config.json` and `model.safetensors` into a folder.
  func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let configuration: [String: Any] = [
      "architectures": ["LLaDAModelLM"], "d_model": width, "n_heads": heads, "n_kv_heads": heads, "n_layers": layers, "mlp_hidden_size": inner,
      "vocab_size": vocabulary, "embedding_size": vocabulary, "rms_norm_eps": 1e-5, "rope": true, "rope_theta": 500000.0, "max_sequence_length": 4096,
      "weight_tying": tied, "include_bias": false, "mask_token_id": vocabulary - 1, "eos_token_id": vocabulary - 2,
    ]
    try JSONSerialization.data(withJSONObject: configuration).write(to: folder.appending(path: "config.json"))
    var header: [String: Any] = [:]
    var at = 0
    for (name, shape) in tensors {
      let count = 2 * shape.reduce(1, *)
      header[name] = ["dtype": "BF16", "shape": shape, "data_offsets": [at, at + count]]
      at += count
    }
    var text = try JSONSerialization.data(withJSONObject: header)
    text.append(Data(repeating: 32, count: (8 - text.count % 8) % 8))
    let path = folder.appending(path: "model.safetensors")
    guard FileManager.default.createFile(atPath: path.path, contents: withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text) else {
      throw CocoaError(.fileWriteUnknown)
    }
    let file = try FileHandle(forWritingTo: path)
    defer { do { try file.close() } catch { print("could not close \(path.path): \(error)") } }
    try file.seekToEnd()
    // Weights are read from a pool at ever other places, so that no two tensors hold the same bytes.
    let pool = Self.pool
    let ones = Data((0..<width).flatMap { _ in [UInt8(0x80), UInt8(0x3F)] })
    var place = 0
    for (_, shape) in tensors {
      if shape.count == 1 {
        try file.write(contentsOf: ones)
        continue
      }
      var left = 2 * shape.reduce(1, *)
      while left > 0 {
        let count = min(left, pool.count - place)
        try file.write(contentsOf: pool[place..<place + count])
        left -= count
        // An odd number of weights, so that the places of one round differ from those of the last.
        place = count == pool.count - place ? 2 * (left / 2 % 9973) : place + count
      }
      place = (place + 2 * 104_729) % (pool.count / 2)
    }
  }

  /// Bfloat16 numbers between -0.03 and 0.03, about as large as trained weights.
  private static let pool: Data = {
    var stream = SeededStream(SeededRandom(seed: 1))
    let halves = (0..<1 << 22).map { _ in
      let value = Float(Int32(truncatingIfNeeded: stream.next() >> 32)) * 0x1p-31 * 0.03
      return UInt16(value.bitPattern >> 16).littleEndian
    }
    return halves.withUnsafeBytes { Data($0) }
  }()
}

/// Generated checkpoints, each written once, all of them removed in the end.
final class Checkpoints {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "unmask-bench-\(ProcessInfo.processInfo.processIdentifier)")
  private var written: Set<GeneratedModel> = []

  /// The directory of a model.
  func directory(of model: GeneratedModel) throws -> String {
    let place = folder.appending(path: model.name)
    if written.insert(model).inserted { try model.write(to: place) }
    return place.path
  }

  /// A folder of its own for files that a benchmark writes.
  func scratch(_ name: String) -> String { folder.appending(path: name).path }

  func remove() {
    guard FileManager.default.fileExists(atPath: folder.path) else { return }
    do { try FileManager.default.removeItem(at: folder) } catch { print("could not remove \(folder.path): \(error)") }
  }
}

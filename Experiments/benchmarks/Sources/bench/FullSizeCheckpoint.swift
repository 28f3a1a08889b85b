import Diffusion
import Foundation

/// Writes a checkpoint with LLaDA-8B's shapes and generated bf16 weights, tensor by tensor.
enum FullSizeCheckpoint {
  private static let width = 4096
  private static let inner = 12288
  private static let vocabulary = 126_464

  /// Tensors in the order of the file: name and shape.
  private static func tensors(layers: Int) -> [(name: String, shape: [Int])] {
    var all: [(name: String, shape: [Int])] = [
      ("model.transformer.ff_out.weight", [vocabulary, width]), ("model.transformer.ln_f.weight", [width]),
      ("model.transformer.wte.weight", [vocabulary, width]),
    ]
    for layer in 0..<layers {
      let prefix = "model.transformer.blocks.\(layer)."
      for name in ["q_proj", "k_proj", "v_proj", "attn_out"] { all.append((prefix + name + ".weight", [width, width])) }
      for name in ["ff_proj", "up_proj"] { all.append((prefix + name + ".weight", [inner, width])) }
      all.append((prefix + "ff_out.weight", [width, inner]))
      for name in ["attn_norm", "ff_norm"] { all.append((prefix + name + ".weight", [width])) }
    }
    return all
  }

  /// The size of the weights of so many layers.
  static func bytes(layers: Int) throws -> Int { tensors(layers: layers).reduce(0) { $0 + 2 * $1.shape.reduce(1, *) } }

  /// Writes `config.json` and `model.safetensors` into a folder.
  static func write(layers: Int, to folder: URL) throws {
    let configuration: [String: Any] = [
      "architectures": ["LLaDAModelLM"], "d_model": width, "n_heads": 32, "n_kv_heads": 32, "n_layers": layers, "mlp_hidden_size": inner,
      "vocab_size": vocabulary, "embedding_size": vocabulary, "rms_norm_eps": 1e-5, "rope": true, "rope_theta": 500000.0, "max_sequence_length": 4096,
      "weight_tying": false, "include_bias": false, "mask_token_id": 126_336, "eos_token_id": 126_081,
    ]
    try JSONSerialization.data(withJSONObject: configuration).write(to: folder.appending(path: "config.json"))
    let all = tensors(layers: layers)
    var header: [String: Any] = [:]
    var at = 0
    for (name, shape) in all {
      let count = 2 * shape.reduce(1, *)
      header[name] = ["dtype": "BF16", "shape": shape, "data_offsets": [at, at + count]]
      at += count
    }
    let text = try JSONSerialization.data(withJSONObject: header)
    let path = folder.appending(path: "model.safetensors")
    guard FileManager.default.createFile(atPath: path.path, contents: withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text) else {
      throw CocoaError(.fileWriteUnknown)
    }
    let file = try FileHandle(forWritingTo: path)
    defer { do { try file.close() } catch { print("could not close \(path.path): \(error)") } }
    try file.seekToEnd()
    // Weights are read from a pool at ever other places, so that no two tensors hold the same bytes.
    let pool = pool(count: 1 << 24)
    let ones = Data(repeating: 0, count: 0) + (0..<width).flatMap { _ in [UInt8(0x80), UInt8(0x3F)] }
    var place = 0
    for (_, shape) in all {
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
  private static func pool(count: Int) -> Data {
    var stream = SeededStream(SeededRandom(seed: 1))
    var bytes = Data(capacity: 2 * count)
    for _ in 0..<count {
      let value = Float(Int32(truncatingIfNeeded: stream.next() >> 32)) * 0x1p-31 * 0.03
      let half = UInt16(value.bitPattern >> 16)
      bytes.append(UInt8(half & 0xFF))
      bytes.append(UInt8(half >> 8))
    }
    return bytes
  }
}

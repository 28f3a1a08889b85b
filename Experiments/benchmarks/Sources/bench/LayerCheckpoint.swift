import Diffusion
import Foundation

/// One layer in LLaDA-8B's exact shape, bfloat16, with generated weights and a small vocabulary.
enum LayerCheckpoint {
  private static let width = 4096
  private static let feedForward = 12_288
  private static let tokens = 128

  static func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let config = """
      {"architectures": ["LLaDAModelLM"], "model_type": "llada", "d_model": \(width), "n_heads": 32, "n_kv_heads": 32, "n_layers": 1,
       "mlp_hidden_size": \(feedForward), "vocab_size": \(tokens), "embedding_size": \(tokens), "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
       "max_sequence_length": 4096, "weight_tying": false, "block_type": "llama", "layer_norm_type": "rms", "activation_type": "silu", "rope": true,
       "mask_token_id": 127, "eos_token_id": 126}
      """
    try Data(config.utf8).write(to: folder.appending(path: "config.json"))
    let block = "model.transformer.blocks.0."
    var tensors: [(String, [Int])] = ["q_proj", "k_proj", "v_proj", "attn_out"].map { (block + $0, [width, width]) }
    tensors += [(block + "ff_proj", [feedForward, width]), (block + "up_proj", [feedForward, width]), (block + "ff_out", [width, feedForward])]
    tensors += [(block + "attn_norm", [width]), (block + "ff_norm", [width]), ("model.transformer.ln_f", [width])]
    tensors += [("model.transformer.wte", [tokens, width]), ("model.transformer.ff_out", [tokens, width])]
    var header: [String] = []
    var end = 0
    for (name, shape) in tensors {
      let start = end
      end += shape.reduce(2, *)
      header.append("\"\(name).weight\": {\"dtype\": \"BF16\", \"shape\": \(shape), \"data_offsets\": [\(start), \(end)]}")
    }
    var text = "{" + header.joined(separator: ", ") + "}"
    text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    var file = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) }
    file.append(contentsOf: text.utf8)
    // Small weights of both signs: 2^-8 to 2^-7, seven random bits of fraction.
    var random = SeededStream(SeededRandom(seed: 2))
    var pattern: [UInt16] = []
    for _ in 0..<(1 << 16) { pattern.append(UInt16(truncatingIfNeeded: random.next()) & 0x807F | 0x3B80) }
    let piece = pattern.withUnsafeBytes { Data($0) }
    while file.count < 8 + text.utf8.count + end { file.append(piece.prefix(8 + text.utf8.count + end - file.count)) }
    try file.write(to: folder.appending(path: "model.safetensors"))
  }
}

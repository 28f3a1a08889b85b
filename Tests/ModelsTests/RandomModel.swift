import Diffusion
import Models

/// Writes a LLaDA of any shape with random weights: what the tests of shapes run on.
enum RandomModel {
  /// Writes `config.json` and `model.safetensors` into a directory that exists.
  ///
  /// Matrices are uniform with the variance that keeps activations near 1; the same seed gives the same bytes.
  static func write(_ shape: ModelConfiguration, to directory: String, seed: UInt64 = 0, type: ElementType = .float32) throws {
    let names = ModelFamily.llada.tensors
    var tensors: [SafetensorsWriter.Tensor] = []
    var stream = SeededStream(SeededRandom(seed: seed))
    func add(_ name: String, _ dimensions: [Int], scale: Float? = nil) {
      let spread = scale ?? (3 / Float(dimensions.last ?? 1)).squareRoot()
      let count = dimensions.reduce(1, *)
      let values = (0..<count).map { _ in Float(Int32(truncatingIfNeeded: stream.next() >> 32)) * 0x1p-31 * spread }
      tensors.append(.init(name: name, shape: dimensions, type: type, values: values))
    }
    func norm(_ name: String) {
      let values = (0..<shape.width).map { _ in 1 + Float(Int32(truncatingIfNeeded: stream.next() >> 32)) * 0x1p-33 }
      tensors.append(.init(name: name, shape: [shape.width], type: type, values: values))
    }
    func linear(_ name: String, _ outputs: Int, _ inputs: Int, bias: Bool) {
      add(name + ".weight", [outputs, inputs])
      if bias { add(name + ".bias", [outputs], scale: 0.1) }
    }
    add(names.embedding + ".weight", [shape.vocabularySize, shape.width], scale: 1)
    if !shape.tiedEmbeddings { linear(names.head, shape.vocabularySize, shape.width, bias: shape.outputBias) }
    norm(names.finalNorm + ".weight")
    for index in 0..<shape.layers {
      let prefix = names.layerPrefix + "\(index)."
      let keyWidth = shape.keyValueHeads * shape.headWidth
      norm(prefix + names.attentionNorm + ".weight")
      norm(prefix + names.feedForwardNorm + ".weight")
      linear(prefix + names.query, shape.width, shape.width, bias: shape.attentionBias)
      linear(prefix + names.key, keyWidth, shape.width, bias: shape.attentionBias)
      linear(prefix + names.value, keyWidth, shape.width, bias: shape.attentionBias)
      linear(prefix + names.attentionOutput, shape.width, shape.width, bias: shape.outputBias)
      linear(prefix + names.gate, shape.feedForward, shape.width, bias: shape.outputBias)
      linear(prefix + names.up, shape.feedForward, shape.width, bias: shape.outputBias)
      linear(prefix + names.down, shape.width, shape.feedForward, bias: shape.outputBias)
    }
    try SafetensorsWriter.save(tensors, to: directory + "/model.safetensors")
    try SafetensorsWriter.save(Array(configuration(shape).utf8), to: directory + "/config.json")
  }

  /// The `config.json` of a LLaDA of this shape.
  static func configuration(_ shape: ModelConfiguration) -> String {
    """
    {"architectures": ["LLaDAModelLM"], "model_type": "llada", "block_type": "llama", "layer_norm_type": "rms", "activation_type": "silu",
     "d_model": \(shape.width), "n_heads": \(shape.heads), "n_kv_heads": \(shape.keyValueHeads), "n_layers": \(shape.layers),
     "mlp_hidden_size": \(shape.feedForward), "vocab_size": \(shape.vocabularySize), "embedding_size": \(shape.vocabularySize),
     "rms_norm_eps": \(shape.normEpsilon), "rope": true, "rope_theta": \(shape.rotaryBase), "max_sequence_length": \(shape.maxLength),
     "weight_tying": \(shape.tiedEmbeddings), "scale_logits": \(shape.logitScale != 1), "include_bias": \(shape.outputBias),
     "include_qkv_bias": \(shape.attentionBias), "bias_for_layer_norm": false,
     "mask_token_id": \(shape.mask), "eos_token_id": \(shape.end)}
    """
  }
}

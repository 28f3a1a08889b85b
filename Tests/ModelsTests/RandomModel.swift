import Diffusion
import Models

/// Writes a model of any family and shape with random weights: what the tests of shapes run on.
enum RandomModel {
  /// Writes `config.json` and `model.safetensors` into a directory that exists.
  ///
  /// Matrices are uniform with the variance that keeps activations near 1; the same seed gives the same bytes.
  static func write(_ shape: ModelConfiguration, to directory: String, seed: UInt64 = 0, type: ElementType = .float32) throws {
    try SafetensorsWriter.save(Array(configuration(shape).utf8), to: directory + "/config.json")
    try write(weightsOf: directory, seed: seed, type: type)
  }

  /// Writes `model.safetensors` for the `config.json` that is there.
  static func write(weightsOf directory: String, seed: UInt64 = 0, type: ElementType = .float32) throws {
    let reader = try ConfigurationReader(directory + "/config.json")
    let family = try ModelFamily.of(reader)
    var tensors = Tensors(stream: SeededStream(SeededRandom(seed: seed)), type: type)
    tensors.add(try family.configuration(reader), family.tensors)
    try SafetensorsWriter.save(tensors.all, to: directory + "/model.safetensors")
  }

  private struct Tensors {
    var stream: SeededStream
    let type: ElementType
    var all: [SafetensorsWriter.Tensor] = []

    mutating func add(_ name: String, _ dimensions: [Int], scale: Float? = nil, around center: Float = 0) {
      let spread = scale ?? (3 / Float(dimensions.last ?? 1)).squareRoot()
      let count = dimensions.reduce(1, *)
      let values = (0..<count).map { _ in center + Float(Int32(truncatingIfNeeded: stream.next() >> 32)) * 0x1p-31 * spread }
      all.append(.init(name: name, shape: dimensions, type: type, values: values))
    }

    mutating func norm(_ name: String, _ width: Int) { add(name + ".weight", [width], scale: 0.25, around: 1) }

    mutating func linear(_ name: String, _ outputs: Int, _ inputs: Int, bias: Bool) {
      add(name + ".weight", [outputs, inputs])
      if bias { add(name + ".bias", [outputs], scale: 0.1) }
    }

    mutating func gated(_ gate: String, _ up: String, _ down: String, _ width: Int, _ inner: Int, bias: Bool) {
      linear(gate, inner, width, bias: bias)
      linear(up, inner, width, bias: bias)
      linear(down, width, inner, bias: bias)
    }

    mutating func add(_ shape: ModelConfiguration, _ names: TensorNames) {
      let (queryWidth, keyWidth) = (shape.heads * shape.headWidth, shape.keyValueHeads * shape.headWidth)
      add(names.embedding + ".weight", [shape.vocabularySize, shape.width], scale: 1)
      if !shape.tiedEmbeddings { linear(names.head, shape.vocabularySize, shape.width, bias: shape.feedForwardBias) }
      norm(names.finalNorm, shape.width)
      for index in 0..<shape.layers {
        let prefix = names.layerPrefix + "\(index)."
        norm(prefix + names.attentionNorm, shape.width)
        norm(prefix + names.feedForwardNorm, shape.width)
        if let name = names.queryKeyValue {
          linear(prefix + name, queryWidth + 2 * keyWidth, shape.width, bias: shape.attentionBias)
        } else {
          linear(prefix + names.query, queryWidth, shape.width, bias: shape.attentionBias)
          linear(prefix + names.key, keyWidth, shape.width, bias: shape.attentionBias)
          linear(prefix + names.value, keyWidth, shape.width, bias: shape.attentionBias)
        }
        if shape.queryKeyNorm {
          norm(prefix + names.queryNorm, shape.headWidth)
          norm(prefix + names.keyNorm, shape.headWidth)
        }
        linear(prefix + names.attentionOutput, shape.width, queryWidth, bias: shape.outputBias)
        guard let mixture = shape.mixture, !mixture.denseLayers.contains(index) else {
          gated(prefix + names.gate, prefix + names.up, prefix + names.down, shape.width, shape.feedForward, bias: shape.feedForwardBias)
          continue
        }
        linear(prefix + names.router, mixture.experts, shape.width, bias: false)
        if mixture.router.bias != .none { add(prefix + names.routerBias, [mixture.experts], scale: 0.1) }
        for place in (0..<mixture.experts).map({ prefix + names.experts + "\($0)." }) + (mixture.sharedWidth > 0 ? [prefix + names.shared] : []) {
          let inner = place.hasSuffix(names.shared) ? mixture.sharedWidth : mixture.width
          gated(place + "gate_proj", place + "up_proj", place + "down_proj", shape.width, inner, bias: false)
        }
      }
    }
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

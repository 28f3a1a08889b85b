/// LLaDA (Nie et al., arXiv 2502.09992): a bidirectional Llama. Base, Instruct and 1.5 share the architecture.
///
/// The released code descends from OLMo, whose switches are all in `config.json`; those that would change the arithmetic are refused.
extension ModelFamily {
  package static let llada = ModelFamily(
    name: "llada",
    architectures: ["LLaDAModelLM"],
    configuration: { (reader) throws(ModelError) in
      let fixed: [(String, ConfigurationReader.Only)] = [
        ("block_type", .string("llama")), ("layer_norm_type", .string("rms")), ("activation_type", .string("silu")),
        ("alibi", .flag(false)), ("rope", .flag(true)), ("attention_layer_norm", .flag(false)), ("input_emb_norm", .flag(false)),
        ("layer_norm_with_affine", .flag(true)), ("block_group_size", .integer(1)), ("clip_qkv", .nothing), ("rope_scaling", .nothing),
      ]
      for (key, value) in fixed { try reader.require(key, value) }
      let width = try reader.integer("d_model", 1...1 << 16)
      let heads = try reader.integer("n_heads", 1...1 << 10)
      guard width % heads == 0, width / heads % 2 == 0 else {
        throw reader.fault("n_heads", expected: "a divisor of d_model (\(width)) that leaves heads of even width")
      }
      let biases = try reader.flag("include_bias", default: false)
      let attentionBiases = try reader.flag("include_qkv_bias", default: false)
      if try reader.flag("bias_for_layer_norm", default: biases) {
        throw reader.fault("bias_for_layer_norm", expected: "false (nothing else is implemented)")
      }
      let rows = try reader.integer("vocab_size", 2...1 << 24)
      let size = try reader.integer("embedding_size", rows...1 << 24, default: rows)
      let ids = 0...size - 1
      let mask = try reader.integer("mask_token_id", ids)
      let end = try reader.integer("eos_token_id", ids)
      // A text would end wherever it is not yet decoded.
      guard mask != end else { throw reader.fault("eos_token_id", expected: "another id than mask_token_id") }
      var shape = ModelConfiguration(
        family: "llada",
        layers: try reader.integer("n_layers", 1...1 << 10),
        width: width,
        heads: heads,
        keyValueHeads: try keyValueHeads(reader, heads),
        feedForward: try feedForward(reader, width),
        vocabularySize: size,
        normEpsilon: Float(try reader.number("rms_norm_eps", 0...1, default: 1e-5)),
        rotaryBase: try reader.number("rope_theta", 1...1e12, default: 10000),
        maxLength: try reader.integer("max_sequence_length", 1...1 << 20),
        mask: Int32(mask),
        end: Int32(end))
      shape.tiedEmbeddings = try reader.flag("weight_tying", default: true)
      if try reader.flag("scale_logits", default: false) { shape.logitScale = Float(1 / Double(width).squareRoot()) }
      shape.attentionBias = biases || attentionBiases
      shape.outputBias = biases
      shape.feedForwardBias = biases
      if reader["bos_token_id"] != nil { shape.start = Int32(try reader.integer("bos_token_id", ids)) }
      return shape
    },
    tensors: TensorNames(
      embedding: "model.transformer.wte", finalNorm: "model.transformer.ln_f", head: "model.transformer.ff_out",
      layerPrefix: "model.transformer.blocks.", attentionNorm: "attn_norm", query: "q_proj", key: "k_proj", value: "v_proj",
      attentionOutput: "attn_out", feedForwardNorm: "ff_norm", gate: "ff_proj", up: "up_proj", down: "ff_out"))

  /// The released rule: `multi_query_attention` decides where `n_kv_heads` is absent, and must agree with it where both are there.
  private static func keyValueHeads(_ reader: ConfigurationReader, _ heads: Int) throws(ModelError) -> Int {
    let single = try reader.flag("multi_query_attention", default: false)
    let count = try reader.integer("n_kv_heads", 1...heads, default: single ? 1 : heads)
    guard heads % count == 0 else { throw reader.fault("n_kv_heads", expected: "a divisor of n_heads (\(heads))") }
    if reader["multi_query_attention"] != nil, count != (single ? 1 : heads) {
      throw reader.fault("multi_query_attention", expected: "null, because n_kv_heads is \(count)")
    }
    return count
  }

  private static func feedForward(_ reader: ConfigurationReader, _ width: Int) throws(ModelError) -> Int {
    if reader["mlp_hidden_size"] != nil { return try reader.integer("mlp_hidden_size", 1...1 << 20) }
    return try reader.integer("mlp_ratio", 1...1 << 8, default: 4) * width
  }
}

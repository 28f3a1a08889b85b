/// What the families that descend from Hugging Face's Llama, Qwen2 and Qwen3 write alike.
extension ModelFamily {
  /// What a family takes where `config.json` is silent: the defaults of its released configuration class, and the ids of its released models.
  struct Defaults {
    var normEpsilon: Double
    var rotaryBase: Double
    var maxLength = 32768
    /// The width of a head; nil: `hidden_size / num_attention_heads`.
    var headWidth: Int?
    var mask: Int?
    var end: Int?
  }

  /// The shape that every such configuration gives; what a family adds to it is in the family's own file.
  ///
  /// Switches that would change the arithmetic are refused by name.
  static func decoder(
    _ reader: ConfigurationReader, family: String, feedForward: Int, defaults: Defaults
  ) throws(ModelError) -> ModelConfiguration {
    try reader.require("hidden_act", .string("silu"))
    try reader.require("use_sliding_window", .flag(false))
    let width = try reader.integer("hidden_size", 1...1 << 16)
    let heads = try reader.integer("num_attention_heads", 1...1 << 10)
    let groups = try reader.integer("num_key_value_heads", 1...heads, default: heads)
    guard heads % groups == 0 else { throw reader.fault("num_key_value_heads", expected: "a divisor of num_attention_heads (\(heads))") }
    if reader["head_dim"] == nil, defaults.headWidth == nil, width % heads != 0 {
      throw reader.fault("num_attention_heads", expected: "a divisor of hidden_size (\(width))")
    }
    let headWidth = try reader.integer("head_dim", 2...1 << 14, default: defaults.headWidth ?? max(width / heads, 2))
    guard headWidth % 2 == 0, headWidth * heads <= 1 << 18 else {
      throw reader.fault(reader["head_dim"] == nil ? "num_attention_heads" : "head_dim", expected: "heads of even width, together at most 262144 wide")
    }
    let vocabulary = try reader.integer("vocab_size", 2...1 << 24)
    let mask = try reader.token("mask_token_id", of: vocabulary, default: defaults.mask)
    let end = try reader.token(reader["eos_token_id"] == nil ? "pad_token_id" : "eos_token_id", of: vocabulary, default: defaults.end)
    // A text would end wherever it is not yet decoded.
    guard mask != end else { throw reader.fault("eos_token_id", expected: "another id than mask_token_id") }
    var shape = ModelConfiguration(
      family: family,
      layers: try reader.integer("num_hidden_layers", 1...1 << 10),
      width: width,
      heads: heads,
      keyValueHeads: groups,
      feedForward: feedForward,
      vocabularySize: vocabulary,
      normEpsilon: Float(try reader.number("rms_norm_eps", 0...1, default: defaults.normEpsilon)),
      rotaryBase: try rotaryBase(reader, defaults),
      maxLength: try reader.integer("max_position_embeddings", 1...1 << 24, default: defaults.maxLength),
      mask: mask,
      end: end)
    shape.headWidth = headWidth
    shape.rotaryWidth = headWidth
    shape.tiedEmbeddings = try reader.flag("tie_word_embeddings", default: false)
    if reader["bos_token_id"] != nil { shape.start = try reader.token("bos_token_id", of: vocabulary) }
    return shape
  }

  /// The part of a head that is rotated; a key that says so in elements must agree.
  static func rotaryWidth(_ reader: ConfigurationReader, _ headWidth: Int, default share: Double) throws(ModelError) -> Int {
    let width = Int(Double(headWidth) * (try reader.number("partial_rotary_factor", 0...1, default: share)))
    guard width > 0, width % 2 == 0 else {
      throw reader.fault("partial_rotary_factor", expected: "a share of head_dim (\(headWidth)) that is an even number of elements")
    }
    try reader.require("rotary_dim", .integer(width))
    return width
  }

  /// `rope_theta`, or as newer files write it, `rope_parameters.rope_theta`. Scaled positions are refused under the key that asks for them.
  private static func rotaryBase(_ reader: ConfigurationReader, _ defaults: Defaults) throws(ModelError) -> Double {
    for key in ["rope_scaling", "rope_parameters"] where reader[key] != nil {
      let type = reader.member("rope_type", of: key) ?? reader.member("type", of: key)
      guard reader.text(type) == "default" else { throw reader.fault(key, expected: "null or of type \"default\" (nothing else is implemented)") }
    }
    let range = 1.0...1e12
    guard reader["rope_theta"] == nil, let inner = reader.member("rope_theta", of: "rope_parameters") else {
      return try reader.number("rope_theta", range, default: defaults.rotaryBase)
    }
    guard let base = reader.double(inner), range.contains(base) else {
      throw reader.fault("rope_parameters", expected: "an object whose rope_theta is a number from 1 to 1e12")
    }
    return base
  }
}

extension TensorNames {
  /// The names of Hugging Face's Llama, Qwen2 and Qwen3.
  static let decoder = TensorNames(
    embedding: "model.embed_tokens", finalNorm: "model.norm", head: "lm_head", layerPrefix: "model.layers.", attentionNorm: "input_layernorm",
    query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj", attentionOutput: "self_attn.o_proj",
    feedForwardNorm: "post_attention_layernorm", gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
    queryNorm: "self_attn.q_norm", keyNorm: "self_attn.k_norm", router: "mlp.gate", experts: "mlp.experts.")
}

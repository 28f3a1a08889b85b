/// LLaDA-MoE (Zhu et al., arXiv 2509.24389): a bidirectional transformer whose feed-forward parts are experts.
///
/// The released code never divides a row's weights by their sum, whatever `norm_topk_prob` says, so neither does this.
extension ModelFamily {
  package static let lladaMoE = ModelFamily(
    name: "llada-moe",
    architectures: ["LLaDAMoEModelLM"],
    configuration: { (reader) throws(ModelError) in
      let fixed: [(String, ConfigurationReader.Only)] = [
        ("clip_qkv", .nothing), ("moe_router_score_function", .string("softmax")), ("routed_scaling_factor", .number(1)),
        ("router_num_group", .nothing), ("router_topk_group", .nothing),
      ]
      for (key, value) in fixed { try reader.require(key, value) }
      let layers = try reader.integer("num_hidden_layers", 1...1 << 10)
      let kinds = try reader.integers("moe_layer_freq", 0...1) ?? Array(repeating: 1, count: layers)
      guard kinds.count >= layers else { throw reader.fault("moe_layer_freq", expected: "a 0 or 1 for each of \(layers) layers") }
      let dense = Set(kinds.prefix(layers).indices.filter { kinds[$0] == 0 })
      let width = try reader.integer("expert_intermediate_size", 1...1 << 20)
      var shape = try decoder(
        reader, family: "llada-moe", feedForward: try reader.integer("dense_intermediate_size", 1...1 << 20, default: dense.isEmpty ? width : nil),
        defaults: Defaults(normEpsilon: 1e-5, rotaryBase: 50000, maxLength: 4096, mask: 156895, end: 156892))
      guard shape.headWidth * shape.heads == shape.width else {
        throw reader.fault(
          reader["head_dim"] == nil ? "num_attention_heads" : "head_dim", expected: "heads that together are as wide as hidden_size (\(shape.width))")
      }
      shape.rotaryWidth = try rotaryWidth(reader, shape.headWidth, default: 1)
      shape.attentionBias = try reader.flag("attention_bias", default: false)
      shape.outputBias = shape.attentionBias
      shape.queryKeyNorm = try reader.flag("qk_layernorm", default: false)
      let experts = try reader.integer("num_experts", 1...1 << 14)
      var mixture = Mixture(
        experts: experts, chosen: try reader.integer("num_experts_per_tok", 1...experts), width: width, denseLayers: dense, router: .init())
      if reader["shared_expert_intermediate_size"] != nil {
        mixture.sharedWidth = try reader.integer("shared_expert_intermediate_size", 1...1 << 20)
      }
      if try reader.flag("moe_router_enable_expert_bias", default: false) { mixture.router.bias = .scores }
      shape.mixture = mixture
      return shape
    },
    tensors: {
      var names = TensorNames.decoder
      names.routerBias = "mlp.expert_bias"
      names.shared = "shared_expert."
      return names
    }())
}

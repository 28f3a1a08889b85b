/// LLaDA2.0 and 2.1 (Bie et al., arXiv 2512.15745): experts chosen by group, attention by blocks, heads rotated in part.
///
/// As in the released code, experts are always chosen by sigmoid scores plus a bias, and where several see a row their weights are always divided by their sum.
/// The released models decode in blocks of 32, which their `config.json` does not say.
extension ModelFamily {
  package static let llada2 = ModelFamily(
    name: "llada2",
    architectures: ["LLaDA2MoeModelLM"],
    configuration: { (reader) throws(ModelError) in
      let fixed: [(String, ConfigurationReader.Only)] = [
        ("score_function", .string("sigmoid")), ("use_rmsnorm", .flag(true)), ("norm_head", .flag(false)), ("norm_softmax", .flag(false)),
      ]
      for (key, value) in fixed { try reader.require(key, value) }
      let experts = try reader.integer("num_experts", 1...1 << 14)
      let dense = try reader.integer("first_k_dense_replace", 0...1 << 10, default: 0)
      let width = try reader.integer("moe_intermediate_size", 1...1 << 20)
      var shape = try decoder(
        reader, family: "llada2", feedForward: try reader.integer("intermediate_size", 1...1 << 20, default: dense == 0 ? width : nil),
        defaults: Defaults(normEpsilon: 1e-5, rotaryBase: 10000, maxLength: 16384, mask: 156895, end: 156892))
      shape.rotaryWidth = try rotaryWidth(reader, shape.headWidth, default: 0.5)
      shape.attentionBlock = try reader.integer("block_size", 1...1 << 20, default: 32)
      shape.attentionBias = try reader.flag("use_qkv_bias", default: false)
      shape.outputBias = try reader.flag("use_bias", default: true)
      shape.queryKeyNorm = try reader.flag("use_qk_norm", default: true)
      let chosen = try reader.integer("num_experts_per_tok", 1...experts, default: 2)
      let router = try router(reader, experts, chosen)
      var mixture = Mixture(experts: experts, chosen: chosen, width: width, denseLayers: Set(0..<min(dense, shape.layers)), router: router)
      mixture.sharedWidth = width * (try reader.integer("num_shared_experts", 0...1 << 10, default: 0))
      guard mixture.sharedWidth <= 1 << 20 else { throw reader.fault("num_shared_experts", expected: "shared experts together at most 1048576 wide") }
      shape.mixture = mixture
      return shape
    },
    tensors: {
      var names = TensorNames.decoder
      names.embedding = "model.word_embeddings"
      names.queryKeyValue = "attention.query_key_value"
      names.attentionOutput = "attention.dense"
      names.queryNorm = "attention.query_layernorm"
      names.keyNorm = "attention.key_layernorm"
      names.routerBias = "mlp.gate.expert_bias"
      names.shared = "mlp.shared_experts."
      return names
    }())

  private static func router(_ reader: ConfigurationReader, _ experts: Int, _ chosen: Int) throws(ModelError) -> Mixture.Router {
    var router = Mixture.Router()
    router.score = .sigmoid
    router.bias = .choice
    router.groups = try reader.integer("n_group", 1...experts, default: 8)
    // A group is judged by its best two.
    guard experts % router.groups == 0, experts / router.groups >= 2 else {
      throw reader.fault("n_group", expected: "a divisor of num_experts (\(experts)) that leaves groups of at least 2")
    }
    router.chosenGroups = try reader.integer("topk_group", 1...router.groups, default: min(4, router.groups))
    guard chosen <= experts / router.groups * router.chosenGroups else {
      throw reader.fault(
        "num_experts_per_tok", expected: "at most the experts of \(router.chosenGroups) groups (\(experts / router.groups * router.chosenGroups))")
    }
    router.isNormalized = chosen > 1
    router.scale = Float(try reader.number("routed_scaling_factor", 0...1e6, default: 2.5))
    return router
  }
}

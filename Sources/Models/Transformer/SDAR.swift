/// SDAR (Cheng et al., arXiv 2510.06303) and TraDo (Wang et al., arXiv 2509.06949), which has SDAR's class: Qwen3 with attention by blocks.
///
/// A row sees its own block whole and every block before it; blocks of `block_size` positions are counted from position 0.
extension ModelFamily {
  package static let sdar = ModelFamily(
    name: "sdar",
    architectures: ["SDARForCausalLM"],
    configuration: { (reader) throws(ModelError) in
      var shape = try decoder(
        reader, family: "sdar", feedForward: try reader.integer("intermediate_size", 1...1 << 20),
        defaults: Defaults(normEpsilon: 1e-6, rotaryBase: 10000, headWidth: 128, mask: 151669, end: 151643))
      shape.attentionBlock = try reader.integer("block_size", 1...1 << 20, default: 4)
      shape.attentionBias = try reader.flag("attention_bias", default: false)
      shape.outputBias = shape.attentionBias
      shape.queryKeyNorm = true
      return shape
    },
    tensors: .decoder)
}

/// Dream (Ye et al., arXiv 2508.15487), DiffuCoder (arXiv 2506.20639) and Dream-Coder: Qwen2 made bidirectional.
///
/// Queries, keys and values have biases whatever `config.json` says. Row i predicts the token at i + 1, as in the autoregressive model it was made from.
extension ModelFamily {
  package static let dream = ModelFamily(
    name: "dream",
    architectures: ["DreamModel"],
    configuration: { (reader) throws(ModelError) in
      var shape = try decoder(
        reader, family: "dream", feedForward: try reader.integer("intermediate_size", 1...1 << 20),
        defaults: Defaults(normEpsilon: 1e-6, rotaryBase: 10000, mask: 151666, end: 151643))
      guard shape.headWidth * shape.heads == shape.width else {
        throw reader.fault(
          reader["head_dim"] == nil ? "num_attention_heads" : "head_dim", expected: "heads that together are as wide as hidden_size (\(shape.width))")
      }
      shape.attentionBias = true
      shape.predictsNext = true
      return shape
    },
    tensors: .decoder)
}

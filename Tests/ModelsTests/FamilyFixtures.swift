import Foundation
import Models

/// Configurations of every family as their releases write them, small, and with the options that releases differ in.
enum FamilyFixtures {
  /// In a change: no such key.
  struct Absent: Sendable {}

  /// What all but LLaDA write.
  private static let common: [String: any Sendable] = [
    "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 70, "mask_token_id": 1, "eos_token_id": 0,
    "max_position_embeddings": 400, "hidden_act": "silu",
  ]

  /// `config.json` by name.
  static let all: [String: [String: any Sendable]] = [
    "dream": merged(["architectures": ["DreamModel"], "intermediate_size": 80, "num_key_value_heads": 2, "rope_theta": 1e6]),
    "dream tied": merged(["architectures": ["DreamModel"], "intermediate_size": 33, "tie_word_embeddings": true]),
    "sdar": merged([
      "architectures": ["SDARForCausalLM"], "intermediate_size": 80, "num_key_value_heads": 1, "head_dim": 20, "block_size": 3, "rope_theta": 1e6,
    ]),
    "sdar biases": merged(["architectures": ["SDARForCausalLM"], "intermediate_size": 80, "head_dim": 12, "attention_bias": true]),
    "llada-moe": merged([
      "architectures": ["LLaDAMoEModelLM"], "dense_intermediate_size": 80, "expert_intermediate_size": 24, "num_experts": 6, "num_experts_per_tok": 2,
      "moe_layer_freq": [1, 1], "qk_layernorm": true, "rope_theta": 50000, "partial_rotary_factor": 1, "norm_topk_prob": true,
    ]),
    "llada-moe mixed": merged([
      "architectures": ["LLaDAMoEModelLM"], "dense_intermediate_size": 80, "expert_intermediate_size": 24, "num_experts": 5, "num_experts_per_tok": 5,
      "moe_layer_freq": [0, 1], "shared_expert_intermediate_size": 40, "moe_router_enable_expert_bias": true, "num_key_value_heads": 2,
      "partial_rotary_factor": 0.5, "attention_bias": true,
    ]),
    "llada2": merged([
      "architectures": ["LLaDA2MoeModelLM"], "intermediate_size": 80, "moe_intermediate_size": 24, "num_experts": 12, "num_experts_per_tok": 3,
      "num_shared_experts": 1, "n_group": 3, "topk_group": 2, "first_k_dense_replace": 1, "num_key_value_heads": 2, "head_dim": 16, "block_size": 5,
      "use_bias": false, "rope_theta": 600000, "partial_rotary_factor": 0.5,
    ]),
    "llada2 biases": merged([
      "architectures": ["LLaDA2MoeModelLM"], "moe_intermediate_size": 24, "num_experts": 4, "num_experts_per_tok": 1, "num_shared_experts": 2,
      "n_group": 1, "topk_group": 1, "use_bias": true, "use_qkv_bias": true, "use_qk_norm": false, "routed_scaling_factor": 1.5,
      "partial_rotary_factor": 1.0, "tie_word_embeddings": true,
    ]),
  ]

  private static func merged(_ own: [String: any Sendable]) -> [String: any Sendable] { common.merging(own) { $1 } }

  /// The names, sorted.
  static var names: [String] { all.keys.sorted() }

  /// Writes a configuration, changed, and random weights for it.
  static func write(_ name: String, to directory: String, changes: [String: any Sendable] = [:], seed: UInt64 = 5, type: ElementType = .float32) throws {
    try configuration(name, to: directory, changes: changes)
    try RandomModel.write(weightsOf: directory, seed: seed, type: type)
  }

  /// Writes a configuration, changed; a change to `Absent` takes a key away.
  static func configuration(_ name: String, to directory: String, changes: [String: any Sendable]) throws {
    var object = all[name, default: [:]]
    for (key, value) in changes { object[key] = value is Absent ? nil : value }
    try JSONSerialization.data(withJSONObject: object, options: .sortedKeys).write(to: URL(fileURLWithPath: directory + "/config.json"))
  }

  /// The model of a name.
  static func model(_ name: String, threads: Int = 1, type: ElementType = .float32, holding: Linear.Holding? = nil) throws -> Transformer {
    try Fixture.withDirectory { directory in
      try write(name, to: directory, type: type)
      return try Transformer(directory: directory, threads: threads, holding: holding)
    }
  }
}

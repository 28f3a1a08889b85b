import Diffusion
import Foundation
import Models
import Testing

/// What each family reads from `config.json`, and what it refuses.
@Suite struct FamilyTests {
  /// The shape of a changed configuration, or the refusal.
  private func read(_ name: String, _ changes: [String: any Sendable] = [:]) throws -> Result<ModelConfiguration, ModelError> {
    try Fixture.withDirectory { directory in
      try FamilyFixtures.configuration(name, to: directory, changes: changes)
      do throws(ModelError) {
        let reader = try ConfigurationReader(directory + "/config.json")
        return .success(try ModelFamily.of(reader).configuration(reader))
      } catch { return .failure(error) }
    }
  }

  @Test func silentConfigurationsAreThoseOfTheReleases() throws {
    let large: [String: any Sendable] = ["vocab_size": 157184, "mask_token_id": FamilyFixtures.Absent(), "eos_token_id": FamilyFixtures.Absent()]
    for name in ["llada-moe", "llada2"] {
      let shape = try read(name, large).get()
      #expect(shape.mask == 156895 && shape.end == 156892)
    }
    let dream = try read(
      "dream", ["vocab_size": 152064, "mask_token_id": FamilyFixtures.Absent(), "eos_token_id": FamilyFixtures.Absent(), "pad_token_id": 151643]
    ).get()
    #expect(dream.mask == 151666 && dream.end == 151643 && dream.predictsNext && dream.attentionBias && dream.attentionBlock == nil)
    let sdar = try read(
      "sdar",
      [
        "vocab_size": 151936, "mask_token_id": FamilyFixtures.Absent(), "eos_token_id": [151645, 151643], "block_size": FamilyFixtures.Absent(),
        "head_dim": FamilyFixtures.Absent(),
      ]
    ).get()
    #expect(sdar.mask == 151669 && sdar.end == 151645 && sdar.attentionBlock == 4 && sdar.headWidth == 128 && !sdar.predictsNext)
    #expect(try read("llada2", ["block_size": FamilyFixtures.Absent()]).get().attentionBlock == 32)
    #expect(try read("llada2", ["rotary_dim": 8]).get().rotaryWidth == 8)
    // A file of newer libraries.
    let newer: [String: any Sendable] = [
      "rope_theta": FamilyFixtures.Absent(), "rope_parameters": ["rope_theta": 5e5, "rope_type": "default"] as [String: any Sendable],
    ]
    #expect(try read("sdar", newer).get().rotaryBase == 5e5)
    // Without the ids of a release, a smaller vocabulary must name its own.
    #expect("\(try read("llada-moe", ["mask_token_id": FamilyFixtures.Absent()]))".contains("mask_token_id"))
  }

  private static let refused: [(String, String, any Sendable)] = [
    ("dream", "hidden_act", "gelu"), ("dream", "use_sliding_window", true), ("dream", "num_key_value_heads", 3),
    ("dream", "mask_token_id", 70), ("dream", "rope_theta", 0), ("dream", "intermediate_size", 0), ("dream", "head_dim", 20),
    ("sdar", "head_dim", 15), ("sdar", "block_size", 0), ("sdar", "head_dim", 1 << 30), ("sdar", "vocab_size", 1 << 40),
    ("sdar", "quantization_config", ["quant_method": "gptq"]), ("sdar", "rope_scaling", ["rope_type": "yarn"]),
    ("llada-moe", "moe_layer_freq", [1]), ("llada-moe", "moe_layer_freq", [1, 2]), ("llada-moe", "num_experts_per_tok", 7), ("llada-moe", "num_experts", 0),
    ("llada-moe", "clip_qkv", 8), ("llada-moe", "moe_router_score_function", "sigmoid"), ("llada-moe", "router_num_group", 2),
    ("llada-moe", "routed_scaling_factor", 2.5), ("llada-moe", "partial_rotary_factor", 0.1), ("llada-moe", "rope_scaling", ["type": "linear"]),
    ("llada2", "n_group", 5), ("llada2", "n_group", 12), ("llada2", "topk_group", 4), ("llada2", "num_experts_per_tok", 9), ("llada2", "rotary_dim", 4),
    ("llada2", "score_function", "softmax"), ("llada2", "norm_head", true), ("llada2", "use_rmsnorm", false), ("llada2", "num_shared_experts", -1),
  ]

  @Test func arithmeticThatIsNotThereIsRefused() throws {
    for (name, key, value) in Self.refused {
      guard case .failure(let error) = try read(name, [key: value]) else {
        Issue.record("\(name) took \(key) = \(value)")
        continue
      }
      #expect("\(error)".contains("`\(key)`") && "\(error)".contains("config.json") && "\(error)".contains("expected"), "\(error)")
    }
  }

  @Test func harmlessSwitchesAreIgnored() throws {
    let plain = try read("llada-moe").get()
    #expect(try read("llada-moe", ["norm_topk_prob": false, "router_aux_loss_coef": 0.5, "use_cache": true, "attention_dropout": 0.1]).get() == plain)
    let dream = try read("dream").get()
    #expect(try read("dream", ["sliding_window": 4096, "max_window_layers": 28, "torch_dtype": "float16"]).get() == dream)
  }

  @Test(arguments: FamilyFixtures.names) func everyTensorIsAskedForByShape(_ name: String) throws {
    try Fixture.withDirectory { directory in
      try FamilyFixtures.write(name, to: directory)
      let path = directory + "/model.safetensors"
      let tensors = try SafetensorsFile(path).tensors.values.map {
        SafetensorsWriter.Tensor(name: $0.name, shape: $0.shape, type: .float32, values: try $0.values())
      }
      // One expert stands for all. A choice bias may be left out: it is then zero.
      for left in tensors where !left.name.contains("layers.0.") && !left.name.hasSuffix("mlp.gate.expert_bias") {
        if left.name.contains(".experts."), !left.name.contains(".experts.1.") { continue }
        try SafetensorsWriter.save(tensors.filter { $0.name != left.name }, to: path)
        #expect(throws: ModelError.weights(.missing(directory: directory, name: left.name))) { try Transformer(directory: directory) }
      }
      let last = try #require(tensors.first { $0.name.hasSuffix("experts.1.up_proj.weight") || $0.name.hasSuffix("1.mlp.up_proj.weight") })
      try SafetensorsWriter.save(
        tensors.map { $0.name == last.name ? .init(name: $0.name, shape: [$0.values.count], type: .float32, values: $0.values) : $0 }, to: path)
      #expect { try Transformer(directory: directory) } throws: { "\($0)".contains(last.name) && "\($0)".contains("shape is") }
    }
  }

  @Test func aRowSeesItsBlockAndThoseBefore() throws {
    let model = try FamilyFixtures.model("sdar")
    let tokens = Fixture.tokens(11, seed: 1)
    let rows = try model.rows([Query(tokens: tokens, rows: Array(0..<11))])[0]
    // Blocks of 3: a change at 7 reaches rows 6, 7, 8 and after, and none before.
    var changed = tokens
    changed[7] = (tokens[7] + 1) % 70
    let other = try model.rows([Query(tokens: changed, rows: Array(0..<11))])[0]
    let differing = (0..<11).filter { bits([rows[$0]]) != bits([other[$0]]) }
    #expect(differing == Array(6..<11))
    // What follows a block changes no bit of it.
    let short = try model.rows([Query(tokens: Array(tokens[..<9]), rows: Array(0..<9))])[0]
    #expect(bits(short) == bits(Array(rows[..<9])))
  }

  @Test func theShiftBelongsToTheDenoiser() throws {
    try Fixture.withDirectory { directory in
      try FamilyFixtures.write("dream", to: directory)
      let denoiser = try TransformerDenoiser(directory: directory)
      let tokens = Fixture.tokens(12, seed: 3)
      let raw = try denoiser.logits([tokens])[0]
      var query = Query(tokens: tokens, rows: [0, 1, 5, 11])
      query.reading = Reading(fullRows: true)
      let response = try denoiser.believe([query])[0]
      let found = try response.rows.map { try #require($0.full) }
      #expect(bits(found) == bits([raw[0], raw[0], raw[4], raw[10]]))
      #expect(response.cost == Cost(canvases: 1, positions: 12, logitRows: 4))
      #expect(!denoiser.abilities.contains(.extraRows))
      query.positionIDs = Array(0..<12)
      #expect(throws: DenoiserError.self) { try denoiser.believe([query]) }
    }
  }

  @Test(arguments: FamilyFixtures.names) func weightsAreCounted(_ name: String) throws {
    try Fixture.withDirectory { directory in
      try FamilyFixtures.write(name, to: directory)
      let stored = try SafetensorsFile(directory + "/model.safetensors").tensors.values.reduce(0) { $0 + $1.count }
      #expect(try read(name).get().parameterCount == stored)
    }
  }
}

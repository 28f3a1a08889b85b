import Foundation
import Models
import Testing

/// Directories that do not hold the model they claim.
@Suite struct CheckpointTests {
  private let shape = Fixture.shape(layers: 1)

  /// The error of loading a random model after `change`, or "accepted".
  private func refusal(_ change: (String) throws -> Void) throws -> String {
    try Fixture.withDirectory { directory in
      try RandomModel.write(shape, to: directory)
      try change(directory)
      do throws(ModelError) { _ = try Transformer(directory: directory) } catch { return "\(error)" }
      return "accepted"
    }
  }

  /// The same after changing tensors.
  private func refusal(tensors change: ([SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor]) throws -> String {
    try refusal { directory in
      let path = directory + "/model.safetensors"
      let tensors = try SafetensorsFile(path).tensors.values.map {
        SafetensorsWriter.Tensor(name: $0.name, shape: $0.shape, type: .float32, values: try $0.values())
      }
      try SafetensorsWriter.save(change(tensors), to: path)
    }
  }

  @Test(arguments: ["wte.weight", "blocks.0.q_proj.weight", "blocks.0.attn_norm.weight", "ln_f.weight", "transformer.ff_out.weight", "blocks.0.ff_out.weight"])
  func wrongTensors(_ suffix: String) throws {
    func replace(_ tensor: SafetensorsWriter.Tensor, shape: [Int]? = nil, values: [Float]? = nil) -> SafetensorsWriter.Tensor {
      tensor.name.hasSuffix(suffix) ? .init(name: tensor.name, shape: shape ?? tensor.shape, type: .float32, values: values ?? tensor.values) : tensor
    }
    let missing = try refusal { $0.filter { !$0.name.hasSuffix(suffix) } }
    #expect(missing.contains(suffix) && missing.contains("is missing"))
    let flat = try refusal { $0.map { replace($0, shape: [1] + $0.shape) } }
    #expect(flat.contains(suffix) && flat.contains("shape is") && flat.contains("model.safetensors"))
    let turned = try refusal { $0.map { replace($0, shape: [$0.values.count]) } }
    #expect(turned.contains(suffix) || turned == "accepted" && suffix.contains("norm") || suffix.contains("ln_f"))
    for value in [Float.nan, .infinity, -.infinity] {
      let poisoned = try refusal { $0.map { replace($0, values: $0.values.dropLast() + [value]) } }
      #expect(poisoned.contains(suffix) && poisoned.contains("not a finite number") && poisoned.contains("model.safetensors"))
    }
  }

  @Test func integersAreNotWeights() throws {
    let error = try refusal { directory in
      let path = directory + "/model.safetensors"
      var text = try Data(contentsOf: URL(fileURLWithPath: path))
      // The first F32 of the header belongs to the first tensor by name; I32 is as wide.
      let place = try #require(text.firstRange(of: Data("F32".utf8)))
      text.replaceSubrange(place, with: Data("I32".utf8))
      try text.write(to: URL(fileURLWithPath: path))
    }
    #expect(error.contains("attn_norm.weight") && error.contains("elements are I32"))
  }

  /// The error of loading the sharded fixture after changing its index.
  private func sharded(_ change: (inout [String: String], String) throws -> Void) throws -> String {
    struct Index: Codable {
      var weightMap: [String: String]
      enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }
    return try Fixture.withDirectory { parent in
      let directory = parent + "/m"
      try FileManager.default.copyItem(atPath: try Fixture.path("checkpoints/llada-gqa-bf16-sharded"), toPath: directory)
      let url = URL(fileURLWithPath: directory + "/model.safetensors.index.json")
      var index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: url))
      try change(&index.weightMap, directory)
      try JSONEncoder().encode(index).write(to: url)
      do throws(ModelError) { _ = try Transformer(directory: directory) } catch { return "\(error)" }
      return "accepted"
    }
  }

  @Test func indexes() throws {
    let name = "model.transformer.ln_f.weight"
    #expect(try sharded { _, _ in } == "accepted")
    for escape in ["../x.safetensors", "/etc/passwd", "a/../../x.safetensors", "..", "", ".hidden.safetensors", "sub/model.safetensors", "a\\b.safetensors"] {
      let error = try sharded { map, _ in map[name] = escape }
      #expect(error.contains("plain name") && error.contains(name) && error.contains("index.json"), "\(escape): \(error)")
    }
    #expect(try sharded { map, _ in map[name] = "none.safetensors" }.contains("none.safetensors: cannot be read"))
    #expect(try sharded { map, _ in map[name] = "model-00001-of-00002.safetensors" }.contains("does not hold it"))
    #expect(try sharded { map, _ in map["ghost"] = "model-00001-of-00002.safetensors" }.contains("`ghost`"))
    #expect(try sharded { map, _ in map[name] = nil }.contains("the index does not say so"))
    let large = try refusal { directory in
      Fixture.remove(directory + "/model.safetensors")
      let index = directory + "/model.safetensors.index.json"
      #expect(FileManager.default.createFile(atPath: index, contents: nil))
      #expect(truncate(index, 1 << 30) == 0)
    }
    #expect(large.contains("index.json: it has 1073741824 bytes"))
    #expect(try refusal { Fixture.remove($0 + "/model.safetensors") }.contains("neither model.safetensors nor"))
    #expect(try refusal { Fixture.remove($0 + "/config.json") }.contains("config.json"))
  }

  @Test func configurations() throws {
    func refusal(_ changes: [String: Any?]) throws -> String {
      try self.refusal { directory in
        let url = URL(fileURLWithPath: directory + "/config.json")
        var object = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        for (key, value) in changes { object[key] = value }
        try JSONSerialization.data(withJSONObject: object).write(to: url)
      }
    }
    let bad: [(String, Any?)] = [
      ("d_model", -48), ("d_model", 0), ("d_model", 1 << 40), ("d_model", "48"), ("d_model", 48.5), ("d_model", nil), ("n_heads", 5), ("n_heads", 48),
      ("n_heads", 0), ("n_kv_heads", 2), ("n_kv_heads", 9), ("n_layers", 0), ("n_layers", 1 << 20), ("mlp_hidden_size", 0), ("vocab_size", 1),
      ("embedding_size", 60), ("rms_norm_eps", -1), ("rope_theta", 0), ("max_sequence_length", 0), ("max_sequence_length", 1 << 40),
      ("mask_token_id", 70), ("mask_token_id", nil), ("eos_token_id", -1), ("eos_token_id", 1), ("alibi", true), ("rope", false),
      ("attention_layer_norm", true),
      ("activation_type", "gelu"), ("block_type", "sequential"), ("layer_norm_type", "default"), ("input_emb_norm", true),
      ("block_group_size", 2), ("clip_qkv", 3), ("rope_scaling", ["type": "linear"]), ("bias_for_layer_norm", true),
      ("multi_query_attention", true), ("weight_tying", "yes"),
    ]
    for (key, value) in bad {
      let error = try refusal([key: value])
      #expect(error.contains("`\(key)`") && error.contains("config.json") && error.contains("expected"), "\(key): \(error)")
    }
    #expect(try refusal(["architectures": ["LLaDAModelML"]]).contains("did you mean `LLaDAModelLM`?"))
    #expect(try refusal(["architectures": nil]).contains("`architectures`"))
    #expect(try refusal(["n_layers": 2]).contains("blocks.1.attn_norm.weight` is missing"))
    for text in ["", "{", "[]", "{\"d_model\": 1, \"d_model\": 2}", String(repeating: " ", count: 2_000_000)] {
      let error = try self.refusal { try Data(text.utf8).write(to: URL(fileURLWithPath: $0 + "/config.json")) }
      #expect(error.contains("config.json") && error != "accepted")
    }
  }

  @Test func optionalKeysFollowTheReleasedCode() throws {
    func read(_ keys: String) throws -> ModelConfiguration {
      try Fixture.withDirectory { directory in
        let text =
          #"{"architectures": ["LLaDAModelLM"], "d_model": 64, "n_heads": 4, "n_layers": 1, "vocab_size": 9, "max_sequence_length": 16, "mask_token_id": 1, "eos_token_id": 0\#(keys)}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/config.json"))
        let reader = try ConfigurationReader(directory + "/config.json")
        return try ModelFamily.of(reader).configuration(reader)
      }
    }
    #expect(try read("").keyValueHeads == 4 && read("").feedForward == 256 && read("").start == nil)
    #expect(try read(#", "n_kv_heads": null, "multi_query_attention": true"#).keyValueHeads == 1)
    #expect(try read(#", "n_kv_heads": 2, "multi_query_attention": null"#).keyValueHeads == 2)
    #expect(try read(#", "mlp_ratio": 3"#).feedForward == 192)
    #expect(try read(#", "mlp_ratio": 3, "mlp_hidden_size": 100"#).feedForward == 100)
    #expect(try read(#", "embedding_size": 16"#).vocabularySize == 16)
    #expect(try read(#", "scale_logits": true"#).logitScale == 0.125)
    #expect(try read(#", "include_qkv_bias": true"#).attentionBias && !read(#", "include_qkv_bias": true"#).outputBias)
  }
}

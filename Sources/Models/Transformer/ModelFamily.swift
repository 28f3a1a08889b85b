/// How one family of models writes its configuration and names its tensors. A family is one file, and one line in `all`.
package struct ModelFamily: Sendable {
  /// Its name in messages.
  package let name: String
  /// The `architectures` of `config.json` that it reads.
  package let architectures: [String]
  /// Reads `config.json`.
  package let configuration: @Sendable (ConfigurationReader) throws(ModelError) -> ModelConfiguration
  /// The names of its tensors.
  package let tensors: TensorNames

  /// Every family, in the order they are listed.
  package static let all: [ModelFamily] = [.llada, .dream, .lladaMoE, .llada2, .sdar]

  /// The family that reads a configuration, by the first of its `architectures`.
  package static func of(_ reader: ConfigurationReader) throws(ModelError) -> ModelFamily {
    guard let name = reader.strings("architectures")?.first else {
      throw reader.fault("architectures", expected: "a list with the model's class")
    }
    guard let family = all.first(where: { $0.architectures.contains(name) }) else {
      throw .unknownFamily(file: reader.file, name: name, known: all.flatMap(\.architectures))
    }
    // Other programs' integers are not ours.
    try reader.require("quantization_config", .nothing)
    return family
  }
}

/// What a family calls its tensors. Names of a layer stand behind `layerPrefix` + index + ".".
package struct TensorNames: Sendable {
  package var embedding: String
  package var finalNorm: String
  package var head: String
  package var layerPrefix: String
  package var attentionNorm: String
  package var query: String
  package var key: String
  package var value: String
  package var attentionOutput: String
  package var feedForwardNorm: String
  package var gate: String
  package var up: String
  package var down: String
  /// One tensor of queries, keys and values end to end, where a family has one; the three names above are then unused.
  package var queryKeyValue: String?
  package var queryNorm = ""
  package var keyNorm = ""
  /// Of layers with experts. The names of expert 3 stand behind `experts` + "3.", those of the shared one behind `shared`.
  package var router = ""
  package var routerBias = ""
  package var experts = ""
  package var shared = ""
}

extension TensorNames {
  /// The three parts of an expert.
  package static let expert = (gate: "gate_proj", up: "up_proj", down: "down_proj")
}

import Diffusion
import Foundation
import Models
import Testing

/// Layers left out and positions stretched.
@Suite struct OptionTests {
  /// LongLLaDA's constants, from its repository: LLaDA for 8k, 16k, 24k and 32k, Dream for 8k.
  @Test(arguments: [(500_000.0, 8192, 4.0), (500_000, 16384, 14), (500_000, 24576, 31), (500_000, 32768, 55), (1_000_000, 8192, 5)])
  func factorsAreThoseOfLongLLaDA(_ base: Double, _ length: Int, _ constant: Double) {
    #expect(ModelOptions.factor(base: base, rotaryWidth: 128, trained: 4096, length: length).rounded(.up) == constant)
  }

  @Test func factorsBeforeTheyAreRounded() {
    for (length, exact) in [(8192, 3.4), (16384, 13.6), (24576, 30.6), (32768, 54.4)] {
      #expect(abs(ModelOptions.factor(base: 500_000, rotaryWidth: 128, trained: 4096, length: length) - exact) < 0.05)
    }
    #expect(abs(ModelOptions.factor(base: 1_000_000, rotaryWidth: 128, trained: 4096, length: 8192) - 4.42) < 0.005)
  }

  @Test func namesAndTheirOptions() throws {
    #expect(try ModelReference("reference") == ModelReference("reference") && ModelReference("reference").options == .none)
    let name = try ModelReference("a/b?skip_layers=4+2+4&rope_length=8192")
    #expect(name.place == "a/b" && name.options.skippedLayers == [2, 4] && name.options.rope == .length(8192, trained: 4096))
    #expect(name.text == "a/b?skip_layers=2+4&rope_length=8192&rope_trained=4096")
    #expect(try ModelReference(name.text) == name)
    #expect(try ModelReference("m?rope_scale=14").options.rope == .scale(14))
    for (text, key) in [
      ("m?skip_layers=", "skip_layers"), ("m?skip_layers=-1", "skip_layers"), ("m?skip_layers=1,2", "skip_layers"), ("m?rope_scale=0.5", "rope_scale"),
      ("m?rope_scale=nan", "rope_scale"), ("m?rope_length=6", "rope_length"), ("m?rope_length=8192&rope_scale=2", "rope_length"),
      ("m?rope_trained=99", "rope_trained"), ("m?rope_scale=2&rope_scale=2", "rope_scale"), ("m?skip_layer=1", "skip_layers"), ("m?", "known"),
    ] {
      #expect { try ModelReference(text) } throws: { "\($0)".contains(key) && "\($0)".contains("option") }
    }
  }

  private func model(_ directory: String, _ options: String) throws -> Transformer {
    try Transformer(directory: directory, options: ModelReference("m?" + options).options)
  }

  @Test func aLayerLeftOutIsAModelWithoutIt() throws {
    try Fixture.withDirectory { directory in
      try RandomModel.write(Fixture.shape(layers: 4), to: directory)
      let query = Query(tokens: Fixture.tokens(20, seed: 1), rows: [0, 7, 19])
      let found = try bits(model(directory, "skip_layers=2").rows([query])[0])
      // The same weights, written without layer 2.
      let path = directory + "/model.safetensors"
      let prefix = ModelFamily.llada.tensors.layerPrefix
      let kept = try SafetensorsFile(path).tensors.values.filter { !$0.name.hasPrefix(prefix + "2.") }.map { tensor in
        SafetensorsWriter.Tensor(
          name: tensor.name.replacing(prefix + "3.", with: prefix + "2."), shape: tensor.shape, type: .float32, values: try tensor.values())
      }
      try SafetensorsWriter.save(kept, to: path)
      try SafetensorsWriter.save(Array(RandomModel.configuration(Fixture.shape(layers: 3)).utf8), to: directory + "/config.json")
      #expect(try bits(Transformer(directory: directory).rows([query])[0]) == found)
      for layer in [0, 2, 3, 9] { #expect { try model(directory, "skip_layers=\(layer)") } throws: { "\($0)".contains("skip_layers") } }
    }
  }

  @Test func aStretchedBaseIsThatBase() throws {
    try Fixture.withDirectory { directory in
      var shape = Fixture.shape()
      try RandomModel.write(shape, to: directory)
      let query = Query(tokens: Fixture.tokens(20, seed: 1), rows: [0, 7, 19])
      let found = try bits(model(directory, "rope_scale=4").rows([query])[0])
      let plain = try bits(Transformer(directory: directory).rows([query])[0])
      #expect(found != plain)
      #expect(try model(directory, "rope_length=900").configuration.maxLength == 900)
      shape.rotaryBase *= 4
      try SafetensorsWriter.save(Array(RandomModel.configuration(shape).utf8), to: directory + "/config.json")
      #expect(try bits(Transformer(directory: directory).rows([query])[0]) == found)
    }
  }

  @Test func optionsArePartOfTheDigest() throws {
    let path = try Fixture.path("model")
    let plain = try LoadedModel(path)
    let stretched = try LoadedModel(path + "?rope_scale=2")
    let other = try LoadedModel(path + "?rope_scale=3")
    #expect(try plain.digest == ModelCatalog.digest(path) && Set([plain.digest, stretched.digest, other.digest]).count == 3)
    #expect(stretched.configuration.rotaryBase == 2 * plain.configuration.rotaryBase)
  }
}

import Diffusion
import Foundation
import Models
import Testing

/// Weights as small integers: how exact, that they load, and that every way of holding them gives the same bits.
@Suite struct QuantizerTests {
  static let ways = [Quantizer(.eight, group: nil), Quantizer(.eight, group: 32), Quantizer(.four, group: 32), Quantizer(.four, group: 16)]

  /// Integers of half a byte or a byte, back as weights.
  private func restored(_ bytes: [UInt8], _ scale: Float, _ bits: Quantizer.Bits) -> [Float] {
    bytes.flatMap { byte in
      bits == .eight ? [Float(Int8(bitPattern: byte)) * scale] : [Float(Int(byte & 15) - 8) * scale, Float(Int(byte >> 4) - 8) * scale]
    }
  }

  @Test(arguments: ways) func halfAStepAtMost(_ quantizer: Quantizer) {
    for seed in 0..<20 {
      let weights = Fixture.floats(32, seed: UInt64(seed)).map { $0 * pow(10, Float(seed) - 10) }
      var bytes: [UInt8] = []
      let scale = weights.withUnsafeBufferPointer { quantizer.append($0, to: &bytes) }
      let found = restored(bytes, scale, quantizer.bits)
      let largest = weights.map(\.magnitude).max() ?? 0
      for (a, b) in zip(weights, found) {
        // With 4 bits a weight of the other sign than the largest may lie half a step beyond the last level.
        #expect(abs(a - b) <= scale.magnitude * (quantizer.bits == .eight ? 0.5001 : 1.0001))
        if a.magnitude == largest { #expect(abs(a - b) <= largest * 1e-6) }
      }
    }
    for weights in [[Float](repeating: 0, count: 16), [Float](repeating: .leastNonzeroMagnitude, count: 16)] {
      var bytes: [UInt8] = []
      let scale = weights.withUnsafeBufferPointer { quantizer.append($0, to: &bytes) }
      #expect(restored(bytes, scale, quantizer.bits).allSatisfy { $0.isFinite && $0.magnitude <= 1e-37 })
    }
  }

  @Test(arguments: ["llada", "llada2", "llada-moe", "sdar"], ways) func writtenModelsLoad(_ name: String, _ quantizer: Quantizer) throws {
    try Fixture.withDirectory { parent in
      let (from, to) = (parent + "/from", parent + "/to")
      try FileManager.default.createDirectory(atPath: from, withIntermediateDirectories: true)
      if name == "llada" { try RandomModel.write(Fixture.shape(biases: true), to: from) } else { try FamilyFixtures.write(name, to: from) }
      try Data("{}".utf8).write(to: URL(fileURLWithPath: from + "/tokenizer_config.json"))
      let summary = try CheckpointQuantizer(directory: from, quantizer).write(to: to)
      #expect(summary.matrices > 0 && summary.written < summary.stored)
      #expect(MappedFile.exists(to + "/tokenizer_config.json") && !MappedFile.exists(to + "/model.safetensors.partial"))
      let query = Query(tokens: Fixture.tokens(33, seed: 2), rows: Array(0..<33))
      let packed = try Transformer(directory: to, holding: .packed).rows([query])[0]
      let stored = try Transformer(directory: to, threads: 2, holding: .stored).rows([query])[0]
      #expect(bits(packed) == bits(stored))
      let exact = try Transformer(directory: from).rows([query])[0]
      var (worst, size) = (0.0, 0.0)
      for (a, b) in zip(exact, stored) { for (x, y) in zip(a, b) { (worst, size) = (max(worst, Double(abs(x - y))), max(size, Double(abs(x)))) } }
      // Where experts are chosen, a small error may choose others.
      let isExact = quantizer.bits == .eight && (name == "llada" || name == "sdar")
      #expect(worst > 0 && worst < size * (isExact ? 0.1 : 1))
      // A directory that exists is left alone.
      #expect { try CheckpointQuantizer(directory: from, quantizer).write(to: to) } throws: { "\($0)".contains("exists already") }
    }
  }

  @Test func damagedIntegersAreRefused() throws {
    try Fixture.withDirectory { parent in
      let (from, to) = (parent + "/from", parent + "/to")
      try FileManager.default.createDirectory(atPath: from, withIntermediateDirectories: true)
      try RandomModel.write(Fixture.shape(), to: from)
      _ = try CheckpointQuantizer(directory: from, Quantizer(.eight, group: nil)).write(to: to)
      let path = to + "/model.safetensors"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      let name = "model.transformer.blocks.1.q_proj.weight"
      let file = try SafetensorsFile(path)
      let scales = try #require(file.tensors[name + "_scale"])
      func refusal(_ change: (inout Data) throws -> Void) throws -> String {
        var copy = whole
        try change(&copy)
        try copy.write(to: URL(fileURLWithPath: path))
        do throws(ModelError) { _ = try Transformer(directory: to) } catch { return "\(error)" }
        return "accepted"
      }
      #expect(try refusal { _ in } == "accepted")
      for bits in [Float.nan.bitPattern, Float.infinity.bitPattern, Float(3e38).bitPattern] {
        let error = try refusal { data in
          withUnsafeBytes(of: bits.littleEndian) { data.replaceSubrange(scales.range.lowerBound..<scales.range.lowerBound + 4, with: $0) }
        }
        #expect(error.contains(name + "_scale") && error.contains("not a finite number"))
      }
      let renamed = try refusal { data in
        let place = try #require(data.firstRange(of: Data("\"\(name)_scale\"".utf8)))
        data.replaceSubrange(place, with: Data("\"\(name)_scole\"".utf8))
      }
      #expect(renamed.contains(name + "_scale") && renamed.contains("is missing"))
    }
  }
}

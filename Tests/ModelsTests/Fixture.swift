import Diffusion
import Foundation
import Models

/// Files the tests read, directories they write, and models of any shape.
enum Fixture {
  static func path(_ name: String) throws -> String {
    guard let base = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
    return base.appendingPathComponent("Fixtures/" + name).path
  }

  /// Runs `body` with a fresh directory and removes it afterwards.
  static func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "unmask-models-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { remove(path) }
    return try body(path)
  }

  static func remove(_ path: String) {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  /// A small LLaDA shape with every optional part on or off.
  static func shape(
    layers: Int = 2, width: Int = 48, heads: Int = 3, groups: Int = 3, feedForward: Int = 80, vocabulary: Int = 70, tied: Bool = false,
    scaled: Bool = false, biases: Bool = false
  ) -> ModelConfiguration {
    var shape = ModelConfiguration(
      family: "llada", layers: layers, width: width, heads: heads, keyValueHeads: groups, feedForward: feedForward,
      vocabularySize: vocabulary, maxLength: 400, mask: 1, end: 0)
    shape.tiedEmbeddings = tied
    shape.logitScale = scaled ? Float(1 / Double(width).squareRoot()) : 1
    shape.attentionBias = biases
    shape.outputBias = biases
    shape.feedForwardBias = biases
    return shape
  }

  /// The model of a shape with random weights.
  static func model(_ shape: ModelConfiguration, threads: Int = 1, arithmetic: Arithmetic = .kernels) throws -> Transformer {
    try withDirectory { directory in
      try RandomModel.write(shape, to: directory, seed: 7)
      return try Transformer(directory: directory, threads: threads, arithmetic: arithmetic)
    }
  }

  /// A sequence of `length` tokens below `vocabulary`.
  static func tokens(_ length: Int, seed: Int, vocabulary: Int = 70) -> [Token] {
    (0..<length).map { Token(SeededRandom(seed: UInt64(seed))[$0].integer(below: vocabulary)) }
  }

  /// `count` floats in [-1, 1).
  static func floats(_ count: Int, seed: UInt64) -> [Float] {
    (0..<count).map { Float(2 * SeededRandom(seed: seed)[$0].uniform - 1) }
  }
}

extension Transformer {
  /// The rows asked for, query by query.
  func rows(_ queries: [Query]) throws -> [[[Float]]] {
    var flat: [[Float]] = []
    try forward(queries) { (tile) throws(DenoiserError) in
      for row in tile.rows { flat.append(Array(tile.logits(row))) }
    }
    var at = 0
    return queries.map { query in
      defer { at += query.rows.count }
      return Array(flat[at..<at + query.rows.count])
    }
  }
}

/// The bits of floats, so that equality means equality.
func bits(_ rows: [[Float]]) -> [[UInt32]] { rows.map { $0.map(\.bitPattern) } }

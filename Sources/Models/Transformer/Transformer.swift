internal import Diffusion
internal import Foundation
internal import Synchronization

/// A Llama-like transformer: RMSNorm, rotary positions, grouped-query attention to every row or by blocks, SwiGLU or experts.
///
/// Weights are shared and never change; any number of callers may run `forward` at once. Every row's logits depend on its own sequence
/// alone and are the same bits whatever else is in the batch, whatever rows are asked for and however many threads there are, because
/// each number is computed by one fixed chain of operations (see `Linear`, `Attention`), and splitting work never splits a chain.
package final class Transformer: Sendable {
  /// The model's shape.
  package let configuration: ModelConfiguration
  let workers: Workers
  let embedding: Embedding
  let layers: [Layer]
  let finalNorm: AlignedFloats
  let head: Linear
  let rotary: Rotary
  private let pool = Mutex<[Scratch]>([])

  /// Loads a directory in Hugging Face layout: `config.json` and safetensors.
  ///
  /// - Parameters:
  ///   - threads: how many threads one forward pass may use; nil: one, and all that the machine has for a model that is too large to be packed. No bit of a
  ///     result depends on it.
  ///   - arithmetic: who computes the matrix products of the linear layers.
  ///   - holding: how weights are held; nil: packed where that takes little memory, and else as they are stored. An option for integers decides otherwise.
  ///   - options: changes to the model that its family allows.
  package convenience init(
    directory: String, threads: Int? = nil, arithmetic: Arithmetic = .kernels, holding: Linear.Holding? = nil, options: ModelOptions = .none
  ) throws(ModelError) {
    let reader = try ConfigurationReader(directory + "/config.json")
    let family = try ModelFamily.of(reader)
    let configuration = try options.applied(to: family.configuration(reader))
    do throws(WeightsError) {
      let checkpoint = try Checkpoint(directory: directory)
      let isSmall = checkpoint.elements * 4 <= Self.packedLimit
      let held = options.precision == .int8 ? .integers : holding ?? (isSmall ? .packed : .stored)
      let usual = held == .packed || isSmall && held == .integers ? 1 : ProcessInfo.processInfo.activeProcessorCount
      try self.init(WeightLoader(configuration, family.tensors, checkpoint, arithmetic, held), threads ?? usual)
    } catch { throw .weights(error) }
  }

  /// Bytes of float32 up to which weights are copied.
  static let packedLimit = 1 << 30

  init(_ loader: WeightLoader, _ threads: Int) throws(WeightsError) {
    configuration = loader.shape
    workers = Workers(threads)
    let table = try loader.embedding()
    embedding = try Embedding(table)
    var layers: [Layer] = []
    // A layer that is skipped is not even read.
    for index in 0..<configuration.layers where !configuration.skippedLayers.contains(index) { layers.append(try loader.layer(index)) }
    self.layers = layers
    finalNorm = try loader.finalNorm()
    head = try loader.head(table)
    rotary = Rotary(headWidth: configuration.rotaryWidth, base: configuration.rotaryBase, positions: configuration.maxLength)
  }

  /// Lends working memory to one pass.
  func withScratch<Result>(_ body: (Scratch) throws(DenoiserError) -> Result) throws(DenoiserError) -> Result {
    let lent = pool.withLock { $0.popLast() }.map(Borrowed.init) ?? Borrowed(Scratch())
    defer { pool.withLock { $0.append(lent.scratch) } }
    return try body(lent.scratch)
  }

  /// Scratch has one user at a time: the pass that took it out of the pool.
  private struct Borrowed: @unchecked Sendable {
    let scratch: Scratch
    init(_ scratch: Scratch) { self.scratch = scratch }
  }
}

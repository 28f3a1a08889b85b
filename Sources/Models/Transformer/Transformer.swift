internal import Diffusion
internal import Synchronization

/// A bidirectional Llama-like transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
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

  /// One layer's weights.
  struct Layer: Sendable {
    let attentionNorm: AlignedFloats
    let query: Linear
    /// Keys, then values.
    let keyValue: Linear
    let attentionOutput: Linear
    let feedForwardNorm: AlignedFloats
    let gate: Linear
    let up: Linear
    let down: Linear
  }

  /// Loads a directory in Hugging Face layout: `config.json` and safetensors.
  ///
  /// - Parameters:
  ///   - threads: how many threads one forward pass may use.
  ///   - arithmetic: who computes the matrix products of the linear layers.
  package convenience init(directory: String, threads: Int = 1, arithmetic: Arithmetic = .kernels) throws(ModelError) {
    let reader = try ConfigurationReader(directory + "/config.json")
    let family = try ModelFamily.of(reader)
    let configuration = try family.configuration(reader)
    do throws(WeightsError) {
      try self.init(configuration, family.tensors, Checkpoint(directory: directory), threads, arithmetic)
    } catch { throw .weights(error) }
  }

  init(_ shape: ModelConfiguration, _ names: TensorNames, _ checkpoint: Checkpoint, _ threads: Int, _ arithmetic: Arithmetic) throws(WeightsError) {
    let width = shape.width
    let queryWidth = shape.heads * shape.headWidth
    let keyWidth = shape.keyValueHeads * shape.headWidth

    func vector(_ name: String) throws(WeightsError) -> AlignedFloats {
      let tensor = try checkpoint.tensor(name + ".weight", [width])
      let values = AlignedFloats(count: width)
      try tensor.widen(into: values.pointer)
      return values
    }
    func linear(_ parts: [(name: String, outputs: Int)], inputs: Int, bias: Bool) throws(WeightsError) -> Linear {
      var matrices: [StoredTensor] = []
      var biases: [StoredTensor] = []
      for part in parts {
        matrices.append(try checkpoint.tensor(part.name + ".weight", [part.outputs, inputs]))
        if bias { biases.append(try checkpoint.tensor(part.name + ".bias", [part.outputs])) }
      }
      return try Linear(matrices, biases: biases, arithmetic: arithmetic)
    }

    configuration = shape
    workers = Workers(threads)
    let table = try checkpoint.tensor(names.embedding + ".weight", [shape.vocabularySize, width])
    embedding = try Embedding(table)
    var layers: [Layer] = []
    for index in 0..<shape.layers {
      let prefix = names.layerPrefix + "\(index)."
      layers.append(
        Layer(
          attentionNorm: try vector(prefix + names.attentionNorm),
          query: try linear([(prefix + names.query, queryWidth)], inputs: width, bias: shape.attentionBias),
          keyValue: try linear(
            [(prefix + names.key, keyWidth), (prefix + names.value, keyWidth)], inputs: width, bias: shape.attentionBias),
          attentionOutput: try linear([(prefix + names.attentionOutput, width)], inputs: queryWidth, bias: shape.outputBias),
          feedForwardNorm: try vector(prefix + names.feedForwardNorm),
          gate: try linear([(prefix + names.gate, shape.feedForward)], inputs: width, bias: shape.outputBias),
          up: try linear([(prefix + names.up, shape.feedForward)], inputs: width, bias: shape.outputBias),
          down: try linear([(prefix + names.down, width)], inputs: shape.feedForward, bias: shape.outputBias)))
    }
    self.layers = layers
    finalNorm = try vector(names.finalNorm)
    head =
      shape.tiedEmbeddings
      ? try Linear([table], arithmetic: arithmetic) : try linear([(names.head, shape.vocabularySize)], inputs: width, bias: shape.outputBias)
    rotary = Rotary(headWidth: shape.headWidth, base: shape.rotaryBase, positions: shape.maxLength)
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

/// Finds a model's tensors under its family's names and checks their shapes.
struct WeightLoader {
  let shape: ModelConfiguration
  private let names: TensorNames
  private let checkpoint: Checkpoint
  private let arithmetic: Arithmetic
  private let holding: Linear.Holding

  init(_ shape: ModelConfiguration, _ names: TensorNames, _ checkpoint: Checkpoint, _ arithmetic: Arithmetic, _ holding: Linear.Holding) {
    self.shape = shape
    self.names = names
    self.checkpoint = checkpoint
    self.arithmetic = arithmetic
    self.holding = holding
  }

  private var queryWidth: Int { shape.heads * shape.headWidth }
  private var keyWidth: Int { shape.keyValueHeads * shape.headWidth }

  /// The embedding table `[V, D]`.
  func embedding() throws(WeightsError) -> StoredTensor { try checkpoint.tensor(names.embedding + ".weight", [shape.vocabularySize, shape.width]) }

  /// The norm before the head.
  func finalNorm() throws(WeightsError) -> AlignedFloats { try vector(names.finalNorm + ".weight", shape.width) }

  /// The head; `table` where it is the embedding.
  func head(_ table: StoredTensor) throws(WeightsError) -> Linear {
    if shape.tiedEmbeddings { return try Linear([StoredMatrix(table)], arithmetic: arithmetic, holding: holding) }
    return try linear([(names.head, shape.vocabularySize)], inputs: shape.width, bias: shape.feedForwardBias)
  }

  /// A layer, counted from 0.
  func layer(_ index: Int) throws(WeightsError) -> Transformer.Layer {
    let prefix = names.layerPrefix + "\(index)."
    let attentionNorm = try vector(prefix + names.attentionNorm + ".weight", shape.width)
    let (query, keyValue) = try projections(prefix)
    var norms: Transformer.HeadNorms?
    if shape.queryKeyNorm {
      norms = .init(
        query: try vector(prefix + names.queryNorm + ".weight", shape.headWidth), key: try vector(prefix + names.keyNorm + ".weight", shape.headWidth))
    }
    return Transformer.Layer(
      attentionNorm: attentionNorm,
      query: query,
      keyValue: keyValue,
      headNorms: norms,
      attentionOutput: try linear([(prefix + names.attentionOutput, shape.width)], inputs: queryWidth, bias: shape.outputBias),
      feedForwardNorm: try vector(prefix + names.feedForwardNorm + ".weight", shape.width),
      feedForward: try feedForward(index, prefix))
  }

  private func projections(_ prefix: String) throws(WeightsError) -> (query: Linear, keyValue: Linear) {
    if let name = names.queryKeyValue {
      let all = queryWidth + 2 * keyWidth
      let matrix = try checkpoint.matrix(prefix + name + ".weight", rows: all, columns: shape.width)
      let bias = shape.attentionBias ? try checkpoint.tensor(prefix + name + ".bias", [all]) : nil
      func part(_ rows: Range<Int>) throws(WeightsError) -> Linear {
        try Linear([matrix.rows(rows)], biases: bias.map { [$0.rows(rows)] } ?? [], arithmetic: arithmetic, holding: holding)
      }
      return (try part(0..<queryWidth), try part(queryWidth..<all))
    }
    return (
      try linear([(prefix + names.query, queryWidth)], inputs: shape.width, bias: shape.attentionBias),
      try linear([(prefix + names.key, keyWidth), (prefix + names.value, keyWidth)], inputs: shape.width, bias: shape.attentionBias)
    )
  }

  private func feedForward(_ index: Int, _ prefix: String) throws(WeightsError) -> Transformer.FeedForward {
    guard let mixture = shape.mixture, !mixture.denseLayers.contains(index) else {
      return .dense(
        try gated(prefix + names.gate, prefix + names.up, prefix + names.down, width: shape.feedForward, bias: shape.feedForwardBias))
    }
    func expert(_ place: String, _ width: Int) throws(WeightsError) -> Transformer.Gated {
      let parts = TensorNames.expert
      return try gated(place + parts.gate, place + parts.up, place + parts.down, width: width, bias: false)
    }
    var experts: [Transformer.Gated] = []
    for index in 0..<mixture.experts { experts.append(try expert(prefix + names.experts + "\(index).", mixture.width)) }
    let bias = prefix + names.routerBias
    let hasBias = mixture.router.bias == .scores || mixture.router.bias == .choice && checkpoint.holds(bias)
    return .experts(
      .init(
        // A router's rounding would send rows elsewhere; it is small.
        router: try linear([(prefix + names.router, mixture.experts)], inputs: shape.width, bias: false, holding: holding == .integers ? .packed : nil),
        bias: hasBias ? try vector(bias, mixture.experts) : nil,
        all: experts,
        shared: mixture.sharedWidth > 0 ? try expert(prefix + names.shared, mixture.sharedWidth) : nil))
  }

  private func gated(_ gate: String, _ up: String, _ down: String, width: Int, bias: Bool) throws(WeightsError) -> Transformer.Gated {
    .init(
      gate: try linear([(gate, width)], inputs: shape.width, bias: bias), up: try linear([(up, width)], inputs: shape.width, bias: bias),
      down: try linear([(down, shape.width)], inputs: width, bias: bias))
  }

  private func vector(_ name: String, _ count: Int) throws(WeightsError) -> AlignedFloats {
    let values = AlignedFloats(count: count)
    try checkpoint.tensor(name, [count]).widen(into: values.pointer)
    return values
  }

  private func linear(_ parts: [(name: String, outputs: Int)], inputs: Int, bias: Bool, holding: Linear.Holding? = nil) throws(WeightsError) -> Linear {
    var matrices: [StoredMatrix] = []
    var biases: [StoredTensor] = []
    for part in parts {
      matrices.append(try checkpoint.matrix(part.name + ".weight", rows: part.outputs, columns: inputs))
      if bias { biases.append(try checkpoint.tensor(part.name + ".bias", [part.outputs])) }
    }
    return try Linear(matrices, biases: biases, arithmetic: arithmetic, holding: holding ?? self.holding)
  }
}

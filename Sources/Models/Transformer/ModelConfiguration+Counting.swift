extension ModelConfiguration {
  /// Number of weights.
  public var parameterCount: Int {
    (0..<layers).reduce(vocabularySize * width * (tiedEmbeddings ? 1 : 2) + width) { $0 + attentionCount + feedForwardCount($1) }
  }

  /// Weights of a layer's attention and of its two norms.
  private var attentionCount: Int {
    let queries = heads * headWidth
    let keys = keyValueHeads * headWidth
    return width * (2 * queries + 2 * keys) + 2 * width + (queryKeyNorm ? 2 * headWidth : 0) + (attentionBias ? queries + 2 * keys : 0)
      + (outputBias ? width : 0)
  }

  private func feedForwardCount(_ layer: Int) -> Int {
    guard let mixture, !mixture.denseLayers.contains(layer) else { return 3 * width * feedForward + (feedForwardBias ? 2 * feedForward + width : 0) }
    let router = mixture.experts * (width + (mixture.router.bias == .none ? 0 : 1))
    return 3 * width * (mixture.experts * mixture.width + mixture.sharedWidth) + router
  }
}

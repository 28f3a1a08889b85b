internal import CKernels
package import Diffusion

/// What a feature cache holds of one sequence: keys, values, and what attention and the feed-forward part of every layer gave each row.
package final class Features {
  let keysValues: KeyValues
  private let attention: [AlignedFloats]
  private let feedForward: [AlignedFloats]
  private let width: Int
  /// Whether every row has been computed once.
  private(set) var isComplete = false

  /// Room for `rows` rows in every layer of a model.
  package init(_ model: Transformer, rows: Int) {
    keysValues = KeyValues(model, rows: rows)
    let width = model.configuration.width
    self.width = width
    attention = model.layers.map { _ in AlignedFloats(count: rows * width) }
    feedForward = model.layers.map { _ in AlignedFloats(count: rows * width) }
  }

  private init(_ other: Features) {
    (keysValues, width, isComplete) = (other.keysValues.copy(), other.width, other.isComplete)
    let copy = { (from: AlignedFloats) in
      let to = AlignedFloats(count: from.count)
      to.pointer.update(from: from.pointer, count: from.count)
      return to
    }
    (attention, feedForward) = (other.attention.map(copy), other.feedForward.map(copy))
  }

  /// Rows.
  package var rows: Int { keysValues.rows }
  /// The same in other memory.
  package func copy() -> Features { Features(self) }
  /// Bytes taken.
  package var bytes: Int { keysValues.bytes + 2 * attention.count * rows * width * MemoryLayout<Float>.stride }

  func attention(_ layer: Int, _ row: Int) -> UnsafeMutablePointer<Float> { attention[layer].pointer + row * width }
  func feedForward(_ layer: Int, _ row: Int) -> UnsafeMutablePointer<Float> { feedForward[layer].pointer + row * width }
  func complete() { isComplete = true }
}

/// A pass that computes in every layer only what has changed; see `FeatureCache`.
///
/// Where everything is refreshed it computes what `Pass` does, bit for bit.
///
/// Legend: N rows of the sequence, C those that go through a layer, D width.
struct FeaturePass {
  let model: Transformer
  let query: Query
  let held: Features
  /// The first row of the response.
  let split: Int
  let refreshesPrompt: Bool
  let refreshesResponse: Bool
  /// The share of the response's rows that go through a layer that is not refreshed.
  let ratio: Double
  let scratch: Scratch

  private var stride: Int { AlignedFloats.stride(model.configuration.width) }
  private var width: Int { model.configuration.width }
  private var count: Int { query.tokens.count }
  private var residual: UnsafeMutablePointer<Float> { scratch.buffer(.wholeResidual, count * stride) }
  private var normed: UnsafeMutablePointer<Float> { scratch.buffer(.wholeNormed, count * stride) }
  /// Rows whose residual stream is followed: the prompt's lead nowhere where it is not refreshed.
  private var followed: Range<Int> { refreshesPrompt ? 0..<count : split..<count }

  /// All layers, and the final states of the rows asked for handed out in tiles.
  ///
  /// - Returns: the work, in rows that go through all layers.
  func run(_ reading: ((Int) -> Reading)?, _ body: (RowTile) throws(DenoiserError) -> Void) throws(DenoiserError) -> Int {
    let opening = Pass(model, [Lane(query.asking(for: []))], scratch)
    opening.embed()
    residual.update(from: scratch.buffer(.residual, count * stride), count: count * stride)
    var work = 0.0
    for index in model.layers.indices { work += layer(index) }
    held.complete()
    let asked = query.rows.count
    let last = Pass(model, [Lane(query)], scratch)
    let rows = scratch.buffer(.residualAsked, asked * stride)
    for (to, row) in query.rows.enumerated() { (rows + to * stride).update(from: residual + row * stride, count: width) }
    try last.finish(reading, body)
    return min(count, Int((work / Double(max(model.layers.count, 1))).rounded(.up)))
  }

  /// One layer. Returns its work in rows.
  private func layer(_ index: Int) -> Double {
    let layer = model.layers[index]
    let response = Array(split..<count)
    let isWhole = refreshesResponse || index == 0 || !held.isComplete
    let lanes = { (rows: [Int]) in Pass(model, [Lane(query.asking(for: []), active: rows, seen: nil, held: held.keysValues, kept: rows)], scratch) }
    let whole = Pass(model, [Lane(query.asking(for: []))], scratch)
    whole.norm(residual + followed.lowerBound * stride, layer.attentionNorm, to: normed + followed.lowerBound * stride, followed.count)
    let chosen = isWhole ? response : changed(index, layer, response)
    let rows = (refreshesPrompt ? Array(0..<split) : []) + chosen
    if !rows.isEmpty {
      let pass = lanes(rows)
      let inputs = gather(normed, rows, .normed)
      let keyStride = AlignedFloats.stride(held.keysValues.width)
      pass.linear(layer.keyValue, inputs, stride, rows.count, to: scratch.buffer(.keysValues, rows.count * keyStride), keyStride)
      let update = scratch.buffer(.update, rows.count * stride)
      pass.attention(index, inputs, rows.count, isLast: false, to: update)
      for (place, row) in rows.enumerated() { held.attention(index, row).update(from: update + place * stride, count: width) }
    }
    for row in followed { unmask_add(residual + row * stride, stride, held.attention(index, row), width, 1, width) }
    if !rows.isEmpty {
      let pass = lanes(rows)
      let stream = gather(residual, rows, .residual)
      let inputs = scratch.buffer(.normed, rows.count * stride)
      pass.norm(stream, layer.feedForwardNorm, to: inputs, rows.count)
      let update = scratch.buffer(.update, rows.count * stride)
      pass.feedForward(layer, inputs, rows.count, to: update)
      for (place, row) in rows.enumerated() { held.feedForward(index, row).update(from: update + place * stride, count: width) }
    }
    for row in followed { unmask_add(residual + row * stride, stride, held.feedForward(index, row), width, 1, width) }
    let values = isWhole ? 0 : Double(response.count) * model.configuration.valueShare
    return Double(rows.count) + values
  }

  /// The rows of the response whose values are least like those held; the new values are held from now on.
  private func changed(_ index: Int, _ layer: Transformer.Layer, _ response: [Int]) -> [Int] {
    let store = held.keysValues
    let half = store.width / 2
    let stride = AlignedFloats.stride(store.width)
    let fresh = scratch.buffer(.keysValues, count * stride)
    // Panels before the first that holds values need not be computed.
    let first = half / Int(UNMASK_PANEL)
    let rows = layer.keyValue.rows(normed + split * self.stride, stride: self.stride, count: response.count, workers: model.workers)
    model.workers.split(layer.keyValue.panels - first) { range in
      layer.keyValue.apply(rows, to: fresh, stride: stride, panels: range.lowerBound + first..<range.upperBound + first)
    }
    var alike: [(row: Int, cosine: Double)] = []
    for (place, row) in response.enumerated() {
      let (new, old) = (fresh + place * stride + half, store.layer(index) + row * store.width + half)
      alike.append((row, Self.cosine(new, old, half)))
      old.update(from: new, count: half)
    }
    let number = Int((ratio * Double(response.count)).rounded(.down))
    return alike.sorted { $0.cosine != $1.cosine ? $0.cosine < $1.cosine : $0.row < $1.row }.prefix(number).map(\.row).sorted()
  }

  private static func cosine(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
    var (dot, x, y) = (0.0, 0.0, 0.0)
    for index in 0..<count {
      let (p, q) = (Double(a[index]), Double(b[index]))
      dot += p * q
      x += p * p
      y += q * q
    }
    return dot / max((x * y).squareRoot(), 1e-30)
  }

  private func gather(_ from: UnsafeMutablePointer<Float>, _ rows: [Int], _ name: Scratch.Name) -> UnsafeMutablePointer<Float> {
    let to = scratch.buffer(name, rows.count * stride)
    for (place, row) in rows.enumerated() { (to + place * stride).update(from: from + row * stride, count: width) }
    return to
  }
}

extension Transformer {
  /// Evaluates one sequence against what is held of it, and brings that up to date.
  ///
  /// - Returns: the work, in rows that go through all layers.
  package func forward(
    _ query: Query, _ held: Features, split: Int, prompt: Bool, response: Bool, ratio: Double, tile body: (RowTile) throws(DenoiserError) -> Void
  ) throws(DenoiserError) -> Int {
    try check(query, 0)
    return try withScratch { (scratch) throws(DenoiserError) in
      let isFirst = !held.isComplete
      return try FeaturePass(
        model: self, query: query, held: held, split: split, refreshesPrompt: prompt || isFirst, refreshesResponse: response || isFirst, ratio: ratio,
        scratch: scratch
      ).run({ _ in query.reading }, body)
    }
  }
}

extension ModelConfiguration {
  /// The share of a row's work in a layer's products that its values take; experts that do not see the row take none.
  var valueShare: Double {
    let keys = keyValueHeads * headWidth
    let inner = mixture.map { $0.chosen * $0.width + $0.sharedWidth } ?? feedForward
    return Double(keys) / Double(2 * heads * headWidth + 2 * keys + 3 * inner)
  }
}

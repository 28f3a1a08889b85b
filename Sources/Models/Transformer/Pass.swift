internal import CKernels
internal import Diffusion

/// One forward pass over the rows of all sequences.
///
/// Legend: R rows of all sequences that go through the layers, A rows asked for, D width, F feed-forward width, V vocabulary. Work is split over threads by rows
/// (norms, sums), by panels of outputs (linear layers) and by heads (attention); buffers are those of `Scratch`.
struct Pass {
  let model: Transformer
  let lanes: [Lane]
  let scratch: Scratch
  /// First row of each sequence among R, and among A.
  let starts: [Int]
  let askedStarts: [Int]
  /// R and A.
  let rows: Int
  let asked: Int
  let stride: Int
  private let rotary: Rotary.Table
  /// Of each sequence: where its keys come from, and the places of the rows asked for and kept among those that go through the layers.
  private let places: [[Int32]?]
  private let askedPlaces: [[Int]]
  private let keptPlaces: [[Int]]

  var shape: ModelConfiguration { model.configuration }
  var workers: Workers { model.workers }

  init(_ model: Transformer, _ lanes: [Lane], _ scratch: Scratch) {
    self.model = model
    self.lanes = lanes
    self.scratch = scratch
    var (starts, askedStarts): ([Int], [Int]) = ([], [])
    var (places, askedPlaces, keptPlaces): ([[Int32]?], [[Int]], [[Int]]) = ([], [], [])
    var (rows, asked, positions) = (0, 0, 0)
    for lane in lanes {
      positions = max(positions, lane.query.positionIDs.map { ($0.max() ?? -1) + 1 } ?? lane.query.tokens.count)
      starts.append(rows)
      askedStarts.append(asked)
      rows += lane.count
      asked += lane.query.rows.count
      let indices = lane.indices
      places.append(lane.places(indices))
      askedPlaces.append(indices.map { indices in lane.query.rows.compactMap { indices[$0] } } ?? lane.query.rows)
      keptPlaces.append(indices.map { indices in lane.kept.compactMap { indices[$0] } } ?? lane.kept)
    }
    (self.starts, self.askedStarts, self.rows, self.asked) = (starts, askedStarts, rows, asked)
    (self.places, self.askedPlaces, self.keptPlaces) = (places, askedPlaces, keptPlaces)
    stride = AlignedFloats.stride(model.configuration.width)
    rotary = model.rotary.table(positions)
  }

  private func wide(_ name: Scratch.Name, _ count: Int) -> UnsafeMutablePointer<Float> { scratch.buffer(name, count * stride) }

  /// Embeddings into the residual stream.
  func embed() {
    let residual = wide(.residual, rows)
    let spare = wide(.update, rows)
    for (lane, start) in zip(lanes, starts) {
      for index in 0..<lane.count {
        let row = lane.row(index)
        let to = residual + (start + index) * stride
        if let parts = lane.query.soft[row] {
          model.embedding.mix(parts, into: to, scratch: spare)
        } else {
          model.embedding.read(Int(lane.query.tokens[row]), into: to)
        }
      }
    }
  }

  /// One layer, in place on the residual stream; the last layer leaves its result in the asked-for rows.
  func run(_ index: Int) {
    let layer = model.layers[index]
    let isLast = index == model.layers.count - 1
    let keyStride = AlignedFloats.stride(2 * shape.keyValueHeads * shape.headWidth)
    let count = isLast ? asked : rows
    var residual = wide(.residual, rows)
    var normed = wide(.normed, rows)
    norm(residual, layer.attentionNorm, to: normed, rows)
    let keysValues = scratch.buffer(.keysValues, rows * keyStride)
    linear(layer.keyValue, normed, stride, rows, to: keysValues, keyStride)
    if isLast { (residual, normed) = gather(residual, normed) }
    let update = wide(.update, count)
    attention(index, normed, count, isLast: isLast, to: update)
    add(update, to: residual, count)
    norm(residual, layer.feedForwardNorm, to: normed, count)
    feedForward(layer, normed, count, to: update)
    add(update, to: residual, count)
  }

  /// Keys and values of all rows have been computed: queries of `count` of them, attention, and its output. Keys are rotated on the way.
  func attention(_ index: Int, _ normed: UnsafePointer<Float>, _ count: Int, isLast: Bool, to update: UnsafeMutablePointer<Float>) {
    let layer = model.layers[index]
    let queryStride = AlignedFloats.stride(shape.heads * shape.headWidth)
    let keyStride = AlignedFloats.stride(2 * shape.keyValueHeads * shape.headWidth)
    let keysValues = scratch.buffer(.keysValues, rows * keyStride)
    let queries = scratch.buffer(.queries, count * queryStride)
    let attended = scratch.buffer(.attended, count * queryStride)
    linear(layer.query, normed, stride, count, to: queries, queryStride)
    attend(queries, keysValues, keyStride, index, norms: layer.headNorms, to: attended, queryStride, isLast: isLast)
    keep(keysValues, keyStride, layer: index)
    linear(layer.attentionOutput, attended, queryStride, count, to: update, stride)
  }

  /// A layer's second half.
  func feedForward(_ layer: Transformer.Layer, _ normed: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<Float>) {
    switch layer.feedForward {
    case .dense(let gated): apply(gated, normed, count, to: out)
    case .experts(let experts): apply(experts, normed, count, to: out)
    }
  }

  private func add(_ update: UnsafePointer<Float>, to residual: UnsafeMutablePointer<Float>, _ count: Int) {
    workers.split(count) { range in
      unmask_add(residual + range.lowerBound * stride, stride, update + range.lowerBound * stride, stride, range.count, shape.width)
    }
  }

  /// An ordinary feed-forward part, or an expert that sees every row.
  func apply(_ part: Transformer.Gated, _ x: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<Float>) {
    let feedStride = AlignedFloats.stride(part.gate.outputs)
    let gate = scratch.buffer(.gate, count * feedStride)
    let up = scratch.buffer(.up, count * feedStride)
    let rows = part.gate.rows(x, stride: stride, count: count, workers: workers)
    workers.split(part.gate.panels) { panels in
      part.gate.apply(rows, to: gate, stride: feedStride, panels: panels)
      part.up.apply(rows, to: up, stride: feedStride, panels: panels)
      let column = panels.lowerBound * Int(UNMASK_PANEL)
      unmask_swiglu(gate + column, up + column, feedStride, count, panels.count * Int(UNMASK_PANEL))
    }
    linear(part.down, gate, feedStride, count, to: out, stride)
  }

  /// Final norm, head, and the tiles handed out.
  func finish(_ reading: ((Int) -> Reading)?, _ body: (RowTile) throws(DenoiserError) -> Void) throws(DenoiserError) {
    let normed = wide(.normedAsked, asked)
    norm(wide(.residualAsked, asked), model.finalNorm, to: normed, asked)
    try head(normed, reading, body)
  }

  /// The head over the rows asked for, and the tiles handed out.
  func head(
    _ normed: UnsafeMutablePointer<Float>, _ reading: ((Int) -> Reading)?, _ body: (RowTile) throws(DenoiserError) -> Void
  ) throws(DenoiserError) {
    let size = shape.vocabularySize
    if let reading, size >= LongRows.threshold {
      let readings = (0..<asked).map(reading)
      if !readings.contains(where: \.fullRows) { return try longHead(normed, readings, body) }
    }
    let logitStride = AlignedFloats.stride(size)
    // About 16 MB of logits at a time, but enough rows that the head's weights are not read too often.
    let tile = min(asked, max(24, (4 << 20) / logitStride))
    let logits = scratch.buffer(.logits, tile * logitStride)
    for start in Swift.stride(from: 0, to: asked, by: tile) {
      let count = min(tile, asked - start)
      linear(model.head, normed + start * stride, stride, count, to: logits, logitStride)
      for row in 0..<count {
        let values = logits + row * logitStride
        if shape.logitScale != 1 { for index in 0..<size { values[index] *= shape.logitScale } }
        guard unmask_finite(values, size) == 1 else {
          let sequence = askedStarts.lastIndex { $0 <= start + row } ?? 0
          throw .nonFinite(row: lanes[sequence].query.rows[start + row - askedStarts[sequence]], sequence: sequence)
        }
      }
      try body(
        RowTile(
          start..<start + count, logits: logits, logitStride, size, hiddens: normed + start * stride, stride, shape.width))
    }
  }

  func norm(_ x: UnsafePointer<Float>, _ weight: AlignedFloats, to out: UnsafeMutablePointer<Float>, _ count: Int) {
    workers.split(count) { range in
      unmask_rmsnorm(
        x + range.lowerBound * stride, stride, range.count, shape.width, weight.pointer, shape.normEpsilon,
        out + range.lowerBound * stride, stride)
    }
  }

  func linear(
    _ layer: Linear, _ x: UnsafePointer<Float>, _ xStride: Int, _ count: Int, to y: UnsafeMutablePointer<Float>, _ yStride: Int
  ) {
    let rows = layer.rows(x, stride: xStride, count: count, workers: workers)
    workers.split(layer.panels) { layer.apply(rows, to: y, stride: yStride, panels: $0) }
  }

  /// The asked-for rows of the residual stream and of the normed rows, side by side.
  private func gather(
    _ residual: UnsafeMutablePointer<Float>, _ normed: UnsafeMutablePointer<Float>
  ) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) {
    let residualAsked = wide(.residualAsked, asked)
    let normedAsked = wide(.normedAsked, asked)
    var to = 0
    for (places, start) in zip(askedPlaces, starts) {
      for place in places {
        (residualAsked + to * stride).update(from: residual + (start + place) * stride, count: shape.width)
        (normedAsked + to * stride).update(from: normed + (start + place) * stride, count: shape.width)
        to += 1
      }
    }
    return (residualAsked, normedAsked)
  }

  private func attend(
    _ queryRows: UnsafeMutablePointer<Float>, _ keysValues: UnsafeMutablePointer<Float>, _ keyStride: Int, _ layer: Int,
    norms: Transformer.HeadNorms?, to output: UnsafeMutablePointer<Float>, _ queryStride: Int, isLast: Bool
  ) {
    let groups = shape.keyValueHeads
    let longest = lanes.reduce(0) { max($0, $1.keys) }
    let memories = (0..<workers.count).map { Attention.Memory(scratch, worker: $0, longest: longest, headWidth: shape.headWidth) }
    workers.run(lanes.count * groups) { worker, task in
      let (index, group) = task.quotientAndRemainder(dividingBy: groups)
      let lane = lanes[index]
      if isLast, lane.query.rows.isEmpty { return }
      let first = (isLast ? askedStarts[index] : starts[index]) * queryStride
      Attention(shape: shape, rotary: rotary, norms: norms, lane: lane, places: places[index], rows: isLast ? lane.query.rows : lane.active).run(
        group: group, queries: queryRows + first, keysValues: keysValues + starts[index] * keyStride, keyStride: keyStride,
        held: lane.held.map { UnsafePointer($0.layer(layer)) }, output: output + first, stride: queryStride, scratch: memories[worker])
    }
  }

  /// Writes the keys, rotated by now, and the values of the rows that are to be kept.
  private func keep(_ keysValues: UnsafePointer<Float>, _ keyStride: Int, layer: Int) {
    for (index, lane) in lanes.enumerated() where !lane.kept.isEmpty {
      guard let held = lane.held else { continue }
      for (row, place) in zip(lane.kept, keptPlaces[index]) {
        (held.layer(layer) + row * held.width).update(from: keysValues + (starts[index] + place) * keyStride, count: held.width)
      }
    }
  }
}

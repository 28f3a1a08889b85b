internal import CKernels
internal import Diffusion

/// One forward pass over the rows of all sequences.
///
/// Legend: R rows of all sequences, A rows asked for, D width, F feed-forward width, V vocabulary. Work is split over threads by rows
/// (norms, sums), by panels of outputs (linear layers) and by heads (attention); buffers are those of `Scratch`.
struct Pass {
  let model: Transformer
  let queries: [Query]
  let scratch: Scratch
  /// First row of each sequence among R, and among A.
  let starts: [Int]
  let askedStarts: [Int]
  /// R and A.
  let rows: Int
  let asked: Int
  let stride: Int
  private let rotary: Rotary.Table

  var shape: ModelConfiguration { model.configuration }
  var workers: Workers { model.workers }

  init(_ model: Transformer, _ queries: [Query], _ scratch: Scratch) {
    self.model = model
    self.queries = queries
    self.scratch = scratch
    var starts: [Int] = []
    var askedStarts: [Int] = []
    var rows = 0
    var asked = 0
    var positions = 0
    for query in queries {
      positions = max(positions, query.positionIDs.map { ($0.max() ?? -1) + 1 } ?? query.tokens.count)
      starts.append(rows)
      askedStarts.append(asked)
      rows += query.tokens.count
      asked += query.rows.count
    }
    self.starts = starts
    self.askedStarts = askedStarts
    self.rows = rows
    self.asked = asked
    stride = AlignedFloats.stride(model.configuration.width)
    rotary = model.rotary.table(positions)
  }

  private func wide(_ name: Scratch.Name, _ count: Int) -> UnsafeMutablePointer<Float> { scratch.buffer(name, count * stride) }

  /// Embeddings into the residual stream.
  func embed() {
    let residual = wide(.residual, rows)
    let spare = wide(.update, rows)
    for (query, start) in zip(queries, starts) {
      for (row, token) in query.tokens.enumerated() {
        let to = residual + (start + row) * stride
        if let parts = query.soft[row] {
          model.embedding.mix(parts, into: to, scratch: spare)
        } else {
          model.embedding.read(Int(token), into: to)
        }
      }
    }
  }

  /// One layer, in place on the residual stream; the last layer leaves its result in the asked-for rows.
  func run(_ layer: Transformer.Layer, isLast: Bool) {
    let width = shape.width
    let queryStride = AlignedFloats.stride(shape.heads * shape.headWidth)
    let keyStride = AlignedFloats.stride(2 * shape.keyValueHeads * shape.headWidth)
    let count = isLast ? asked : rows
    var residual = wide(.residual, rows)
    var normed = wide(.normed, rows)
    norm(residual, layer.attentionNorm, to: normed, rows)
    let keysValues = scratch.buffer(.keysValues, rows * keyStride)
    linear(layer.keyValue, normed, stride, rows, to: keysValues, keyStride)
    if isLast { (residual, normed) = gather(residual, normed) }

    let queries = scratch.buffer(.queries, count * queryStride)
    let attended = scratch.buffer(.attended, count * queryStride)
    linear(layer.query, normed, stride, count, to: queries, queryStride)
    attend(queries, keysValues, keyStride, norms: layer.headNorms, to: attended, queryStride, isLast: isLast)

    let update = wide(.update, count)
    linear(layer.attentionOutput, attended, queryStride, count, to: update, stride)
    workers.split(count) { range in
      unmask_add(residual + range.lowerBound * stride, stride, update + range.lowerBound * stride, stride, range.count, width)
    }
    norm(residual, layer.feedForwardNorm, to: normed, count)

    switch layer.feedForward {
    case .dense(let gated): apply(gated, normed, count, to: update)
    case .experts(let experts): apply(experts, normed, count, to: update)
    }
    workers.split(count) { range in
      unmask_add(residual + range.lowerBound * stride, stride, update + range.lowerBound * stride, stride, range.count, width)
    }
  }

  /// An ordinary feed-forward part, or an expert that sees every row.
  func apply(_ part: Transformer.Gated, _ x: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<Float>) {
    let feedStride = AlignedFloats.stride(part.gate.outputs)
    let gate = scratch.buffer(.gate, count * feedStride)
    let up = scratch.buffer(.up, count * feedStride)
    workers.split(part.gate.panels) { panels in
      part.gate.apply(x, stride: stride, rows: count, to: gate, stride: feedStride, panels: panels)
      part.up.apply(x, stride: stride, rows: count, to: up, stride: feedStride, panels: panels)
      let column = panels.lowerBound * Int(UNMASK_PANEL)
      unmask_swiglu(gate + column, up + column, feedStride, count, panels.count * Int(UNMASK_PANEL))
    }
    linear(part.down, gate, feedStride, count, to: out, stride)
  }

  /// Final norm, head, and the tiles handed out.
  func head(_ body: (RowTile) throws(DenoiserError) -> Void) throws(DenoiserError) {
    let residual = wide(.residualAsked, asked)
    let normed = wide(.normedAsked, asked)
    norm(residual, model.finalNorm, to: normed, asked)
    let size = shape.vocabularySize
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
          throw .nonFinite(row: queries[sequence].rows[start + row - askedStarts[sequence]], sequence: sequence)
        }
      }
      try body(
        RowTile(
          start..<start + count, logits: logits, logitStride, size, hiddens: normed + start * stride, stride, shape.width))
    }
  }

  private func norm(_ x: UnsafePointer<Float>, _ weight: AlignedFloats, to out: UnsafeMutablePointer<Float>, _ count: Int) {
    workers.split(count) { range in
      unmask_rmsnorm(
        x + range.lowerBound * stride, stride, range.count, shape.width, weight.pointer, shape.normEpsilon,
        out + range.lowerBound * stride, stride)
    }
  }

  func linear(
    _ layer: Linear, _ x: UnsafePointer<Float>, _ xStride: Int, _ count: Int, to y: UnsafeMutablePointer<Float>, _ yStride: Int
  ) {
    workers.split(layer.panels) { layer.apply(x, stride: xStride, rows: count, to: y, stride: yStride, panels: $0) }
  }

  /// The asked-for rows of the residual stream and of the normed rows, side by side.
  private func gather(
    _ residual: UnsafeMutablePointer<Float>, _ normed: UnsafeMutablePointer<Float>
  ) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) {
    let residualAsked = wide(.residualAsked, asked)
    let normedAsked = wide(.normedAsked, asked)
    var to = 0
    for (query, start) in zip(queries, starts) {
      for row in query.rows {
        (residualAsked + to * stride).update(from: residual + (start + row) * stride, count: shape.width)
        (normedAsked + to * stride).update(from: normed + (start + row) * stride, count: shape.width)
        to += 1
      }
    }
    return (residualAsked, normedAsked)
  }

  private func attend(
    _ queryRows: UnsafeMutablePointer<Float>, _ keysValues: UnsafeMutablePointer<Float>, _ keyStride: Int,
    norms: Transformer.HeadNorms?, to output: UnsafeMutablePointer<Float>, _ queryStride: Int, isLast: Bool
  ) {
    let groups = shape.keyValueHeads
    let longest = queries.reduce(0) { max($0, $1.tokens.count) }
    let memories = (0..<workers.count).map { Attention.Memory(scratch, worker: $0, longest: longest, headWidth: shape.headWidth) }
    workers.run(queries.count * groups) { worker, task in
      let (index, group) = task.quotientAndRemainder(dividingBy: groups)
      let query = queries[index]
      let rows: Attention.Span = isLast ? .some(query.rows) : .all
      if isLast, query.rows.isEmpty { return }
      let keys = keysValues + starts[index] * keyStride + group * shape.headWidth
      let first = (isLast ? askedStarts[index] : starts[index]) * queryStride
      Attention(shape: shape, rotary: rotary, norms: norms, query: query, rows: rows).run(
        group: group, queries: queryRows + first, keys: keys, values: keys + groups * shape.headWidth, keyStride: keyStride,
        output: output + first, stride: queryStride, scratch: memories[worker])
    }
  }
}

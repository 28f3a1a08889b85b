internal import CKernels
internal import Diffusion

extension Pass {
  /// Rows that share a segment's weights at a time: their logits stay in the second-level cache.
  private static let block = 96

  /// The head over the rows asked for where the vocabulary is long: a worker computes a segment of the logits of all rows and reads it at once, so that the
  /// head's weights come from memory once and no row of logits ever exists. One tile is handed out, which has summaries and no logits.
  func longHead(
    _ normed: UnsafeMutablePointer<Float>, _ readings: [Reading], _ body: (RowTile) throws(DenoiserError) -> Void
  ) throws(DenoiserError) {
    let parts = LongRows(scratch, rows: asked, size: shape.vocabularySize, readings: readings)
    let width = AlignedFloats.stride(LongRows.segment)
    let memories = (0..<workers.count).map { scratch.buffer(.segment($0), min(asked, Self.block) * width) }
    let perSegment = LongRows.segment / Int(UNMASK_PANEL)
    let inputs = model.head.rows(normed, stride: stride, count: asked, workers: workers)
    workers.run(parts.count) { worker, segment in
      let panels = segment * perSegment..<min((segment + 1) * perSegment, model.head.panels)
      let count = parts.tokens(segment).count
      let logits = memories[worker]
      for start in Swift.stride(from: 0, to: asked, by: Self.block) {
        let rows = min(Self.block, asked - start)
        // A layer writes its outputs where they belong in a whole row; a segment's begin at the front.
        model.head.apply(inputs, start..<start + rows, to: logits - panels.lowerBound * Int(UNMASK_PANEL), stride: width, panels: panels)
        for row in 0..<rows {
          let part = logits + row * width
          if shape.logitScale != 1 { for index in 0..<count { part[index] *= shape.logitScale } }
          parts.read(part, row: start + row, segment: segment, reading: readings[start + row])
        }
      }
    }
    try body(RowTile(0..<asked, parts: parts, hiddens: normed, stride, shape.width))
  }
}

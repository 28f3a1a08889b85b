internal import CKernels
package import Diffusion

/// A tile of the rows asked for: logits, or what is kept of them, and final hidden states, valid during one call.
package struct RowTile {
  /// Which rows, counted over the rows asked for of all queries in order.
  package let rows: Range<Int>
  private let logits: UnsafePointer<Float>
  private let parts: LongRows?
  private let logitStride: Int
  private let logitCount: Int
  private let hiddens: UnsafePointer<Float>
  private let hiddenStride: Int
  private let hiddenCount: Int

  init(
    _ rows: Range<Int>, logits: UnsafePointer<Float>, _ logitStride: Int, _ logitCount: Int, hiddens: UnsafePointer<Float>, _ hiddenStride: Int,
    _ hiddenCount: Int
  ) {
    self.rows = rows
    self.logits = logits
    parts = nil
    self.logitStride = logitStride
    self.logitCount = logitCount
    self.hiddens = hiddens
    self.hiddenStride = hiddenStride
    self.hiddenCount = hiddenCount
  }

  /// Rows whose logits were read as they came.
  init(_ rows: Range<Int>, parts: LongRows, hiddens: UnsafePointer<Float>, _ hiddenStride: Int, _ hiddenCount: Int) {
    (self.rows, self.parts, self.hiddens, self.hiddenStride, self.hiddenCount) = (rows, parts, hiddens, hiddenStride, hiddenCount)
    (logits, logitStride, logitCount) = (hiddens, 0, 0)
  }

  /// What `reading` keeps of a row in `rows`; nil if a logit is not finite. Rows that were read as they came give what they were read for.
  package func summary(_ row: Int, reading: Reading) -> RowSummary? {
    let hidden = reading.hidden ? Array(hidden(row)) : nil
    if let parts { return parts.summary(row: row - rows.lowerBound, reading: reading, hidden: hidden) }
    if logitCount >= LongRows.threshold { return LongRows.summary(logits(row), reading: reading, hidden: hidden) }
    return RowSummary(logits(row), reading: reading, hidden: hidden)
  }

  /// The `V` logits of a row in `rows`; none where they were read as they came.
  package func logits(_ row: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: logits + (row - rows.lowerBound) * logitStride, count: logitCount)
  }

  /// The `D` values that the head reads for a row in `rows`.
  package func hidden(_ row: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: hiddens + (row - rows.lowerBound) * hiddenStride, count: hiddenCount)
  }
}

extension Transformer {
  /// Evaluates all queries in one pass and hands out the rows asked for, tile by tile and in order.
  ///
  /// The linear layers take the rows of all sequences together, attention each sequence by itself. In the last layer only the rows asked
  /// for go beyond keys and values. Logits of more than one tile never exist.
  package func forward(_ queries: [Query], tile body: (RowTile) throws(DenoiserError) -> Void) throws(DenoiserError) {
    try forward(queries.map { Lane($0) }, tile: body)
  }

  /// The same where only some rows go through the layers.
  ///
  /// - Parameter reading: how a row will be read, counted over the rows asked for of all lanes; where it is given, rows of long vocabularies have summaries and
  ///   no logits, unless whole rows are asked for.
  package func forward(
    _ lanes: [Lane], reading: ((Int) -> Reading)? = nil, tile body: (RowTile) throws(DenoiserError) -> Void
  ) throws(DenoiserError) {
    for (index, lane) in lanes.enumerated() { try check(lane.query, index) }
    guard lanes.contains(where: { !$0.query.rows.isEmpty || !$0.kept.isEmpty }) else { return }
    try withScratch { (scratch) throws(DenoiserError) in
      let pass = Pass(self, lanes, scratch)
      pass.embed()
      for index in layers.indices { pass.run(index) }
      try pass.finish(reading, body)
    }
  }

  /// Puts final hidden states, as tiles hand them out, through the head again.
  package func read(
    _ hiddens: [[Float]], reading: ((Int) -> Reading)? = nil, tile body: (RowTile) throws(DenoiserError) -> Void
  ) throws(DenoiserError) {
    guard !hiddens.isEmpty else { return }
    try withScratch { (scratch) throws(DenoiserError) in
      let pass = Pass(self, [Lane(Query(tokens: Array(repeating: 0, count: hiddens.count), rows: Array(hiddens.indices)))], scratch)
      let normed = scratch.buffer(.normedAsked, hiddens.count * pass.stride)
      for (row, hidden) in hiddens.enumerated() { (normed + row * pass.stride).update(from: hidden, count: min(hidden.count, configuration.width)) }
      try pass.head(normed, reading, body)
    }
  }

  func check(_ query: Query, _ index: Int) throws(DenoiserError) {
    let count = query.tokens.count
    let known = 0..<configuration.vocabularySize
    guard count <= configuration.maxLength else { throw .tooLong(length: count, limit: configuration.maxLength) }
    for token in query.tokens where !known.contains(Int(token)) { throw .unknownToken(token: token, vocabulary: known.count) }
    guard query.rows.allSatisfy({ (0..<count).contains($0) }) else {
      throw .failed("sequence \(index) has \(count) rows and is asked for row \(query.rows.first { !(0..<count).contains($0) } ?? 0)")
    }
    if let positions = query.positionIDs {
      guard positions.count == count, positions.allSatisfy({ (0..<configuration.maxLength).contains($0) }) else {
        throw .failed("sequence \(index) needs \(count) position ids from 0 to \(configuration.maxLength - 1)")
      }
    }
    if let visibility = query.visibility {
      guard visibility.count == count, visibility.bits.count == count * count else {
        throw .failed("sequence \(index) has \(count) rows and a visibility matrix for \(visibility.count)")
      }
      for row in 0..<count where !visibility.bits[row * count..<(row + 1) * count].contains(true) {
        throw .failed("row \(row) of sequence \(index) sees no row")
      }
    }
    for (row, parts) in query.soft {
      guard (0..<count).contains(row) else { throw .failed("sequence \(index) has \(count) rows and a soft input for row \(row)") }
      for part in parts {
        guard known.contains(Int(part.token)) else { throw .unknownToken(token: part.token, vocabulary: known.count) }
        guard part.weight.isFinite else { throw .failed("a weight of the soft input at row \(row) of sequence \(index) is not finite") }
      }
    }
  }
}

public import Diffusion

/// A transformer as a denoiser: full passes, no cache.
public final class TransformerDenoiser: Denoiser {
  package let model: Transformer

  /// The vocabulary of every row.
  public let vocabulary: Vocabulary
  /// The shape of the model.
  public var configuration: ModelConfiguration { model.configuration }
  /// Everything but a cache's savings.
  ///
  /// Where a row predicts the next token, an appended row has no row before it that could predict it: such families take none.
  public var abilities: Abilities {
    model.configuration.predictsNext
      ? [.softInputs, .hiddenStates, .freshRows, .fullRows] : [.extraRows, .softInputs, .hiddenStates, .freshRows, .fullRows]
  }
  /// The longest sequence, prompt and extra rows included.
  public var maxLength: Int { model.configuration.maxLength }

  /// Loads a directory in Hugging Face layout.
  ///
  /// - Parameter threads: how many threads one call may use, nil being one for small models and all for large ones; the answers do not depend on it.
  public convenience init(directory: String, threads: Int? = nil, options: ModelOptions = .none) throws(ModelError) {
    self.init(try Transformer(directory: directory, threads: threads, options: options))
  }

  /// A transformer that was loaded in another way than the usual one, for checks.
  package init(_ model: Transformer) {
    self.model = model
    let shape = model.configuration
    vocabulary = Vocabulary(size: shape.vocabularySize, mask: shape.mask, end: shape.end)
  }

  /// Evaluates a batch of sequences in one pass.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    for query in queries { try checkShift(query) }
    let rows = try evaluate(queries.map { Lane(shifted($0)) }).map { $0.map(\.summary) }
    return zip(queries, rows).map { query, rows in
      Response(rows: rows, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count))
    }
  }

  /// One row as the head gave it.
  package struct Row: Sendable {
    /// What is kept of its logits.
    package let summary: RowSummary
    /// What the head read, `[D]`; empty unless it was wanted.
    package let hidden: [Float]
  }

  /// Puts sequences, or parts of them, through the model.
  ///
  /// - Parameter hiddens: whether what the head read is wanted too.
  /// - Returns: for each lane, the rows asked for in order.
  package func evaluate(_ lanes: [Lane], hiddens: Bool = false) throws(DenoiserError) -> [[Row]] {
    let asked = lanes.indices.flatMap { lane in lanes[lane].query.rows.map { (lane: lane, row: $0) } }
    let readings = lanes.map(\.query.reading)
    return try summarised(
      asked.count, reading: { readings[asked[$0].lane] }, hiddens: hiddens, place: { asked[$0] },
      split: lanes.map(\.query.rows.count)
    ) { (body) throws(DenoiserError) in try model.forward(lanes, reading: { readings[asked[$0].lane] }, tile: body) }
  }

  /// Puts one sequence through the model against what a feature cache holds of it; see `FeaturePass`.
  ///
  /// - Returns: the rows asked for in order, and the work in rows that go through all layers.
  package func evaluate(
    _ query: Query, _ held: Features, split: Int, prompt: Bool, response: Bool, ratio: Double
  ) throws(DenoiserError) -> (rows: [Row], positions: Int) {
    var positions = 0
    let rows = try summarised(
      query.rows.count, reading: { _ in query.reading }, hiddens: false, place: { (0, query.rows[$0]) }, split: [query.rows.count]
    ) { (body) throws(DenoiserError) in
      positions = try model.forward(query, held, split: split, prompt: prompt, response: response, ratio: ratio, tile: body)
    }
    return (rows[0], positions)
  }

  /// Reads rows again from what the head read of them.
  package func reread(_ hiddens: [[Float]], _ reading: Reading) throws(DenoiserError) -> [RowSummary] {
    let rows = try summarised(hiddens.count, reading: { _ in reading }, hiddens: false, place: { (0, $0) }, split: [hiddens.count]) {
      (body) throws(DenoiserError) in try model.read(hiddens, reading: { _ in reading }, tile: body)
    }
    return rows[0].map(\.summary)
  }

  private func summarised(
    _ count: Int, reading: @escaping (Int) -> Reading, hiddens: Bool, place: (Int) -> (lane: Int, row: Int), split: [Int],
    _ run: ((RowTile) throws(DenoiserError) -> Void) throws(DenoiserError) -> Void
  ) throws(DenoiserError) -> [[Row]] {
    var found: [Row?] = Array(repeating: nil, count: count)
    try run { (tile) throws(DenoiserError) in
      // Rows are summarised by the threads that computed them; each writes its own place.
      found.withUnsafeMutableBufferPointer { places in
        model.workers.split(tile.rows.count) { range in
          for row in range.lowerBound + tile.rows.lowerBound..<range.upperBound + tile.rows.lowerBound {
            let reading = reading(row)
            places[row] = tile.summary(row, reading: reading).map { Row(summary: $0, hidden: hiddens ? Array(tile.hidden(row)) : []) }
          }
        }
      }
    }
    var at = 0
    var lanes: [[Row]] = []
    for count in split {
      var rows: [Row] = []
      for index in at..<at + count {
        guard let row = found[index] else { throw .nonFinite(row: place(index).row, sequence: place(index).lane) }
        rows.append(row)
      }
      at += count
      lanes.append(rows)
    }
    return lanes
  }

  /// The row that holds the belief in a position: the one before it, where a row predicts the next token. The first has none, and is its own.
  package func row(of position: Int) -> Int { model.configuration.predictsNext ? max(position - 1, 0) : position }

  /// Refuses what a model whose rows predict the next token cannot show.
  package func checkShift(_ query: Query) throws(DenoiserError) {
    guard model.configuration.predictsNext, query.positionIDs != nil || query.visibility != nil else { return }
    throw .unsupported("rows that see and are seen by some only do not go with a model whose rows predict the next token")
  }

  /// The query by the rows that hold its beliefs.
  private func shifted(_ query: Query) -> Query {
    guard model.configuration.predictsNext else { return query }
    return query.asking(for: query.rows.map { row(of: $0) })
  }

  /// Raw rows of logits of every position: for parity checks, before a family's shift, nothing suppressed.
  public func logits(_ sequences: [[Token]]) throws(DenoiserError) -> [[[Float]]] {
    let queries = sequences.map { Query(tokens: $0, rows: Array($0.indices)) }
    var flat: [[Float]] = []
    try model.forward(queries) { (tile) throws(DenoiserError) in
      for row in tile.rows { flat.append(Array(tile.logits(row))) }
    }
    var at = 0
    return sequences.map { sequence in
      defer { at += sequence.count }
      return Array(flat[at..<at + sequence.count])
    }
  }
}

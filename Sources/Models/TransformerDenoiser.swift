public import Diffusion

/// A transformer as a denoiser: full passes, no cache.
public final class TransformerDenoiser: Denoiser {
  private let model: Transformer

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
  public func believe(_ shown: [Query]) throws(DenoiserError) -> [Response] {
    let queries = try shown.map { (query) throws(DenoiserError) in try shifted(query) }
    let asked = queries.indices.flatMap { index in queries[index].rows.map { (sequence: index, row: $0) } }
    var summaries: [RowSummary?] = Array(repeating: nil, count: asked.count)
    try model.forward(queries) { (tile) throws(DenoiserError) in
      // Rows are summarised by the threads that computed them; each writes its own place.
      summaries.withUnsafeMutableBufferPointer { places in
        model.workers.split(tile.rows.count) { range in
          for row in range.lowerBound + tile.rows.lowerBound..<range.upperBound + tile.rows.lowerBound {
            let reading = queries[asked[row].sequence].reading
            places[row] = RowSummary(tile.logits(row), reading: reading, hidden: reading.hidden ? Array(tile.hidden(row)) : nil)
          }
        }
      }
    }
    var responses: [Response] = []
    var at = 0
    for query in queries {
      var rows: [RowSummary] = []
      for place in at..<at + query.rows.count {
        guard let summary = summaries[place] else { throw .nonFinite(row: asked[place].row, sequence: asked[place].sequence) }
        rows.append(summary)
      }
      at += query.rows.count
      responses.append(Response(rows: rows, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count)))
    }
    return responses
  }

  /// The rows that hold the beliefs asked for: those before them, where a row predicts the next token. The first has none, and is its own.
  private func shifted(_ query: Query) throws(DenoiserError) -> Query {
    guard model.configuration.predictsNext else { return query }
    guard query.positionIDs == nil, query.visibility == nil else {
      throw .unsupported("rows that see and are seen by some only do not go with a model whose rows predict the next token")
    }
    var shifted = Query(
      tokens: query.tokens, promptLength: query.promptLength, window: query.window, rows: query.rows.map { max($0 - 1, 0) }, reading: query.reading,
      lineage: query.lineage)
    shifted.soft = query.soft
    return shifted
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

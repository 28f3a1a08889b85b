public import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A model made of arithmetic: it does everything a denoiser may do, in microseconds, from a seed.
///
/// Legend: `C` channels, `V` vocabulary. Row `r` has the state `h[c] = sum over the rows s it sees, at most `radius` position ids away, of
/// reach(|d|) * input(s)[(c + d) mod C]`, with `d` the signed distance and `input` the hashed embedding of a token, or a weighted mixture of them.
/// `logit[v] = sharpness * spread(id of r) * (bias(id of r, v) + context * sum over c of out(v, c) * tanh(h[c]))`: linear in the inputs, then not.
public struct ToyDenoiser: Denoiser {
  /// The vocabulary of every row.
  public let vocabulary: Vocabulary
  /// What it admits to; everything unless a test takes some away.
  public var abilities: Abilities = [.extraRows, .softInputs, .hiddenStates, .freshRows, .fullRows]
  /// The longest sequence.
  public var maxLength = Int.max
  /// How much of a row comes from the tokens around it; 0 makes every row a function of its position id.
  public var context: Double
  /// How far a row sees.
  public var radius: Int
  /// Multiplies every logit: near 0 all rows are flat, at 20 most are decided.
  public var sharpness: Double

  private static let channels = 6
  private let random: SeededRandom

  /// A model of a seed.
  public init(
    vocabulary: Vocabulary = Vocabulary(size: 24, mask: 23, end: 22), context: Double = 1, radius: Int = 4, sharpness: Double = 6, seed: UInt64 = 1
  ) {
    self.vocabulary = vocabulary
    self.context = context
    self.radius = radius
    self.sharpness = sharpness
    random = SeededRandom(seed: seed)
  }

  /// Evaluates each sequence by itself, so that a row's bits cannot depend on the batch.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for (sequence, query) in queries.enumerated() {
      if query.tokens.count > maxLength { throw .tooLong(length: query.tokens.count, limit: maxLength) }
      var summaries: [RowSummary] = []
      let inputs = try inputs(of: query)
      for row in query.rows {
        let state = state(of: row, in: query, inputs: inputs)
        let hidden = query.reading.hidden ? state.map(Float.init) : nil
        let logits = logits(id: Self.id(row, query), state: state)
        guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: query.reading, hidden: hidden) }) else {
          throw .nonFinite(row: row, sequence: sequence)
        }
        summaries.append(summary)
      }
      responses.append(Response(rows: summaries, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count)))
    }
    return responses
  }

  /// The whole row of logits, for tests that compute everything again.
  public func logits(_ row: Int, of query: Query) throws(DenoiserError) -> [Float] {
    logits(id: Self.id(row, query), state: state(of: row, in: query, inputs: try inputs(of: query)))
  }

  private static func id(_ row: Int, _ query: Query) -> Int { query.positionIDs.map { $0[row] } ?? row }

  /// `rows x C`.
  private func inputs(of query: Query) throws(DenoiserError) -> [[Double]] {
    var inputs: [[Double]] = []
    for (row, token) in query.tokens.enumerated() {
      var sum = [Double](repeating: 0, count: Self.channels)
      for part in query.soft[row] ?? [View.Weighted(token: token, weight: 1)] {
        guard part.token >= 0, part.token < vocabulary.size else { throw .unknownToken(token: part.token, vocabulary: vocabulary.size) }
        let source = random[1][Int(part.token)]
        for c in sum.indices { sum[c] += Double(part.weight) * (2 * source[c].uniform - 1) }
      }
      inputs.append(sum)
    }
    return inputs
  }

  private func state(of row: Int, in query: Query, inputs: [[Double]]) -> [Double] {
    var state = [Double](repeating: 0, count: Self.channels)
    let here = Self.id(row, query)
    for (other, input) in inputs.enumerated() {
      let distance = Self.id(other, query) - here
      guard abs(distance) <= radius, query.visibility?[row, other] ?? true else { continue }
      let reach = 1 / (1 + Double(abs(distance)))
      for c in state.indices { state[c] += reach * input[(c + abs(distance) * (distance < 0 ? 1 : 2)) % Self.channels] }
    }
    return state
  }

  private func logits(id: Int, state: [Double]) -> [Float] {
    let squashed = state.map { tanh(2 * $0) }
    let place = random[2][id]
    let spread = 0.25 + 2 * place[-1].uniform
    return (0..<vocabulary.size).map { token in
      let out = random[3][token]
      var sum = 2 * place[token].uniform - 1
      if context != 0 { for c in squashed.indices { sum += context * (2 * out[c].uniform - 1) * squashed[c] } }
      return Float(sharpness * spread * sum)
    }
  }
}

/// A model whose rows are whatever a test says.
public struct RowsDenoiser: Denoiser {
  /// The vocabulary of every row.
  public let vocabulary: Vocabulary
  /// Everything but extra rows and soft inputs.
  public var abilities: Abilities = [.freshRows, .fullRows]
  private let rows: @Sendable (_ query: Query, _ row: Int) -> [Float]

  /// Rows from a function of the query and the row's index in it.
  public init(_ vocabulary: Vocabulary, rows: @escaping @Sendable (_ query: Query, _ row: Int) -> [Float]) {
    self.vocabulary = vocabulary
    self.rows = rows
  }

  /// Summarises the rows asked for.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for (sequence, query) in queries.enumerated() {
      var summaries: [RowSummary] = []
      for row in query.rows {
        guard let summary = rows(query, row).withUnsafeBufferPointer({ RowSummary($0, reading: query.reading) }) else {
          throw .nonFinite(row: row, sequence: sequence)
        }
        summaries.append(summary)
      }
      responses.append(Response(rows: summaries, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count)))
    }
    return responses
  }
}

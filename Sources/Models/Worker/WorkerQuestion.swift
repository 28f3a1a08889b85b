internal import Diffusion
internal import Foundation

/// Queries as a worker reads them, and its answer as a decoder does.
struct WorkerQuestion {
  private struct Header: Encodable {
    struct Sequence: Encodable {
      let length: Int
      let rows: [Int]
      let topK: Int
      let gather: [Token]
      let suppress: [Token]
      let full: Bool

      enum CodingKeys: String, CodingKey {
        case length, rows, gather, suppress, full
        case topK = "top_k"
      }
    }
    let sequences: [Sequence]
  }

  private struct Refusal: Decodable {
    let error: String?
    let message: String?
    let row: Int?
    let sequence: Int?
    let token: Int?
  }

  /// The header, as JSON.
  let header: [UInt8]
  /// The tokens of all sequences, int32.
  let body: [UInt8]
  private let queries: [Query]
  private let sequences: [Header.Sequence]
  private let vocabulary: Int

  /// - Parameter predictsNext: whether row i predicts the token at i + 1, so that the belief in a position is in the row before it.
  init(_ queries: [Query], predictsNext: Bool, vocabulary: Int) {
    self.queries = queries
    self.vocabulary = vocabulary
    let valid = { (tokens: [Token]) in tokens.filter { $0 >= 0 && Int($0) < vocabulary } }
    sequences = queries.map { query in
      Header.Sequence(
        length: query.tokens.count, rows: predictsNext ? query.rows.map { max($0 - 1, 0) } : query.rows, topK: query.reading.topK,
        gather: valid(query.reading.gather), suppress: Set(valid(query.reading.suppress)).sorted(), full: query.reading.fullRows)
    }
    let encoder = JSONEncoder()
    // Whole numbers and flags can always be encoded.
    do { header = Array(try encoder.encode(Header(sequences: sequences))) } catch { header = [] }
    var bytes: [UInt8] = []
    for query in queries { for token in query.tokens { withUnsafeBytes(of: token.littleEndian) { bytes += $0 } } }
    body = bytes
  }

  private func top(_ sequence: Header.Sequence) -> Int { min(max(sequence.topK, 1) + sequence.suppress.count, vocabulary) }

  /// How long the answer's body is.
  var answerBytes: Int {
    sequences.reduce(0) { sum, own in
      let row = 8 * top(own) + 4 * (own.gather.count + own.suppress.count) + 24 * (own.suppress.isEmpty ? 1 : 2) + (own.full ? 4 * vocabulary : 0)
      return sum + row * own.rows.count
    }
  }

  /// The answer to each query; a failure is the model's or the question's own, which no other worker would mend.
  func responses(_ answer: WorkerConnection.Message) throws(WorkerFault) -> Result<[Response], DenoiserError> {
    let refusal: Refusal
    do { refusal = try JSONDecoder().decode(Refusal.self, from: Data(answer.header)) } catch { throw .refused("its answer is not understood") }
    if let kind = refusal.error { return .failure(Self.error(kind, refusal, vocabulary)) }
    guard answer.body.count == answerBytes else { throw .refused("it answers \(answer.body.count) bytes where \(answerBytes) were asked for") }
    var reader = Reader(bytes: answer.body)
    var responses: [Response] = []
    for (query, own) in zip(queries, sequences) {
      let count = own.rows.count
      let ids: [[Int32]] = reader.rows(count, of: top(own))
      let logits: [[Float]] = reader.rows(count, of: top(own))
      let gathered: [[Float]] = reader.rows(count, of: own.gather.count)
      let withheld: [[Float]] = reader.rows(count, of: own.suppress.count)
      let masses: [[Double]] = reader.rows(count, of: 3)
      let rest: [[Double]]? = own.suppress.isEmpty ? nil : reader.rows(count, of: 3)
      let full: [[Float]]? = own.full ? reader.rows(count, of: vocabulary) : nil
      let rows = (0..<count).map { row in
        RowSummary(
          top: zip(ids[row], logits[row]).map { Candidate(token: $0, logit: $1) }, gathered: zip(own.gather, gathered[row]).map(Candidate.init),
          mass: Mass(masses[row]), remaining: rest.map { Mass($0[row]) }, withheld: zip(own.suppress, withheld[row]).map(Candidate.init),
          full: full?[row])
      }
      // What is finite in the answer decides; a token that no vocabulary has would reach a canvas.
      for (place, row) in rows.enumerated() where !row.isSound(vocabulary: vocabulary) {
        return .failure(.nonFinite(row: query.rows[place], sequence: responses.count))
      }
      responses.append(Response(rows: rows, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: count)))
    }
    return .success(responses)
  }

  private static func error(_ kind: String, _ refusal: Refusal, _ vocabulary: Int) -> DenoiserError {
    switch kind {
    case "non_finite": .nonFinite(row: refusal.row ?? -1, sequence: refusal.sequence ?? -1)
    case "unknown_token": .unknownToken(token: Token(truncatingIfNeeded: refusal.token ?? -1), vocabulary: vocabulary)
    default: .failed("the worker: \((refusal.message ?? kind).prefix(400))")
    }
  }

  /// Numbers from bytes whose count was checked.
  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    mutating func rows<Value>(_ count: Int, of width: Int) -> [[Value]] {
      let size = MemoryLayout<Value>.size
      let start = at
      at += count * width * size
      return bytes.withUnsafeBytes { buffer in
        (0..<count).map { row in
          (0..<width).map { buffer.loadUnaligned(fromByteOffset: start + (row * width + $0) * size, as: Value.self) }
        }
      }
    }
  }
}

extension Mass {
  fileprivate init(_ sums: [Double]) { self.init(maximum: sums[0], sum: sums[1], weighted: sums[2]) }

  fileprivate var isFinite: Bool { maximum.isFinite && sum.isFinite && weighted.isFinite }
}

extension RowSummary {
  /// Whether everything in it is a finite number and every token one of the vocabulary.
  fileprivate func isSound(vocabulary: Int) -> Bool {
    mass.isFinite && mass.sum > 0 && (remaining?.isFinite ?? true) && (top + gathered + withheld).allSatisfy { $0.logit.isFinite }
      && top.allSatisfy { $0.token >= 0 && Int($0.token) < vocabulary } && (full ?? []).allSatisfy(\.isFinite)
  }
}

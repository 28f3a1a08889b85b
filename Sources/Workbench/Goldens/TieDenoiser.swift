internal import Diffusion

/// A model made of whole numbers whose confidences are exact fractions: 1, 1/2, 1/3, 1/4, 1/5. They tie with each other and with bars, on every machine.
///
/// A trained model never meets a bar exactly, so on it `>=` decides like `>`. Here a row is shared evenly by a few tokens: their logits are 0, a sure row's
/// runner-up is 40 below, all others count for nothing. How many share it falls as its neighbours are revealed; in every fourth row the neighbours also decide
/// which tokens they are.
///
/// The seed is one with which every rule of the catalog that has a bar meets it exactly, on these few positions.
struct TieDenoiser: Denoiser {
  /// The name that stands for it where a suite lists models.
  static let name = "ties"
  /// The canvas it is decoded on unless the suite says otherwise.
  static let geometry = Geometry(genLength: 16, blockLength: 8)
  /// How many problems it has.
  static let problems = 1
  /// A position of its canvas that holds a token from the beginning.
  static let pinned: [Int: Token] = [11: 3]
  /// Its digest: a change of its arithmetic is a new word here.
  static let digest = GoldenManifest.digest(of: "ties 2".utf8)

  let vocabulary = Vocabulary(size: 16, mask: 15, end: 14)
  var abilities: Abilities { [.freshRows, .fullRows] }

  private static let sureGap: Float = 40
  private static let nothing: Float = -1000
  private let random = SeededRandom(seed: 14)["ties"]

  /// The prompt of a problem.
  func prompt(_ index: Int) -> [Token] { (0..<4).map { Token(random["prompt"][index][$0].integer(below: 14)) } }

  /// Each row by itself, whatever else is in the batch.
  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var responses: [Response] = []
    for (sequence, query) in queries.enumerated() {
      if let token = query.tokens.first(where: { $0 < 0 || $0 >= vocabulary.size }) { throw .unknownToken(token: token, vocabulary: vocabulary.size) }
      var rows: [RowSummary] = []
      for row in query.rows {
        guard let summary = logits(row, of: query.tokens).withUnsafeBufferPointer({ RowSummary($0, reading: query.reading) }) else {
          throw .nonFinite(row: row, sequence: sequence)
        }
        rows.append(summary)
      }
      responses.append(Response(rows: rows, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count)))
    }
    return responses
  }

  private func logits(_ row: Int, of tokens: [Token]) -> [Float] {
    func token(_ offset: Int) -> Token { tokens.indices.contains(row + offset) ? tokens[row + offset] : -1 }
    let masked = [-2, -1, 1, 2].count { token($0) == vocabulary.mask }
    let place = random[row]
    let isSwayed = place["swayed"].integer(below: 4) == 0
    let source = isSwayed ? place[Int(token(-1))][Int(token(1))] : place
    let sharers = max(1, masked - 1 + source["sharers"].integer(below: 3))
    // Strides that have no factor in common with the 15 tokens that can be proposed, so that sharers differ.
    let stride = [1, 2, 4, 7][source["stride"].integer(below: 4)]
    let first = source["first"].integer(below: 15)
    var logits = [Float](repeating: Self.nothing, count: vocabulary.size)
    if sharers == 1 { logits[(first + stride) % 15] = -Self.sureGap }
    for place in 0..<sharers { logits[(first + place * stride) % 15] = 0 }
    // Now and then the mask has a share: it counts in every sum and is never proposed.
    if sharers > 1, source["mask"].integer(below: 6) == 0 { logits.swapAt((first + stride) % 15, Int(vocabulary.mask)) }
    return logits
  }
}

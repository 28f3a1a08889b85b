package import Diffusion
internal import Foundation

/// How far one model is from another on the same canvases: quantized weights from those they were made of.
package struct ModelFidelity: Sendable, Hashable {
  /// Canvases decoded by both.
  package private(set) var canvases = 0
  /// Rows compared.
  package private(set) var rows = 0
  /// Rows whose most probable token is the same.
  package private(set) var sameTop = 0
  /// The largest difference of a logit.
  package private(set) var worst = 0.0
  /// Sum of squares of the differences, over `logits` of them.
  private var squares = 0.0
  private var logits = 0
  /// Sum over rows of the divergence from the first model's distribution, in nats.
  private var divergence = 0.0
  /// Decodes in which both revealed the same positions in the same order.
  package private(set) var sameOrder = 0
  /// Decodes with the same response.
  package private(set) var sameResponse = 0
  /// Pairs of positions revealed in the same order by both, and all pairs.
  private var agreeing = 0
  private var pairs = 0

  /// Root mean square of the logits' differences.
  package var deviation: Double { logits > 0 ? (squares / Double(logits)).squareRoot() : 0 }
  /// Share of rows whose most probable token is the same.
  package var topAgreement: Double { rows > 0 ? Double(sameTop) / Double(rows) : 1 }
  /// Mean divergence of a row, in nats.
  package var meanDivergence: Double { rows > 0 ? divergence / Double(rows) : 0 }
  /// Kendall's tau between the orders in which positions are revealed: 1 the same, 0 unrelated.
  package var orderAgreement: Double { pairs > 0 ? 2 * Double(agreeing) / Double(pairs) - 1 : 1 }

  package init() {}

  /// Decodes a canvas with both, one position a round, and compares the rows of every masked position along the first model's way.
  package mutating func compare(_ own: any Denoiser, _ other: any Denoiser, on canvas: Canvas, pipeline: Pipeline) throws(DecodingError) {
    var shown: [Canvas] = []
    let (first, order) = try Self.decode(canvas, own, pipeline) { shown.append($0) }
    let (second, otherOrder) = try Self.decode(canvas, other, pipeline) { _ in }
    canvases += 1
    sameOrder += order == otherOrder ? 1 : 0
    sameResponse += first == second ? 1 : 0
    for (index, left) in order.enumerated() {
      for right in order[(index + 1)...] {
        guard let a = otherOrder.firstIndex(of: left), let b = otherOrder.firstIndex(of: right) else { continue }
        pairs += 1
        agreeing += a < b ? 1 : 0
      }
    }
    for canvas in shown {
      let (a, b) = (try Self.rows(of: canvas, own), try Self.rows(of: canvas, other))
      for (x, y) in zip(a, b) { add(x, y) }
    }
  }

  private mutating func add(_ x: RowSummary, _ y: RowSummary) {
    guard let own = x.full, let other = y.full else { return }
    rows += 1
    if x.top.first?.token == y.top.first?.token { sameTop += 1 }
    let (base, otherBase) = (x.mass.logSumExp, y.mass.logSumExp)
    for (a, b) in zip(own, other) {
      let difference = Double(a) - Double(b)
      worst = max(worst, difference.magnitude)
      squares += difference * difference
      let logProbability = Double(a) - base
      divergence += exp(logProbability) * (logProbability - (Double(b) - otherBase))
    }
    logits += own.count
  }

  private static func decode(
    _ canvas: Canvas, _ denoiser: any Denoiser, _ pipeline: Pipeline, shown: (Canvas) -> Void
  ) throws(DecodingError) -> (response: [Token], order: [Int]) {
    let session: Session
    do throws(ConfigurationError) { session = try Session(id: 0, canvas: canvas, pipeline: pipeline) } catch {
      throw .denoiser(.unsupported(error.description))
    }
    var order: [Int] = []
    let outcome = Decoder(denoiser).decode([session]) { _, round in
      shown(round.shown)
      order += round.changes.commits.map(\.position)
    }
    switch outcome.first {
    case .finished(let session)?: return (session.canvas.response, order)
    case .failed(_, let error)?: throw error
    default: throw .incomplete(expected: 1, got: 0)
    }
  }

  private static func rows(of canvas: Canvas, _ denoiser: any Denoiser) throws(DecodingError) -> [RowSummary] {
    let query = Query(
      tokens: canvas.prompt + canvas.response, promptLength: canvas.prompt.count, rows: canvas.masked.map { $0 + canvas.prompt.count },
      reading: Reading(topK: 1, fullRows: true))
    do throws(DenoiserError) { return try denoiser.believe([query]).flatMap(\.rows) } catch { throw .denoiser(error) }
  }
}

public import Diffusion
internal import Foundation

/// What came of one problem: everything that does not depend on the clock. One line of `outcomes.jsonl`.
public struct Outcome: Sendable, Hashable, Codable {
  /// The problem's identifier.
  public let problem: String
  /// The kind of problem inside its benchmark.
  public let kind: String
  /// Its difficulty.
  public let level: Int
  /// The run's seed.
  public let seed: Int
  /// Whether the final answer is right; false for a sample that is not complete.
  public let correct: Bool
  /// Partial credit, 0 to 1.
  public let score: Double
  /// The grade's further measures, by name; nil where the benchmark has none.
  public let details: [String: Double]?
  /// The final answer found in the response.
  public let extracted: String?
  /// The response before its first end token.
  public let text: String
  /// The response's tokens.
  public let tokens: [Token]
  /// Response tokens before the first end token, pinned ones left out.
  public let answerTokens: Int
  /// Model calls.
  public let rounds: Int
  /// Rows of all batches.
  public let canvases: Int
  /// Canvas positions pushed through the layers.
  public let positions: Int
  /// Rows pushed through the output head.
  public let logitRows: Int

  /// True where `max_rounds` was reached before the end, so that some of `tokens` are still the mask; nil, and not in the file, for every other sample.
  public let incomplete: Bool?

  /// Whether it was decoded to its end.
  public var isComplete: Bool { incomplete != true }

  private enum CodingKeys: String, CodingKey {
    case problem, kind, level, seed, correct, score, details, extracted, text, tokens, rounds, canvases, positions, incomplete
    case answerTokens = "answer_tokens"
    case logitRows = "logit_rows"
  }

  /// The outcome of a session.
  ///
  /// - Parameter grade: nil for a session that reached `max_rounds`: it has no final answer, and counts as wrong.
  init(_ problem: Problem, seed: Int, session: Session, text: String, grade: Grade?) {
    self.problem = problem.id
    kind = problem.kind
    level = problem.level
    self.seed = seed
    correct = grade?.isCorrect ?? false
    score = grade?.score ?? 0
    details = grade?.details.isEmpty == false ? grade?.details : nil
    extracted = grade?.extracted
    incomplete = grade == nil ? true : nil
    self.text = text
    tokens = session.canvas.response
    answerTokens = session.canvas.answerTokens
    rounds = session.rounds
    canvases = session.cost.canvases
    positions = session.cost.positions
    logitRows = session.cost.logitRows
  }

  /// Whether both found the same final answer; one that is not complete has none.
  func agrees(with other: Outcome) -> Bool { isComplete && other.isComplete && extracted == other.extracted }

  /// The line without its newline: keys sorted, so that equal outcomes are equal bytes.
  func line() throws(RunError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(self)) } catch { throw .encoding("\(error)") }
  }

  /// Reads a line; nil if it is not one, or not whole.
  init?(line: some Sequence<UInt8>) {
    do { self = try JSONDecoder().decode(Outcome.self, from: Data(line)) } catch { return nil }
  }
}

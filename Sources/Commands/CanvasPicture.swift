internal import Diffusion
internal import Foundation
internal import Models
internal import Synchronization

/// A canvas filling in, redrawn in place on a terminal: masks as shades, tokens as they are revealed, end tokens as dots.
final class CanvasPicture: Sendable {
  private let tokenizer: Tokenizer?
  private let drawn = Mutex(0)

  init(_ tokenizer: Tokenizer?) { self.tokenizer = tokenizer }

  /// Draws the canvas after a round; what the round revealed is marked.
  func draw(_ round: Round) {
    let fresh = Set(round.changes.commits.map(\.position))
    let width = Terminal.width - 2
    var lines = [""]
    var used = 0
    for (position, token) in round.canvas.response.enumerated() {
      let (piece, columns) = cell(token, round.canvas.vocabulary)
      if used + columns > width {
        lines.append("")
        used = 0
      }
      used += columns
      lines[lines.count - 1] += fresh.contains(position) ? mark(piece) : piece
    }
    let before = drawn.withLock { drawn in
      defer { drawn = lines.count + 1 }
      return drawn
    }
    if before > 0 { Terminal.out("\u{1B}[\(before)A\u{1B}[J", terminator: "") }
    Terminal.out(lines.joined(separator: "\n"))
    Terminal.out("round \(round.index + 1), \(round.canvas.masked.count) masked")
    // Slow enough to see; a decode that is watched is not timed.
    if !round.isFinal { Thread.sleep(forTimeInterval: 0.06) }
  }

  /// One line on what the decode cost.
  func caption(_ session: Session) -> String {
    let tokens = session.canvas.answerTokens
    return "\(session.rounds) rounds for \(tokens) tokens: \(fixedRate(tokens, session.rounds)) tokens per round"
  }

  private func fixedRate(_ tokens: Int, _ rounds: Int) -> String { String(format: "%.2f", Double(tokens) / Double(max(rounds, 1))) }

  private func cell(_ token: Token, _ vocabulary: Vocabulary) -> (String, Int) {
    if token == vocabulary.mask { return ("▒", 1) }
    if token == vocabulary.end { return ("·", 1) }
    let text = (tokenizer?.token(token) ?? " \(token)").replacingOccurrences(of: "\n", with: "⏎")
    // What a token writes must not move the cursor.
    let safe = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    return (safe, safe.count)
  }

  private func mark(_ piece: String) -> String { Terminal.hasColour ? "\u{1B}[1;32m\(piece)\u{1B}[0m" : piece }
}

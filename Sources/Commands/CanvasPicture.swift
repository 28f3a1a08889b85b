internal import Diffusion
internal import Foundation
internal import Models
internal import Synchronization
internal import Traces
internal import Workbench

/// A canvas filling in, redrawn in place on a terminal.
final class CanvasPicture: Sendable {
  private let tokenizer: Tokenizer?
  private let drawn = Mutex(0)

  init(_ tokenizer: Tokenizer?) { self.tokenizer = tokenizer }

  /// Draws the canvas after a round; what the round revealed is marked.
  func draw(_ round: Round) {
    let tokenizer = tokenizer
    let text = CanvasText(end: round.canvas.vocabulary.end) { tokenizer?.token($0) }
    let lines = text.lines(round.canvas.recorded, round.states, width: Terminal.width - 2, hasColour: Terminal.hasColour)
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
}

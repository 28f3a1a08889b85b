package import Diffusion
package import Traces

/// A response as lines of text: masks as shades, end tokens as dots, what a round did marked, with colour and without.
package struct CanvasText: Sendable {
  private let end: Token?
  private let spelling: @Sendable (Token) -> String?

  /// - Parameters:
  ///   - end: the end token, drawn as a dot; nil if it is not known.
  ///   - spelling: what a token writes; nil is drawn as its id.
  package init(end: Token?, spelling: @escaping @Sendable (Token) -> String?) {
    self.end = end
    self.spelling = spelling
  }

  /// The lines of a response, -1 where it is masked, each at most `width` columns wide where its cells let it be.
  package func lines(_ response: [Token], _ states: [Replay.State], width: Int, hasColour: Bool) -> [String] {
    var lines = [""]
    var used = 0
    for (token, state) in zip(response, states) {
      let (piece, columns) = drawn(token, state, hasColour: hasColour)
      if used + columns > width, used > 0 {
        lines.append("")
        used = 0
      }
      used += columns
      lines[lines.count - 1] += piece
    }
    return lines
  }

  /// What a token writes, safe to print: it cannot move the cursor.
  package func cell(_ token: Token) -> String {
    if token < 0 { return "▒" }
    if token == end { return "·" }
    return TokenSpelling.visible(spelling(token) ?? " \(token)")
  }

  /// One cell, with the columns it takes.
  func drawn(_ token: Token, _ state: Replay.State, hasColour: Bool) -> (text: String, columns: Int) {
    hasColour ? coloured(token, state) : plain(token, state)
  }

  private func plain(_ token: Token, _ state: Replay.State) -> (text: String, columns: Int) {
    let text = cell(token)
    let marked =
      switch state {
      case .masked, .revealed: text
      case .justRevealed: "[\(text)]"
      case .remasked: "×"
      case .pinned: "{\(text)}"
      }
    return (marked, TokenSpelling.columns(marked))
  }

  private func coloured(_ token: Token, _ state: Replay.State) -> (text: String, columns: Int) {
    let text = cell(token)
    let code =
      switch state {
      case .masked, .revealed: ""
      case .justRevealed: "1;32"
      case .remasked: "1;31"
      case .pinned: "36"
      }
    return (code.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m", TokenSpelling.columns(text))
  }
}

extension Round {
  /// The state of each position of `canvas`.
  package var states: [Replay.State] {
    let changes = changes
    let (fresh, taken) = (Set(changes.commits.map(\.position)), Set(changes.remasks))
    return canvas.response.indices.map { position in
      if canvas.pinned[position] { return .pinned }
      if fresh.contains(position) { return .justRevealed }
      if taken.contains(position) { return .remasked }
      return canvas.isMasked(position) ? .masked : .revealed
    }
  }
}

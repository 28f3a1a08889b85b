internal import Diffusion
public import Traces

/// A decode as one still picture, in SVG: a row per round, a column per response position, what each round revealed in colour.
public struct DecodePicture {
  /// The SVG document.
  public let svg: String

  private static let cell = (width: 46, height: 20)
  private static let left = 34
  private static let top = 46

  /// - Parameters:
  ///   - panels: titled samples, side by side.
  ///   - text: what is written in a cell; nil for an end token.
  public init(_ panels: [(title: String, sample: SampleTrace)], text: (Int32) -> String?) throws(TraceError) {
    var body = ""
    var x = Self.left
    var height = 0
    for panel in panels {
      let frames = try Replay(panel.sample).frames.dropFirst()
      let columns = panel.sample.response.count
      body += Self.line(x, 18, panel.title, style: "title") + Self.line(x, 34, "\(frames.count) rounds", style: "note")
      for (row, frame) in frames.enumerated() {
        let y = Self.top + row * Self.cell.height
        body += Self.line(x - 6, y + 14, "\(row + 1)", style: "number")
        for position in frame.response.indices {
          body += Self.cell(x + position * Self.cell.width, y, frame.states[position], frame.response[position] < 0 ? "" : text(frame.response[position]))
        }
      }
      height = max(height, Self.top + frames.count * Self.cell.height)
      x += columns * Self.cell.width + 2 * Self.left
    }
    svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(x - Self.left)" height="\(height + 10)" viewBox="0 0 \(x - Self.left) \(height + 10)" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">
      <style>
      .title{font-weight:bold;font-size:13px;fill:#222}.note{fill:#666}.number{fill:#999;text-anchor:end}.t{text-anchor:middle}
      .m{fill:#e4e4e4}.r{fill:#d7e8fb}.n{fill:#1f6fd6}.x{fill:#f6b26b}.p{fill:#d9ead3}
      </style>
      <rect width="100%" height="100%" fill="#fff"/>
      \(body)</svg>

      """
  }

  /// One position after one round. An end token is a dot, a mask an empty grey cell.
  private static func cell(_ x: Int, _ y: Int, _ state: Replay.State, _ token: String?) -> String {
    let (style, ink) =
      switch state {
      case .masked: ("m", "#222")
      case .revealed: ("r", "#35506e")
      case .justRevealed: ("n", "#fff")
      case .remasked: ("x", "#222")
      case .pinned: ("p", "#222")
      }
    let text = token.map { String($0.prefix(6)) } ?? "·"
    return "<rect class=\"\(style)\" x=\"\(x)\" y=\"\(y)\" width=\"\(cell.width - 2)\" height=\"\(cell.height - 2)\" rx=\"2\"/>"
      + (text.isEmpty ? "" : "<text class=\"t\" x=\"\(x + cell.width / 2 - 1)\" y=\"\(y + 13)\" fill=\"\(ink)\">\(escaped(text))</text>") + "\n"
  }

  private static func line(_ x: Int, _ y: Int, _ text: String, style: String) -> String {
    "<text class=\"\(style)\" x=\"\(x)\" y=\"\(y)\">\(escaped(text))</text>\n"
  }

  /// Tokens are anybody's text, and stand on one line.
  private static func escaped(_ text: String) -> String { text.replacing("\n", with: "⏎").xmlEscaped }
}

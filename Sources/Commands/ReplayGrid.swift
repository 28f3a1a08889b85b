internal import Diffusion
internal import Traces
internal import Workbench

/// How text may be set apart on a screen.
enum Ink: Sendable {
  /// Not at all: a file or a pipe.
  case plain
  /// Bold, underlined, reversed.
  case attributes
  /// These and colours.
  case colours

  /// What a piece of text is.
  enum Role { case text, dim, masked, fresh, remasked, pinned, cursor, current }

  /// A text set apart as its role asks.
  func paint(_ text: String, _ role: Role) -> String {
    let code: String
    switch (self, role) {
    case (.plain, _), (_, .text), (.attributes, .dim), (.attributes, .masked), (.attributes, .remasked), (.attributes, .pinned): return text
    case (_, .cursor): code = "7"
    case (.attributes, .fresh), (.attributes, .current): code = "1"
    case (.colours, .dim), (.colours, .masked): code = "2"
    case (.colours, .fresh): code = "1;32"
    case (.colours, .remasked): code = "1;31"
    case (.colours, .pinned): code = "36"
    case (.colours, .current): code = "1;34"
    }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

/// A canvas as lines of cells, whole blocks to a line where they fit, with borders between them.
///
/// Cells are told apart without colour: `▒` masked, `[token]` just revealed, `×` taken back, `{token}` given, `∎` end token; `≠` after one that differs.
struct ReplayGrid {
  private let side: ReplaySide
  private let widths: [Int]
  private let gutter: Int

  private static let widest = 16

  /// What the signs mean, for two canvases or one.
  static func legend(_ count: Int) -> String {
    "▒ masked  [x] just revealed  × taken back  {x} given  ∎ end token" + (count > 1 ? "  ≠ differs" : "") + "  ┃ current block"
  }

  /// Each position gets the columns of the widest token it ever holds, so that nothing moves while rounds pass.
  init(_ side: ReplaySide) {
    self.side = side
    var widths: [Int] = []
    var seen: Set<Token> = []
    var columns: [Token: Int] = [:]
    for frame in side.playback.frames {
      for (position, cell) in frame.cells.enumerated() {
        if position == widths.count { widths.append(1) }
        if seen.insert(cell.token).inserted { columns[cell.token] = TokenSpelling.columns(Self.text(cell.token, side)) }
        widths[position] = max(widths[position], columns[cell.token] ?? 1)
      }
    }
    self.widths = widths
    gutter = max("\(max(widths.count - 1, 0))".count, 2)
  }

  private static func text(_ token: Token, _ side: ReplaySide) -> String { TokenSpelling.cut(side.source.spelling.cell(token), to: widest) }

  /// The lines of a frame.
  ///
  /// - Returns: the lines, none wider than `columns` unless it is too narrow for a single cell, and which of them holds the cursor.
  func lines(_ number: Int, columns: Int, ink: Ink, cursor: Int? = nil, differing: Set<Int> = []) -> (lines: [String], cursorLine: Int) {
    let frame = side.playback.frames[side.frame(number)]
    var writer = Writer(room: columns - gutter - 1, gutter: gutter, ink: ink)
    var cursorLine = 0
    var start = 0
    for end in frame.blockEnds {
      let isCurrent = number > 0 && frame.window.overlaps(start..<end)
      writer.begin(width: (start..<end).reduce(1) { $0 + widths[$1] + 2 }, at: start, isCurrent: isCurrent)
      for position in start..<end {
        writer.add(piece(frame.cells[position], position, differing.contains(position)), role(frame.cells[position], position == cursor), at: position)
        if position == cursor { cursorLine = writer.lines.count }
      }
      writer.end()
      start = end
    }
    return (writer.finished, cursorLine)
  }

  private func piece(_ cell: Playback.Cell, _ position: Int, _ differs: Bool) -> String {
    let (open, text, close) =
      switch cell.state {
      case .masked, .revealed: (" ", Self.text(cell.token, side), " ")
      case .justRevealed: ("[", Self.text(cell.token, side), "]")
      case .remasked: (" ", "×", " ")
      case .pinned: ("{", Self.text(cell.token, side), "}")
      }
    let padding = String(repeating: " ", count: max(0, widths[position] - TokenSpelling.columns(text)))
    return open + text + (differs ? "≠" : close) + padding
  }

  private func role(_ cell: Playback.Cell, _ isCursor: Bool) -> Ink.Role {
    if isCursor { return .cursor }
    switch cell.state {
    case .masked: return .masked
    case .revealed: return .text
    case .justRevealed: return .fresh
    case .remasked: return .remasked
    case .pinned: return .pinned
    }
  }
}

/// Fills lines with blocks of cells.
private struct Writer {
  let room: Int
  let gutter: Int
  let ink: Ink
  private(set) var lines: [String] = []
  private var line = ""
  private var used = 0
  private var isCurrent = false
  /// Whether the border at the end of the line is that of the current block.
  private var closesCurrent = false

  init(room: Int, gutter: Int, ink: Ink) {
    self.room = room
    self.gutter = gutter
    self.ink = ink
  }

  /// A block begins, on a line of its own if it does not fit on this one.
  mutating func begin(width: Int, at position: Int, isCurrent: Bool) {
    if used > 0, used + width + 1 > room { wrap() }
    self.isCurrent = isCurrent
    if used == 0 { return startLine(at: position) }
    border(isCurrent || closesCurrent)
  }

  /// A cell.
  mutating func add(_ piece: String, _ role: Ink.Role, at position: Int) {
    let width = TokenSpelling.columns(piece)
    if used > 1, used + width + 1 > room {
      closesCurrent = isCurrent
      wrap()
      startLine(at: position)
    }
    line += ink.paint(piece, role)
    used += width
  }

  /// The block ends.
  mutating func end() { closesCurrent = isCurrent }

  private mutating func startLine(at position: Int) {
    let number = "\(position)"
    line = ink.paint(String(repeating: " ", count: gutter - number.count) + number, .dim) + " "
    border(isCurrent)
  }

  private mutating func border(_ isCurrent: Bool) {
    line += ink.paint(isCurrent ? "┃" : "│", isCurrent ? .current : .dim)
    used += 1
  }

  private mutating func wrap() {
    border(closesCurrent)
    lines.append(line)
    line = ""
    used = 0
  }

  /// All lines, the last one closed.
  var finished: [String] {
    var copy = self
    if used > 0 { copy.wrap() }
    return copy.lines
  }
}

internal import Diffusion
internal import Traces
internal import Workbench

/// A replay as a terminal shows it: a value that keys change and that gives lines of text.
struct ReplayScreen: Sendable {
  /// What a key asks of the terminal.
  enum Wish: Sendable { case draw, quit, interrupt, suspend }

  /// Rounds per second to choose from.
  static let speeds = [1, 2, 4, 8, 16, 32]

  /// The round shown; 0 is the canvas before the first.
  private(set) var frame: Int
  /// The position under the cursor.
  private(set) var cursor = 0
  /// Whether rounds pass by themselves.
  private(set) var isPlaying = false
  private var speed = 2
  /// Digits of a round to jump to.
  private var typed = ""

  private let sides: [ReplaySide]
  private let grids: [ReplayGrid]
  private let difference: ReplayDifference?
  private let prompt: String
  private let fidelity: Fidelity?
  private let ink: Ink

  /// A replay of one decode, or of two side by side, that stands at a round.
  init(_ sides: [ReplaySide], ink: Ink, frame: Int = 0) {
    self.sides = sides
    self.ink = ink
    self.frame = frame
    grids = sides.map(ReplayGrid.init)
    difference = sides.count == 2 ? ReplayDifference(sides[0].playback, sides[1].playback) : nil
    fidelity = sides.count == 2 ? Fidelity(sides[0].playback.sample, sides[1].playback.sample, end: sides[0].playback.vocabulary?.end) : nil
    prompt = sides[0].prompt
  }

  /// The last round of the longest decode.
  var last: Int { sides.map(\.playback.roundCount).max() ?? 0 }

  /// Seconds that a round stays while playing.
  var pause: Double { 1 / Double(Self.speeds[speed]) }

  /// Changes what is shown.
  mutating func press(_ key: ReplayKey) -> Wish {
    switch key {
    case .interrupt: return .interrupt
    case .suspend: return .suspend
    case .escape where typed.isEmpty, .character("q"): return .quit
    case .escape: typed = ""
    case .character(let digit) where ("0"..."9").contains(digit): if typed.count < 6 { typed.append(digit) }
    case .enter:
      if let round = Int(typed) { go(to: round) }
    case .left, .character("h"): go(to: frame - 1)
    case .right, .character("l"): go(to: frame + 1)
    case .home, .character("g"): go(to: 0)
    case .end, .character("G"): go(to: last)
    case .up, .character("k"): move(-1)
    case .down, .character("j"): move(1)
    case .character(" "):
      if !isPlaying, frame == last { frame = 0 }
      isPlaying.toggle()
    case .character("["): speed = max(speed - 1, 0)
    case .character("]"): speed = min(speed + 1, Self.speeds.count - 1)
    case .character("d"):
      guard let difference else { break }
      go(to: difference.frame)
      cursor = difference.position
    default: break
    }
    if case .character(let digit) = key, ("0"..."9").contains(digit) { return .draw }
    typed = ""
    return .draw
  }

  /// The next round while playing; the last one ends it.
  mutating func tick() {
    guard isPlaying else { return }
    frame = min(frame + 1, last)
    if frame == last { isPlaying = false }
  }

  private mutating func go(to round: Int) {
    isPlaying = false
    frame = min(max(round, 0), last)
    move(0)
  }

  private mutating func move(_ count: Int) {
    let length = sides.map { $0.playback.frames[$0.frame(frame)].cells.count }.max() ?? 0
    cursor = min(max(cursor + count, 0), max(length - 1, 0))
  }

  /// The screen, at most `rows` lines of at most `columns` columns.
  func lines(columns: Int, rows: Int) -> [String] {
    let problem = TokenSpelling.visible(sides[0].playback.sample.problem)
    let about = sides.count == 1 ? sides[0].title(columns: columns - TokenSpelling.columns(problem) - 2) : parting
    let head = [paint("\(problem)  \(about)", .text, columns), paint(prompt, .dim, columns), ""]
    let keys = "space play  ←→ round  jk position  [] speed  gG ends  12⏎ jump\(sides.count > 1 ? "  d difference" : "")  q quit"
    let foot = [status(columns), paint(keys, .dim, columns)]
    let notes = sides.map { side in
      wrapped(side.caption(frame), columns) + [strip(side, columns)] + side.detail(cursor, in: frame).map { paint("  " + $0, .text, columns) } + [""]
    }
    let titles = sides.map { sides.count > 1 ? [paint($0.title(columns: columns), .text, columns)] : [] }
    // What is left after everything else belongs to the canvases; on a small screen the notes go first.
    let spare = rows - head.count - foot.count - titles.joined().count
    let noted = spare - notes.joined().count >= 3 * sides.count
    let room = max((noted ? spare - notes.joined().count : spare) / sides.count, 1)
    let differing = sides.count == 2 ? Set(ReplayDifference.positions(sides[0].playback, sides[1].playback, frame: frame)) : []
    let body = sides.indices.flatMap { index in
      titles[index] + canvas(grids[index], columns, room, differing) + (noted ? notes[index] : [])
    }
    // What the signs mean is said where there is room for it.
    let used = head.count + body.count + foot.count
    let legend = noted && used < rows ? [paint(ReplayGrid.legend(sides.count), .dim, columns)] : []
    return Array((head + body + legend + foot).suffix(max(rows, 1)))
  }

  /// The lines of a canvas around the cursor, with a line that says how many are not shown.
  private func canvas(_ grid: ReplayGrid, _ columns: Int, _ room: Int, _ differing: Set<Int>) -> [String] {
    let (lines, cursorLine) = grid.lines(frame, columns: columns, ink: ink, cursor: cursor, differing: differing)
    guard lines.count > room else { return lines }
    let kept = max(room - 1, 1)
    let first = min(max(cursorLine - kept / 2, 0), lines.count - kept)
    let note = room > 1 ? [paint("   ⋮ \(lines.count - kept) more lines; j and k move there", .dim, columns)] : []
    return Array(lines[first..<first + kept]) + note
  }

  private var parting: String {
    guard let difference else { return "the canvases are the same after every round" }
    return "first difference: round \(difference.frame), position \(difference.position)" + (fidelity.map { "; in the end \($0.words)" } ?? "")
  }

  private func status(_ columns: Int) -> String {
    let sign = isPlaying ? "playing" : "paused"
    let jump = typed.isEmpty ? "" : "  to round \(typed)⏎"
    return paint("\(sign)  round \(frame) of \(last)  \(Self.speeds[speed]) rounds/s\(jump)", .current, columns)
  }

  /// Tokens of each round as a strip of bars around the current one, which is marked below by its place in brackets.
  private func strip(_ side: ReplaySide, _ columns: Int) -> String {
    let bars = Array("▁▂▃▄▅▆▇█")
    let room = max(columns - 24, 8)
    let number = side.frame(frame)
    let first = min(max(number - room / 2, 1), max(side.playback.roundCount - room + 1, 1))
    let shown = first..<min(first + room, side.playback.roundCount + 1)
    let most = max((1..<side.playback.roundCount + 1).map { side.playback.changes(in: $0).revealed }.max() ?? 1, 1)
    let strip = shown.map { round in
      let bar = String(bars[side.playback.changes(in: round).revealed * (bars.count - 1) / most])
      return round == number ? "[" + ink.paint(bar, .current) + "]" : bar
    }.joined()
    return ink.paint("tokens per round ", .dim) + strip
  }

  private func paint(_ text: String, _ role: Ink.Role, _ columns: Int) -> String { ink.paint(TokenSpelling.cut(text, to: columns), role) }

  /// Text over as many lines as its words need.
  private func wrapped(_ text: String, _ columns: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      let line = lines[lines.count - 1]
      if line.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if TokenSpelling.columns(line) + TokenSpelling.columns(String(word)) < columns {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { TokenSpelling.cut($0, to: columns) }
  }
}

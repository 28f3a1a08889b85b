import Diffusion
import Foundation
import Testing
import Traces

@testable import Commands
@testable import Workbench

/// What the terminal shows, as text.
@Suite struct ReplayScreenTests {
  private func screen(_ ink: Ink = .plain, level: TraceLevel = .beliefs(4), _ index: Int = 1) throws -> ReplayScreen {
    let sample = try ReplayFixture.decodes(level: level)[index].sample
    return ReplayScreen(try ReplayFixture.sides([try ReplayFixture.source([sample], level: level)]), ink: ink)
  }

  /// Text without the sequences that set it apart.
  private func bare(_ line: String) -> String { line.replacing(#/\u{1B}\[[0-9;]*m/#, with: "") }

  @Test func roundsAsText() throws {
    let sides = try ReplayFixture.sides([try ReplayFixture.source([try ReplayFixture.written()])])
    #expect(
      sides[0].playback.frames.indices.map { ReplayFrames(sides).text($0) }.joined(separator: "\n") == """
        before round 1 of 4: 7 of 8 masked
         0 │ ▒    ▒     ▒  ▒ │ ▒ {3} ▒  ▒ │

        round 1 of 4: 2 revealed; 5 of 8 masked; 2.00 tokens per round so far; block 1 of 2; by threshold 2
         0 ┃[red][sun]  ▒  ▒ ┃ ▒ {3} ▒  ▒ │

        round 2 of 4: 1 revealed; 1 taken back; 5 of 8 masked; 1.00 tokens per round so far; block 1 of 2; by saber 1, threshold 1
         0 ┃ red  ×    [3] ▒ ┃ ▒ {3} ▒  ▒ │

        round 3 of 4: 2 revealed (1 end); 3 of 8 masked; 1.00 tokens per round so far; block 1 of 2; by progress 2
         0 ┃ red [汉字] 3 [∎]┃ ▒ {3} ▒  ▒ │

        round 4 of 4: 3 revealed (3 end); 0 of 8 masked; 0.75 tokens per round so far; block 2 of 2; by threshold 3
         0 │ red  汉字  3  ∎ ┃[∎]{3}[∎][∎]┃

        """)
    #expect(
      ReplayFrames(sides).text(2, isDetailed: true) == """
        round 2 of 4: 1 revealed; 1 taken back; 5 of 8 masked; 1.00 tokens per round so far; block 1 of 2; by saber 1, threshold 1
         0 ┃ red  ×    [3] ▒ ┃ ▒ {3} ▒  ▒ │

        position  what    token    confidence  margin  entropy  by         runner-up
        ────────  ──────  ───────  ──────────  ──────  ───────  ─────────  ──────────────────────────
               1  remask               0.4000  0.3000   0.2500  saber
               2  reveal  ‘3’ (2)    0.999987  0.9000   0.2500  threshold  ‘<!-- <script>’ (4) 0.0100

        """)
  }

  @Test func aScreenAsText() throws {
    var screen = ReplayScreen(try ReplayFixture.sides([try ReplayFixture.source([try ReplayFixture.written()])]), ink: .plain, frame: 2)
    for key in [ReplayKey.right, .character("j"), .character("j"), .character("1")] { #expect(screen.press(key) == .draw) }
    #expect(
      screen.lines(columns: 80, rows: 24).joined(separator: "\n") == """
        lists/test/7  threshold: {confidence: 0.4}  correct
        red sun

         0 ┃ red [汉字] 3 [∎]┃ ▒ {3} ▒  ▒ │
        round 3 of 4: 2 revealed (1 end); 3 of 8 masked; 1.00 tokens per round so far;
        block 1 of 2; by progress 2
        tokens per round ▅▃[▅]█
          position 2: ‘3’ (2), revealed in round 2 by threshold
          decided at confidence 0.999987, margin 0.9000, entropy 0.2500
          model in round 2: ‘3’ (2) 0.999987, runner-up ‘<!-- <script>’ (4) 0.0100

        ▒ masked  [x] just revealed  × taken back  {x} given  ∎ end token  ┃ current bl…
        paused  round 3 of 4  4 rounds/s  to round 1⏎
        space play  ←→ round  jk position  [] speed  gG ends  12⏎ jump  q quit
        """)
  }

  /// A list with more settings than a line takes is shown by its rules' names.
  @Test func longTitlesKeepTheNames() throws {
    let side = try ReplayFixture.sides([try ReplayFixture.source([try ReplayFixture.written()])])[0]
    #expect(side.title(columns: 37) == "threshold: {confidence: 0.4}  correct" && side.title(columns: 36) == "threshold  correct")
  }

  /// Two decodes, one under the other: what differs is marked after the cell.
  @Test func twoDecodesAsText() throws {
    let first = try ReplayFixture.written()
    var second = first
    second.edits[1].edit = Edit(.reveal, at: 1, token: 2)
    second.edits[1].edit.author = "other"
    let sides = try ReplayFixture.sides([try ReplayFixture.source([first]), try ReplayFixture.source([second], strategy: "other")])
    #expect(
      ReplayFrames(sides).header == """
        lists/test/7
        red sun
        threshold: {confidence: 0.4}  correct
        other: {confidence: 0.4}  correct
        first difference: round 1, position 1
        in the end the answers are the same
        ▒ masked  [x] just revealed  × taken back  {x} given  ∎ end token  ≠ differs  ┃ current block

        """)
    #expect(
      ReplayFrames(sides).text(1) == """
        threshold: round 1 of 4: 2 revealed; 5 of 8 masked; 2.00 tokens per round so far; block 1 of 2; by threshold 2
         0 ┃[red][sun≠  ▒  ▒ ┃ ▒ {3} ▒  ▒ │

        other: round 1 of 4: 2 revealed; 5 of 8 masked; 2.00 tokens per round so far; block 1 of 2; by threshold 1, other 1
         0 ┃[red][3≠    ▒  ▒ ┃ ▒ {3} ▒  ▒ │

        """)
    var screen = ReplayScreen(sides, ink: .plain)
    _ = screen.press(.character("d"))
    #expect(screen.frame == 1 && screen.cursor == 1)
    #expect(screen.lines(columns: 80, rows: 40)[0] == "lists/test/7  first difference: round 1, position 1; in the end the answers are…")
  }

  @Test func everyStateHasASignOfItsOwn() throws {
    let sample = try ReplayFixture.decodes()[1].sample
    let side = try ReplayFixture.sides([try ReplayFixture.source([sample])])[0]
    let grid = ReplayGrid(side)
    for number in side.playback.frames.indices {
      // Blocks have eight cells and stand on one line each: what stands in a cell can be read back.
      let lines = grid.lines(number, columns: 400, ink: .plain).lines
      #expect(lines.count == 1)
      let blocks = try #require(lines.first).split(whereSeparator: { "│┃".contains($0) }).dropFirst()
      for (block, cells) in zip(blocks, stride(from: 0, to: 24, by: 8).map { side.playback.frames[number].cells[$0..<$0 + 8] }) {
        for cell in cells {
          let text = side.source.spelling.cell(cell.token)
          let expected =
            switch cell.state {
            case .masked: " ▒ "
            case .revealed: " \(TokenSpelling.cut(text, to: 16)) "
            case .justRevealed: "[\(TokenSpelling.cut(text, to: 16))]"
            case .remasked: " × "
            case .pinned: "{\(TokenSpelling.cut(text, to: 16))}"
            }
          #expect(block.contains(expected), "round \(number): \(block)")
        }
      }
    }
  }

  @Test func colourAddsNothingThatIsNotSaid() throws {
    var screens = try [Ink.plain, .attributes, .colours].map { try screen($0) }
    for key in [ReplayKey.left, .right, .right, .character("j"), .character("j"), .end, .character("["), .character("1")] {
      for index in screens.indices { _ = screens[index].press(key) }
      let shown = screens.map { $0.lines(columns: 100, rows: 40) }
      #expect(shown[1].map(bare) == shown[0] && shown[2].map(bare) == shown[0])
      #expect(shown[0] == shown[0].map(bare) && shown[2] != shown[0])
    }
  }

  @Test func aScreenFitsItsTerminal() throws {
    for (columns, rows) in [(80, 24), (40, 12), (200, 60), (30, 6), (24, 3)] {
      for index in 0..<5 {
        var screen = try screen(index)
        for _ in 0...screen.last {
          let lines = screen.lines(columns: columns, rows: rows)
          #expect(lines.count <= rows)
          #expect(lines.allSatisfy { TokenSpelling.columns($0) <= columns }, "\(columns) columns: \(lines)")
          _ = screen.press(.right)
          _ = screen.press(.down)
        }
      }
    }
  }

  private func screen(_ index: Int) throws -> ReplayScreen { try screen(.plain, index) }

  @Test func keysMove() throws {
    var screen = try screen()
    let last = screen.last
    #expect(last > 4)
    func press(_ keys: ReplayKey...) -> [Int] {
      for key in keys { _ = screen.press(key) }
      return [screen.frame, screen.cursor]
    }
    #expect(press(.right, .character("l"), .down, .character("j")) == [2, 2])
    #expect(press(.left, .character("h"), .left, .up, .character("k"), .up) == [0, 0])
    #expect(press(.character("G"), .character("l")) == [last, 0])
    #expect(press(.character("g")) == [0, 0] && press(.end) == [last, 0] && press(.home) == [0, 0])
    #expect(press(.character("3"), .enter) == [3, 0])
    #expect(press(.character("9"), .character("9"), .character("9"), .enter) == [last, 0])
    // What was typed is forgotten by another key.
    #expect(press(.character("1"), .escape, .enter) == [last, 0] && press(.character("1"), .left, .enter) == [last - 1, 0])
    for _ in 0..<100 { _ = screen.press(.down) }
    #expect(screen.cursor == 23)
    #expect(screen.press(.character("q")) == .quit && screen.press(.escape) == .quit)
    #expect(screen.press(.interrupt) == .interrupt && screen.press(.suspend) == .suspend && screen.press(.character("z")) == .draw)
  }

  @Test func playingEndsAtTheEnd() throws {
    var screen = try screen()
    #expect(screen.press(.character(" ")) == .draw && screen.isPlaying)
    for _ in 0..<screen.last - 1 { screen.tick() }
    #expect(screen.isPlaying && screen.frame == screen.last - 1)
    screen.tick()
    #expect(!screen.isPlaying && screen.frame == screen.last)
    screen.tick()
    #expect(screen.frame == screen.last)
    // From the end it plays from the start; a step stops it.
    _ = screen.press(.character(" "))
    #expect(screen.isPlaying && screen.frame == 0)
    let pause = screen.pause
    _ = screen.press(.character("]"))
    #expect(screen.pause == pause / 2 && screen.isPlaying)
    _ = screen.press(.right)
    #expect(!screen.isPlaying && screen.frame == 1)
    for _ in 0..<20 { _ = screen.press(.character("[")) }
    #expect(screen.pause == 1)
  }

  @Test func anyKeysInAnyOrder() throws {
    let known: [ReplayKey] = [.left, .right, .up, .down, .home, .end, .enter, .escape] + "hljkgGd []0123456789x".map(ReplayKey.character)
    let random = SeededRandom(seed: 5)
    for index in 0..<5 {
      var screen = try screen(index)
      for step in 0..<300 {
        _ = screen.press(known[random[index][step].integer(below: known.count)])
        screen.tick()
        #expect((0...screen.last).contains(screen.frame))
        _ = screen.lines(columns: 60, rows: 16)
      }
    }
  }

  @Test func keysAreReadAsTerminalsSendThem() {
    #expect(
      ReplayKey.keys(in: Array("j\u{1B}[C\u{1B}OD\u{1B}[1;5A\u{1B}[4~ 7\r\u{3}\u{1A}".utf8)) == [
        .character("j"), .right, .left, .up, .end, .character(" "), .character("7"), .enter, .interrupt, .suspend,
      ])
    #expect(ReplayKey.keys(in: [0x1B]) == [.escape])
    #expect(ReplayKey.keys(in: [0x1B, 0x5B]) == [] && ReplayKey.keys(in: [0xC3, 0xA9, 0x00, 0x7F]) == [])
  }

  @Test func runnersUpNeedBeliefs() throws {
    func notes(_ level: TraceLevel) throws -> String {
      var screen = try screen(.plain, level: level, 2)
      _ = screen.press(.right)
      return screen.lines(columns: 160, rows: 40).joined(separator: "\n")
    }
    #expect(try notes(.beliefs(4)).contains("runner-up") && !notes(.beliefs(4)).contains("no beliefs recorded"))
    #expect(try notes(.edits).contains("no beliefs recorded, so no runner-up") && !notes(.edits).contains("model in round"))
  }
}

import Diffusion
import Support
import Testing

@Suite struct CanvasTests {
  @Test(arguments: 0..<12 as Range<UInt64>)
  func theBlockOnlyMovesForward(seed: UInt64) throws {
    var random = SeededStream(SeededRandom(seed: seed))
    var canvas = try Canvas.toy(12, blocks: 3, pinned: seed % 2 == 0 ? [0: 1, 1: 1, 2: 1, 7: 2] : [:])
    #expect(canvas.block == (seed % 2 == 0 ? 1 : 0))
    for _ in 0..<60 where !canvas.isComplete {
      let before = canvas.block
      let position = Int.random(in: 0..<12, using: &random)
      let edit = canvas.isMasked(position) ? Edit(.reveal, at: position, token: 1) : Edit(.remask, at: position)
      if edit.kind == .reveal ? canvas.eligible.contains(position) : Int.random(in: 0..<3, using: &random) == 0 {
        if canvas.fault(of: edit) == nil { canvas.apply(edit) }
        canvas.settle()
      }
      #expect(canvas.block >= before && canvas.block < canvas.blockCount)
      #expect(canvas.eligible == (0..<canvas.blockEnds[canvas.block]).filter { canvas.response[$0] == 23 })
      if canvas.block < 3 { #expect(!canvas.eligible.isEmpty) }
      if canvas.block > before { #expect(!canvas.response[..<canvas.blockEnds[canvas.block - 1]].contains(23)) }
    }
  }

  @Test func aRemaskDoesNotMoveItBack() throws {
    var canvas = try Canvas.toy(8, blocks: 4)
    for position in 0..<4 { canvas.apply(Edit(.reveal, at: position, token: 1)) }
    canvas.settle()
    canvas.apply(Edit(.remask, at: 1))
    canvas.settle()
    #expect(canvas.block == 1 && canvas.window == 4..<8 && canvas.eligible == [1, 4, 5, 6, 7])
    for position in 4..<8 { canvas.apply(Edit(.reveal, at: position, token: 1)) }
    canvas.settle()
    #expect(canvas.block == 1 && canvas.eligible == [1] && !canvas.isComplete)
  }

  @Test func restartingKeepsPinsOnly() throws {
    var canvas = try Canvas.toy(12, blocks: 4, pinned: [0: 1, 1: 2, 5: 3])
    canvas.apply(Edit(.reveal, at: 2, token: 9))
    let other = try #require(canvas.restarted(blockLength: 2))
    #expect(other == (try Canvas.toy(12, blocks: 2, pinned: [0: 1, 1: 2, 5: 3])) && other.block == 1)
    #expect(canvas.restarted(blockLength: 5) == nil && canvas.restarted(blockLength: 0) == nil)
  }

  @Test func answerTokens() throws {
    var canvas = try Canvas.toy(8, blocks: 8, pinned: [1: 4, 6: 4])
    for (position, token) in [(0, 3), (2, 5), (3, 22), (4, 22), (5, 1), (7, 22)] { canvas.apply(Edit(.reveal, at: position, token: Token(token))) }
    #expect(canvas.answerTokens == 2)
  }

  static let refusals: [(Int, Int, [Int: Token], String)] = [
    (0, 1, [:], "`gen_length` is 0, expected 1 to 1048576"),
    (1 << 21, 1, [:], "`gen_length` is 2097152, expected 1 to 1048576"),
    (8, 0, [:], "`block_length` is 0, expected a divisor of gen_length (8)"),
    (8, 3, [:], "`block_length` is 3, expected a divisor of gen_length (8)"),
    (8, -8, [:], "`block_length` is -8, expected a divisor of gen_length (8)"),
    (8, 8, [8: 1], "`pinned` is position 8, expected a position from 0 to 7"),
    (8, 8, [-1: 1], "`pinned` is position -1, expected a position from 0 to 7"),
    (8, 8, [0: 23], "`pinned` is token 23, expected a token from 0 to 23 that is not the mask"),
    (8, 8, [0: 24], "`pinned` is token 24, expected a token from 0 to 23 that is not the mask"),
  ]

  @Test(arguments: refusals.indices)
  func geometryIsChecked(_ index: Int) throws {
    let (length, block, pinned, message) = Self.refusals[index]
    let error = #expect(throws: ConfigurationError.self) { try Canvas.toy(length, blocks: block, pinned: pinned) }
    #expect(error?.description == message)
  }
}

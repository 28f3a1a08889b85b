import Diffusion
import Models
import Testing

/// Rotary tables grow with what is asked, and no bit tells which table an angle came from.
@Suite struct RotaryTests {
  @Test func everyTableHoldsTheSameBits() {
    let rotary = Rotary(headWidth: 6, base: 10000, positions: 1 << 20)
    let large = rotary.table(5000)
    for count in [0, 1, 255, 256, 257, 1024, 4097] {
      let table = rotary.table(count)
      #expect(table.positions >= count && table.positions <= max(256, 2 * count))
      for position in 0..<min(table.positions, large.positions) {
        for index in 0..<3 {
          #expect(table.cosine(position)[index].bitPattern == large.cosine(position)[index].bitPattern)
          #expect(table.sine(position)[index].bitPattern == large.sine(position)[index].bitPattern)
        }
      }
    }
    #expect(rotary.table(300) === rotary.table(512))
    #expect(Rotary(headWidth: 6, base: 10000, positions: 300).table(300).positions == 300)
    #expect(Rotary(headWidth: 6, base: 10000, positions: 7).table(7).positions == 7)
  }

  @Test func theLongestLengthChangesNothing() async throws {
    var shape = Fixture.shape(layers: 1)
    let short = try Fixture.model(shape)
    shape.maxLength = 1 << 20
    let long = try Fixture.model(shape)
    let tokens = Fixture.tokens(300, seed: 5)
    // Several at once ask for the same table first.
    let expected = bits(try short.rows([Query(tokens: tokens, rows: [0, 255, 256, 299])])[0])
    try await withThrowingTaskGroup(of: [[UInt32]].self) { group in
      for _ in 0..<8 { group.addTask { bits(try long.rows([Query(tokens: tokens, rows: [0, 255, 256, 299])])[0]) } }
      for try await found in group { #expect(found == expected) }
    }
    var far = Query(tokens: [5, 6], rows: [0])
    far.positionIDs = [1 << 14, 3]
    #expect(try long.rows([far])[0][0].allSatisfy(\.isFinite))
  }
}

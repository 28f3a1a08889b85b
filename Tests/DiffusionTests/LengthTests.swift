import Diffusion
import Support
import Testing

/// Edits that change the response's length.
@Suite struct LengthTests {
  /// DAEDAL's shape: inserts masks before a position of the current block, once per slot, and deletes slots that say so.
  struct Gardener: Strategy {
    static let name = "gardener"
    static let role = Role.reviser
    var sprouted = PerSlot(false)
    var seen: [Int: Int] = [:]
    init() {}
    init(_ parameters: inout Parameters) throws(ConfigurationError) {}
    mutating func decide(_ step: inout Step) {
      for position in step.shown.window where !sprouted[step.slot(position)] {
        let slot = step.slot(position)
        sprouted[slot] = true
        seen[slot.id] = position
        if slot.id >= 16 { continue }
        if slot.id % 5 == 2 { step.insertMask(before: position) }
        if slot.id % 5 == 4 { step.delete(position) }
      }
      if step.index == 0 { step.insertMask(before: step.shown.response.count) }
    }
  }

  @Test(arguments: [4, 8, 16], 0..<3 as Range<UInt64>)
  func editsReplayToTheResponse(block: Int, seed: UInt64) throws {
    let canvas = try Canvas.toy(16, blocks: block, seed: seed)
    let result = try decode(canvas, [Threshold(0.6), Gardener()], with: ToyDenoiser(seed: seed))
    #expect(result.error == nil && result.session.isFinished)
    #expect(Set(result.edits.map(\.kind)).isSuperset(of: [.reveal, .insertMask, .delete]))
    var replayed = canvas.response
    for edit in result.edits {
      switch edit.kind {
      case .reveal, .replace: replayed[edit.position] = edit.token
      case .remask: replayed[edit.position] = 23
      case .insertMask: replayed.insert(23, at: edit.position)
      case .delete: replayed.remove(at: edit.position)
      }
    }
    #expect(replayed == result.response)
    let inserted = result.edits.count { $0.kind == .insertMask }
    let deleted = result.edits.count { $0.kind == .delete }
    #expect(replayed.count == 16 + inserted - deleted)
    let end = result.session.canvas
    #expect(end.blockEnds.last == replayed.count && end.blockCount == 16 / block)
    #expect(end.blockEnds == end.blockEnds.sorted() && Set(end.slots).count == end.slots.count)
    for round in result.rounds { #expect(round.shown.block <= round.canvas.block) }
  }

  @Test func memoryFollowsItsSlot() throws {
    var canvas = try Canvas.toy(8, blocks: 4)
    var memory = PerSlot(0)
    for (position, slot) in canvas.slots.enumerated() { memory[slot] = 10 * position }
    canvas.apply(Edit(.insertMask, at: 2))
    canvas.apply(Edit(.delete, at: 6))
    #expect(canvas.slots.map { memory[$0] } == [0, 10, 0, 20, 30, 40, 60, 70])
    #expect(canvas.blockEnds == [5, 8])
    canvas.apply(Edit(.insertMask, at: 5))
    #expect(canvas.blockEnds == [5, 9])
    canvas.apply(Edit(.insertMask, at: 9))
    #expect(canvas.blockEnds == [5, 10])
    canvas.apply(Edit(.delete, at: 4))
    #expect(canvas.blockEnds == [4, 9])
  }

  @Test func positionsAreThoseShown() throws {
    let canvas = try Canvas.toy(6, blocks: 6)
    let rule = Custom(needs: Needs(.response)) { step in
      guard step.index == 0 else { return }
      step.insertMask(before: 0)
      step.reveal(3, as: 7)
      step.delete(1)
      step.reveal(5, as: 9)
      step.insertMask(before: 6)
    }
    let round = try decode(canvas, [rule], with: ToyDenoiser()).rounds[0]
    #expect(round.canvas.response == [23, 23, 23, 7, 23, 9, 23])
    #expect(round.edits.map(\.position) == [0, 4, 2, 5, 6])
    #expect(round.changes.commits.map(\.position) == [3, 5] && round.changes.commits.map(\.token) == [7, 9] && round.changes.remasks.isEmpty)
  }

  @Test func deletedPositionsAreGone() throws {
    let rule = Custom { step in
      step.delete(2)
      step.reveal(2)
    }
    let result = try decode(try .toy(), [rule], with: ToyDenoiser())
    #expect(result.error == .illegal(strategy: "custom", round: 0, position: 2, reason: "it was deleted in this step"))
    for unknown in [16, -1, 400] {
      let after = Custom { step in
        step.insertMask(before: 0)
        step.reveal(unknown, as: 1)
      }
      let reason = "the response has no position \(unknown)"
      #expect(try decode(try .toy(), [after], with: ToyDenoiser()).error == .illegal(strategy: "custom", round: 0, position: unknown, reason: reason))
    }
  }
}

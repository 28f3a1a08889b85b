import Diffusion
import Strategies
import Support
import Testing

/// What must hold of any decode.
enum Invariants {
  /// Decodes and checks; thoroughly: also again, in company, and from a copy taken half way.
  static func check(_ pipeline: Pipeline, _ geometry: CatalogTests.Geometry, seed: UInt64, thoroughly: Bool, _ what: String = "") throws {
    let toy = ToyDenoiser(context: Double(seed % 4), radius: seed % 5 == 0 ? 100 : 4, seed: seed)
    let canvas = try Canvas.toy(geometry.length, blocks: geometry.blocks, seed: seed, pinned: geometry.pinned)
    // Every round reveals more than it takes back or is a pass, and schedules pass at most as often as they have steps.
    let bound = 4 * geometry.length + 40
    let session = try Session(
      id: 1, canvas: canvas, pipeline: pipeline, sampling: geometry.sampling, random: SeededRandom(seed: seed), sample: 5, maxRounds: bound)
    let result = decode([session], with: toy)[0]
    let comment = Comment(rawValue: "\(pipeline.names) \(what) \(geometry) seed \(seed)")
    #expect(result.error == nil, comment)
    guard result.error == nil else { return }

    let end = result.session.canvas
    #expect(end.isComplete && end.prompt == canvas.prompt && end.pinned == canvas.pinned, comment)
    #expect(end.response.allSatisfy { $0 != canvas.vocabulary.mask && $0 >= 0 && Int($0) < canvas.vocabulary.size }, comment)
    #expect(geometry.pinned.allSatisfy { end.response[$0.key] == $0.value }, comment)
    for round in result.rounds {
      #expect(round.kind == .passed || round.edits.contains { $0.branch == Edit.main }, comment)
      #expect(round.edits.allSatisfy { edit in edit.branch != Edit.main || !canvas.pinned[edit.position] }, comment)
    }
    var replayed = canvas.response
    for edit in result.edits { replayed[edit.position] = edit.kind == .remask ? canvas.vocabulary.mask : edit.token }
    #expect(replayed == end.response, comment)
    let cost = result.rounds.reduce(into: Cost()) { $0 += $1.cost }
    #expect(cost == result.session.cost && result.session.rounds == result.rounds.count, comment)

    guard thoroughly else { return }
    let crowd = try [0, 1, 2].map { id in
      let other = try Canvas.toy(geometry.length, blocks: geometry.blocks, prompt: 1 + id, seed: seed &+ 7, pinned: geometry.pinned)
      return id == 1
        ? session
        : try Session(id: id, canvas: other, pipeline: pipeline, sampling: geometry.sampling, random: SeededRandom(seed: seed), sample: id, maxRounds: bound)
    }
    let again = decode(crowd, with: toy)[1]
    #expect(again.edits.map(\.unmarked) == result.edits.map(\.unmarked) && again.session.canvas == end, comment)

    // A copy of a decode under way goes on as the original does, and neither notices the other.
    var original = session
    var copies: [Session] = []
    let half = result.rounds.count / 2
    var rounds = 0
    _ = Decoder(toy).decode(
      [session],
      record: { now, _ in
        rounds += 1
        if rounds == half { (original, copies) = (now, [now, now]) }
      }, while: { rounds < half })
    for copy in copies + (copies.isEmpty ? [] : [original]) { #expect(decode([copy], with: toy)[0].session.canvas == end, comment) }
  }
}

extension Edit {
  /// The edit as values that can be compared: NaN equals itself.
  var unmarked: [UInt64] {
    [
      UInt64(kind.rawValue), UInt64(bitPattern: Int64(position)), UInt64(bitPattern: Int64(token)), confidence.bitPattern, margin.bitPattern,
      entropy.bitPattern,
    ]
  }
}

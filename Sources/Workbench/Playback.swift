package import Diffusion
internal import Foundation
package import Traces

/// Everything a viewer shows of one recorded sample: the canvas after each round, with block borders and, for every cell, the decision that made it so.
///
/// Frame 0 is the canvas before the first round, frame `n` the canvas after the `n`-th.
package struct Playback: Sendable {
  /// One position after one round.
  package struct Cell: Sendable, Hashable {
    /// The token, -1 where masked.
    package let token: Token
    /// What is to be said of it.
    package let state: Replay.State
    /// The position's identity, which survives insertions and deletions around it.
    package let slot: Int
    /// Index into the sample's edits of the last one that changed it; nil where none did.
    package let edit: Int?
  }

  /// The response after one round.
  package struct Frame: Sendable {
    /// Its positions.
    package let cells: [Cell]
    /// Where each block ends, ascending; the last entry is the number of cells.
    package let blockEnds: [Int]
    /// The block that the round worked on, in positions of the canvas it was shown; frame 0 has that of the first round.
    package let window: Range<Int>
    /// The round; nil for frame 0.
    package let round: RecordedRound?
    /// The round's edits among the sample's, those of other branches included.
    package let edits: Range<Int>
    /// Revealed tokens before the first end token on the canvas, pinned ones left out.
    package let answerTokens: Int
  }

  /// What was recorded.
  package let sample: SampleTrace
  /// The size of the vocabulary and its special ids, where the trace says.
  package let vocabulary: Vocabulary?
  /// The initial canvas, then one frame per round.
  package let frames: [Frame]
  /// Rows of the sample's beliefs by round.
  private let beliefRows: [Range<Int>]

  /// Positions times rounds, and edits, that a viewer takes; a response of 1,024 positions decoded one by one has a million.
  package static let largest = 2_000_000

  /// Plays a sample.
  ///
  /// - Throws: `.missing` where no rounds were recorded, `.tooLarge` beyond `largest`, `.damaged` where an edit does not fit the canvas it meets.
  package init(_ sample: SampleTrace, vocabulary: Vocabulary?) throws(TraceError) {
    try sample.checkRounds()
    let inserted = sample.edits.count { $0.edit.kind == .insertMask && $0.edit.branch == Edit.main }
    let area = (sample.initial.count + inserted).multipliedReportingOverflow(by: sample.rounds.count + 1)
    guard !area.overflow, area.partialValue <= Self.largest else {
      let size = "\(sample.initial.count + inserted) positions in \(sample.rounds.count) rounds"
      throw .tooLarge(path: "sample `\(sample.problem)`", what: size, limit: "\(Self.largest) positions times rounds")
    }
    // A round may try out any number of edits on other branches, which take no room in a file.
    for (count, what) in [(sample.edits.count, "edits"), (sample.beliefs?.round.count ?? 0, "rows of beliefs")] where count > Self.largest {
      throw .tooLarge(path: "sample `\(sample.problem)`", what: "\(count) \(what)", limit: "\(Self.largest)")
    }
    self.sample = sample
    self.vocabulary = vocabulary
    var layout = Layout(sample)
    var frames: [Frame] = []
    var next = 0
    for frame in try Replay(sample).frames {
      let first = next
      next += frame.edits.count
      for index in first..<next where sample.edits[index].edit.branch == Edit.main { layout.apply(sample.edits[index].edit, index: index) }
      let shown = frame.round ?? sample.rounds.first
      frames.append(layout.frame(frame, window: shown?.window, edits: first..<next, end: vocabulary?.end))
    }
    self.frames = frames
    beliefRows = Self.rows(of: sample.beliefs, rounds: sample.rounds.count)
  }

  /// Rounds played.
  package var roundCount: Int { frames.count - 1 }

  /// The decision that made a cell what it is, and the frame it was made in; nil for what was there from the start.
  package func decision(_ position: Int, in frame: Int) -> (frame: Int, edit: Edit)? {
    guard let cell = cell(position, in: frame), let edit = cell.edit else { return nil }
    return (sample.edits[edit].round + 1, sample.edits[edit].edit)
  }

  /// The cell at a position after a round, or nil.
  package func cell(_ position: Int, in frame: Int) -> Cell? {
    guard frames.indices.contains(frame), frames[frame].cells.indices.contains(position) else { return nil }
    return frames[frame].cells[position]
  }

  /// How many cells a frame's round revealed, how many of those are end tokens, and how many it took back.
  package func changes(in frame: Int) -> (revealed: Int, ends: Int, remasked: Int) {
    let cells = frames[frame].cells
    let fresh = cells.filter { $0.state == .justRevealed }
    return (fresh.count, fresh.count { $0.token == vocabulary?.end }, cells.count { $0.state == .remasked })
  }

  /// Edits of a frame's round that took effect, counted by author in order of appearance.
  package func authors(in frame: Int) -> [(name: String, count: Int)] {
    var counts: [(name: String, count: Int)] = []
    for recorded in sample.edits[frames[frame].edits] where recorded.edit.branch == Edit.main {
      if let index = counts.firstIndex(where: { $0.name == recorded.edit.author }) {
        counts[index].count += 1
      } else {
        counts.append((recorded.edit.author, 1))
      }
    }
    return counts
  }

  /// Answer tokens per round so far; nil before the first.
  package func tokensPerRound(in frame: Int) -> Double? { frame > 0 ? Double(frames[frame].answerTokens) / Double(frame) : nil }

  /// The frame after which each final position stayed as it is: 0 where it was so from the start.
  package var commitOrder: [Int] { frames[frames.count - 1].cells.map { cell in cell.edit.map { sample.edits[$0].round + 1 } ?? 0 } }
}

// MARK: What the model believed

extension Playback {
  /// What the model believed of one position in one round: candidates without the mask, most probable first.
  package struct Guess: Sendable {
    /// The frame that the round led to.
    package let frame: Int
    /// Tokens and their probabilities in the raw row.
    package let candidates: [(token: Token, probability: Double)]
    /// Entropy of the raw row, in nats.
    package let entropy: Double
  }

  /// Whether beliefs were recorded.
  package var hasBeliefs: Bool { sample.beliefs != nil }

  /// What the model believed of the cell: in this frame's round where it was masked then, else in the round that decided it. Nil where nothing was recorded.
  package func guess(_ position: Int, in frame: Int) -> Guess? {
    guard let cell = cell(position, in: frame) else { return nil }
    for frame in [frame, cell.edit.map { sample.edits[$0].round + 1 }].compactMap(\.self) where frame > 0 {
      let shown = frames[frame - 1].cells
      for row in beliefRows[frame - 1] {
        if let place = shownPosition(of: row), shown.indices.contains(place), shown[place].slot == cell.slot { return guess(row: row, frame: frame) }
      }
    }
    return nil
  }

  /// What the model believed in a frame's round, by position after the round; positions deleted since are left out.
  package func guesses(in frame: Int) -> [(position: Int, guess: Guess)] {
    guard frame > 0, !beliefRows[frame - 1].isEmpty else { return [] }
    let shown = frames[frame - 1].cells
    var places: [Int: Int] = [:]
    for (position, cell) in frames[frame].cells.enumerated() { places[cell.slot] = position }
    return beliefRows[frame - 1].compactMap { row in
      guard let position = shownPosition(of: row), shown.indices.contains(position), let place = places[shown[position].slot] else { return nil }
      return (place, guess(row: row, frame: frame))
    }
  }

  private func shownPosition(of row: Int) -> Int? { sample.beliefs?.position[row] }

  private func guess(row: Int, frame: Int) -> Guess {
    guard let beliefs = sample.beliefs else { return Guess(frame: frame, candidates: [], entropy: .nan) }
    let range = row * beliefs.candidates..<(row + 1) * beliefs.candidates
    let candidates = range.lazy.filter { beliefs.topTokens[$0] >= 0 && beliefs.topTokens[$0] != vocabulary?.mask }
      .map { (beliefs.topTokens[$0], exp(Double(beliefs.topLogits[$0]) - beliefs.logSumExp[row])) }
    return Guess(frame: frame, candidates: Array(candidates), entropy: beliefs.entropy[row])
  }

  private static func rows(of beliefs: RecordedBeliefs?, rounds: Int) -> [Range<Int>] {
    guard let beliefs else { return Array(repeating: 0..<0, count: rounds) }
    var row = 0
    return (0..<rounds).map { round in
      let first = row
      while row < beliefs.round.count, beliefs.round[row] <= round { row += 1 }
      return first..<row
    }
  }
}

// MARK: Slots and borders

/// Identities of positions and borders of blocks under edits, by the rules of `Canvas`.
private struct Layout {
  private var slots: [Int]
  private var edits: [Int?]
  private var blockEnds: [Int]
  private var nextSlot: Int

  init(_ sample: SampleTrace) {
    slots = Array(sample.initial.indices)
    nextSlot = slots.count
    edits = Array(repeating: nil, count: slots.count)
    blockEnds = Array(stride(from: max(sample.blockLength, 1), to: slots.count, by: max(sample.blockLength, 1))) + [slots.count]
  }

  /// Applies an edit that was found to fit.
  mutating func apply(_ edit: Edit, index: Int) {
    switch edit.kind {
    case .reveal, .replace, .remask: edits[edit.position] = index
    case .insertMask:
      slots.insert(nextSlot, at: edit.position)
      edits.insert(index, at: edit.position)
      nextSlot += 1
      let home = blockEnds.firstIndex { edit.position < $0 } ?? blockEnds.count - 1
      for block in home..<blockEnds.count { blockEnds[block] += 1 }
    case .delete:
      slots.remove(at: edit.position)
      edits.remove(at: edit.position)
      for block in blockEnds.indices where edit.position < blockEnds[block] { blockEnds[block] -= 1 }
    }
  }

  func frame(_ frame: Replay.Frame, window: Range<Int>?, edits range: Range<Int>, end: Token?) -> Playback.Frame {
    let cells = frame.response.indices.map { index in
      Playback.Cell(token: frame.response[index], state: frame.states[index], slot: slots[index], edit: edits[index])
    }
    let length = frame.response.firstIndex { $0 == end } ?? cells.count
    return Playback.Frame(
      cells: cells, blockEnds: blockEnds, window: (window ?? 0..<blockEnds[0]).clamped(to: 0..<cells.count), round: frame.round, edits: range,
      answerTokens: cells[..<length].count { $0.token >= 0 && $0.state != .pinned })
  }
}

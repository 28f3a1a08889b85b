public import Diffusion

/// A sample's canvases, round by round, without the model: what viewers show and `validate` proves.
public struct Replay: Sendable {
  /// What is to be said of a cell.
  public enum State: UInt8, Sendable, Hashable, CaseIterable {
    /// A mask, from before this round or inserted by it.
    case masked
    /// A token from an earlier round.
    case revealed
    /// A token that this round revealed or put in another's place.
    case justRevealed
    /// A mask where this round took a token back.
    case remasked
    /// A token given with the problem, never edited.
    case pinned
  }

  /// The response after a round.
  public struct Frame: Sendable {
    /// Tokens, -1 where masked.
    public var response: [Token]
    /// The state of each position.
    public var states: [State]
    /// The round that led here; nil for the canvas before the first.
    public var round: RecordedRound?
    /// The round's edits in order, those of other branches included.
    public var edits: [Edit]
  }

  /// The initial canvas, then one frame per round.
  public let frames: [Frame]

  /// Positions that all frames may have together: rounds that do nothing take no room in a file, and a whole response here.
  static let largest = 1 << 28

  /// Plays a sample.
  ///
  /// - Throws: `.damaged` if an edit does not fit the canvas it meets, `.tooLarge` if the frames would take more than a machine has.
  public init(_ sample: SampleTrace) throws(TraceError) {
    let longest = sample.initial.count + sample.edits.count { $0.edit.kind == .insertMask }
    guard sample.rounds.count < Self.largest / max(longest, 1) else {
      throw .tooLarge(path: "sample `\(sample.problem)`", what: "\(sample.rounds.count) rounds over \(longest) positions", limit: "\(Self.largest) positions")
    }
    var cells = ReplayCanvas(sample)
    var frames = [Frame(response: cells.response, states: cells.states(justTouched: []), round: nil, edits: [])]
    var next = 0
    for (index, round) in sample.rounds.enumerated() {
      var edits: [Edit] = []
      cells.beginRound()
      while next < sample.edits.count, sample.edits[next].round <= index {
        let edit = sample.edits[next].edit
        edits.append(edit)
        next += 1
        guard edit.branch == Edit.main else { continue }
        if let fault = cells.apply(edit) {
          throw .damaged(path: "sample `\(sample.problem)`", place: "round \(index + 1), position \(edit.position)", reason: fault)
        }
      }
      frames.append(Frame(response: cells.response, states: cells.states(justTouched: cells.touched), round: round, edits: edits))
    }
    self.frames = frames
  }
}

/// A response under replay: the rules of a canvas, over tokens with -1 for masks.
struct ReplayCanvas {
  private(set) var response: [Token]
  private(set) var pinned: [Bool]
  /// Identities of positions, which survive insertions and deletions.
  private var ids: [Int]
  private var nextID: Int
  private(set) var touched: Set<Int> = []
  private(set) var masked: Int
  /// Positions that insertions and deletions may still move: linear in the edits, so that no file is replayed for hours.
  private var moves: Int

  init(_ sample: SampleTrace) {
    response = sample.initial
    pinned = sample.pinned
    ids = Array(sample.initial.indices)
    nextID = ids.count
    masked = response.count { $0 < 0 }
    moves = 1 << 26 + 4096 * sample.edits.count
  }

  mutating func beginRound() { touched = [] }

  func states(justTouched: Set<Int>) -> [Replay.State] {
    response.indices.map { position in
      let just = justTouched.contains(ids[position])
      if pinned[position] { return .pinned }
      if response[position] < 0 { return just ? .remasked : .masked }
      return just ? .justRevealed : .revealed
    }
  }

  /// Applies an edit; gives the reason if it does not fit.
  mutating func apply(_ edit: Edit) -> String? {
    let position = edit.position
    guard position >= 0, position < response.count || (edit.kind == .insertMask && position == response.count) else {
      return "position \(position) is not in a response of \(response.count)"
    }
    if edit.kind == .insertMask || edit.kind == .delete {
      moves -= response.count - position
      if moves < 0 { return "insertions and deletions up to position \(position) move more than a replay does" }
    }
    switch edit.kind {
    case .reveal, .replace:
      if pinned[position] { return "position \(position) is pinned" }
      if (response[position] < 0) != (edit.kind == .reveal) {
        return edit.kind == .reveal ? "position \(position) is revealed already" : "position \(position) is masked and cannot be replaced"
      }
      if edit.token < 0 { return "no token is written at position \(position)" }
      response[position] = edit.token
      if edit.kind == .reveal { masked -= 1 }
      touched.insert(ids[position])
    case .remask:
      if pinned[position] { return "position \(position) is pinned" }
      if response[position] < 0 { return "position \(position) is masked already" }
      response[position] = -1
      masked += 1
      touched.insert(ids[position])
    case .insertMask:
      if pinned[position...].contains(true) { return "an insertion at \(position) moves a pinned position" }
      if response.count >= Trace.longestResponse { return "the response is at its longest" }
      response.insert(-1, at: position)
      pinned.insert(false, at: position)
      ids.insert(nextID, at: position)
      nextID += 1
      masked += 1
    case .delete:
      if pinned[position...].contains(true) { return "a deletion at \(position) moves a pinned position" }
      if response.count == 1 { return "position \(position) is the only one" }
      if response[position] < 0 { masked -= 1 }
      response.remove(at: position)
      pinned.remove(at: position)
      ids.remove(at: position)
    }
    if edit.kind.rawValue >= 2, edit.token != -1 { return "token \(edit.token) where the edit writes none" }
    return nil
  }
}

internal import Diffusion
internal import Traces

/// What a replay page knows, as the JSON that its script reads. Everything is worked out here; the script draws it.
///
/// Tokens are indices into `texts`, each `[as it stands in a cell, in full]`; -1 is a mask. A frame's `cells` are `[position, token, state, edit]`, only those
/// that changed since the frame before unless `count` did; `guesses` are `[position, token, probability, runner-up, its probability, entropy]`.
struct ReplayPageData {
  private struct Spelled: Hashable {
    let side: Int
    let token: Token
  }

  private let sources: [ReplaySource]
  private var texts: [[String]] = []
  private var rows: [[String]: Int] = [:]
  private var indices: [Spelled: Int] = [:]
  private var authors: [String] = []
  private var samples: [Setting] = []

  init(_ sources: [ReplaySource]) { self.sources = sources }

  /// The whole of it.
  var setting: Setting {
    [
      "sources": Setting(
        .list(
          sources.map { source in
            [
              "rules": Setting(.list(source.rules.map { [Setting(.text($0.name)), Setting(.text($0.settings))] as Setting })),
              "strategy": Setting(.text(source.strategy)), "run": Setting(.text(TokenSpelling.visible(String(source.attributes.runDigest.prefix(16))))),
              "model": Setting(.text(TokenSpelling.visible(String(source.attributes.modelDigest.prefix(16))))),
            ]
          })),
      "texts": Setting(.list(texts.map { Setting(.list($0.map { Setting(.text($0)) })) })),
      "authors": Setting(.list(authors.map { Setting(.text($0)) })), "samples": Setting(.list(samples)),
    ]
  }

  /// Adds a sample as each trace has it.
  mutating func add(_ problem: String, _ sides: [Playback]) {
    let difference = sides.count == 2 ? ReplayDifference(sides[0], sides[1]) : nil
    let fidelity = sides.count == 2 ? Fidelity(sides[0].sample, sides[1].sample, end: sides[0].vocabulary?.end) : nil
    let prompt = sources[0].spelling.text(sides[0].sample.prompt)
    samples.append([
      "problem": Setting(.text(TokenSpelling.visible(problem))), "prompt": Setting(.text(prompt)),
      "answers": Setting(fidelity.map { .text($0.words) } ?? .null),
      "difference": difference.map { ["frame": Setting(.integer($0.frame)), "position": Setting(.integer($0.position))] } ?? Setting(.null),
      "sides": Setting(.list(sides.indices.map { side(sides[$0], $0) })),
    ])
  }

  private mutating func side(_ playback: Playback, _ side: Int) -> Setting {
    let sample = playback.sample
    // Only edits that took effect are numbered.
    var numbers: [Int] = []
    var edits: [Setting] = []
    for recorded in sample.edits {
      numbers.append(edits.count)
      if recorded.edit.branch == Edit.main { edits.append(edit(recorded, side)) }
    }
    return [
      "correct": Setting(.integer(sample.correct)), "answerTokens": Setting(.integer(sample.answerTokens)), "edits": Setting(.list(edits)),
      "response": Setting(.text(sources[side].spelling.text(sample.response.prefix { $0 != playback.vocabulary?.end }.filter { $0 >= 0 }))),
      "hasBeliefs": Setting(.bool(playback.hasBeliefs)), "order": Self.list(playback.commitOrder),
      "frames": Setting(.list(playback.frames.indices.map { frame(playback, $0, numbers, side) })),
    ]
  }

  private mutating func edit(_ recorded: RecordedEdit, _ side: Int) -> Setting {
    let edit = recorded.edit
    let name = TokenSpelling.visible(edit.author)
    let author = authors.firstIndex(of: name) ?? authors.count
    if author == authors.count { authors.append(name) }
    return [
      Setting(.integer(recorded.round + 1)), Setting(.integer(Int(edit.kind.rawValue))), Setting(.integer(index(edit.token, side))),
      Self.number(edit.confidence), Self.number(edit.margin), Self.number(edit.entropy), Setting(.integer(author)),
    ]
  }

  private mutating func frame(_ playback: Playback, _ number: Int, _ edits: [Int], _ side: Int) -> Setting {
    let frame = playback.frames[number]
    let before = number > 0 ? playback.frames[number - 1] : nil
    let known = before?.cells.count == frame.cells.count ? before : nil
    var cells: [Setting] = []
    for (position, cell) in frame.cells.enumerated() {
      if let old = known?.cells[position], old.token == cell.token, old.state == cell.state, old.edit == cell.edit { continue }
      let edit = cell.edit.map { edits[$0] } ?? -1
      cells.append(Self.list([position, index(cell.token, side), Int(cell.state.rawValue), edit]))
    }
    let changes = playback.changes(in: number)
    var entries: [Setting.Entry] = [
      .init("count", Setting(.integer(frame.cells.count))), .init("cells", Setting(.list(cells))),
      .init("window", Self.list([frame.window.lowerBound, frame.window.upperBound])),
      .init("masked", Setting(.integer(frame.cells.count { $0.token < 0 }))), .init("revealed", Setting(.integer(changes.revealed))),
      .init("ends", Setting(.integer(changes.ends))), .init("remasked", Setting(.integer(changes.remasked))),
      .init("tokens", Setting(.integer(frame.answerTokens))),
    ]
    if before?.blockEnds != frame.blockEnds { entries.append(.init("blocks", Self.list(frame.blockEnds))) }
    guard let round = frame.round else { return Setting(.map(entries)) }
    let tried = playback.sample.edits[frame.edits].count { $0.edit.branch != Edit.main }
    let authors = playback.authors(in: number).map { [Setting(.text(TokenSpelling.visible($0.name))), Setting(.integer($0.count))] as Setting }
    entries += [
      .init("kind", Setting(.integer(Int(round.kind.rawValue)))), .init("tried", Setting(.integer(tried))), .init("authors", Setting(.list(authors))),
    ]
    let guesses = playback.guesses(in: number)
    if !guesses.isEmpty { entries.append(.init("guesses", Setting(.list(guesses.map { guess($0.position, $0.guess, side) })))) }
    return Setting(.map(entries))
  }

  private mutating func guess(_ position: Int, _ guess: Playback.Guess, _ side: Int) -> Setting {
    let best = guess.candidates.first
    let second = guess.candidates.dropFirst().first
    return [
      Setting(.integer(position)), Setting(.integer(index(best?.token ?? -1, side))), Self.number(best?.probability ?? .nan),
      Setting(.integer(index(second?.token ?? -1, side))), Self.number(second?.probability ?? .nan), Self.number(guess.entropy),
    ]
  }

  /// The token's row in `texts`: the same one on both sides, so that the script can tell equal tokens.
  private mutating func index(_ token: Token, _ side: Int) -> Int {
    guard token >= 0 else { return -1 }
    let key = Spelled(side: side, token: token)
    if let known = indices[key] { return known }
    let spelled = [sources[side].spelling.cell(token), sources[side].spelling.exact(token)]
    let row = rows[spelled] ?? texts.count
    if row == texts.count { texts.append(spelled) }
    rows[spelled] = row
    indices[key] = row
    return row
  }

  private static func list(_ values: [Int]) -> Setting { Setting(.list(values.map { Setting(.integer($0)) })) }

  /// Six decimals: more than a page shows.
  private static func number(_ value: Double) -> Setting { Setting(.number((value * 1e6).rounded() / 1e6)) }
}

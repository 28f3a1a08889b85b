internal import Diffusion
internal import Traces
internal import Workbench

/// Rounds of a replay where there is no terminal: as text, and as JSON.
struct ReplayFrames {
  private let sides: [ReplaySide]
  private let grids: [ReplayGrid]

  /// Columns of a line in a file or a pipe.
  private static let width = 110

  init(_ sides: [ReplaySide]) {
    self.sides = sides
    grids = sides.map(ReplayGrid.init)
  }

  /// What is played, in lines that stand before the first round.
  var header: String {
    let problem = TokenSpelling.visible(sides[0].playback.sample.problem)
    let names = sides[0].source.names
    let place = names.firstIndex(of: sides[0].playback.sample.problem).map { ", sample \($0 + 1) of \(names.count)" } ?? ""
    var lines = [problem + (names.count > 1 ? place : ""), sides[0].prompt] + sides.map(\.title)
    if sides.count == 2 {
      let difference = ReplayDifference(sides[0].playback, sides[1].playback)
      lines.append(difference.map { "first difference: round \($0.frame), position \($0.position)" } ?? "the canvases are the same after every round")
      if difference != nil { lines.append("in the end \(fidelity.words)") }
    }
    return (lines + [ReplayGrid.legend(sides.count)]).joined(separator: "\n") + "\n"
  }

  /// How far the answers of two decodes are apart.
  private var fidelity: Fidelity {
    Fidelity(sides[0].playback.sample, sides[sides.count - 1].playback.sample, end: sides[0].playback.vocabulary?.end)
  }

  /// A round as text.
  ///
  /// - Parameter isDetailed: whether each of the round's decisions is listed.
  func text(_ frame: Int, isDetailed: Bool = false) -> String {
    let differing = sides.count == 2 ? ReplayDifference.positions(sides[0].playback, sides[1].playback, frame: frame) : []
    // Two decodes are told apart by their rules' names, or where these are the same by their settings too.
    let isNamed = Set(sides.map(\.source.shortStrategy)).count == sides.count
    return zip(sides, grids).map { side, grid in
      let name = sides.count == 1 ? "" : (isNamed ? side.source.shortStrategy : side.source.strategy) + ": "
      var lines = [name + side.caption(frame)]
      lines += grid.lines(frame, columns: Self.width, ink: .plain, differing: Set(differing)).lines
      if isDetailed, frame <= side.playback.roundCount { lines += Self.decisions(side, frame) }
      return lines.joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  /// Edits of other branches that a round's table lists: a round may have tried any number.
  static let mostAttempts = 100

  private static func decisions(_ side: ReplaySide, _ frame: Int) -> [String] {
    var attempts = 0
    var edits: [Edit] = []
    for recorded in side.playback.sample.edits[side.playback.frames[frame].edits] {
      if recorded.edit.branch != Edit.main { attempts += 1 }
      if recorded.edit.branch == Edit.main || attempts <= mostAttempts { edits.append(recorded.edit) }
    }
    if edits.isEmpty { return [] }
    let rows = edits.map { edit in
      let runnerUp = runnerUp(of: edit, side, frame)
      return [
        "\(edit.position)", name(edit.kind), edit.token < 0 ? "" : side.source.spelling.exact(edit.token), probability(edit.confidence),
        probability(edit.margin), fixed(edit.entropy, 4), TokenSpelling.visible(edit.author), edit.branch == Edit.main ? "" : "tried on \(edit.branch)",
        runnerUp.map { "\(side.source.spelling.exact($0.token)) \(probability($0.probability))" } ?? "",
      ]
    }
    let header = ["position", "what", "token", "confidence", "margin", "entropy", "by", "branch", "runner-up"]
    // Columns that nothing stands in are left out.
    let used = header.indices.filter { column in rows.contains { !$0[column].isEmpty } }
    let numeric = Set(used.indices.filter { [0, 3, 4, 5].contains(used[$0]) })
    return ["", TextTable(rows.map { row in used.map { row[$0] } }, header: used.map { header[$0] }, numeric: numeric).text]
      + (attempts > mostAttempts ? ["and \(attempts - mostAttempts) more that were tried"] : [])
  }

  /// The second candidate of a position in the round that decided it.
  private static func runnerUp(of edit: Edit, _ side: ReplaySide, _ frame: Int) -> (token: Token, probability: Double)? {
    side.playback.guess(edit.position, in: frame).flatMap { $0.frame == frame ? $0.candidates.dropFirst().first : nil }
  }

  private static func name(_ kind: Edit.Kind) -> String {
    switch kind {
    case .reveal: "reveal"
    case .replace: "replace"
    case .remask: "remask"
    case .insertMask: "insert"
    case .delete: "delete"
    }
  }

  /// The rounds of each trace, and where two of them part.
  ///
  /// - Parameter round: only this one.
  func json(round: Int?) -> Setting {
    var entries: [Setting.Entry] = [
      .init("sample", Setting(.text(sides[0].playback.sample.problem))),
      .init("prompt", Setting(.text(sides[0].source.spelling.text(sides[0].playback.sample.prompt)))),
      .init("traces", Setting(.list(sides.map { Self.trace($0, round) }))),
    ]
    if sides.count == 2 {
      let difference = ReplayDifference(sides[0].playback, sides[1].playback)
      let place: Setting? = difference.map { ["round": Setting(.integer($0.frame)), "position": Setting(.integer($0.position))] }
      entries.append(.init("first_difference", place ?? Setting(.null)))
      let answers: Setting = [
        "token_agreement": Setting(.number(fidelity.tokens)), "first_difference": Setting(fidelity.firstDifference.map { .integer($0) } ?? .null),
      ]
      entries.append(.init("answers", answers))
    }
    return Setting(.map(entries))
  }

  private static func trace(_ side: ReplaySide, _ round: Int?) -> Setting {
    let playback = side.playback
    let numbers = round.map { $0 <= playback.roundCount ? [$0] : [] } ?? Array(playback.frames.indices)
    return [
      "strategy": Setting(.text(side.source.strategy)), "run_digest": Setting(.text(side.source.attributes.runDigest)),
      "correct": Setting(.integer(playback.sample.correct)), "answer_tokens": Setting(.integer(playback.sample.answerTokens)),
      "response": Setting(.text(side.source.spelling.text(playback.sample.response.filter { $0 >= 0 }))),
      "rounds": Setting(.integer(playback.roundCount)), "frames": Setting(.list(numbers.map { frame(side, $0) })),
    ]
  }

  private static func frame(_ side: ReplaySide, _ number: Int) -> Setting {
    let frame = side.playback.frames[number]
    var entries: [Setting.Entry] = [
      .init("round", Setting(.integer(number))), .init("answer_tokens", Setting(.integer(frame.answerTokens))),
      .init("window", [Setting(.integer(frame.window.lowerBound)), Setting(.integer(frame.window.upperBound))]),
      .init("block_ends", Setting(.list(frame.blockEnds.map { Setting(.integer($0)) }))),
      .init("tokens", Setting(.list(frame.cells.map { Setting(.integer(Int($0.token))) }))),
      .init("states", Setting(.list(frame.cells.map { Setting(.text(name($0.state))) }))),
    ]
    if number > 0 {
      entries.append(
        .init(
          "edits",
          Setting(
            .list(
              side.playback.sample.edits[frame.edits].map { recorded in
                let edit = recorded.edit
                return [
                  "what": Setting(.text(name(edit.kind))), "position": Setting(.integer(edit.position)), "token": Setting(.integer(Int(edit.token))),
                  "confidence": Setting(.number(edit.confidence)), "margin": Setting(.number(edit.margin)), "entropy": Setting(.number(edit.entropy)),
                  "author": Setting(.text(edit.author)), "branch": Setting(.integer(edit.branch)),
                  "text": Setting(side.source.spelling.piece(edit.token).map { .text($0) } ?? .null),
                  "runner_up": runnerUp(of: edit, side, number).map { second in
                    [
                      "token": Setting(.integer(Int(second.token))), "text": Setting(side.source.spelling.piece(second.token).map { .text($0) } ?? .null),
                      "probability": Setting(.number(second.probability)),
                    ] as Setting
                  } ?? Setting(.null),
                ]
              }))))
    }
    return Setting(.map(entries))
  }

  private static func name(_ state: Replay.State) -> String {
    switch state {
    case .masked: "masked"
    case .revealed: "revealed"
    case .justRevealed: "just_revealed"
    case .remasked: "remasked"
    case .pinned: "pinned"
    }
  }
}

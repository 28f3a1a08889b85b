internal import Diffusion
internal import Traces
internal import Workbench

/// One of the decodes that a replay shows, and what is said of it in words.
struct ReplaySide: Sendable {
  let source: ReplaySource
  let playback: Playback

  /// The rules that decoded it, and what came of it.
  var title: String { joined(source.strategy) }

  /// The same in a line of so many columns: the rules' names alone where their settings do not fit.
  func title(columns: Int) -> String { TokenSpelling.columns(title) <= columns ? title : joined(source.shortStrategy) }

  private func joined(_ strategy: String) -> String {
    let verdict = ["", "wrong", "correct"][min(max(playback.sample.correct, -1), 1) + 1]
    return [strategy, verdict].filter { !$0.isEmpty }.joined(separator: "  ")
  }

  /// The prompt in one line.
  var prompt: String { source.spelling.text(playback.sample.prompt).split(separator: "\n").joined(separator: " ⏎ ") }

  /// A frame that it has: a decode that ended stays as it is.
  func frame(_ number: Int) -> Int { min(number, playback.roundCount) }

  /// What a round did.
  func caption(_ number: Int) -> String {
    let frame = playback.frames[self.frame(number)]
    let masked = "\(frame.cells.count { $0.token < 0 }) of \(frame.cells.count) masked"
    guard number > 0, let round = frame.round else { return "before round 1 of \(playback.roundCount): \(masked)" }
    let changes = playback.changes(in: self.frame(number))
    var parts = ["\(changes.revealed) revealed" + (changes.ends > 0 ? " (\(changes.ends) end)" : "")]
    if changes.remasked > 0 { parts.append("\(changes.remasked) taken back") }
    switch round.kind {
    case .ordinary: break
    case .passed: parts.append("passed on purpose")
    case .refresh: parts.append("cache refreshed")
    }
    parts.append(masked)
    if let rate = playback.tokensPerRound(in: self.frame(number)) { parts.append("\(fixed(rate, 2)) tokens per round so far") }
    if let block = block(of: frame) { parts.append(block) }
    let authors = playback.authors(in: self.frame(number)).map { "\(TokenSpelling.visible($0.name)) \($0.count)" }.joined(separator: ", ")
    let ended = number > playback.roundCount ? "ended; its last, " : ""
    return "\(ended)round \(self.frame(number)) of \(playback.roundCount): \(parts.joined(separator: "; "))" + (authors.isEmpty ? "" : "; by \(authors)")
  }

  private func block(of frame: Playback.Frame) -> String? {
    guard frame.blockEnds.count > 1, let index = frame.blockEnds.firstIndex(where: { $0 > frame.window.lowerBound }) else { return nil }
    return "block \(index + 1) of \(frame.blockEnds.count)"
  }

  /// What is known of one position after a round: the decision that made it so, and what the model believed.
  func detail(_ position: Int, in number: Int) -> [String] {
    let frame = self.frame(number)
    guard let cell = playback.cell(position, in: frame) else { return ["position \(position): none in this response"] }
    var lines = ["position \(position): \(source.spelling.exact(cell.token)), \(history(position, cell, frame))"]
    if let decision = playback.decision(position, in: frame)?.edit {
      let entropy = fixed(decision.entropy, 4)
      lines.append("decided at confidence \(probability(decision.confidence)), margin \(probability(decision.margin)), entropy \(entropy)")
    }
    if let guess = playback.guess(position, in: frame), let best = guess.candidates.first {
      let second = guess.candidates.dropFirst().first.map { ", runner-up \(source.spelling.exact($0.token)) \(probability($0.probability))" }
      lines.append("model in round \(guess.frame): \(source.spelling.exact(best.token)) \(probability(best.probability))\(second ?? "")")
    } else if !playback.hasBeliefs {
      lines.append("no beliefs recorded, so no runner-up (an experiment's `trace: beliefs` records them)")
    }
    return lines
  }

  private func history(_ position: Int, _ cell: Playback.Cell, _ frame: Int) -> String {
    guard let decision = playback.decision(position, in: frame) else {
      return cell.state == .pinned ? "given with the problem" : cell.token < 0 ? "not decided yet" : "there from the start"
    }
    let verb =
      switch decision.edit.kind {
      case .reveal: "revealed"
      case .replace: "replaced"
      case .remask: "taken back"
      case .insertMask: "inserted"
      case .delete: "deleted"
      }
    return "\(verb) in round \(decision.frame) by \(TokenSpelling.visible(decision.edit.author))"
  }
}

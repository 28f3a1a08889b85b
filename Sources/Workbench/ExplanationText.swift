package import Diffusion
internal import Traces

/// An explanation as text: a header, and a row per round, rounds in which nothing can happen to the position drawn together.
package struct ExplanationText {
  /// The lines, joined.
  package let text: String
  private let explanation: Explanation
  private let spelling: @Sendable (Token) -> String

  /// - Parameters:
  ///   - source: one line on where beliefs and bars come from.
  ///   - spelling: a token in full.
  package init(_ explanation: Explanation, source: String, spelling: @escaping @Sendable (Token) -> String) {
    let writer = ExplanationText(writing: explanation, spelling)
    var lines = ["\(explanation.problem.printable), position \(explanation.position): \(writer.summary)", source.printable]
    if let departure = explanation.departure, let reason = explanation.reason {
      lines.append("from round \(departure + 1) on \(explanation.unknown) are not known: \(reason.printable)")
    }
    if explanation.rounds.isEmpty { lines.append("no rounds are recorded") } else { lines += ["", writer.table] }
    text = lines.joined(separator: "\n")
    (self.explanation, self.spelling) = (explanation, spelling)
  }

  /// Attempts on branches that a round's line tells of; a trace may hold millions.
  private static let editLimit = 100

  private init(writing explanation: Explanation, _ spelling: @escaping @Sendable (Token) -> String) {
    (self.explanation, self.spelling, text) = (explanation, spelling, "")
  }

  private var summary: String {
    if explanation.isPinned { return "\(spelling(explanation.token)), given with the problem" }
    guard explanation.isRecorded else { return "\(spelling(explanation.token)); when and why is not known" }
    let edits = explanation.rounds.flatMap { round in round.edits.filter { $0.branch == Edit.main }.map { (round.index, $0) } }
    guard let (round, edit) = edits.last(where: { $0.1.kind == .reveal || $0.1.kind == .replace }) else { return "masked to the end" }
    let revoked = edits.count { $0.1.kind == .remask }
    let times = revoked == 0 ? "" : revoked == 1 ? ", after it was masked again once" : ", after it was masked again \(revoked) times"
    return "\(spelling(explanation.token)), \(Self.verb(edit.kind)) in round \(round + 1) of \(explanation.rounds.count) by \(edit.author.printable)\(times)"
  }

  private var table: String {
    var rows: [[String]] = []
    // The rows of the round before, if nothing could happen in it.
    var last: (first: Int, row: Int, words: [String])?
    for round in explanation.rounds {
      let words = story(round)
      let belief = round.shown < 0 ? round.belief : nil
      let isIdle = !round.isOpen && round.edits.isEmpty && belief == nil
      if isIdle, let before = last, before.words == words {
        rows[before.row][0] = "\(before.first)–\(round.index + 1)"
        continue
      }
      last = isIdle ? (round.index + 1, rows.count, words) : nil
      rows.append([
        "\(round.index + 1)", belief.map { spelling($0.token) } ?? "", belief.map { probability($0.confidence) } ?? "",
        belief.map { probability($0.margin) } ?? "", belief?.runnerUp.map { "\(spelling($0.token)) \(probability($0.probability))" } ?? "", words[0],
      ])
      rows += words.dropFirst().map { Array(repeating: "", count: 5) + [$0] }
    }
    return TextTable(rows, header: ["round", "candidate", "confidence", "margin", "runner-up", "what happened"], numeric: [0, 2, 3]).text
  }

  /// What a round made of the position: a line with the bars that its own value was held against, and a line per rule that tested the whole canvas.
  private func story(_ round: Explanation.Round) -> [String] {
    var parts = round.edits.prefix(Self.editLimit).map { edit in
      let token = edit.token >= 0 && edit.token != round.belief?.token ? " as \(spelling(edit.token))" : ""
      return "\(Self.verb(edit.kind)) by \(edit.author.printable)\(token)" + (edit.branch == Edit.main ? "" : ", tried on branch \(edit.branch)")
    }
    if round.edits.count > Self.editLimit { parts.append("and \(round.edits.count - Self.editLimit) more") }
    let own = Self.bars(round.comparisons.filter { $0.position != nil })
    // A test of the whole canvas could have revealed it where it was masked, in reach or not.
    let others = round.position != nil && round.shown < 0 ? Self.bars(round.comparisons.filter { $0.position == nil }) : []
    if parts.isEmpty, !round.isOpen || own.isEmpty { parts = [standing(round, hasBars: !others.isEmpty)] }
    return [(parts + own).joined(separator: "; ")] + others
  }

  /// Where a position stands that nothing happened to.
  private func standing(_ round: Explanation.Round, hasBars: Bool) -> String {
    guard round.position != nil else { return "not inserted yet" }
    if round.shown >= 0 { return "holds \(spelling(round.shown))" }
    guard round.isOpen else { return "out of reach: the current block is \(round.window.lowerBound) to \(round.window.upperBound - 1)" }
    return round.index >= explanation.decided || hasBars ? "stays masked" : "stays masked; no rule held it against a bar"
  }

  /// Comparisons in words, those of one rule together, in order.
  private static func bars(_ comparisons: [Comparison]) -> [String] {
    var rules: [(who: String, bars: [String])] = []
    for comparison in comparisons {
      var who = comparison.rule
      if comparison.branch != Edit.main { who += " on branch \(comparison.branch)" }
      if comparison.position == nil { who += ", whole canvas" }
      if rules.last?.who != who { rules.append((who, [])) }
      rules[rules.count - 1].bars.append(words(comparison))
    }
    return rules.map { "\($0.who): \($0.bars.joined(separator: "; "))" }
  }

  private static func verb(_ kind: Edit.Kind) -> String {
    switch kind {
    case .reveal: "revealed"
    case .replace: "replaced"
    case .remask: "masked again"
    case .insertMask: "inserted"
    case .delete: "deleted"
    }
  }

  /// A comparison with how far the bar was missed, in as many digits as tell the value from the bar, and from 1.
  static func words(_ comparison: Comparison) -> String {
    let decimals = (4...17).first { decimals in
      let value = fixed(comparison.value, decimals)
      let isOne = comparison.value < 1 && decimals < 9 && value == fixed(1, decimals)
      return value != fixed(comparison.bar, decimals) && !isOne
    }
    let (value, bar) = (number(comparison.value, decimals ?? 4), number(comparison.bar, decimals ?? 4))
    let statement = "\(comparison.name) \(value) \(sign(comparison)) \(bar)"
    if comparison.isMet { return statement }
    guard comparison.distance > 0 else { return statement + ", reached but not exceeded" }
    return statement + ", missed by \(number(comparison.distance, decimals ?? 4))"
  }

  private static func sign(_ comparison: Comparison) -> String {
    if comparison.isMet { return comparison.relation.rawValue }
    return switch comparison.relation {
    case .atLeast: "<"
    case .above: "≤"
    case .atMost: ">"
    }
  }

  /// Whole numbers as such, others without trailing zeros.
  private static func number(_ value: Double, _ decimals: Int) -> String {
    var text = fixed(value, decimals)
    guard text.contains(".") else { return text }
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}

extension Explanation {
  /// The explanation as JSON; rounds and positions count from 0, as in the trace.
  package func json(source: String, spelling: (Token) -> String?) -> Setting {
    func token(_ token: Token) -> Setting { Setting(token < 0 ? .null : .integer(Int(token))) }
    func text(_ token: Token) -> Setting { Setting(spelling(token).map { .text($0) } ?? .null) }
    let rounds: [Setting] = rounds.map { round in
      let belief: Setting =
        round.belief.map { belief in
          [
            "token": token(belief.token), "text": text(belief.token), "confidence": Setting(.number(belief.confidence)),
            "margin": Setting(.number(belief.margin)), "entropy": Setting(.number(belief.entropy)),
            "runner_up": belief.runnerUp.map {
              ["token": token($0.token), "text": text($0.token), "confidence": Setting(.number($0.probability))] as Setting
            } ?? Setting(.null),
          ]
        } ?? Setting(.null)
      let bars: [Setting] = round.comparisons.map { bar in
        [
          "rule": Setting(.text(bar.rule)), "name": Setting(.text(bar.name)), "whole_canvas": Setting(.bool(bar.position == nil)),
          "value": Setting(.number(bar.value)), "relation": Setting(.text(bar.relation.rawValue)), "bar": Setting(.number(bar.bar)),
          "met": Setting(.bool(bar.isMet)), "distance": Setting(.number(bar.distance)), "branch": Setting(.integer(bar.branch)),
        ]
      }
      let edits: [Setting] = round.edits.map { edit in
        [
          "kind": Setting(.text("\(edit.kind)")), "token": token(edit.token), "author": Setting(.text(edit.author)),
          "branch": Setting(.integer(edit.branch)), "confidence": Setting(.number(edit.confidence)), "margin": Setting(.number(edit.margin)),
        ]
      }
      return [
        "round": Setting(.integer(round.index)), "position": Setting(round.position.map { .integer($0) } ?? .null), "holds": token(round.shown),
        "open": Setting(.bool(round.isOpen)), "window": [Setting(.integer(round.window.lowerBound)), Setting(.integer(round.window.upperBound))],
        "belief": belief, "bars": Setting(.list(bars)), "edits": Setting(.list(edits)),
      ]
    }
    return [
      "sample": Setting(.text(problem)), "position": Setting(.integer(position)), "token": token(self.token), "text": text(self.token),
      "pinned": Setting(.bool(isPinned)), "source": Setting(.text(source)), "departure": Setting(departure.map { .integer($0) } ?? .null),
      "reason": Setting(reason.map { .text($0) } ?? .null), "rounds": Setting(.list(rounds)),
    ]
  }
}

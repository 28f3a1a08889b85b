package import Diffusion

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
    var lines = ["\(explanation.problem), position \(explanation.position): \(writer.summary)", source]
    if let departure = explanation.departure, let reason = explanation.reason {
      lines.append("from round \(departure + 1) on beliefs and bars are not known: \(reason)")
    }
    if explanation.rounds.isEmpty { lines.append("no rounds are recorded") } else { lines += ["", writer.table] }
    text = lines.joined(separator: "\n")
    (self.explanation, self.spelling) = (explanation, spelling)
  }

  private init(writing explanation: Explanation, _ spelling: @escaping @Sendable (Token) -> String) {
    (self.explanation, self.spelling, text) = (explanation, spelling, "")
  }

  private var summary: String {
    if explanation.isPinned { return "\(spelling(explanation.token)), given with the problem" }
    let edits = explanation.rounds.flatMap { round in round.edits.filter { $0.branch == Edit.main }.map { (round.index, $0) } }
    guard let (round, edit) = edits.last(where: { $0.1.kind == .reveal || $0.1.kind == .replace }) else { return "masked to the end" }
    let revoked = edits.count { $0.1.kind == .remask }
    let times = revoked == 0 ? "" : revoked == 1 ? ", after it was masked again once" : ", after it was masked again \(revoked) times"
    return "\(spelling(explanation.token)), \(Self.verb(edit.kind)) in round \(round + 1) of \(explanation.rounds.count) by \(edit.author)\(times)"
  }

  private var table: String {
    var rows: [[String]] = []
    var last: (first: Int, words: String)?
    for round in explanation.rounds {
      let words = story(round)
      let isIdle = !round.isOpen && round.edits.isEmpty && round.belief == nil
      if isIdle, let before = last, before.words == words {
        rows[rows.count - 1][0] = "\(before.first)–\(round.index + 1)"
        continue
      }
      last = isIdle ? (round.index + 1, words) : nil
      let belief = round.shown < 0 ? round.belief : nil
      rows.append([
        "\(round.index + 1)", belief.map { spelling($0.token) } ?? "", belief.map { fixed($0.confidence, 4) } ?? "", belief.map { fixed($0.margin, 4) } ?? "",
        belief?.runnerUp.map { "\(spelling($0.token)) \(fixed($0.probability, 4))" } ?? "", words,
      ])
    }
    return TextTable(rows, header: ["round", "candidate", "confidence", "margin", "runner-up", "what happened"], numeric: [0, 2, 3]).text
  }

  /// What a round made of the position, in words.
  private func story(_ round: Explanation.Round) -> String {
    var parts = round.edits.map { edit in
      let token = edit.token >= 0 && edit.token != round.belief?.token ? " as \(spelling(edit.token))" : ""
      return "\(Self.verb(edit.kind)) by \(edit.author)\(token)" + (edit.branch == Edit.main ? "" : ", tried on branch \(edit.branch)")
    }
    if round.isOpen || !parts.isEmpty { parts += round.comparisons.map(Self.words) }
    guard parts.isEmpty else { return parts.joined(separator: "; ") }
    guard round.position != nil else { return "not inserted yet" }
    if round.shown >= 0 { return "holds \(spelling(round.shown))" }
    if round.isOpen { return round.belief == nil ? "stays masked" : "stays masked; no rule held it against a bar" }
    return "out of reach: the current block is \(round.window.lowerBound) to \(round.window.upperBound - 1)"
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

  /// A comparison with how far the bar was missed, in as many digits as tell the value from the bar.
  static func words(_ comparison: Comparison) -> String {
    var who = comparison.rule
    if comparison.branch != Edit.main { who += " on branch \(comparison.branch)" }
    if comparison.position == nil { who += ", whole canvas" }
    let decimals = (4...17).first { fixed(comparison.value, $0) != fixed(comparison.bar, $0) } ?? 4
    let (value, bar) = (number(comparison.value, decimals), number(comparison.bar, decimals))
    let statement = "\(who): \(comparison.name) \(value) \(sign(comparison)) \(bar)"
    if comparison.isMet { return statement }
    guard comparison.distance > 0 else { return statement + ", reached but not exceeded" }
    return statement + ", missed by \(number(comparison.distance, decimals))"
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

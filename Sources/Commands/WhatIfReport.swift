internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

/// What came of `--what-if` and `--oracle`, in words and as JSON; what is exact and what is not are told apart in both.
struct WhatIfReport {
  private let findings: [ReplayWhatIf.Finding]
  private let recorded: Setting
  private let asked: Setting?
  private let source: String
  private let model: TraceModel
  private let vocabulary: Vocabulary

  init(_ findings: [ReplayWhatIf.Finding], recorded: Setting, asked: Setting?, source: String, model: TraceModel, vocabulary: Vocabulary) {
    (self.findings, self.recorded, self.asked, self.source, self.model, self.vocabulary) = (findings, recorded, asked, source, model, vocabulary)
  }

  // MARK: Text

  /// The report in words.
  func text(width: Int, hasColour: Bool) -> String {
    var parts = ["recorded  \(Self.rules(recorded))"]
    if let asked {
      parts[0] += "\nwhat if   \(Self.rules(asked))\nby        \(source)"
      if let lack = findings.lazy.compactMap(\.lack).first { parts[0] += "\nthe trace alone does not suffice: \(lack.printable)" }
    }
    parts.append(table)
    parts.append(legend)
    if let parting { parts.append(picture(parting.problem, parting.decision, width: width, hasColour: hasColour)) }
    return parts.joined(separator: "\n\n")
  }

  private static func rules(_ list: Setting) -> String {
    guard case .list(let rules) = list.value else { return list.description.printable }
    return rules.map { rule in
      guard case .map(let entries) = rule.value else { return rule.description }
      return entries.map { "\($0.key): \($0.value.description)" }.joined(separator: ", ")
    }.joined(separator: " + ").printable
  }

  private var table: String {
    var header = ["sample", "rounds"]
    if asked != nil { header += ["exact rounds", "parts in", "exact part ends", "alike", "both", "other token", "only recorded", "only what-if"] }
    header.append("oracle")
    var rows = findings.map { finding in
      var row = [finding.sample.problem.printable, "\(finding.sample.rounds.count)"]
      if let answer = finding.answer {
        let counts = answer.counts
        row += ["\(answer.own.count)", answer.parting.map { "\($0.index + 1)" } ?? "–", ending(answer, finding.sample)]
        row += [counts.rounds, counts.both, counts.otherToken, counts.onlyRecorded, counts.onlyOther].map { "\($0)" }
      }
      return row + [finding.oracle.map { "\($0.rounds.count)" } ?? "–"]
    }
    if findings.count > 1 { rows.append(total) }
    let textual: Set<Int> = asked == nil ? [0] : [0, 4]
    return TextTable(rows, header: header, numeric: Set(header.indices).subtracting(textual)).text
  }

  private var total: [String] {
    var row = ["all", "\(findings.reduce(0) { $0 + $1.sample.rounds.count })"]
    let answers = findings.compactMap(\.answer)
    if !answers.isEmpty {
      let sum = { (path: KeyPath<WhatIf.Counts, Int>) in "\(answers.reduce(0) { $0 + $1.counts[keyPath: path] })" }
      row += [
        "\(answers.reduce(0) { $0 + $1.own.count })", "\(answers.count { $0.parting != nil }) part", "\(answers.count { $0.ending == .complete }) complete",
      ]
      row += [sum(\.rounds), sum(\.both), sum(\.otherToken), sum(\.onlyRecorded), sum(\.onlyOther)]
    }
    let oracles = findings.compactMap(\.oracle)
    return row + [oracles.count == findings.count ? "\(oracles.reduce(0) { $0 + $1.rounds.count })" : "–"]
  }

  private func ending(_ answer: WhatIf, _ sample: SampleTrace) -> String {
    switch answer.ending {
    case .unseen: return "on a canvas never shown"
    case .stopped: return "stopped"
    case .failed(let reason): return reason
    case .complete:
      let response = answer.own.last?.other.recorded ?? sample.initial
      guard response.count == sample.response.count else { return "complete, another length" }
      let differing = zip(response, sample.response).count { $0 != $1 }
      return differing == 0 ? "complete, same response" : "complete, \(differing) tokens differ"
    }
  }

  private var legend: String {
    var lines: [String] = []
    if asked != nil {
      lines += [
        "exact: the other rules decoded by themselves for so many rounds, from the first canvas on; where their next canvas was never shown to the model,",
        "  what they would have done from there is not known. parts in: the first round in which they decided differently",
        "alike to only what-if: per round, the other rules put on each recorded canvas; NOT a decode of theirs, as their own canvases would have been others.",
        "  alike: rounds decided alike; both, other token, only ...: positions revealed by both, by both with different tokens, by one of them",
      ]
    }
    if findings.contains(where: { $0.oracle != nil }) {
      lines += [
        "oracle: the fewest rounds that reveal only tokens of the final response: all positions in reach at once that the model was right about on a recorded canvas",
        "  holding no more. No strategy takes fewer if the model is right only where it holds at least that much; on fuller canvases, and beyond the current",
        "  block, it may know more",
      ]
    }
    let given = findings.reduce(0) { $0 + ($1.oracle?.given.count ?? 0) }
    if given > 0 { lines.append("  \(given) positions are revealed because the trace did so, without a recorded belief that had them right") }
    if let fault = findings.lazy.compactMap(\.oracleFault).first { lines.append("no oracle: \(fault.printable)") }
    return lines.joined(separator: "\n")
  }

  private var parting: (problem: String, decision: WhatIf.Decision)? {
    findings.lazy.compactMap { finding in finding.answer?.parting.map { (finding.sample.problem, $0) } }.first
  }

  /// Both decisions of the round in which they part.
  private func picture(_ problem: String, _ decision: WhatIf.Decision, width: Int, hasColour: Bool) -> String {
    let tokenizer = model.tokenizer
    let canvas = CanvasText(end: vocabulary.end) { tokenizer?.token($0) }
    let recorded = decision.recorded ?? decision.shown
    var lines = ["\(problem.printable), round \(decision.index + 1): the first difference (\(CanvasText.legend(hasColour: hasColour)))"]
    let labels = ["recorded  ", "what if   ", "          "]
    let sides = [recorded, decision.other].map { ($0.recorded, states(of: $0, since: decision)) }
    for group in canvas.groups(sides[0], sides[1], width: width - labels[0].count, hasColour: hasColour) {
      lines += [labels[0] + group.above, labels[1] + group.below]
      if !group.marks.isEmpty { lines.append(labels[2] + group.marks) }
    }
    let (mine, theirs) = (decision.changes(recorded), decision.changes(decision.other))
    let word = { (position: Int, changes: (revealed: [Int: Token], remasked: [Int])) -> String in
      if changes.remasked.contains(position) { return "masked again" }
      return changes.revealed[position].map { model.spelling.exact($0) } ?? "left as it was"
    }
    for position in decision.shown.response.indices {
      let (a, b) = (word(position, mine), word(position, theirs))
      if a != b { lines.append("  position \(position): recorded \(a), what if \(b)") }
    }
    return lines.joined(separator: "\n")
  }

  private func states(of after: Canvas, since decision: WhatIf.Decision) -> [Replay.State] {
    let before = Dictionary(zip(decision.shown.slots, decision.shown.response)) { first, _ in first }
    return after.response.indices.map { position in
      if after.pinned[position] { return .pinned }
      let isChanged = before[after.slots[position]].map { $0 != after.response[position] } ?? false
      if after.isMasked(position) { return isChanged ? .remasked : .masked }
      return isChanged ? .justRevealed : .revealed
    }
  }

  // MARK: JSON

  /// The report as JSON; rounds and positions count from 0, as in the trace.
  func json(_ path: String) -> Setting {
    var entries = [Setting.Entry("trace", Setting(.text(path))), Setting.Entry("recorded", recorded)]
    if let asked { entries += [Setting.Entry("what_if", asked), Setting.Entry("source", Setting(.text(source)))] }
    entries.append(Setting.Entry("samples", Setting(.list(findings.map(sample)))))
    return Setting(.map(entries))
  }

  private func sample(_ finding: ReplayWhatIf.Finding) -> Setting {
    var entries = [Setting.Entry("sample", Setting(.text(finding.sample.problem))), Setting.Entry("rounds", Setting(.integer(finding.sample.rounds.count)))]
    if let answer = finding.answer {
      let counts = answer.counts
      let response = answer.ending == .complete ? answer.own.last?.other.recorded : nil
      let exact: Setting = [
        "rounds": Setting(.integer(answer.own.count)), "parting": Setting(answer.parting.map { .integer($0.index) } ?? .null),
        "ending": Setting(.text(Self.name(answer.ending))), "reason": Setting(answer.fault.map { .text($0) } ?? .null),
        "response": response.map { Setting(.list($0.map { Setting(.integer(Int($0))) })) } ?? Setting(.null),
        "decisions": Setting(.list(answer.own.map(decision))),
      ]
      let along: Setting = [
        "is_a_decode": false, "rounds": Setting(.integer(answer.along.count)), "alike": Setting(.integer(counts.rounds)),
        "both": Setting(.integer(counts.both)), "other_token": Setting(.integer(counts.otherToken)),
        "only_recorded": Setting(.integer(counts.onlyRecorded)), "only_what_if": Setting(.integer(counts.onlyOther)),
        "decisions": Setting(.list(answer.along.map(decision))),
      ]
      entries += [
        Setting.Entry("from", Setting(.text(finding.lack == nil ? "trace" : "model"))),
        Setting.Entry("trace_lacks", Setting(finding.lack.map { .text($0) } ?? .null)), Setting.Entry("exact", exact), Setting.Entry("along", along),
      ]
    }
    let oracle: Setting =
      finding.oracle.map { oracle in
        let integers = { (positions: [Int]) in Setting(.list(positions.map { Setting(.integer($0)) })) }
        return [
          "rounds": Setting(.integer(oracle.rounds.count)), "revealed": Setting(.list(oracle.rounds.map(integers))), "given": integers(oracle.given),
        ]
      } ?? Setting(.null)
    return Setting(.map(entries + [Setting.Entry("oracle", oracle)]))
  }

  private static func name(_ ending: WhatIf.Ending) -> String {
    switch ending {
    case .complete: "complete"
    case .unseen: "unseen"
    case .failed: "failed"
    case .stopped: "stopped"
    }
  }

  private func decision(_ decision: WhatIf.Decision) -> Setting {
    let changes = { (after: Canvas) -> Setting in
      let changes = decision.changes(after)
      return [
        "revealed": Setting(
          .list(changes.revealed.sorted { $0.key < $1.key }.map { [Setting(.integer($0.key)), Setting(.integer(Int($0.value)))] as Setting })),
        "remasked": Setting(.list(changes.remasked.map { Setting(.integer($0)) })),
      ]
    }
    return [
      "round": Setting(.integer(decision.index)), "agrees": Setting(.bool(decision.agrees)), "what_if": changes(decision.other),
      "recorded": decision.recorded.map(changes) ?? Setting(.null),
    ]
  }
}

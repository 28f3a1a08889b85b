extension DoctorReport {
  /// The report as a person reads it.
  package var text: String {
    var blocks = [Self.block("machine", machine), Self.block("model", model)].filter { !$0.isEmpty }
    if !parts.isEmpty {
      let rows = parts.map { ["  \($0.name)", $0.place ?? "missing", $0.place == nil ? "\($0.remedy): \($0.purpose)" : $0.purpose] }
      blocks.append("optional parts\n" + TextTable(rows).text)
    }
    for group in Group.allCases {
      let own = findings.filter { $0.group == group }
      if !own.isEmpty { blocks.append(Self.block(group, own)) }
    }
    return (blocks + [conclusion]).joined(separator: "\n\n")
  }

  /// The last line: whether all of it holds.
  private var conclusion: String {
    let skipped = findings.count { if case .skipped = $0.verdict { true } else { false } }
    let left = skipped == 0 ? "" : ", \(skipped) left out"
    guard isPassed else { return "\(bad.count) of \(findings.count - skipped) checks do not hold: \(bad.map(\.name).joined(separator: ", "))\(left)" }
    return "\(findings.count - skipped) checks hold\(left), in \(fixed(seconds, 1)) seconds"
  }

  private static func block(_ title: String, _ facts: [Fact]) -> String {
    facts.isEmpty ? "" : title + "\n" + TextTable(facts.map { ["  \($0.name)", $0.value] }).text
  }

  /// A group's findings; what differs stands under its check.
  private static func block(_ group: Group, _ findings: [Finding]) -> String {
    let lines = TextTable(findings.map { ["  " + $0.verdict.word, $0.name, $0.tried] }).text.split(separator: "\n", omittingEmptySubsequences: false)
    let all = zip(lines, findings).flatMap { line, finding in [String(line)] + finding.verdict.lines.map { "      " + $0 } }
    return "\(group.title)\n" + all.joined(separator: "\n")
  }
}

extension DoctorReport.Group {
  /// What its block says of itself.
  fileprivate var title: String {
    switch self {
    case .numbers: "numbers: the arithmetic, held against float64 and against OpenBLAS"
    case .logits: "logits: the same bits of every row, whatever else is computed and whoever computes it"
    case .decodes: "decodes: the same rounds, edits and beliefs bit for bit, alone, on several workers, and in another batch"
    case .goldens: "goldens: the decodes that ship"
    }
  }
}

public import Diffusion

/// What is to be said of a trace at a glance: the text of `unmask trace inspect`.
public struct TraceSummary: Sendable {
  /// The attributes of the file.
  public let attributes: Trace.Attributes
  /// How the file's checksum stands.
  public let seal: Trace.Seal
  /// Number of samples.
  public let samples: Int
  /// Samples graded correct, wrong, and not graded.
  public let graded: (correct: Int, wrong: Int, unknown: Int)
  /// Samples that reached `max_rounds` before their end; they count as wrong.
  public let incomplete: Int
  /// Model calls of all samples.
  public let rounds: Int
  /// Answer tokens of all samples.
  public let answerTokens: Int
  /// Costs of all samples.
  public let canvases: Int, positions: Int, logitRows: Int
  /// Decoding seconds of all samples.
  public let seconds: Double
  /// Number of edits that took effect, and of those tried on other branches.
  public let edits: (main: Int, other: Int)
  /// How far beliefs were from the full model's, the mean over rounds; nil where that was not recorded.
  public let divergence: Divergence?
  /// Edits that took effect, by author in the order of `/authors` and kind.
  public let authors: [(author: String, kind: String, count: Int)]
  /// Rows and bytes before compression, by group.
  public let tables: [(name: String, rows: Int, bytes: Int)]
  /// What is worth knowing before the trace is relied on, one sentence each.
  public let advice: [String]

  /// Counts a trace; one that is not valid is counted as far as it goes.
  public init(_ trace: Trace) {
    advice = TraceAdvice(trace).lines
    attributes = trace.attributes
    seal = trace.seal
    samples = trace.sampleCount
    let table = trace["samples"] ?? Table("samples")
    let correct = table.integers("correct")
    graded = (correct.count { $0 == 1 }, correct.count { $0 == 0 }, correct.count { $0 != 0 && $0 != 1 })
    incomplete = table.integers("complete").count { $0 == 0 }
    func total(_ column: String) -> Int { table.integers(column).reduce(0, &+) }
    rounds = total("rounds")
    answerTokens = total("answer_tokens")
    (canvases, positions, logitRows) = (total("canvases"), total("positions"), total("logit_rows"))
    seconds = table.doubles("seconds").reduce(0, +)
    let names = trace["authors"]?.strings("name") ?? []
    var counts: [[Int]] = Array(repeating: Array(repeating: 0, count: Edit.Kind.allCases.count), count: names.count)
    var both = (main: 0, other: 0)
    if let edits = trace["edits"] {
      let (authors, kinds) = (edits.integers("author"), edits.integers("kind"))
      for (row, branch) in edits.integers("branch").enumerated() {
        guard branch == Edit.main else {
          both.other += 1
          continue
        }
        both.main += 1
        guard authors.indices.contains(row), kinds.indices.contains(row), counts.indices.contains(authors[row]),
          counts[authors[row]].indices.contains(kinds[row])
        else { continue }
        counts[authors[row]][kinds[row]] += 1
      }
    }
    divergence = trace.divergence
    edits = both
    authors = names.indices.flatMap { author in
      Edit.Kind.allCases.map { (names[author], Self.name($0), counts[author][Int($0.rawValue)]) }.filter { $0.2 > 0 }
    }
    tables = trace.tables.map { table in
      let bytes = table.names.reduce(0) { sum, name in
        guard let column = table[name] else { return sum }
        return sum + column.count * column.type.size + column.strings.reduce(0) { $0 + $1.utf8.count }
      }
      return (table.name, table.names.first.flatMap { table[$0]?.count } ?? 0, bytes)
    }
  }

  private static func name(_ kind: Edit.Kind) -> String {
    switch kind {
    case .reveal: "reveal"
    case .replace: "replace"
    case .remask: "remask"
    case .insertMask: "insert mask"
    case .delete: "delete"
    }
  }
}

extension TraceSummary: CustomStringConvertible {
  /// Several lines, the longest list last.
  public var description: String {
    var lines = [
      "run      \(attributes.runDigest.printable)", "model    \(attributes.modelDigest.printable)", "created  \(attributes.created.printable)",
      "status   \(attributes.status.rawValue), level \(attributes.level.printable), \(sealText)",
      "samples  \(samples): \(graded.correct) correct, \(graded.wrong) wrong, \(graded.unknown) not graded"
        + (incomplete > 0 ? ", \(incomplete) incomplete" : ""),
      "cost     \(rounds) rounds, \(canvases) canvases, \(positions) positions, \(logitRows) logit rows, \(seconds) s",
      "answers  \(answerTokens) tokens" + (rounds > 0 ? ", \(Self.twoDigits(Double(answerTokens) / Double(rounds))) per round" : ""),
      "edits    \(edits.main) took effect, \(edits.other) on other branches",
    ]
    if let divergence {
      lines.append(
        "fidelity KL \(Self.scientific(divergence.kl)) nats, same best token \(Self.twoDigits(divergence.top1 * 100)) %, same decisions "
          + "\(Self.twoDigits(divergence.decisions * 100)) %, mean of rounds, against the full model")
    }
    for entry in authors { lines.append("         \(entry.author.printable) \(entry.kind) \(entry.count)") }
    lines.append("tables")
    for table in tables { lines.append("         /\(table.name) \(table.rows) rows, \(table.bytes) bytes before compression") }
    if !advice.isEmpty { lines.append("to know") }
    for line in advice { lines.append("         " + line) }
    return lines.joined(separator: "\n")
  }

  private var sealText: String {
    switch seal {
    case .whole: "checksum holds"
    case .broken: "checksum does not hold"
    case .none: "no checksum (written or changed by another program)"
    }
  }

  /// Two digits and a power of ten.
  private static func scientific(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return "0" }
    var (digits, power) = (value, 0)
    while digits < 1 { (digits, power) = (digits * 10, power - 1) }
    while digits >= 10 { (digits, power) = (digits / 10, power + 1) }
    return power == 0 ? twoDigits(digits) : "\(twoDigits(digits))e\(power)"
  }

  private static func twoDigits(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}

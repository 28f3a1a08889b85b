public import Diffusion

/// Logs against the first of them, on the documents that each pair has: who is right where the other is not.
public struct EvalLogComparison: Sendable {
  /// One log against the first.
  public struct Pair: Sendable {
    /// The candidate's path.
    public let path: String
    /// How right and wrong answers fall.
    public let table: PairedTable
    /// The interval of the difference of accuracies, candidate less baseline.
    public let difference: (low: Double, high: Double)
    /// The exact paired test's two-sided p.
    public let p: Double
    /// The same, corrected for all comparisons (Holm).
    public internal(set) var adjusted: Double
    /// Whether 99 percent of the baseline's accuracy are kept.
    public let kept: NonInferiority
    /// Documents that only the baseline got right, by number.
    public let lost: [Int]
    /// Documents that only the candidate got right, by number.
    public let won: [Int]
    /// Share of documents with the same answer, where both logs have answers.
    public let agreement: Double?
    /// Documents of either that the other does not have.
    public let unpaired: Int
  }

  /// What the others are measured against.
  public let baseline: EvalLog
  /// One per other log.
  public let pairs: [Pair]

  /// Compares logs with the first.
  ///
  /// - Throws: where two logs have no document in common, or the same number stands for different documents.
  public init(_ logs: [EvalLog]) throws(ConfigurationError) {
    guard let first = logs.first, logs.count > 1 else { throw .unsupported("a comparison takes two logs or more") }
    baseline = first
    var pairs: [Pair] = []
    for log in logs.dropFirst() { pairs.append(try Self.pair(first, log)) }
    let adjusted = Holm.adjusted(pairs.map(\.p))
    for index in pairs.indices { pairs[index].adjusted = adjusted[index] }
    self.pairs = pairs
  }

  private static func pair(_ baseline: EvalLog, _ candidate: EvalLog) throws(ConfigurationError) -> Pair {
    let known = Dictionary(candidate.entries.map { ($0.document, $0) }) { first, _ in first }
    var both: [(EvalLog.Entry, EvalLog.Entry)] = []
    for entry in baseline.entries {
      guard let other = known[entry.document] else { continue }
      if let one = entry.hash, let two = other.hash, one != two {
        throw .unsupported(
          "document \(entry.document) is another one in \(candidate.path) than in \(baseline.path) (`doc_hash` differs); a pair is the same document")
      }
      both.append((entry, other))
    }
    guard !both.isEmpty else { throw .unsupported("\(candidate.path) and \(baseline.path) have no document in common") }
    let table = PairedTable(both.map { [(baseline: $0.isCorrect, candidate: $1.isCorrect)] })
    let answered = both.filter { $0.answer != nil && $1.answer != nil }
    return Pair(
      path: candidate.path, table: table, difference: table.differenceInterval(),
      p: SignFlipTest.p(both.map { ($1.isCorrect ? 1 : 0) - ($0.isCorrect ? 1 : 0) }), adjusted: 1, kept: NonInferiority(table, keeping: 0.99),
      lost: both.filter { $0.isCorrect && !$1.isCorrect }.map(\.0.document), won: both.filter { !$0.isCorrect && $1.isCorrect }.map(\.0.document),
      agreement: answered.isEmpty ? nil : Double(answered.count { $0.answer == $1.answer }) / Double(answered.count),
      unpaired: baseline.entries.count + candidate.entries.count - 2 * both.count)
  }

  /// Who is less accurate after the correction, in a line; nil where nobody is.
  public var regression: String? {
    let worse = pairs.filter { $0.adjusted < 0.05 && $0.table.difference < 0 }
    guard !worse.isEmpty else { return nil }
    return "less accurate than \(baseline.path): \(worse.map { "\($0.path) (p \(fixed($0.adjusted, 4)))" }.joined(separator: ", "))"
  }

  /// A table for people.
  public var text: String {
    let rows = pairs.map { pair in
      [
        pair.path, "\(Int(pair.table.count))", percent(pair.table.baselineAccuracy), percent(pair.table.baselineAccuracy + pair.table.difference),
        percent(pair.table.difference), "\(percent(pair.difference.low)) to \(percent(pair.difference.high))", "\(pair.lost.count)", "\(pair.won.count)",
        fixed(pair.p, 4), fixed(pair.adjusted, 4), fixed(pair.kept.p, 4), pair.agreement.map(percent) ?? "–",
      ]
    }
    let header = [
      "log", "documents", "baseline %", "%", "difference", "95 % interval", "lost", "won", "p", "Holm", "keeps 99 %", "same answers %",
    ]
    var lines = ["against \(baseline.path) (\(baseline.metric), filter \(baseline.filter))"]
    lines.append(TextTable(rows, header: header, numeric: Set(1..<header.count)).text)
    for pair in pairs {
      if pair.unpaired > 0 { lines.append("note: \(pair.unpaired) documents are in one of the two alone, and take no part: \(pair.path)") }
      for (word, documents) in [("lost", pair.lost), ("won", pair.won)] where !documents.isEmpty {
        lines.append("\(word), \(pair.path): \(documents.prefix(12).map(String.init).joined(separator: ", "))\(documents.count > 12 ? ", ..." : "")")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The same as a list of objects.
  public var json: Setting {
    Setting(
      .list(
        pairs.map { pair in
          [
            "baseline": Setting(.text(baseline.path)), "log": Setting(.text(pair.path)), "metric": Setting(.text(baseline.metric)),
            "documents": Setting(.integer(Int(pair.table.count))), "baseline_accuracy": Setting(.number(pair.table.baselineAccuracy)),
            "difference": Setting(.number(pair.table.difference)), "difference_low": Setting(.number(pair.difference.low)),
            "difference_high": Setting(.number(pair.difference.high)), "p": Setting(.number(pair.p)), "p_adjusted": Setting(.number(pair.adjusted)),
            "p_keeps_99": Setting(.number(pair.kept.p)), "lost": Setting(.list(pair.lost.map { Setting(.integer($0)) })),
            "won": Setting(.list(pair.won.map { Setting(.integer($0)) })), "same_answers": Setting(pair.agreement.map { .number($0) } ?? .null),
          ]
        }))
  }

  private func percent(_ share: Double) -> String { fixed(100 * share, 1) }
}

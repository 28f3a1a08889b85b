public import Diffusion

/// What lm-evaluation-harness logs of one task, a file of its `--log_samples`: one JSON object per line, and one line per document and filter.
///
/// Read are `doc_id`, `doc_hash`, `filter`, `metrics`, the metric asked for, and the first of `filtered_resps`; the rest is left alone.
public struct EvalLog: Sendable {
  /// What is known of one document.
  public struct Entry: Sendable, Hashable {
    /// Its number in its task.
    public let document: Int
    /// SHA-256 of the document as the harness writes it; nil where the log does not say.
    public let hash: String?
    /// Whether the metric is 1.
    public let isCorrect: Bool
    /// What the filter found in the response, where that is a text.
    public let answer: String?
  }

  /// Where it was read.
  public let path: String
  /// The filter whose lines were read.
  public let filter: String
  /// The metric.
  public let metric: String
  /// One entry per document, in order of number.
  public let entries: [Entry]

  init(path: String, filter: String, metric: String, entries: [Entry]) {
    (self.path, self.filter, self.metric) = (path, filter, metric)
    self.entries = entries.sorted { $0.document < $1.document }
  }

  /// Reads a log.
  ///
  /// - Parameters:
  ///   - filter: which of the task's filters; nil: the first in the file.
  ///   - metric: which of its metrics; nil: the first that is there.
  public init(_ path: String, filter: String? = nil, metric: String? = nil) throws(ConfigurationError) {
    let file = try ProblemFile(path)
    var entries: [Entry] = []
    var filters: [String] = []
    var chosen = metric
    var seen: Set<Int> = []
    for row in file.rows {
      let row = try row.get()
      let own = row.has("filter") ? try row.text("filter") : "none"
      if !filters.contains(own) { filters.append(own) }
      guard own == filter ?? filters[0] else { continue }
      let name: String
      if let chosen { name = chosen } else { name = try Self.metric(of: row) }
      chosen = name
      let document = try row.integer("doc_id")
      guard seen.insert(document).inserted else {
        throw row.fault("document \(document) comes a second time under the filter `\(own)`; a log of several repetitions has to be parted first")
      }
      entries.append(
        Entry(
          document: document, hash: row.has("doc_hash") ? try row.text("doc_hash") : nil, isCorrect: try row.isOne(name),
          answer: row.firstText("filtered_resps")))
    }
    guard !entries.isEmpty, let chosen else {
      guard let filter, !filters.isEmpty else { throw .damaged("\(path) holds no samples; expected a samples_*.jsonl of lm-evaluation-harness") }
      throw .unknownName(name: filter, kind: "filter in \(path)", known: filters)
    }
    self.init(path: path, filter: filter ?? filters[0], metric: chosen, entries: entries)
  }

  /// The outcomes of a finished run, as if they had been logged: the number at the end of a problem's name is the document's.
  ///
  /// - Throws: for a folder that holds no finished run, and where a problem comes with more than one seed.
  public init(run folder: String) throws(RunError) {
    var entries: [Entry] = []
    var seen: Set<Int> = []
    for run in try StoredRun.find(in: [folder]).runs {
      for outcome in run.outcomes {
        guard let number = outcome.problem.split(separator: "/").last.flatMap({ Int($0) }), seen.insert(number).inserted else {
          throw .configuration(.unsupported("\(folder): \(outcome.problem) comes more than once; name the folder of a single run"))
        }
        entries.append(Entry(document: number, hash: nil, isCorrect: outcome.correct, answer: outcome.extracted))
      }
    }
    self.init(path: folder, filter: "none", metric: "correct", entries: entries)
  }

  /// The first metric that a line has: by its list of them, else by the names the harness uses most.
  private static func metric(of row: ProblemRow) throws(ConfigurationError) -> String {
    let listed = row.has("metrics") ? try row.texts("metrics") : []
    let usual = ["exact_match", "acc", "pass@1", "pass_at_1", "math_verify", "acc_norm"]
    guard let found = (listed + usual).first(where: { row.has($0) }) else {
      throw row.fault("there is none of the metrics \((listed + usual).joined(separator: ", ")); name one")
    }
    return found
  }
}

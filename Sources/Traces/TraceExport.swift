package import Diffusion

/// A form that a trace can be given for another program: one file each, and one line in `TraceExport.formats`.
package protocol TraceFormat: Sendable {
  /// What `--format` calls it.
  static var name: String { get }
  /// One line on what it is for.
  static var summary: String { get }
  /// Hands over the text, piece by piece.
  ///
  /// - Throws: `.missing` for a table or sample that is not there, `.damaged` for tables that do not fit together, and what `out` throws.
  static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError)
}

/// Traces in the forms of other programs.
package enum TraceExport {
  /// Every form, by the name of `--format`.
  package static let formats: [any TraceFormat.Type] = [CSVFormat.self, JSONLinesFormat.self, StepMapFormat.self, AsciicastFormat.self, TimelineFormat.self]

  /// What is to be exported.
  package struct Request {
    /// The table, for forms that hold one.
    package var table = "edits"
    /// The problem of the one sample wanted; nil: all, or the first where a form holds one.
    package var sample: String?
    /// A response's tokens as text, special ones included; nil if there is no tokenizer.
    package var text: (([Token]) -> String)?
    /// A moment of a replay as lines for a terminal.
    package var picture: (Replay.Frame) -> [String] = { frame in [frame.response.map { $0 < 0 ? "▒" : "\($0)" }.joined(separator: " ")] }

    /// A request for everything, or for the table `edits`.
    package init() {}
  }
}

extension Trace {
  /// The samples of a problem, one per seed, or all of them if none is named.
  ///
  /// - Throws: `.missing` if there is none, `.damaged` if the tables do not fit together.
  package func samples(of problem: String?) throws(TraceError) -> [SampleTrace] {
    let all = try samples()
    guard let problem else { return all }
    let found = all.filter { $0.problem == problem }
    guard !found.isEmpty else { throw .missing(sample: problem, among: all.map(\.problem)) }
    return found
  }
}

extension TraceError {
  /// A sample that is not among those of a trace, of which a few are named.
  static func missing(sample problem: String, among all: [String]) -> TraceError {
    let known = all.prefix(3).map(\.printable).joined(separator: ", ")
    return .missing(what: "sample `\(problem)`", known: all.isEmpty ? "none" : known + (all.count > 3 ? " and \(all.count - 3) more" : ""))
  }
}

internal import Diffusion

/// Comma-separated values, a header first: one table, with an empty cell where a number was not read.
package enum CSVFormat: TraceFormat {
  package static let name = "csv"
  package static let summary = "one table, comma-separated, for spreadsheets and data frames"

  package static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError) {
    try TableLines(trace, table: request.table, of: request.sample, form: .csv).forEachLine { (line) throws(TraceError) in try out(line + "\n") }
  }
}

/// JSON lines: one table, an object per row, with `null` where a number was not read.
package enum JSONLinesFormat: TraceFormat {
  package static let name = "jsonl"
  package static let summary = "one table, a JSON object per row"

  package static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError) {
    try TableLines(trace, table: request.table, of: request.sample, form: .jsonl).forEachLine { (line) throws(TraceError) in try out(line + "\n") }
  }
}

/// One table of a trace as lines of text.
struct TableLines {
  enum Form { case csv, jsonl }

  private let names: [String]
  private let columns: [Column]
  private let rows: Int
  private let form: Form
  private let offsets: [Int]?
  /// The samples whose rows are wanted; nil: all.
  private let wanted: Set<Int>?
  /// The sample of each row, where the table says; a table of tokens has its offsets instead, and authors belong to no sample.
  private let owners: [Int]?
  /// Values per row, where a column has several.
  private let lists: [Int?]

  /// Lines of one table. Tables of tokens give one row per token, with the `sample` it belongs to and its `position`.
  ///
  /// - Parameter problem: only rows of samples of this problem; nil: all. `/authors` stays whole: edits refer to it.
  /// - Throws: `.missing` if there is no such table or sample, `.damaged` if the tables do not fit together.
  init(_ trace: Trace, table name: String, of problem: String?, form: Form) throws(TraceError) {
    guard let table = trace[name], let group = TraceSchema.groups.first(where: { $0.name == name }) else {
      throw .missing(what: "table `\(name)`", known: trace.tables.map(\.name).joined(separator: ", "))
    }
    var faults = FaultList(limit: 2)
    trace.checkStructure(&faults)
    if !faults.isSound, let fault = faults.faults.last { throw .damaged(path: trace.path ?? "trace", place: "/\(fault.table)", reason: fault.message) }
    var names: [String] = []
    var columns: [Column] = []
    var lists: [Int?] = []
    for field in group.fields where field.extent != .offsets {
      guard let column = table[field.name] else { continue }
      names.append(field.name)
      columns.append(column)
      lists.append(field.extent == .candidates ? trace.candidates : nil)
    }
    self.names = names
    self.columns = columns
    self.form = form
    self.lists = lists
    offsets = group.fields.contains { $0.extent == .offsets } ? table.integers("offsets") : nil
    rows = columns.first?.count ?? 0
    if let problem { wanted = try trace.rows(of: problem) } else { wanted = nil }
    owners = trace.owners(of: table)
  }

  /// Hands over the lines, without line ends.
  func forEachLine(_ body: (String) throws(TraceError) -> Void) throws(TraceError) {
    let keys = (offsets == nil ? [] : ["sample", "position"]) + names
    if form == .csv {
      let header = zip(keys.suffix(names.count), lists).flatMap { name, list in list.map { (0..<$0).map { "\(name)_\($0)" } } ?? [name] }
      try body((keys.dropLast(names.count) + header).joined(separator: ","))
    }
    var sample = 0
    for row in 0..<rows {
      var cells: [(String, String)] = []
      if let offsets {
        while sample + 2 < offsets.count, offsets[sample + 1] <= row { sample += 1 }
        if wanted?.contains(sample) == false { continue }
        cells = [("sample", "\(sample)"), ("position", "\(row - (offsets.indices.contains(sample) ? offsets[sample] : 0))")]
      }
      if let owners, wanted?.contains(owners[row]) == false { continue }
      for (index, column) in columns.enumerated() {
        if let list = lists[index] {
          let values = (0..<list).map { value(column, row * list + $0) }
          if form == .csv { cells += values.map { ("", $0) } } else { cells.append((names[index], "[\(values.joined(separator: ","))]")) }
        } else {
          cells.append((names[index], value(column, row)))
        }
      }
      try body(
        form == .csv ? cells.map(\.1).joined(separator: ",") : "{" + cells.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}")
    }
  }

  private func value(_ column: Column, _ row: Int) -> String {
    switch column {
    case .string: form == .csv ? Self.csv(column.text(at: row)) : Setting.quoted(column.text(at: row))
    case .float64(let values) where values.indices.contains(row) && !values[row].isFinite: form == .csv ? "" : "null"
    case .float32(let values) where values.indices.contains(row) && !values[row].isFinite: form == .csv ? "" : "null"
    default: column.text(at: row)
    }
  }

  private static func csv(_ text: String) -> String {
    text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
      ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : text
  }
}

extension Trace {
  /// The rows of `/samples` that are of a problem.
  fileprivate func rows(of problem: String) throws(TraceError) -> Set<Int> {
    let problems = self["samples"]?.strings("problem") ?? []
    let found = Set(problems.indices.filter { problems[$0] == problem })
    guard !found.isEmpty else { throw .missing(sample: problem, among: problems) }
    return found
  }

  /// The sample of each row of a table, where its rows say it.
  fileprivate func owners(of table: Table) -> [Int]? {
    switch table.name {
    case "samples": return Array(0..<sampleCount)
    case "rounds": return table.integers("sample")
    case "edits", TraceSchema.beliefs:
      let samples = self["rounds"]?.integers("sample") ?? []
      return table.integers("round").map { samples[$0] }
    default: return nil
    }
  }
}

/// One table of a trace as lines of text.
public struct TraceExport: Sendable {
  /// The form of a line.
  public enum Format: String, Sendable, CaseIterable {
    /// Comma-separated, a header first; a number that was not read is an empty cell.
    case csv
    /// One JSON object per line; a number that was not read is `null`.
    case jsonl
  }

  private let names: [String]
  private let columns: [Column]
  private let rows: Int
  private let format: Format
  private let offsets: [Int]?
  /// Values per row, where a column has several.
  private let lists: [Int?]

  /// Lines of one table. Tables of tokens give one row per token, with the `sample` it belongs to and its `position`.
  ///
  /// - Throws: `.missing` if there is no such table, `.damaged` if the tables do not fit together.
  public init(_ trace: Trace, table name: String, format: Format) throws(TraceError) {
    guard let table = trace[name], let group = TraceSchema.groups.first(where: { $0.name == name }) else {
      throw .missing(what: "table `\(name)`", known: trace.tables.map(\.name).joined(separator: ", "))
    }
    var faults = FaultList(limit: 2)
    trace.checkStructure(&faults)
    if !faults.isSound, let fault = faults.faults.last { throw .damaged(path: "trace", place: "/\(fault.table)", reason: fault.message) }
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
    self.format = format
    self.lists = lists
    offsets = group.fields.contains { $0.extent == .offsets } ? table.integers("offsets") : nil
    rows = columns.first?.count ?? 0
  }

  /// Hands over the lines, without line ends.
  public func forEachLine(_ body: (String) throws -> Void) rethrows {
    let keys = (offsets == nil ? [] : ["sample", "position"]) + names
    if format == .csv {
      let header = zip(keys.suffix(names.count), lists).flatMap { name, list in list.map { (0..<$0).map { "\(name)_\($0)" } } ?? [name] }
      try body((keys.dropLast(names.count) + header).joined(separator: ","))
    }
    var sample = 0
    for row in 0..<rows {
      var cells: [(String, String)] = []
      if let offsets {
        while sample + 2 < offsets.count, offsets[sample + 1] <= row { sample += 1 }
        cells = [("sample", "\(sample)"), ("position", "\(row - (offsets.indices.contains(sample) ? offsets[sample] : 0))")]
      }
      for (index, column) in columns.enumerated() {
        if let list = lists[index] {
          let values = (0..<list).map { value(column, row * list + $0) }
          if format == .csv { cells += values.map { ("", $0) } } else { cells.append((names[index], "[\(values.joined(separator: ","))]")) }
        } else {
          cells.append((names[index], value(column, row)))
        }
      }
      try body(
        format == .csv ? cells.map(\.1).joined(separator: ",") : "{" + cells.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}")
    }
  }

  private func value(_ column: Column, _ row: Int) -> String {
    switch column {
    case .string: format == .csv ? Self.csv(column.text(at: row)) : Self.json(column.text(at: row))
    case .float64(let values) where values.indices.contains(row) && !values[row].isFinite: format == .csv ? "" : "null"
    case .float32(let values) where values.indices.contains(row) && !values[row].isFinite: format == .csv ? "" : "null"
    default: column.text(at: row)
    }
  }

  private static func csv(_ text: String) -> String {
    text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
      ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : text
  }

  private static func json(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

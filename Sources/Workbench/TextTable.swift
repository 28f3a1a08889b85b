/// Rows of text in aligned columns.
package struct TextTable {
  /// The lines, joined.
  package let text: String

  /// - Parameters:
  ///   - rows: cells; short rows are filled up.
  ///   - header: names of the columns, underlined; none where empty.
  ///   - numeric: indices of right-aligned columns.
  package init(_ rows: [[String]], header: [String] = [], numeric: Set<Int> = []) {
    let all = header.isEmpty ? rows : [header] + rows
    let columns = all.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in all.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    let lines = all.map { row in
      let cells = (0..<columns).map { column in
        let cell = row.count > column ? row[column] : ""
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return numeric.contains(column) ? padding + cell : cell + padding
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
    guard !header.isEmpty, let first = lines.first else {
      text = lines.joined(separator: "\n")
      return
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    text = ([first, rule] + lines.dropFirst()).joined(separator: "\n")
  }
}

/// A probability with four decimals, and more where they matter: what is not 1 or 0 is not shown as such.
package func probability(_ value: Double) -> String {
  if value >= 0.999_999_5, value < 1 { return ">0.999999" }
  if value > 0, value < 0.000_05 { return "<0.0001" }
  return fixed(value, value > 0.9999 && value < 1 ? 6 : 4)
}

/// A number with a fixed count of decimals, without a locale; `–` for what is not a number.
package func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return value.isNaN ? "–" : value > 0 ? "∞" : "-∞" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = Int((abs(value) * scale).rounded())
  let digits = String(scaled)
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + padded }
  return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

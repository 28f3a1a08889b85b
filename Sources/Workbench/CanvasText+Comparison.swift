package import Diffusion
package import Traces

extension CanvasText {
  /// A response and what its round did to each position.
  package typealias Side = (response: [Token], states: [Replay.State])

  /// Two responses, one above the other: every position's cells begin in one column, and the third line of a group marks where they differ. As many groups as
  /// the width asks for.
  package func groups(_ above: Side, _ below: Side, width: Int, hasColour: Bool) -> [(above: String, below: String, marks: String)] {
    var groups = [(above: "", below: "", marks: "")]
    var used = 0
    for position in 0..<max(above.response.count, below.response.count) {
      let cells = [above, below].map { side -> (text: String, columns: Int) in
        guard side.response.indices.contains(position), side.states.indices.contains(position) else { return ("", 0) }
        return drawn(side.response[position], side.states[position], hasColour: hasColour)
      }
      let columns = max(cells[0].columns, cells[1].columns)
      if used + columns > width, used > 0 {
        groups.append(("", "", ""))
        used = 0
      }
      used += columns
      let padded = cells.map { $0.text + String(repeating: " ", count: columns - $0.columns) }
      let mark = cells[0].text == cells[1].text ? " " : "^"
      groups[groups.count - 1].above += padded[0]
      groups[groups.count - 1].below += padded[1]
      groups[groups.count - 1].marks += String(repeating: mark, count: columns)
    }
    return groups.map { ($0.above.trimmingEnd, $0.below.trimmingEnd, $0.marks.trimmingEnd) }
  }
}

extension CanvasText {
  /// What the signs of a canvas mean.
  package static func legend(hasColour: Bool) -> String {
    let states = hasColour ? "green revealed in this round, red taken back, blue pinned" : "[ ] revealed in this round, × taken back, { } pinned"
    return "▒ masked, · end token, \(states)"
  }
}

extension String {
  fileprivate var trimmingEnd: String { String(prefix(upTo: lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)) }
}

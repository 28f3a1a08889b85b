/// Something wrong in a trace: where, and what.
public struct TraceFault: Sendable, Hashable {
  /// The group, or `file`.
  public let table: String
  /// The row of the group, where there is one.
  public let row: Int?
  /// What is wrong, and what would be right.
  public let message: String

  init(_ table: String, _ row: Int? = nil, _ message: String) {
    self.table = table
    self.row = row
    self.message = message
  }
}

extension TraceFault: CustomStringConvertible {
  /// `/edits row 12: ...`
  public var description: String { ((table == "file" ? "file" : "/\(table)") + (row.map { " row \($0)" } ?? "") + ": \(message)").printable }
}

/// Collects faults up to a bound; a file that is wrong throughout is not worth a million lines.
struct FaultList {
  private(set) var faults: [TraceFault] = []
  /// Whether no fault is in a table; faults of the file as a whole do not keep its tables from being read.
  private(set) var isSound = true
  private var dropped = 0
  private let limit: Int

  init(limit: Int) { self.limit = max(limit, 1) }

  mutating func add(_ table: String, _ row: Int? = nil, _ message: @autoclosure () -> String) {
    if table != "file" { isSound = false }
    if faults.count < limit { faults.append(TraceFault(table, row, message())) } else { dropped += 1 }
  }

  /// The faults, with a last one that counts those left out.
  var all: [TraceFault] { dropped == 0 ? faults : faults + [TraceFault("file", nil, "\(dropped) more faults")] }
}

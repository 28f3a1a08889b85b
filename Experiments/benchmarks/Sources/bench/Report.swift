import Foundation

/// Everything measured, as it is stored and as it is printed.
struct Report: Codable {
  /// One figure that counts, with what it was made of.
  struct Row: Codable {
    /// What was measured.
    var label: String
    /// The ratio or percentage, over its repetitions.
    var ratio: Spread
    /// The goal's name in `goals.json`, its bound when this was measured, and whether the median kept it; nil where nothing is asked.
    var goal: String?
    var bound: Goals.Goal?
    var isMet: Bool?
    /// Other figures, in the order they are shown.
    var figures: [Figure] = []

    init(_ label: String, _ values: [Double], goal: String? = nil, figures: [Figure] = []) {
      (self.label, ratio, self.goal, self.figures) = (label, Spread(values), goal, figures)
    }
  }

  /// A number with a name.
  struct Figure: Codable {
    var name: String
    var value: Double

    init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
  }

  /// A measured curve beside what the fitted model says.
  struct Curve: Codable {
    struct Point: Codable {
      var x: Double
      var seconds: Double
      var predicted: Double
      /// Whether the fit has seen it.
      var isFitted: Bool
    }
    var name: String
    var axis: String
    var points: [Point]
  }

  /// What one `bench NAME` measured.
  struct Part: Codable {
    var name: String
    /// What the ratio is.
    var measure: String
    /// What a reader must know, a sentence each.
    var remarks: [String] = []
    var rows: [Row]
    var curves: [Curve] = []
    /// When it was measured, how long that took, and how many processes wanted the machine before and after.
    var date = ""
    var seconds = 0.0
    var load: [Double] = []
    /// The share of the processors' time that other virtual machines took, percent.
    var stolen = 0.0
  }

  var schema = "unmask-benchmarks 1"
  var machine: Machine
  var command = "make bench"
  var parts: [Part] = []

  /// What was stored before, if it was measured on this machine; parts that are measured again replace their namesakes.
  init(from file: URL?) throws {
    machine = Machine.here
    guard let file, FileManager.default.fileExists(atPath: file.path) else { return }
    let stored = try JSONDecoder().decode(Report.self, from: Data(contentsOf: file))
    if stored.machine == machine, stored.schema == schema { parts = stored.parts }
  }

  /// Takes a part in the place of an earlier one of its name.
  mutating func take(_ part: Part) {
    if let index = parts.firstIndex(where: { $0.name == part.name }) { parts[index] = part } else { parts.append(part) }
  }

  func write(to file: URL) throws {
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var text = String(decoding: try encoder.encode(self), as: UTF8.self)
    // Nine digits are more than any clock has.
    text.replace(#/-?\d+\.\d{10,}(e-?\d+)?/#) { match in Double(match.output.0).map { String(format: "%.9g", $0) } ?? String(match.output.0) }
    try (text + "\n").write(to: file, atomically: true, encoding: .utf8)
    try page.write(to: file.deletingPathExtension().appendingPathExtension("md"), atomically: true, encoding: .utf8)
  }

  /// All tables as a page.
  private var page: String {
    var lines = ["# What it takes", "", "`\(command)` on \(machine.words). Goals: `Experiments/benchmarks/goals.json`. Written by the command.", ""]
    let missed = parts.flatMap(\.rows).count { $0.isMet == false }
    lines += ["\(parts.flatMap(\.rows).count { $0.isMet == true }) goals are met, \(missed) are missed. ![](bench.svg)", ""]
    for part in parts {
      let load = part.load.map { String(format: "%.1f", $0) }.joined(separator: " before, ") + " after"
      lines += [
        "## \(part.name)", "",
        "\(part.date), \(Int(part.seconds)) seconds; processes that wanted the machine: \(load); of its processors' time others took \(String(format: "%.0f", part.stolen)) %.",
        "", "```", part.text, "```", "",
      ]
    }
    return lines.joined(separator: "\n")
  }
}

extension Report.Part {
  /// Holds every row against its goal.
  mutating func judge(_ goals: Goals) throws {
    for index in rows.indices {
      guard let name = rows[index].goal else { continue }
      let goal = try goals[name]
      (rows[index].bound, rows[index].isMet) = (goal, goal.isMet(by: rows[index].ratio.median))
    }
  }

  /// A table of its rows.
  var text: String {
    var names: [String] = []
    for figure in rows.flatMap(\.figures) where !names.contains(figure.name) { names.append(figure.name) }
    let header = ["", "median (quartiles)", "goal", ""] + names
    let lines = rows.map { row in
      let verdict = row.isMet.map { $0 ? "met" : "MISSED" } ?? ""
      return [row.label, row.ratio.text, row.bound?.words ?? "", verdict]
        + names.map { name in row.figures.first { $0.name == name }.map { Self.number($0.value) } ?? "" }
    }
    return ([name + ": " + measure] + remarks + [""] + Table.lines(lines, header: header)).joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e9 { return String(format: "%.0f", value) }
    return String(format: abs(value) >= 100 ? "%.0f" : abs(value) >= 1 ? "%.2f" : "%.3g", value)
  }
}

/// Text in columns.
enum Table {
  static func lines(_ rows: [[String]], header: [String]) -> [String] {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      row.indices.map { column in
        let room = String(repeating: " ", count: widths[column] - row[column].count)
        return column < 4 ? row[column] + room : room + row[column]
      }.joined(separator: "  ")
    }
  }
}

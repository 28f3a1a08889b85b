import Diffusion
import Foundation
import Support
import Testing

@testable import Traces

@Suite struct ExportTests {
  static func text(_ trace: Trace, _ format: any TraceFormat.Type, _ change: (inout TraceExport.Request) -> Void = { _ in }) throws -> String {
    var request = TraceExport.Request()
    change(&request)
    var text = ""
    try format.write(trace, request) { text += $0 }
    return text
  }

  private func json(_ text: some StringProtocol) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed]) }

  @Test func everyTableIsLines() throws {
    let trace = try Samples.trace(level: .beliefs(2))
    for group in TraceSchema.groups {
      let rows = group.fields.first.flatMap { trace[group.name]?[$0.name]?.count } ?? -1
      let csv = try Self.text(trace, CSVFormat.self) { $0.table = group.name }.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      #expect(csv.count == rows + 1 && Set(csv.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }).count == 1, "\(group.name)")
      let objects = try Self.text(trace, JSONLinesFormat.self) { $0.table = group.name }.split(separator: "\n").map { try json($0) }
      #expect(objects.count == rows && objects.allSatisfy { $0 is [String: Any] })
    }
    #expect(throws: TraceError.self) { try Self.text(trace, CSVFormat.self) { $0.table = "nothing" } }
  }

  /// The rows of a sample are those of the whole table that belong to it.
  @Test(arguments: [CSVFormat.self, JSONLinesFormat.self] as [any TraceFormat.Type]) func tablesOfOneSample(_ format: any TraceFormat.Type) throws {
    let trace = try Samples.trace(level: .beliefs(2))
    let header = format == CSVFormat.self ? 1 : 0
    for group in TraceSchema.groups where group.name != "authors" {
      let rows = { (problem: String?) in
        try Self.text(trace, format) { ($0.table, $0.sample) = (group.name, problem) }.split(separator: "\n").dropFirst(header)
      }
      let parts = try trace.samples().map { try rows($0.problem) }
      #expect(Array(parts.joined()) == Array(try rows(nil)) && parts.count { !$0.isEmpty } > 1, "\(group.name)")
    }
    let error = #expect(throws: TraceError.self) { try Self.text(trace, format) { $0.sample = "nothing" } }
    #expect(error?.description.hasPrefix("the trace has no sample `nothing`; it has arithmetic/0") == true)
  }

  /// Of a decode whose rounds were not recorded nothing is made up.
  @Test(arguments: [StepMapFormat.self, AsciicastFormat.self] as [any TraceFormat.Type])
  func whatWasNotRecordedIsRefused(_ format: any TraceFormat.Type) throws {
    let trace = try Samples.assemble([Samples.record(try Canvas.toy(16), [OneByOne()], level: .none)], level: .none)
    let error = #expect(throws: TraceError.self) { try Self.text(trace, format) }
    #expect(error?.description.contains("no rounds of sample `p`: they were not recorded") == true)
  }

  /// Columns of numbers stay numbers in a data frame, which is what Parquet wants.
  @Test func tablesAreReadByOtherPrograms() throws {
    guard Python.interpreter != nil else { return }
    let folder = try Folder()
    let trace = try Samples.trace(level: .beliefs(2))
    for group in TraceSchema.groups { try folder.write(Array(try Self.text(trace, CSVFormat.self) { $0.table = group.name }.utf8), group.name + ".csv") }
    try TraceFile.write(trace, to: folder.file())
    let (status, output) = try Python.run(
      """
      import csv, h5py, numpy as np, sys
      f = h5py.File(sys.argv[1] + "/trace.h5")
      for g in f:
          rows = list(csv.DictReader(open(f"{sys.argv[1]}/{g}.csv", newline="")))
          for c in f[g]:
              if c == "offsets" or f[g][c].dtype == object: continue
              k = f[g].attrs.get("k", 1) if c.startswith("top_") else 1
              # A number is written in the fewest digits that give its own type back, and that type is float32 for logits.
              kind = f[g][c].dtype if f[g][c].dtype.kind == "f" else float
              flat = np.array([float(r[c if k == 1 else f"{c}_{i}"] or "nan") for r in rows for i in range(k)]).astype(kind)
              assert len(flat) == len(f[g][c]) and np.array_equal(flat, f[g][c][:].astype(kind), equal_nan=True), (g, c)
      """, [folder.path])
    #expect(status == 0, "\(output)")
  }

  @Test func recordingsPlay() throws {
    let trace = try Samples.trace()
    for sample in try trace.samples() {
      let lines = try Self.text(trace, AsciicastFormat.self) { $0.sample = sample.problem }.split(separator: "\n")
      let header = try #require(try json(lines[0]) as? [String: Any])
      #expect(header["version"] as? Int == 2 && header["title"] as? String == sample.problem)
      let events = try lines.dropFirst().map { try #require(try json($0) as? [Any]) }
      #expect(events.count == sample.roundCount + 2 && events.allSatisfy { $0[1] as? String == "o" })
      let times = try events.map { try #require($0[0] as? Double) }
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
      let screens = events.compactMap { $0[2] as? String }
      #expect(screens[0].contains("▒") && screens[events.count - 2].contains(sample.response.map { "\($0)" }.joined(separator: " ")))
      let (width, height) = (try #require(header["width"] as? Int), try #require(header["height"] as? Int))
      for screen in screens.dropLast() {
        let rows = screen.dropFirst(7).components(separatedBy: "\r\n")
        #expect(rows.count < height && rows.allSatisfy { $0.count <= width })
      }
    }
    #expect(throws: TraceError.self) { try Self.text(trace, AsciicastFormat.self) { $0.sample = "nothing" } }
    #expect(throws: TraceError.self) { try Self.text(try Samples.assemble([]), AsciicastFormat.self) }
  }

  /// Bars of one track nest, and none overlaps its neighbour.
  @Test func timelinesNest() throws {
    let trace = try Samples.trace()
    let samples = try trace.samples()
    let object = try #require(try json(Self.text(trace, TimelineFormat.self)) as? [String: Any])
    let events = try #require(object["traceEvents"] as? [[String: Any]])
    struct Bar {
      let name: String
      let start, end: Int
    }
    let bars = try events.filter { $0["ph"] as? String == "X" }.map { event in
      let start = Int((try #require(event["ts"] as? Double) * 1000).rounded())
      return Bar(name: try #require(event["name"] as? String), start: start, end: start + Int((try #require(event["dur"] as? Double) * 1000).rounded()))
    }
    let rounds = samples.reduce(0) { $0 + $1.rounds.count }
    #expect(bars.count == samples.count + 3 * rounds && events.count { $0["ph"] as? String == "C" } == rounds)
    let whole = bars.filter { bar in samples.contains { $0.problem == bar.name } }
    #expect(whole.map(\.name) == samples.map(\.problem))
    #expect(whole.first?.start == 0 && zip(whole, whole.dropFirst()).allSatisfy { $0.end == $1.start })
    let inner = bars.filter { $0.name == "forward" || $0.name == "decide" }
    #expect(zip(inner, inner.dropFirst()).allSatisfy { $0.end == $1.start } && inner.last?.end == whole.last?.end)
    let seconds = samples.reduce(0.0) { $0 + $1.rounds.reduce(0) { $0 + $1.forwardSeconds + $1.decideSeconds } }
    #expect(abs(Double(whole.last?.end ?? 0) / 1e9 - seconds) < 1e-6)
  }

  @Test func namesThatAreNotForShowing() throws {
    var samples = try Samples.trace().samples()
    samples[0].problem = "a\"b\\c\u{1B}[2J\n,d"
    let trace = try Samples.assemble(samples)
    for format in TraceExport.formats {
      let text = try Self.text(trace, format) { $0.table = "samples" }
      #expect(!text.contains("\u{1B}") || format.name == CSVFormat.name)
      if format.name != CSVFormat.name, format.name != JSONLinesFormat.name, format.name != AsciicastFormat.name { _ = try json(text) }
    }
    #expect(!TraceSummary(trace).description.contains("\u{1B}"))
    #expect(!TraceError.missing(what: "sample `\(samples[0].problem)`", known: "").description.contains("\u{1B}"))
  }
}

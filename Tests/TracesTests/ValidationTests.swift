import Diffusion
import Support
import Testing

@testable import Traces

@Suite struct ValidationTests {
  /// One deliberate corruption of a good trace.
  struct Corruption: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Where the first fault must be found.
    let table: String
    let apply: @Sendable (inout Trace) -> Void

    init(_ name: String, in table: String, _ apply: @escaping @Sendable (inout Trace) -> Void) {
      testDescription = name
      self.table = table
      self.apply = apply
    }

    /// Changes one value of an integer column.
    init(_ column: String, of group: String, row: Int = 2, to value: Int, faultIn table: String? = nil) {
      self.init("\(group)/\(column)[\(row)] = \(value)", in: table ?? group) { $0.set(group, column, row, value) }
    }
  }

  static let corruptions: [Corruption] = [
    Corruption("first_round", of: "samples", to: 1), Corruption("correct", of: "samples", to: 2), Corruption("answer_tokens", of: "samples", to: 99),
    Corruption("rounds", of: "samples", to: 3), Corruption("canvases", of: "samples", to: 1), Corruption("positions", of: "samples", to: 7),
    Corruption("logit_rows", of: "samples", to: -4), Corruption("block_length", of: "samples", to: 0), Corruption("block_length", of: "samples", to: 5),
    Corruption("offsets", of: "prompts", to: 500), Corruption("offsets", of: "responses", row: 0, to: 1), Corruption("offsets", of: "initial", row: 4, to: 3),
    Corruption("offsets", of: "responses", row: 3, to: -9), Corruption("offsets", of: "initial", to: Int.max),
    Corruption("offsets", of: "prompts", to: Int.min),
    Corruption("tokens", of: "prompts", to: 24), Corruption("tokens", of: "prompts", to: -1), Corruption("tokens", of: "responses", to: 23),
    Corruption("tokens", of: "responses", to: 9), Corruption("tokens", of: "initial", to: 9, faultIn: "rounds"),
    Corruption("pinned", of: "initial", to: 1), Corruption("pinned", of: "initial", to: 3), Corruption("sample", of: "rounds", to: 1),
    Corruption("index", of: "rounds", to: 7), Corruption("kind", of: "rounds", to: 3), Corruption("masked", of: "rounds", to: 3),
    Corruption("masked", of: "rounds", to: -3), Corruption("window_start", of: "rounds", to: 60), Corruption("window_end", of: "rounds", to: 90),
    Corruption("window_end", of: "rounds", to: Int(Int32.max)), Corruption("final", of: "rounds", to: 1), Corruption("final", of: "rounds", to: 9),
    Corruption("canvases", of: "rounds", to: 2, faultIn: "samples"), Corruption("positions", of: "rounds", to: Int.max, faultIn: "samples"),
    Corruption("round", of: "edits", to: 100_000), Corruption("round", of: "edits", to: -1), Corruption("round", of: "edits", row: 3, to: 0),
    Corruption("branch", of: "edits", to: -2), Corruption("branch", of: "edits", row: 0, to: 4, faultIn: "rounds"), Corruption("kind", of: "edits", to: 5),
    Corruption("kind", of: "edits", to: 2), Corruption("position", of: "edits", to: 0), Corruption("position", of: "edits", to: -1),
    Corruption("position", of: "edits", to: Int(Int32.max)), Corruption("token", of: "edits", to: 23), Corruption("token", of: "edits", to: -1),
    Corruption("token", of: "edits", row: 40, to: 11, faultIn: "responses"), Corruption("author", of: "edits", to: 77),
    Corruption("author", of: "edits", to: -1),
    Corruption("round", of: "beliefs", to: -1), Corruption("round", of: "beliefs", to: 50_000), Corruption("position", of: "beliefs", to: 4),
    Corruption("position", of: "beliefs", to: -4), Corruption("top_tokens", of: "beliefs", to: 30), Corruption("top_tokens", of: "beliefs", row: 1, to: -1),
    Corruption("a probability of 2", in: "edits") { $0.tables[5]["confidence"] = .float64(Array(repeating: 2, count: $0.tables[5]["kind"]?.count ?? 0)) },
    Corruption("a margin below 0", in: "edits") { $0.tables[5]["margin"] = .float64(Array(repeating: -1, count: $0.tables[5]["kind"]?.count ?? 0)) },
    Corruption("an infinite entropy", in: "edits") { $0.tables[5]["entropy"] = .float64(Array(repeating: .infinity, count: $0.tables[5]["kind"]?.count ?? 0)) },
    Corruption("a column too short", in: "edits") { $0.tables[5]["margin"] = .float64([]) },
    Corruption("a column of another type", in: "rounds") { $0.tables[4]["kind"] = .int32($0.tables[4].integers("kind").map(Int32.init)) },
    Corruption("a missing column", in: "rounds") { $0.tables[4]["final"] = nil },
    Corruption("a missing group", in: "authors") { $0.tables.removeAll { $0.name == "authors" } },
    Corruption("no names of authors", in: "edits") { $0.tables[6]["name"] = .string([]) },
    Corruption("logits out of order", in: "beliefs") {
      $0.tables[7]["top_logits"] = .float32((0..<($0.tables[7]["top_logits"]?.count ?? 0)).map { Float($0) * 1e-6 - 1 })
    },
    Corruption("a log-sum-exp below the largest logit", in: "beliefs") {
      $0.tables[7]["log_sum_exp"] = .float64(Array(repeating: -50, count: $0.tables[7]["round"]?.count ?? 0))
    }, Corruption("k of 0", in: "beliefs") { $0.candidates = 0 }, Corruption("k of -1", in: "beliefs") { $0.candidates = -1 },
    Corruption("a huge k", in: "beliefs") { $0.candidates = .max }, Corruption("an unknown level", in: "file") { $0.attributes.level = "all" },
    Corruption("rounds at a level without", in: "samples") { $0.attributes.level = "none" },
    Corruption("beliefs at a level without", in: "beliefs") { $0.attributes.level = "edits" },
    Corruption("a config that is no JSON", in: "file") { $0.attributes.config = "{{{nope" },
    Corruption("an empty config", in: "file") { $0.attributes.config = "" },
    Corruption("a config that is a list", in: "file") { $0.attributes.config = "[{}]" },
    Corruption("a config of brackets", in: "file") {
      $0.attributes.config = String(repeating: "[", count: 60_000) + String(repeating: "]", count: 60_000)
    },
    Corruption("a run that has a sample twice", in: "samples") { trace in
      trace.attributes.config = #"{"benchmark":{"name":"lists"}}"#
      guard let index = trace.tables.firstIndex(where: { $0.name == "samples" }) else { return }
      trace.tables[index]["problem"] = .string(Array(repeating: "lists/test/1", count: trace.sampleCount))
      trace.set("samples", "seed", 3, 1)
    },
  ]

  @Test(arguments: corruptions)
  func eachCorruptionIsFound(corruption: Corruption) throws {
    let folder = try Folder()
    var trace = try Samples.trace(level: .beliefs(3), count: 4)
    #expect(trace.validate() == [])
    corruption.apply(&trace)
    let faults = trace.validate()
    #expect(faults.contains { $0.table == corruption.table }, "\(faults.map(\.description))")
    // The same from a file, where the file can hold it.
    let complete = TraceSchema.groups.allSatisfy { group in
      group.fields.allSatisfy { field in
        guard let table = trace[group.name] else { return false }
        guard let column = table[field.name] else { return field.isOptional }
        return column.type == field.type
      }
    }
    try TraceFile.write(trace, to: folder.file())
    if complete {
      #expect(try TraceFile.read(folder.file()).validate() == faults)
    } else {
      #expect(throws: TraceError.self) { try TraceFile.read(folder.file()) }
    }
    // Whatever is wrong, asking for the samples ends in samples or in an error.
    do {
      _ = try trace.samples()
      for format in TraceExport.formats { try format.write(trace, TraceExport.Request()) { _ in } }
    } catch {
      guard case TraceError.damaged = error else {
        Issue.record("\(error)")
        return
      }
    }
    _ = TraceSummary(trace).description
  }

  /// `decode` may be asked for a problem again, and so may other programs.
  @Test func onlyARunDecodesAProblemOnce() throws {
    var sample = try Samples.record(try Canvas.toy(16), [OneByOne()])
    let trace = try Samples.assemble([sample, sample])
    #expect(trace.validate() == [])
    sample.seed += 1
    var run = try Samples.assemble([sample, trace.samples()[0]])
    run.attributes.config = #"{"benchmark":{}}"#
    #expect(run.validate() == [])
  }

  @Test func faultsNameTheirFile() throws {
    let folder = try Folder()
    var trace = try Samples.trace()
    trace.set("edits", "author", 2, 77)
    try TraceFile.write(trace, to: folder.file())
    let read = try TraceFile.read(folder.file())
    let words = "\(folder.file()): damaged at /edits: author is 77, but "
    let error = #expect(throws: TraceError.self) { try read.samples() }
    #expect(error?.description.hasPrefix(words) == true)
    let other = #expect(throws: TraceError.self) { try ExportTests.text(read, CSVFormat.self) }
    #expect(other?.description.hasPrefix(words) == true)
  }

  @Test func faultsAreBounded() throws {
    var trace = try Samples.trace()
    trace.tables[5]["author"] = .int32(Array(repeating: -1, count: trace.tables[5].integers("author").count))
    #expect(trace.validate(limit: 3).count == 4)
    #expect(trace.validate(limit: 0).count == 2)
    #expect(trace.validate(limit: 3).first?.description == "/edits row 0: author is -1, but /authors has 5 names")
  }
}

extension Trace {
  /// Changes one value of an integer column.
  mutating func set(_ group: String, _ column: String, _ row: Int, _ value: Int) {
    guard let index = tables.firstIndex(where: { $0.name == group }), let old = tables[index][column] else { return }
    var values = old.integers
    values[row] = value
    switch old {
    case .int8: tables[index][column] = .int8(values.map { Int8(clamping: $0) })
    case .uint8: tables[index][column] = .uint8(values.map { UInt8(clamping: $0) })
    case .int32: tables[index][column] = .int32(values.map { Int32(clamping: $0) })
    default: tables[index][column] = .int64(values.map(Int64.init))
    }
  }
}

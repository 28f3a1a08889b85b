internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Models
internal import Traces
internal import Workbench

extension TraceCommand {
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A trace in another program's form.",
      discussion: """
        FORMATS
        \(TraceExport.formats.map { "  " + $0.name.padding(toLength: 11, withPad: " ", startingAt: 0) + $0.summary }.joined(separator: "\n"))

        EXAMPLES
          unmask trace export TRACE --table edits > edits.csv
          unmask trace export TRACE --all tables/
          unmask trace export TRACE --format step-map > maps.json
          unmask trace export TRACE --format asciicast --sample lists/test/7 > decode.cast
          unmask trace export TRACE --format chrome > time.json
        """)

    @Argument(help: "A trace file.") var trace: String
    @Option(help: "One of the formats above.") var format = CSVFormat.name
    @Option(help: "The table, for csv and jsonl. Default: edits.") var table: String?
    @Option(help: "A folder for all tables, a file each, as csv or jsonl.") var all: String?
    @Option(help: "A sample's problem, as lists/test/7. Default: all, or the first for asciicast.") var sample: String?
    @Option(help: "The model whose tokenizer spells the tokens. Default: a shipped one, if it made the trace; else tokens stay numbers.") var model: String?

    func run() throws {
      guard let format = TraceExport.formats.first(where: { $0.name == self.format }) else {
        throw ConfigurationError.unknownName(name: self.format, kind: "format", known: TraceExport.formats.map { $0.name })
      }
      let trace = try TraceFile.read(self.trace)
      var request = TraceExport.Request()
      if let table {
        guard Self.tableForms.contains(format.name), all == nil else {
          throw ConfigurationError.composition("--table goes with --format csv and jsonl, without --all")
        }
        request.table = table
      }
      request.sample = sample
      if let all { return try writeTables(of: trace, to: all, format, request) }
      let end = trace.attributes.vocabulary?.end
      let tokenizer = try tokenizer(of: trace)
      request.text = tokenizer.map { tokenizer in { tokenizer.decode($0, skippingSpecial: false) } }
      let text = CanvasText(end: end) { tokenizer?.token($0) }
      request.picture = { text.lines($0.response, $0.states, width: 78, hasColour: true) }
      var waiting = ""
      try format.write(trace, request) { (text) throws(TraceError) in
        waiting += text
        guard waiting.utf8.count >= 1 << 16 else { return }
        Terminal.out(waiting, terminator: "")
        waiting = ""
      }
      Terminal.out(waiting, terminator: "")
    }

    private static let tableForms = [CSVFormat.name, JSONLinesFormat.name]

    private func tokenizer(of trace: Trace) throws(ConfigurationError) -> Tokenizer? {
      if let model { return try ModelLibrary.tokenizer(model) }
      for name in try ModelLibrary.names() {
        let shipped = try ModelLibrary.load(name)
        if shipped.digest == trace.attributes.modelDigest { return shipped.tokenizer }
      }
      return nil
    }

    private func writeTables(of trace: Trace, to folder: String, _ format: any TraceFormat.Type, _ request: TraceExport.Request) throws {
      guard Self.tableForms.contains(format.name) else {
        throw ConfigurationError.composition("--all writes tables: it goes with --format csv and jsonl")
      }
      do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
        throw TraceError.unwritable(path: folder, reason: (error as NSError).localizedDescription)
      }
      for table in trace.tables {
        var request = request
        request.table = table.name
        let path = "\(folder)/\(table.name).\(format.name)"
        try DurableFile.replace(path) { (out) throws(TraceError) in try format.write(trace, request, to: out) }
        Terminal.note("\(path): \(table.names.first.flatMap { table[$0]?.count } ?? 0) rows")
      }
    }
  }
}

public import ArgumentParser
internal import Diffusion
internal import Models
public import Traces
internal import Workbench

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Look into trace files, or prove that they replay.", subcommands: [Validate.self, Inspect.self, Export.self, Picture.self])

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prove that the edits of traces replay to their responses, and check every index, offset and range.",
      discussion: """
        Exit code 1 if any file is damaged or inconsistent.

        EXAMPLE
          unmask trace validate results/first-light/*/trace.h5
        """)

    @Argument(help: "Trace files.") var traces: [String]
    @Flag(help: "Print JSON, one object per file.") var json = false

    func run() throws {
      var bad = 0
      var code: Int32 = 1
      for file in traces {
        let faults: [String]
        var samples = 0
        var what = "replay to their responses"
        do throws(TraceError) {
          let trace = try TraceFile.read(file)
          samples = trace.sampleCount
          faults = trace.validate().map(\.description)
          if trace.attributes.level == TraceLevel.none.name { what = "are consistent; no edits were recorded" }
        } catch {
          faults = [error.description]
          code = max(code, error.exitCode)
        }
        if !faults.isEmpty { bad += 1 }
        if json {
          let line: Setting = [
            "trace": Setting(.text(file)), "valid": Setting(.bool(faults.isEmpty)), "samples": Setting(.integer(samples)),
            "faults": Setting(.list(faults.map { Setting(.text($0)) })),
          ]
          Terminal.out(line.json)
        } else if faults.isEmpty {
          Terminal.out("\(file): valid, \(samples) samples \(what)")
        } else {
          for fault in faults { Terminal.complain(fault.hasPrefix(file) ? fault : "\(file): \(fault)") }
        }
      }
      if bad > 0 { throw Failure(code: code, message: traces.count > 1 ? "\(bad) of \(traces.count) traces are not valid" : "") }
    }
  }

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What is in a trace: samples, costs, edits by author, tables.",
      discussion: """
        EXAMPLE
          unmask trace inspect results/first-light/0123456789abcdef/trace.h5
        """)

    @Argument(help: "A trace file.") var trace: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let summary = TraceSummary(try TraceFile.read(trace))
      guard json else { return Terminal.out(summary.description) }
      let own = summary.attributes
      let line: Setting = [
        "run_digest": Setting(.text(own.runDigest)), "model_digest": Setting(.text(own.modelDigest)), "created": Setting(.text(own.created)),
        "status": Setting(.text(own.status.rawValue)), "level": Setting(.text(own.level)), "timing": Setting(own.timing.map { .text($0.rawValue) } ?? .null),
        "samples": Setting(.integer(summary.samples)), "correct": Setting(.integer(summary.graded.correct)), "wrong": Setting(.integer(summary.graded.wrong)),
        "rounds": Setting(.integer(summary.rounds)), "canvases": Setting(.integer(summary.canvases)), "positions": Setting(.integer(summary.positions)),
        "logit_rows": Setting(.integer(summary.logitRows)), "answer_tokens": Setting(.integer(summary.answerTokens)),
        "seconds": Setting(.number(summary.seconds)),
        "edits": Setting(
          .list(
            summary.authors.map {
              ["author": Setting(.text($0.author)), "kind": Setting(.text($0.kind)), "count": Setting(.integer($0.count))]
            })),
        "tables": Setting(.map(summary.tables.map { Setting.Entry($0.name, Setting(.integer($0.rows))) })),
      ]
      Terminal.out(line.json)
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "One table of a trace as CSV or JSON lines.",
      discussion: """
        EXAMPLE
          unmask trace export TRACE --table edits --format csv > edits.csv
        """)

    @Argument(help: "A trace file.") var trace: String
    @Option(help: "The table.") var table = "edits"
    @Option(help: "csv or jsonl.") var format = TraceExport.Format.csv

    func run() throws {
      let export = try TraceExport(try TraceFile.read(trace), table: table, format: format)
      export.forEachLine { Terminal.out($0) }
    }
  }
}

extension TraceCommand {
  struct Picture: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A decode as one SVG picture: a row per round, a column per position; several traces stand side by side.",
      discussion: """
        EXAMPLE
          unmask trace picture results/first-light/*/trace.h5 --sample lists/test/7 > decode.svg
        """)

    @Argument(help: "Trace files; those without the sample are left out.") var traces: [String]
    @Option(help: "A sample's problem, as lists/test/7. Default: the first sample.") var sample: String?
    @Option(help: "The model whose tokenizer spells the tokens.") var model = "reference"

    func run() throws {
      let tokenizer = try ModelLibrary.tokenizer(model)
      var panels: [(title: String, sample: SampleTrace)] = []
      var end: Token?
      var known: [String] = []
      for file in traces {
        let trace = try TraceFile.read(file)
        end = end ?? trace.attributes.vocabulary?.end
        let samples = try trace.samples()
        known += samples.prefix(3).map(\.problem)
        let wanted = self.sample ?? samples.first?.problem
        guard let found = samples.first(where: { $0.problem == wanted }) else { continue }
        let authors = Set(found.edits.map(\.edit.author)).subtracting(["progress"]).sorted().joined(separator: " + ")
        panels.append(("\(found.problem)  \(authors)", found))
      }
      guard !panels.isEmpty else {
        throw ConfigurationError.unknownName(name: sample ?? "", kind: "sample in these traces", known: known)
      }
      let picture = try DecodePicture(panels) { token in
        token == end ? nil : tokenizer.token(token).map { $0.hasPrefix(" ") ? String($0.dropFirst()) : $0 } ?? "\(token)"
      }
      Terminal.out(picture.svg, terminator: "")
    }
  }
}

extension TraceExport.Format: ExpressibleByArgument {}

internal import ArgumentParser
internal import Diffusion
internal import Traces

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Look into trace files, prove that they replay, or exchange them with other programs.",
    subcommands: [Validate.self, Inspect.self, Export.self, Import.self, Picture.self])

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
          let trace = try TraceFile.read(file, evenIfChanged: true)
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
      abstract: "What is in a trace: samples, costs, edits by author, tables, and what limits what may be said with it.",
      discussion: """
        EXAMPLE
          unmask trace inspect results/first-light/0123456789abcdef/trace.h5
        """)

    @Argument(help: "A trace file.") var trace: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let summary = TraceSummary(try TraceFile.read(trace, evenIfChanged: true))
      guard json else { return Terminal.out(summary.description) }
      let own = summary.attributes
      let line: Setting = [
        "run_digest": Setting(.text(own.runDigest)), "model_digest": Setting(.text(own.modelDigest)), "created": Setting(.text(own.created)),
        "status": Setting(.text(own.status.rawValue)), "level": Setting(.text(own.level)), "timing": Setting(own.timing.map { .text($0.rawValue) } ?? .null),
        "samples": Setting(.integer(summary.samples)), "correct": Setting(.integer(summary.graded.correct)), "wrong": Setting(.integer(summary.graded.wrong)),
        "incomplete": Setting(.integer(summary.incomplete)),
        "rounds": Setting(.integer(summary.rounds)), "canvases": Setting(.integer(summary.canvases)), "positions": Setting(.integer(summary.positions)),
        "logit_rows": Setting(.integer(summary.logitRows)), "answer_tokens": Setting(.integer(summary.answerTokens)),
        "seconds": Setting(.number(summary.seconds)),
        "edits": Setting(
          .list(
            summary.authors.map {
              ["author": Setting(.text($0.author)), "kind": Setting(.text($0.kind)), "count": Setting(.integer($0.count))]
            })),
        "tables": Setting(.map(summary.tables.map { Setting.Entry($0.name, Setting(.integer($0.rows))) })),
        "to_know": Setting(.list(summary.advice.map { Setting(.text($0)) })),
      ]
      Terminal.out(line.json)
    }
  }
}

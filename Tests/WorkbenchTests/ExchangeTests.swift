import Foundation
import Testing

/// Traces to and from other programs, from the command line.
@Suite struct ExchangeTests {
  private static func trace(in folder: Folder) throws -> String {
    let file = folder.path + "/t.h5"
    let made = try Command.run(["decode", "--problem", "lists/dev/1", "--problem", "lists/dev/2", "--trace", file])
    #expect(made.code == 0, "\(made.errors)")
    return file
  }

  @Test func everyFormIsWritten() throws {
    let folder = try Folder()
    let trace = try Self.trace(in: folder)
    for format in ["csv", "jsonl", "step-map", "asciicast", "chrome"] {
      let result = try Command.run(["trace", "export", trace, "--format", format])
      #expect(result.code == 0 && result.errors == "" && result.output.utf8.count > 100, "\(format): \(result.errors)")
    }
    let maps = try JSONSerialization.jsonObject(with: Data(Command.run(["trace", "export", trace, "--format", "step-map"]).output.utf8))
    let records = try #require(maps as? [[String: Any]])
    #expect(records.map { $0["problem"] as? String } == ["lists/dev/1", "lists/dev/2"])
    // The reference model made it, so its tokens are spelled.
    #expect(records.allSatisfy { ($0["prompt"] as? String)?.isEmpty == false && $0["response"] is String })
    let one = try Command.run(["trace", "export", trace, "--format", "step-map", "--sample", "lists/dev/2"]).output
    #expect(one.contains("lists/dev/2") && !one.contains("lists/dev/1"))
    let tables = try Command.run(["trace", "export", trace, "--all", folder.path + "/tables"])
    #expect(tables.code == 0 && tables.output == "")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/tables").sorted()
    #expect(files == ["authors.csv", "edits.csv", "initial.csv", "prompts.csv", "responses.csv", "rounds.csv", "samples.csv"])
    let edits = try Command.run(["trace", "export", trace, "--table", "edits"]).output
    #expect(try folder.text(folder.path + "/tables/edits.csv") == edits)
  }

  @Test(arguments: [
    (["--format", "csw"], "unmask: there is no format named `csw`; did you mean `csv`?"),
    (["--table", "edit"], "unmask: the trace has no table `edit`; it has "),
    (["--format", "asciicast", "--sample", "x"], "unmask: the trace has no sample `x`; it has lists/dev/1"),
    (["--all", "/proc/none"], "unmask: /proc/none"), (["--all", "x", "--format", "chrome"], "unmask: --all writes tables"),
  ])
  func mistakesAreOneLine(_ arguments: [String], _ message: String) throws {
    let folder = try Folder()
    let result = try Command.run(["trace", "export", try Self.trace(in: folder)] + arguments)
    #expect(result.code != 0 && result.output == "")
    #expect(result.errors.hasPrefix(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  /// Somebody else's decode becomes a trace that every command takes.
  @Test func stepMapsComeBack() throws {
    let folder = try Folder()
    let trace = try Self.trace(in: folder)
    let (maps, imported) = (folder.path + "/maps.json", folder.path + "/i.h5")
    let text = try Command.run(["trace", "export", trace, "--format", "step-map"]).output
    try text.write(toFile: maps, atomically: true, encoding: .utf8)
    let result = try Command.run(["trace", "import", maps, "--output", imported, "--model", "reference", "--block-length", "16"])
    #expect(result.code == 0, "\(result.errors)")
    let valid = try Command.run(["trace", "validate", imported])
    #expect(valid.code == 0 && valid.output.contains("valid, 2 samples"))
    let inspected = try Command.run(["trace", "inspect", imported])
    #expect(inspected.code == 0 && inspected.output.contains("have no confidence") && inspected.output.contains("positions were not counted"))
    #expect(try Command.run(["trace", "picture", imported]).output.hasPrefix("<svg"))
    #expect(try Command.run(["replay", imported]).code == 0)
    #expect(try Command.run(["trace", "export", imported, "--format", "step-map"]).output == text)
    let wrong = try Command.run(["trace", "import", trace, "--output", imported])
    #expect(wrong.code == 2 && wrong.errors.hasPrefix("unmask: \(trace): no step maps: ") && wrong.errors.count { $0 == "\n" } == 1, "\(wrong.errors)")
    #expect(try Command.run(["trace", "validate", imported]).code == 0, "a refused import leaves what was there")
  }
}

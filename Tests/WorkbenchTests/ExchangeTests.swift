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
    (["--sample", "x"], "unmask: the trace has no sample `x`; it has lists/dev/1"),
    (["--format", "step-map", "--table", "edits"], "unmask: --table goes with --format csv and jsonl"),
    (["--all", "x", "--table", "edits"], "unmask: --table goes with --format csv and jsonl, without --all"),
    (["--all", "/proc/none"], "unmask: /proc/none"), (["--all", "x", "--format", "chrome"], "unmask: --all writes tables"),
  ])
  func mistakesAreOneLine(_ arguments: [String], _ message: String) throws {
    let folder = try Folder()
    let result = try Command.run(["trace", "export", try Self.trace(in: folder)] + arguments)
    #expect(result.code != 0 && result.output == "")
    #expect(result.errors.hasPrefix(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  /// A file that changed since it was written is used by no command, and is still looked into.
  @Test func aChangedTraceIsNotUsed() throws {
    let folder = try Folder()
    let trace = try Self.trace(in: folder)
    try (try Data(contentsOf: URL(fileURLWithPath: trace)) + [0]).write(to: URL(fileURLWithPath: trace))
    let sample = ["--sample", "lists/dev/1"]
    let commands = [
      ["replay", trace], ["replay", trace, "--verify"], ["trace", "export", trace], ["trace", "picture", trace],
      ["explain", trace, "--position", "0"] + sample, ["replay", trace, "--what-if", "quota"] + sample,
    ]
    for command in commands {
      let result = try Command.run(command)
      #expect(result.code == 1 && result.output == "", "\(command)")
      #expect(result.errors.hasPrefix("unmask: \(trace): damaged at the file: ") && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
    }
    #expect(try Command.run(["trace", "validate", trace]).code == 1)
    let inspected = try Command.run(["trace", "inspect", trace])
    #expect(inspected.code == 0 && inspected.output.contains("checksum does not hold") && inspected.errors == "", "\(inspected.errors)")
  }

  /// Whatever name a file is given by: a command never replaces what it reads.
  @Test func nothingIsWrittenOverWhatIsRead() throws {
    let folder = try Folder()
    let trace = try Self.trace(in: folder)
    let (link, other, maps) = (folder.path + "/link.h5", folder.path + "/other.h5", folder.path + "/maps.json")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: trace)
    try FileManager.default.copyItem(atPath: trace, toPath: other)
    try #"[{"token_ids": [7, 8, 9], "step_map": [0, 2, 0]}]"#.write(toFile: maps, atomically: true, encoding: .utf8)
    let (strategies, suite) = (folder.path + "/s.yaml", folder.path + "/suite")
    try "steady: [threshold: {confidence: 0.8}]\n".write(toFile: strategies, atomically: true, encoding: .utf8)
    let made = try Command.run(["check", "--create", suite, "--model", "ties", "--strategies", strategies])
    #expect(made.code == 0, "\(made.errors)")
    let refused = [
      ["replay", trace, "--html", trace], ["replay", trace, "--html", link], ["replay", other, "--against", link, "--html", trace],
      ["trace", "import", maps, "--output", maps], ["check", suite, "--junit", suite + "/suite.yaml"], ["check", suite, "--junit", suite + "/manifest.json"],
      ["check", suite, "--junit", suite + "/steady/ties.h5"],
    ]
    for arguments in refused {
      let target = try #require(arguments.last)
      let before = try #require(FileManager.default.contents(atPath: target))
      let result = try Command.run(arguments)
      #expect(result.code == 2 && result.output == "", "\(arguments)")
      #expect(result.errors.hasPrefix("unmask: \(target): is ") && result.errors.hasSuffix("; choose another path\n"), "\(result.errors)")
      #expect(FileManager.default.contents(atPath: target) == before)
    }
    let page = try Command.run(["replay", trace, "--against", other, "--html", folder.path + "/page.html"])
    #expect(page.code == 0, "\(page.errors)")
    #expect(try Command.run(["check", suite, "--junit", suite + "/goldens.xml"]).code == 0)
  }

  /// A problem that is asked for twice is decoded twice, and the trace holds.
  @Test func aProblemMayBeDecodedAgain() throws {
    let folder = try Folder()
    let file = folder.path + "/twice.h5"
    #expect(try Command.run(["decode", "--problem", "lists/dev/1", "--problem", "lists/dev/1", "--trace", file]).code == 0)
    #expect(try Command.run(["trace", "validate", file]).code == 0)
    let folders = try Command.run(["replay", file, "--what-if", folder.path])
    #expect(folders.code == 2 && folders.errors == "unmask: \(folder.path): Is a directory\n")
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

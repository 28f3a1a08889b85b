import Foundation
import Testing

/// The command as a process: what it prints, its exit codes, and what survives when it is killed.
@Suite struct CommandTests {
  @Test func tokenizeGoesBothWays() throws {
    let result = try Command.run(["tokenize"], input: "Copy the list: red 3 sun\n\nx")
    #expect(result.code == 0)
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4 && lines[1] == "[]")
    let quoted = try Command.run(["tokenize", "--json"], input: "\"Copy the list: red 3 sun\"\n\"\"\n\"x\"\n")
    #expect(quoted.output == result.output)
  }

  @Test func decodePrintsOneObjectPerPrompt() throws {
    let folder = try Folder()
    let ids = try Command.run(["tokenize"], input: "Copy the list: red 3 sun\nReverse the list: 1 2\n").output.split(separator: "\n")
    let prompts = folder.path + "/prompts.json"
    try "[\(ids.joined(separator: ","))]".write(toFile: prompts, atomically: true, encoding: .utf8)
    try "{\"0\": 5}".write(toFile: folder.path + "/pinned.json", atomically: true, encoding: .utf8)
    let arguments = [
      "decode", "--strategy", "threshold: {confidence: 0.6}", "--gen-length", "16", "--block-length", "8", "--prompt-ids", prompts, "--pinned",
      folder.path + "/pinned.json", "--format", "json",
    ]
    let result = try Command.run(arguments)
    #expect(result.code == 0 && result.errors == "")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let tokens = try #require(object["tokens"] as? [Int])
      let forwards = try #require(object["forwards"] as? [[String: Any]])
      #expect(tokens.count == 16 && tokens[0] == 5)
      #expect(object["rounds"] as? Int == forwards.count)
      var canvas: [Int: Int] = [0: 5]
      for forward in forwards {
        for commit in try #require(forward["commits"] as? [[Int]]) { canvas[commit[0]] = commit[1] }
        #expect(forward["canvases"] as? Int == 1)
      }
      #expect((0..<16).map { canvas[$0] } == tokens)
    }
    // The same prompts in another order, side by side.
    try "[\(ids.reversed().joined(separator: ","))]".write(toFile: prompts, atomically: true, encoding: .utf8)
    for more in [[], ["--jobs", "2"]] {
      let other = try Command.run(arguments + more)
      #expect(other.output.split(separator: "\n").reversed().elementsEqual(lines))
    }
  }

  /// Recorded decodes, from the command line: the strategy as JSON (which is YAML), prompts as ids.
  @Test(arguments: ["quota", "threshold", "saber", "prophet", "freedave", "timesteps"])
  func decodeReproducesRecordedCases(_ file: String) throws {
    let folder = try Folder()
    let tests = RepositoryTests.root.appending(path: "Tests")
    let lines = try folder.text(tests.appending(path: "StrategiesTests/Fixtures/cases/\(file).jsonl").path).split(separator: "\n")
    for line in [lines[0], lines[lines.count / 2]] {
      let golden = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let decoding = try #require(golden["decoding"] as? [String: Any])
      func write(_ name: String, _ value: Any) throws -> String {
        try JSONSerialization.data(withJSONObject: value).write(to: URL(fileURLWithPath: folder.path + "/" + name))
        return folder.path + "/" + name
      }
      let result = try Command.run([
        "decode", "--model", tests.appending(path: "ModelsTests/Fixtures/model").path, "--strategy", try write("strategy.yaml", golden["strategy"] as Any),
        "--gen-length", "\(try #require(decoding["gen_length"] as? Int))", "--block-length", "\(try #require(decoding["block_length"] as? Int))",
        "--prompt-ids", try write("prompts.json", [golden["prompt_ids"]]), "--pinned", try write("pinned.json", decoding["pinned"] ?? [String: Int]()),
        "--format", "json",
      ])
      #expect(result.code == 0, "\(result.errors)")
      let decoded = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      #expect(decoded["tokens"] as? [Int] == golden["response"] as? [Int])
      #expect(decoded["rounds"] as? Int == golden["rounds"] as? Int)
      guard file != "freedave" else { continue }
      let commits = { (object: [String: Any]) in (object["forwards"] as? [[String: Any]])?.map { $0["commits"] as? [[Int]] } }
      let remasks = { (object: [String: Any]) in (object["forwards"] as? [[String: Any]])?.map { $0["remasks"] as? [Int] } }
      #expect(commits(decoded) == commits(golden) && remasks(decoded) == remasks(golden))
    }
  }

  @Test func logitsAreRows() throws {
    let result = try Command.run(["logits", "--ids", "-"], input: "[[1,2,3],[4]]")
    let rows = try JSONDecoder().decode([[[Float]]].self, from: Data(result.output.utf8))
    #expect(rows.map(\.count) == [3, 1])
    #expect(Set(rows.joined().map(\.count)).count == 1)
  }

  @Test(arguments: [
    (["run", "nowhere.yaml"], "unmask: nowhere.yaml: No such file or directory\n"),
    (["strategies", "treshold"], "unmask: there is no strategy named `treshold`; did you mean `threshold`?"),
    (
      ["decode", "--strategy", "threshold: {confidense: 1}", "--prompt", "x"],
      "unmask: line 1: threshold has no setting `confidense`; did you mean `confidence`?"
    ),
    (["decode", "--prompt", "x", "--gen-length", "10", "--block-length", "3"], "unmask: `block_length` is 3, expected a divisor of gen_length (10)\n"),
    (["decode"], "unmask: give one of --prompt TEXT, --problem NAME/SPLIT/INDEX and --prompt-ids FILE.json (unmask --help)\n"),
    (["decode", "--prompt", "x", "--strategy", "missing.yaml"], "unmask: missing.yaml: no such file\n"),
    (["models", "missing"], "unmask: there is no model named `missing` and no such directory; known: reference\n"),
    (["frobnicate"], "unmask: "),
    (["trace", "validate", "nowhere.h5"], "unmask: nowhere.h5: cannot be read: No such file or directory\n"),
  ])
  func mistakesAreOneClearLine(_ arguments: [String], _ message: String) throws {
    let result = try Command.run(arguments)
    #expect(result.code == 2)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix(message))
    #expect(result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  @Test func aCheckpointNeedsNoTokenizerForIds() throws {
    let checkpoint = RepositoryTests.root.path + "/Tests/ModelsTests/Fixtures/checkpoints/llada-tied-f16"
    let logits = try Command.run(["logits", "--model", checkpoint, "--ids", "-"], input: "[[1,2,3]]")
    #expect(logits.code == 0 && logits.errors == "")
    let folder = try Folder()
    let prompts = folder.path + "/prompts.json"
    try "[[1,2,3],[4]]".write(toFile: prompts, atomically: true, encoding: .utf8)
    let decoded = try Command.run([
      "decode", "--model", checkpoint, "--gen-length", "8", "--block-length", "4", "--prompt-ids", prompts, "--format", "json",
    ])
    #expect(decoded.code == 0 && decoded.output.count { $0 == "\n" } == 2)
    #expect(try Command.run(["models", checkpoint]).code == 0)
    let text = try Command.run(["decode", "--model", checkpoint, "--prompt", "x"])
    #expect(text.code == 2 && text.errors.contains("has no tokenizer.json"))
  }

  @Test func outputThatIsNotTakenIsAFailure() throws {
    let process = Process()
    process.executableURL = Command.executable
    process.arguments = ["strategies"]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 3)
  }

  @Test func badIdsAreRefusedBeforeAnythingRuns() throws {
    let logits = try Command.run(["logits", "--ids", "-"], input: "[[1],[99999]]")
    #expect(logits.code == 2 && logits.output == "")
    #expect(logits.errors.hasPrefix("unmask: -: input 1 holds token 99999, which is not in the model's vocabulary of"))
    let long = try Command.run(["decode", "--prompt-ids", "-", "--gen-length", "4096"], input: "[[1]]")
    #expect(long.code == 2 && long.output == "" && long.errors.contains("positions, and the model takes"))
  }

  @Test func helpIsNoMistake() throws {
    for command in ["run", "decode", "logits", "tokenize", "strategies", "benchmarks", "models", "trace"] {
      let result = try Command.run([command, "--help"])
      #expect(result.code == 0 && result.output.contains("USAGE: unmask \(command)"))
    }
  }

  @Test func aDamagedTraceIsFound() throws {
    let folder = try Folder()
    let trace = folder.path + "/t.h5"
    let made = try Command.run(["decode", "--problem", "lists/dev/1", "--trace", trace])
    #expect(made.code == 0)
    let sound = try Command.run(["trace", "validate", trace])
    #expect(sound.code == 0 && sound.output == "\(trace): valid, 1 samples replay to their responses\n")
    #expect(try Command.run(["trace", "inspect", trace]).output.contains("threshold reveal"))
    var bytes = try folder.bytes(trace)
    bytes.removeLast(bytes.count / 2)
    try bytes.write(to: URL(fileURLWithPath: trace))
    #expect(try Command.run(["trace", "validate", trace]).code == 1)
  }

  @Test func aKilledRunGoesOn() throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    try """
    name: killed
    benchmark: {name: lists, split: dev, limit: 60}
    strategies:
      one-by-one: [quota: {}]
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let run = { (output: String) in ["run", file, "--output", folder.path + "/" + output] }
    #expect(try Command.run(run("whole")).code == 0)
    // Killed without warning, then interrupted politely, each time as soon as something is on disk; then left alone.
    for signal in [SIGKILL, SIGINT] {
      let process = try Command.start(run("parts"))
      let started = Date()
      let before = Self.journal(folder.path + "/parts")
      while Self.journal(folder.path + "/parts") <= before + 2000, process.isRunning, Date().timeIntervalSince(started) < 60 { usleep(500) }
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      if signal == SIGINT { #expect(process.terminationStatus == 3) } else { #expect(process.terminationReason == .uncaughtSignal) }
      #expect(Self.journal(folder.path + "/parts") > 2000, "finished samples are kept")
    }
    let last = try Command.run(run("parts"))
    #expect(last.code == 0 && last.errors.contains("kept from before"))
    let compare = { (name: String) in try Self.file(name, in: folder.path + "/whole") == Self.file(name, in: folder.path + "/parts") }
    #expect(try compare("outcomes.jsonl"))
    #expect(try compare("run.yaml"))
    let traces = try ["whole", "parts"].map { try Self.path("trace.h5", in: folder.path + "/" + $0) }
    #expect(try Command.run(["trace", "validate"] + traces).code == 0)
  }

  /// Bytes in the run's journal; 0 where there is none yet.
  private static func journal(_ folder: String) -> Int {
    do {
      guard let name = try FileManager.default.subpathsOfDirectory(atPath: folder).first(where: { $0.hasSuffix("/journal") }) else { return 0 }
      return try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int ?? 0
    } catch { return 0 }
  }

  private static func path(_ name: String, in folder: String) throws -> String {
    let found = try FileManager.default.subpathsOfDirectory(atPath: folder).first { $0.hasSuffix("/" + name) }
    return folder + "/" + (try #require(found))
  }

  private static func file(_ name: String, in folder: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: try path(name, in: folder))) }
}

/// The built command.
enum Command {
  struct Result {
    let code: Int32
    let output: String
    let errors: String
  }

  /// Beside the test bundle.
  static var executable: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "unmask")
  }

  /// Starts the command.
  ///
  /// - Parameter errors: a file for its standard error.
  static func start(_ arguments: [String], errors: String? = nil) throws -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    if let errors {
      try Data().write(to: URL(fileURLWithPath: errors))
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    }
    try process.run()
    return process
  }

  /// Runs to the end. Output goes through files, so that neither pipe can fill up while the other is read.
  ///
  /// - Parameter environment: what is set beside, or in place of, this process's.
  static func run(
    _ arguments: [String], input: String = "", executable: URL = Command.executable, environment: [String: String] = [:]
  ) throws -> Result {
    let folder = try Folder()
    let files = ["in", "out", "err"].map { URL(fileURLWithPath: folder.path + "/" + $0) }
    for (file, text) in zip(files, [input, "", ""]) { try Data(text.utf8).write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    return Result(code: process.terminationStatus, output: try folder.text(files[1].path), errors: try folder.text(files[2].path))
  }
}

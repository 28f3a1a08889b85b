import Diffusion
import Foundation
import Testing
import Traces

/// `unmask replay` as a process: in a pipe, in a terminal, and when it is told to end.
@Suite struct ReplayCommandTests {
  private func trace(_ folder: Folder, _ name: String = "trace.h5", strategy: String = "quota", problem: String = "lists/dev/1") throws -> String {
    let file = folder.path + "/" + name
    let made = try Command.run(["decode", "--problem", problem, "--strategy", strategy, "--trace", file])
    try #require(made.code == 0, "\(made.errors)")
    return file
  }

  @Test func aPipeGetsEveryRound() throws {
    let folder = try Folder()
    let file = try trace(folder)
    let rounds = try #require(try TraceFile.read(file).samples().first?.roundCount)
    let all = try Command.run(["replay", file])
    #expect(all.code == 0 && all.errors == "" && !all.output.contains("\u{1B}"))
    #expect(all.output.hasPrefix("lists/dev/1\n") && all.output.contains("\n\nbefore round 1 of \(rounds): "))
    for round in 1...rounds { #expect(all.output.contains("round \(round) of \(rounds): 1 revealed")) }
    let one = try Command.run(["replay", file, "--round", "2"])
    #expect(one.output.contains("\n\nround 2 of \(rounds)") && one.output.contains("position  what    token") && !one.output.contains("round 3"))
  }

  @Test func jsonHoldsTheFrames() throws {
    let folder = try Folder()
    let (first, second) = (try trace(folder), try trace(folder, "other.h5", strategy: "threshold"))
    let sample = try #require(try TraceFile.read(first).samples().first)
    func frames(_ arguments: [String]) throws -> [String: Any] {
      let result = try Command.run(["replay", first, "--json"] + arguments)
      #expect(result.code == 0 && result.errors == "")
      return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }
    let one = try #require(try frames([])["traces"] as? [[String: Any]])
    let list = try #require(one.first?["frames"] as? [[String: Any]])
    let replay = try Replay(sample)
    #expect(list.compactMap { $0["tokens"] as? [Int] } == replay.frames.map { $0.response.map(Int.init) })
    let edits = list.compactMap { $0["edits"] as? [[String: Any]] }.joined()
    #expect(edits.compactMap { $0["token"] as? Int } == sample.edits.map { Int($0.edit.token) })
    // To the last digit, which the reader of JSON above is not good for.
    let confidences = try Command.run(["replay", first, "--json"]).output.matches(of: #/"confidence":([-.e0-9]+)/#).compactMap { Double($0.output.1) }
    #expect(confidences == sample.edits.map(\.edit.confidence))
    #expect(one.first?["response"] is String && edits.allSatisfy { $0["text"] is String && $0["runner_up"] is NSNull })
    let two = try frames(["--against", second, "--round", "1"])
    #expect((two["traces"] as? [[String: Any]])?.count == 2 && two.keys.contains("first_difference"))
    #expect((two["answers"] as? [String: Any])?["token_agreement"] is Double && two["prompt"] is String)
  }

  @Test func aPageIsWritten() throws {
    let folder = try Folder()
    let (file, page) = (try trace(folder), folder.path + "/replay.html")
    let written = try Command.run(["replay", file, "--html", page])
    #expect(written.code == 0 && written.output == "" && written.errors.hasPrefix("\(page): lists/dev/1, "))
    #expect(try folder.text(page).contains("<title>lists/dev/1 · unmask replay</title>"))
    #expect(try Command.run(["replay", file, "--html", folder.path + "/none/replay.html"]).code == 3)
  }

  @Test(arguments: [
    (["--sample", "lists/dev/2"], "there is no sample named `lists/dev/2`; did you mean `lists/dev/1`?"),
    (["--round", "99"], "`--round` is 99, expected 0 to "),
    (["--verify", "--html", "x.html"], "give one of --verify, --what-if"),
    (["--json", "--html", "x.html"], "--json and --html are two different outputs"),
    (["--sample", "all"], "--sample all goes with"),
    (["--model", "nowhere"], "there is no model named `nowhere`"),
    (["--against", "nowhere.h5"], "nowhere.h5: cannot be read"),
  ])
  func mistakesAreOneClearLine(_ arguments: [String], _ message: String) throws {
    let folder = try Folder()
    let result = try Command.run(["replay", try trace(folder)] + arguments)
    #expect(result.code == 2 && result.output == "")
    #expect(result.errors.contains(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  /// In a terminal of its own: keys are taken, and whatever ends it, the terminal is as it was.
  @Test(arguments: [("q", nil), ("\u{3}", nil), (nil, "TERM"), (nil, "INT"), (nil, "QUIT"), (nil, "HUP")] as [(String?, String?)])
  func theTerminalIsLeftAsItWas(_ key: String?, _ signal: String?) throws {
    let folder = try Folder()
    let file = try trace(folder)
    let rounds = try #require(try TraceFile.read(file).samples().first?.roundCount)
    // The shell becomes the player, so that its number is known to the one that ends it.
    try """
    cd '\(folder.path)'
    stty rows 30 columns 100
    stty -g > before
    sh -c 'echo $$ > number; exec "\(Command.executable.path)" replay "\(file)" 2> errors'
    echo $? > code
    stty -g > after
    """.write(toFile: folder.path + "/inside.sh", atomically: true, encoding: .utf8)
    let wish = key.map { "printf 'l'; sleep 0.3; printf '\($0)'" } ?? "printf 'l'; sleep 0.3; kill -\(signal ?? "") $(cat number)"
    try """
    cd '\(folder.path)'
    { for try in $(seq 100); do grep -q 'rounds/s' screen 2>/dev/null && break; sleep 0.05; done; \(wish); sleep 0.3; } |
      TERM=xterm script -qfc 'sh inside.sh' screen > /dev/null
    """.write(toFile: folder.path + "/outside.sh", atomically: true, encoding: .utf8)
    let result = try Command.run([folder.path + "/outside.sh"], executable: URL(fileURLWithPath: "/bin/sh"))
    let screen = try folder.text(folder.path + "/screen")
    #expect(result.code == 0 && screen.contains("round 0 of \(rounds)") && screen.contains("round 1 of \(rounds)"), "\(screen)")
    let texts = try ["before", "after", "code", "errors"].map { try folder.text(folder.path + "/" + $0) }
    #expect(texts[0] == texts[1] && texts[3] == "")
    #expect(texts[2] == (key == "q" || signal == "HUP" ? "0\n" : "3\n"))
    // The screen of its own is left, the cursor is back.
    #expect(screen.contains("\u{1B}[?1049h\u{1B}[?25l") && screen.contains("\u{1B}[?25h\u{1B}[?1049l"))
  }
}

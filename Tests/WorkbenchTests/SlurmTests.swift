import Foundation
import Models
import Strategies
import Testing
import Traces

@testable import Workbench

/// Experiments as job arrays of a real Slurm: what comes of them is what one process makes, whatever is killed on the way.
@Suite(.serialized) struct SlurmTests {
  /// Long decodes, so that a task can be killed in the middle.
  private static let text = """
    name: cluster
    benchmark: {name: arithmetic, split: dev, limit: 15}
    strategies:
      one-by-one: [quota: {}]
      threshold: [threshold: {}]
    """

  /// Signs that a shell, Slurm and YAML each read in their own way.
  private static let oddName = "it's 100%A \"odd\" $HOME; `x` &"

  @Test(.timeLimit(.minutes(30))) func anArrayMakesWhatOneProcessMakes() throws {
    let folder = try Folder()
    let slurm = try Slurm()
    let place = folder.path + "/" + Self.oddName
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    let file = place + "/e.yaml"
    try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
    let changes = ["--set", "strategies.threshold.0.threshold.confidence=0.8"]
    let output = place + "/out"
    #expect(try Command.run(["run", file, "--output", folder.path + "/whole"] + changes).code == 0)
    let launch = ["run", file, "--output", output, "--launcher", "slurm", "--shards", "3", "--sbatch", "--comment='two words' --time=10"] + changes

    let first = try Command.run(launch, environment: slurm.environment)
    try #require(first.code == 0, "\(first.errors)\n\(slurm.log)")
    let array = try #require(first.output.firstMatch(of: #/array (\d+) with 3 tasks for 30 missing samples/#)).1
    #expect(first.output.contains("script and logs in \(output)/cluster/slurm"))
    // A second one is refused as long as this one is there.
    let second = try Command.run(launch, environment: slurm.environment)
    #expect(second.code == 2 && second.errors.contains("of array \(array) are queued or running; wait for them, or stop them with `scancel \(array)`"))

    // One task is killed in the middle, with no time to end in good order, and another stopped by Slurm.
    let plans = try ExperimentFile(file, overrides: [changes[1]]).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)[0].plans
    let runner = Runner(output: output)
    func decoded(_ index: Int) throws -> Int {
      let shard = try #require(Shard(index, of: 3))
      return try plans.reduce(0) {
        $0 + (try Journal.peek(runner.directory(of: $1) + "/" + shard.journal, runDigest: $1.digest)).count
      }
    }
    let began = try slurm.wait(seconds: 600) { try decoded(0) > 0 }
    #expect(began, "\(slurm.log)")
    let killed = try Self.processes(["--shard", "0/3", "--output=\(output)"])
    #expect(killed.count == 1)
    for process in killed { kill(process, SIGKILL) }
    try slurm.run("scancel", ["\(array)_1"])
    let isOver = try slurm.wait(seconds: 600) { try slurm.run("squeue", ["--noheader"]).output.isEmpty }
    #expect(isOver, "\(slurm.log)")
    let missing = try runner.missing(shards: 3, of: plans)
    #expect(missing[0] > 0 && missing[2] == 0, "the part that was killed lacks samples, the one left alone none: \(missing)")

    // The same command submits what is missing, and waits for it this time.
    let third = try Command.run(launch + ["--wait"], environment: slurm.environment)
    #expect(third.code == 0, "\(third.errors)\n\(slurm.log)")
    let tasks = missing.count { $0 > 0 }
    #expect(third.output.contains("with \(tasks) tasks for \(missing.reduce(0, +)) missing samples"), "\(third.output)")
    let logs = try FileManager.default.contentsOfDirectory(atPath: output + "/cluster/slurm").filter { $0.hasSuffix(".log") }
    #expect(logs.count >= 3 && logs.contains("\(array)_2.log"), "\(logs)")
    #expect(try folder.text(output + "/cluster/slurm/\(array)_2.log").contains("part 2/3: its 10 samples are there"))
    for plan in plans {
      let (mine, theirs) = (runner.directory(of: plan), Runner(output: folder.path + "/whole").directory(of: plan))
      #expect(try folder.bytes(mine + "/outcomes.jsonl") == folder.bytes(theirs + "/outcomes.jsonl"))
      #expect(try TraceFile.read(mine + "/trace.h5").differences(from: TraceFile.read(theirs + "/trace.h5")) == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: mine).sorted() == ["outcomes.jsonl", "run.yaml", "trace.h5"])
    }
    // Nothing is left to do.
    let fourth = try Command.run(launch, environment: slurm.environment)
    #expect(fourth.code == 0 && fourth.errors.contains("no samples are missing, nothing to submit"), "\(fourth.errors)")
  }

  /// Processes whose command lines have all of some words.
  private static func processes(_ words: [String]) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { process in
      let line: Data
      // A process may have ended since the list was made.
      do { line = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline")) } catch { return false }
      let own = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.allSatisfy(own.contains)
    }
  }

  /// Without --wait, `unmask run` on any machine puts together what tasks have decoded.
  @Test(.timeLimit(.minutes(30))) func aRunPutsTheArrayTogether() throws {
    let folder = try Folder()
    let slurm = try Slurm()
    let file = folder.path + "/e.yaml"
    try Self.text.replacing("limit: 15", with: "limit: 2").write(toFile: file, atomically: true, encoding: .utf8)
    let output = folder.path + "/out"
    let words = ["run", file, "--output", output, "--launcher", "slurm", "--jobs", "2"]
    let launch = try Command.run(words, environment: slurm.environment)
    #expect(launch.code == 0, "\(launch.errors)\n\(slurm.log)")
    #expect(launch.output.contains("the same command without --launcher puts the parts together"))
    // An array that is at work is waited for by whoever asks.
    let again = try Command.run(words + ["--wait"], environment: slurm.environment)
    #expect(again.code == 0 && again.output.contains(" is at work with "), "\(again.output)\(again.errors)")
    #expect(try slurm.run("squeue", ["--noheader"]).output.isEmpty, "\(slurm.log)")
    let run = try Command.run(["run", file, "--output", output])
    #expect(run.code == 0 && run.errors.contains("2 samples, all kept from before") && run.output.contains("shared"), "\(run.errors)")
  }

  @Test func withoutSlurmItIsSaid() throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
    let result = try Command.run(["run", file, "--output", folder.path, "--launcher", "slurm"], environment: ["PATH": folder.path])
    #expect(result.code == 2 && result.output == "")
    #expect(result.errors.hasPrefix("unmask: `sbatch` is not on PATH; --launcher slurm is for a machine that submits to slurm"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/cluster"))
  }

  @Test(
    arguments: [
      (["--shard", "3/3"], "K/N with N up to 10000"), (["--shard", "0/2", "--launcher", "slurm"], "give one of the two"),
      (["--shards", "2"], "--shards goes with --launcher"), (["--wait"], "--wait goes with --launcher"),
      (["--sbatch", "-p x"], "--sbatch goes with --launcher"),
      (["--launcher", "slrum"], "there is no launcher named `slrum`; did you mean `slurm`?"),
      (["--launcher", "slurm", "--shards", "0"], "--shards is 1 to 10000"),
      (["--shard", "0/2", "--dry-run"], "--dry-run lists whole runs"), (["--shard", "0/2", "--json"], "--json has nothing to print"),
      (["--launcher", "slurm", "--sbatch", "--array=3"], "--sbatch --array=3: the array has its own"),
      (["--launcher", "slurm", "--sbatch", "-a3"], "--sbatch -a3: the array has its own"),
      (["--launcher", "slurm", "--sbatch", "--comment='x"], "a quote or backslash without its end"),
      (["--launcher", "slurm", "--sbatch", "long"], "`long` is none"),
    ] as [([String], String)])
  func mistakesAreOneClearLine(_ arguments: [String], _ message: String) throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
    let result = try Command.run(["run", file, "--output", folder.path] + arguments)
    #expect(result.code == 2 && result.output == "")
    #expect(result.errors.contains(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
  }

  @Test func wordsAreThoseOfAShell() throws {
    let lines = ["a b", "  --x='1 2'\t-y\"3 '4\" ", "'' a\\ b \\\\ \"\\\"\"", "é=ü"]
    for line in lines {
      let shell = try Command.run(["sh", "-c", "printf '%s\\n' \(line)"], executable: URL(fileURLWithPath: "/usr/bin/env"))
      #expect(try LaunchJob.words(line).map { $0 + "\n" }.joined() == shell.output)
    }
    for word in [Self.oddName, "", "'", "\\", "a\nb", "!#~*?[x]{1,2}(<>|)", "-n"] {
      let shell = try Command.run(["sh", "-c", "printf '%s' \(LaunchJob.quoted(word))"], executable: URL(fileURLWithPath: "/usr/bin/env"))
      #expect(shell.output == word)
    }
    #expect(LaunchJob.ranges([5, 0, 1, 2, 9, 8]) == "0-2,5,8-9" && LaunchJob.ranges([3]) == "3")
  }
}

internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Traces
internal import Workbench

struct EvalLogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lm-eval", abstract: "Sample logs of lm-evaluation-harness: compare them, or write a run as one.", subcommands: [Compare.self, Export.self])

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Paired tests of logs on the same documents; the first is the baseline.",
      discussion: """
        Reads files that `lm_eval --log_samples` wrote (samples_*.jsonl), or folders of finished runs. Documents are paired by their number; where both logs
        have a `doc_hash`, it has to be the same. Exit code 1 if a log is less accurate (exact paired test, p below 0.05 after Holm's correction).

        EXAMPLES
          unmask lm-eval compare base/samples_gsm8k.jsonl mine/samples_gsm8k.jsonl
          unmask lm-eval compare a.jsonl b.jsonl c.jsonl --filter strict-match --metric exact_match --json
          unmask lm-eval compare samples_gsm8k.jsonl results/gsm8k/0d57cee49e5d037f
        """)

    @Argument(help: "Logs or runs' folders, two or more.") var logs: [String]
    @Option(help: "The filter whose lines count. Default: each log's first.") var filter: String?
    @Option(help: "The metric, 0 or 1 for each document. Default: each log's first.") var metric: String?
    @Flag(help: "Print JSON: a list of comparisons.") var json = false

    func validate() throws { if logs.count < 2 { throw ValidationError("name two logs or more; the first is the baseline") } }

    func run() throws {
      let comparison = try EvalLogComparison(
        try logs.map { path in
          var isFolder: ObjCBool = false
          if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return try EvalLog(run: path) }
          return try EvalLog(path, filter: filter, metric: metric)
        })
      if json {
        Terminal.out(comparison.json.json)
      } else {
        for line in comparison.text.split(separator: "\n", omittingEmptySubsequences: false) { Terminal.out(line.printable) }
      }
      if let regression = comparison.regression { throw Failure(code: 1, message: regression) }
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A finished run as a sample log.",
      discussion: """
        EXAMPLES
          unmask lm-eval export results/first-light/0d57cee49e5d037f --output samples_arithmetic.jsonl
          unmask lm-eval export results/gsm8k/c640c663e4e4b977 --path gsm8k/test.jsonl --output samples_gsm8k.jsonl
        """)

    @Argument(help: "A run's folder.") var folder: String
    @Option(help: "The log to write.") var output: String
    @Option(help: "The benchmark's file or its folder, where it has one.") var path: String?
    @Option(help: "The file that examples came from, where there were any.") var shotsPath: String?

    func run() throws {
      let runs = try StoredRun.find(in: [folder]).runs
      guard runs.count == 1 else { throw ConfigurationError.unsupported("\(folder) holds \(runs.count) runs; name the folder of one") }
      let lines = try EvalLogExport.lines(runs[0], benchmarks: Unmask.benchmarks, path: path, shotsPath: shotsPath)
      do { try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: output), options: .atomic) } catch {
        throw RunError.file(path: output, reason: YAML.reason(error))
      }
      Terminal.note("\(output): \(lines.count) samples")
    }
  }
}

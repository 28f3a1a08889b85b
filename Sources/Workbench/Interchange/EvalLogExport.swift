public import Diffusion
internal import Foundation
internal import Models

/// A finished run as lm-evaluation-harness would have logged it: the keys of its sample logs, one line per problem, in order.
///
/// `doc` is the benchmark's own line where it came from a file, so that `doc_hash` is the one that the harness computes of the same line, and otherwise
/// prompt and answer. `arguments` holds the prompt before any chat template.
public enum EvalLogExport {
  /// The lines of a run, without their newlines.
  ///
  /// - Parameter path: the benchmark's file or its folder, where it has one.
  /// - Throws: where the benchmark's problems are not those that the run was made with.
  public static func lines(
    _ run: StoredRun, benchmarks: BenchmarkCatalog, path: String? = nil, shotsPath: String? = nil
  ) throws(ConfigurationError) -> [String] {
    guard let asked = run.config["benchmark"], case .text(let name)? = asked["name"]?.value, case .text(let word)? = asked["split"]?.value,
      let split = Split(rawValue: word), case .text(let data)? = asked["data"]?.value
    else { throw .damaged("\(run.directory)/run.yaml does not say which benchmark it ran") }
    let shots: Int? = if case .integer(let count)? = asked["shots"]?.value { count } else { nil }
    let benchmark = try benchmarks.benchmark(
      named: name, BenchmarkSource(split: split, path: path, shots: shots, shotsPath: shotsPath, isChat: asked["chat"] != nil, isUnsafe: true))
    guard benchmark.identity(of: split) == data, asked["version"] == Setting(.integer(type(of: benchmark).version)) else {
      throw .unsupported("\(run.directory) was run on other problems of \(name)/\(word) than are here; name the file it was run on with --path")
    }
    let length: Int = if case .integer(let count)? = run.config["decoding"]?["gen_length"]?.value { count } else { 0 }
    var lines: [String] = []
    for outcome in run.outcomes {
      guard let number = outcome.problem.split(separator: "/").last.flatMap({ Int($0) }), let problem = benchmark.problems(number..<number + 1, of: split).first
      else { throw .damaged("\(run.directory): \(outcome.problem) is no problem of \(name)") }
      let row = (benchmark as? any FileBenchmark).flatMap { $0.set.rows.indices.contains(number) ? $0.set.rows[number] : nil }
      lines.append(line(outcome, problem, number, row, length))
    }
    return lines
  }

  private static func line(_ outcome: Outcome, _ problem: Problem, _ number: Int, _ row: ProblemRow?, _ length: Int) -> String {
    let made = "{\n  \"prompt\": \(PythonJSON.quoted(problem.prompt)),\n  \"answer\": \(PythonJSON.quoted(problem.answer))\n}"
    let hashed = row?.pythonJSON ?? made
    let document = row?.source ?? made.replacing("\n  ", with: "").replacing("\n}", with: "}")
    let target = problem.answer
    let score = outcome.correct ? "1.0" : "0.0"
    let parts = [
      "\"doc_id\": \(number)", "\"doc\": \(document)", "\"target\": \(PythonJSON.quoted(target))",
      "\"arguments\": {\"gen_args_0\": {\"arg_0\": \(PythonJSON.quoted(problem.prompt)), \"arg_1\": {\"until\": [], \"max_gen_toks\": \(length)}}}",
      "\"resps\": [[\(PythonJSON.quoted(outcome.text))]]", "\"filtered_resps\": [\(PythonJSON.quoted(outcome.extracted ?? "[invalid]"))]",
      "\"filter\": \"none\"",
      "\"metrics\": [\"exact_match\"]", "\"doc_hash\": \"\(hash(hashed))\"", "\"prompt_hash\": \"\(hash(problem.prompt))\"",
      "\"target_hash\": \"\(hash(target))\"", "\"exact_match\": \(score)",
    ]
    return "{" + parts.joined(separator: ", ") + "}"
  }

  private static func hash(_ text: String) -> String {
    var hash = SHA256()
    hash.update(text.utf8)
    return hash.hexadecimal()
  }
}

extension PythonJSON {
  /// A value as `json.dumps(indent=2, ensure_ascii=False)` spells it.
  static func indented(_ value: JSONDocument.Value, of document: JSONDocument, depth: Int = 0) -> String {
    let (inner, outer) = ("\n" + String(repeating: "  ", count: depth + 1), "\n" + String(repeating: "  ", count: depth))
    switch value {
    case .string(let text): return quoted(document.string(text))
    case .array(let items):
      if items.isEmpty { return "[]" }
      return "[" + inner + items.map { indented($0, of: document, depth: depth + 1) }.joined(separator: "," + inner) + outer + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { quoted(document.string($0.key)) + ": " + indented($0.value, of: document, depth: depth + 1) }
      return "{" + inner + lines.joined(separator: "," + inner) + outer + "}"
    case .null, .bool, .number: return document.kind(value)
    }
  }
}

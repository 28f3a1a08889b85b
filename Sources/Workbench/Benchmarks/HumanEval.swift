package import Diffusion

/// Functions to be completed from their docstring (HumanEval, arXiv:2107.03374), from the authors' file; each is run with its tests in a sandbox.
///
/// The prompt is the file's, to be gone on with; an assistant is asked to complete it. What counts of a response is `ProgramText`'s affair.
package struct HumanEval: FileBenchmark {
  package static let name = "humaneval"
  package static let summary = "Python functions from their docstring (HumanEval), from a file, run in a sandbox"
  package static let version = 1
  package static let levelUnit = "lines"
  package static let geometry = Geometry(genLength: 512, blockLength: 32)
  package static let shotSplit: Split? = nil
  package static let runsCode = true
  package static let layout = BenchmarkFiles(
    names: [.test: ["HumanEval.jsonl.gz", "HumanEval.jsonl", "test.jsonl"]],
    schema: [
      ("task_id", "text"), ("prompt", "Python up to the body"), ("entry_point", "the function"), ("canonical_solution", "the body"),
      ("test", "Python that defines check(candidate)"),
    ],
    origin: "https://github.com/openai/human-eval (data/HumanEval.jsonl.gz, MIT)",
    example:
      #"{"task_id": "Example/0", "prompt": "def twice(n: int) -> int:\n    \"\"\" Double a number.\n    >>> twice(3)\n    6\n    \"\"\"\n", "entry_point": "twice", "canonical_solution": "    return 2 * n\n", "test": "def check(candidate):\n    assert candidate(3) == 6\n    assert candidate(-1) == -2\n"}"#,
    known: ["b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef": "the original"])

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let (prompt, entry, body) = (try row.text("prompt"), try row.text("entry_point"), try row.text("canonical_solution"))
    let lines = body.split(separator: "\n").count { !$0.allSatisfy(\.isWhitespace) }
    return Exercise(
      key: try row.text("task_id"), question: prompt, solution: body, kind: "function", level: lines,
      program: Problem.Program(preamble: prompt, entry: entry, tests: try row.text("test") + "\ncheck(\(entry))\n"))
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    isChat ? "Complete this Python function. Answer with the whole function in one code block.\n\n```python\n\(exercise.question)```" : exercise.question
  }

  /// The response's code without its surroundings, which only `grade` knows.
  package func extract(_ response: String) -> String? {
    let text = ProgramText(response, Problem.Program(preamble: "", entry: "", tests: "")).source
    return text.stripped.isEmpty ? nil : text
  }

  package func grade(_ response: String, _ problem: Problem) throws(ConfigurationError) -> Grade { try gradeProgram(response, problem) }
}

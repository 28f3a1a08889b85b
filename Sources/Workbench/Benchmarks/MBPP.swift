package import Diffusion

/// Small Python tasks with three tests each (MBPP, arXiv:2108.07732), from the authors' file; each program is run with its tests in a sandbox.
///
/// Put as the authors do: the task, its tests, `[BEGIN]`, and the same for three examples before it, tasks 2, 3 and 4 of the file. Tasks 11 to 510 are the
/// split test, 511 to 600 dev, 601 and on train, as the authors say; the file's first ten are for examples.
package struct MBPP: FileBenchmark {
  package static let name = "mbpp"
  package static let summary = "small Python tasks with tests (MBPP), from a file, run in a sandbox"
  package static let version = 1
  package static let levelUnit = "lines"
  package static let geometry = Geometry(genLength: 512, blockLength: 32)
  package static let shotSplit: Split? = nil
  package static let usualShots = 3
  package static let runsCode = true
  package static let layout = BenchmarkFiles(
    names: Dictionary(uniqueKeysWithValues: Split.allCases.map { ($0, ["mbpp.jsonl", "sanitized-mbpp.jsonl"]) }),
    schema: [
      ("task_id", "a number"), ("text", "the task; `prompt` in the sanitized file"), ("code", "Python"), ("test_list", "texts"),
      ("test_setup_code", "Python; `test_imports` in the sanitized file"),
    ],
    origin: "https://github.com/google-research/google-research/tree/master/mbpp (CC BY 4.0)",
    example:
      #"{"task_id": 11, "text": "Write a function to add two numbers.", "code": "def add(a, b):\n  return a + b", "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "test_setup_code": ""}"#
  )

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let (number, tests) = (try row.integer("task_id"), try row.texts("test_list"))
    let code = try row.text("code").replacing("\r\n", with: "\n")
    guard let first = tests.first, let entry = function(first) else { throw row.fault("`test_list` has no test that calls a function") }
    var setup = row.has("test_setup_code") ? try row.text("test_setup_code") : ""
    if row.has("test_imports") { setup += try row.texts("test_imports").joined(separator: "\n") }
    let split: Split? = number <= 10 ? nil : number <= 510 ? .test : number <= 600 ? .dev : .train
    return Exercise(
      key: "\(number)", split: split, isExample: number <= 10, question: try row.text("text", "prompt"), more: tests.joined(separator: "\n"),
      solution: "\n\(code)\n[DONE]", kind: "task", level: code.split(separator: "\n").count,
      program: Problem.Program(preamble: "", entry: entry, tests: setup + "\n" + tests.joined(separator: "\n") + "\n"))
  }

  /// Tasks 2, 3 and 4 first, as the authors have them, then the file's others.
  package static func examples(_ candidates: [Exercise], for exercise: Exercise, count: Int) -> [Exercise] {
    let usual = candidates.filter { ["2", "3", "4"].contains($0.key) }
    return Array((usual + candidates.filter { !["2", "3", "4"].contains($0.key) }).prefix(count))
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    let end = isChat ? "\nAnswer with the function in one code block." : "\n[BEGIN]"
    return "You are an expert Python programmer, and here is your task: \(exercise.question) Your code should pass these tests:\n\n\(exercise.more)\(end)"
  }

  /// The function that a test calls first, as in `assert add(1, 2) == 3`; built-in functions around it are passed over.
  private static func function(_ test: String) -> String? {
    let around: Set = ["assert", "set", "sorted", "list", "tuple", "len", "str", "round", "abs", "not", "math", "isclose", "int", "float", "sum", "all", "any"]
    var word = ""
    for letter in test {
      if letter.isLetter || letter.isNumber || letter == "_" {
        word.append(letter)
      } else {
        if letter == "(", !word.isEmpty, !around.contains(word) { return word }
        word = ""
      }
    }
    return nil
  }

  /// The response's code.
  package func extract(_ response: String) -> String? {
    let text = ProgramText(response.upTo(["[DONE]"]), Problem.Program(preamble: "", entry: "", tests: "")).source
    return text.stripped.isEmpty ? nil : text
  }

  package func grade(_ response: String, _ problem: Problem) throws(ConfigurationError) -> Grade { try gradeProgram(response.upTo(["[DONE]"]), problem) }
}

package import Diffusion

/// Competition mathematics (MATH, arXiv:2103.03874), the 500 problems of MATH-500 (arXiv:2305.20050), from a file.
///
/// Put as `Problem:`, `Solution:`, as the Minerva prompt does; an assistant is asked instead. The answer is what the last `\boxed{}` holds, else what
/// follows `final answer is`; two answers are the same where `LaTeX` writes them alike.
package struct MATH500: FileBenchmark {
  package static let name = "math500"
  package static let summary = "competition mathematics (MATH-500), from a file"
  package static let version = 1
  package static let levelUnit = "level"
  package static let geometry = Geometry(genLength: 512, blockLength: 32)
  package static let shotSplit: Split? = nil
  package static let layout = BenchmarkFiles(
    names: [.test: ["test.jsonl", "math500.jsonl", "MATH-500.jsonl"]],
    schema: [("problem", "text"), ("solution", "text"), ("answer", "LaTeX"), ("subject", "text"), ("level", "1 to 5"), ("unique_id", "text")],
    origin: "https://huggingface.co/datasets/HuggingFaceH4/MATH-500 (MIT)",
    example:
      #"{"problem": "What is $\\frac{1}{2}$ of $\\frac{3}{5}$?", "solution": "Multiplying, $\\frac12\\cdot\\frac35=\\boxed{\\frac{3}{10}}$.", "answer": "\\frac{3}{10}", "subject": "Prealgebra", "level": 1, "unique_id": "test/prealgebra/1.json"}"#
  )

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let (answer, solution) = (try row.text("answer"), try row.text("solution"))
    guard !LaTeX.canonical(answer).isEmpty else { throw row.fault("`answer` is empty") }
    // A solution that boxes something else than the answer says it after itself.
    let isBoxed = LaTeX.boxed(solution).map(LaTeX.canonical) == LaTeX.canonical(answer)
    return Exercise(
      key: row.has("unique_id") ? try row.text("unique_id") : "", question: try row.text("problem"),
      solution: " " + solution + (isBoxed ? "" : " \\boxed{\(answer)}"), kind: row.has("subject") ? try row.text("subject", "type") : "problem",
      level: try row.integer("level"))
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    isChat ? exercise.question + "\nWork it out step by step, and put the final answer in \\boxed{}." : "Problem:\n\(exercise.question)\n\nSolution:"
  }

  package func extract(_ response: String) -> String? {
    let own = response.upTo(["\nProblem:"])
    if let boxed = LaTeX.boxed(own) { return LaTeX.canonical(boxed) }
    guard let mark = own.ranges(of: "final answer is").last else { return nil }
    let rest = String(own[mark.upperBound...]).upTo(["\n", ". "]).drop { $0 == ":" || $0.isWhitespace }
    let answer = LaTeX.canonical(String(rest))
    return answer.isEmpty ? nil : answer
  }

  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let found = extract(response)
    return Grade(isCorrect: found != nil && found == extract(problem.answer), extracted: found)
  }
}

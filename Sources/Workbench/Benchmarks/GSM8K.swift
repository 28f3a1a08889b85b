package import Diffusion

/// Grade-school word problems (GSM8K, arXiv:2110.14168), from the authors' file.
///
/// Put as `Question: ...`, `Answer:`, as lm-evaluation-harness does; an assistant is asked instead, and told to box the answer. The answer is the number
/// after the first `####`, else in the last `\boxed{}`, else the last number there is; two measures beside the score tell the strict rule (`####` or
/// `\boxed{}` alone) from the loose one (the last number).
package struct GSM8K: FileBenchmark {
  package static let name = "gsm8k"
  package static let summary = "grade-school word problems (GSM8K), from a file"
  package static let version = 1
  package static let levelUnit = "steps"
  package static let geometry = Geometry(genLength: 256, blockLength: 32)
  package static let shotSplit: Split? = .train
  package static let layout = BenchmarkFiles(
    names: [.train: ["train.jsonl"], .test: ["test.jsonl"]],
    schema: [("question", "text"), ("answer", "worked steps, then the number after ####")],
    origin: "https://github.com/openai/grade-school-math (grade_school_math/data, MIT)",
    example:
      #"{"question": "A shelf holds 4 boxes of 6 pens. Mia takes 5 pens. How many are left?", "answer": "There are 4*6=<<4*6=24>>24 pens.\n24-5=<<24-5=19>>19 are left.\n#### 19"}"#,
    known: ["3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14": "the original test split"])

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let answer = try row.text("answer")
    guard Numbers.marked(answer) != nil else { throw row.fault("`answer` has no number after ####") }
    let steps = answer.split(separator: "\n").count { !$0.hasPrefix("####") }
    return Exercise(question: try row.text("question"), solution: " " + answer, kind: "problem", level: steps)
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    isChat
      ? exercise.question + "\nWork it out step by step, and end with the final number in \\boxed{}."
      : "Question: \(exercise.question)\nAnswer:"
  }

  package func extract(_ response: String) -> String? {
    let own = Self.own(response)
    return Self.strict(own) ?? Numbers.all(in: own).last
  }

  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let right = Numbers.marked(problem.answer)
    let own = Self.own(response)
    let found = extract(response)
    return Grade(
      isCorrect: found != nil && found == right, extracted: found,
      details: ["strict": Self.strict(own) == right ? 1 : 0, "flexible": Numbers.all(in: own).last == right ? 1 : 0])
  }

  private static func strict(_ text: String) -> String? { Numbers.marked(text) ?? LaTeX.boxed(text).flatMap { Numbers.all(in: $0).last } }

  /// What answers this question: a base model goes on with questions of its own.
  private static func own(_ response: String) -> String { response.upTo(["Question:"]) }
}

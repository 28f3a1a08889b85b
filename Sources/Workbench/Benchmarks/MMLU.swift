package import Diffusion

/// Questions of 57 subjects with four options (MMLU, arXiv:2009.03300), from a file of JSON lines as dataset hubs have it.
///
/// Put as the authors do, with the subject's name in the first line; examples are those of the same subject, from the split dev. The answer is
/// the letter that `Options` finds.
package struct MMLU: FileBenchmark {
  package static let name = "mmlu"
  package static let summary = "questions of 57 subjects with four options (MMLU), from a file"
  package static let version = 1
  package static let levelUnit = "options"
  package static let geometry = Geometry(genLength: 128, blockLength: 32)
  package static let shotSplit: Split? = .dev
  package static let layout = BenchmarkFiles(
    names: [.dev: ["dev.jsonl", "validation.jsonl"], .test: ["test.jsonl"], .train: ["auxiliary_train.jsonl"]],
    schema: [("question", "text"), ("subject", "text"), ("choices", "four texts"), ("answer", "0 to 3, or A to D")],
    origin: "https://huggingface.co/datasets/cais/mmlu (MIT)",
    example:
      #"{"question": "How many sides has a hexagon?", "subject": "elementary_mathematics", "choices": ["4", "5", "6", "8"], "answer": 2}"#)

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let choices = try row.texts("choices")
    let right: Int
    do throws(ConfigurationError) { right = try row.integer("answer") } catch {
      let letter = try row.text("answer")
      guard let place = Options.letters.firstIndex(of: letter) else { throw row.fault("`answer` is `\(letter)`; expected 0 to 3, or A to D") }
      right = place
    }
    guard choices.indices.contains(right), choices.count <= Options.letters.count else {
      throw row.fault("`answer` is \(right), and there are \(choices.count) `choices`")
    }
    return Exercise(
      question: try row.text("question"), more: Options.listed(choices), solution: " " + Options.letters[right],
      kind: row.has("subject") ? try row.text("subject") : "question", level: choices.count)
  }

  package static func examples(_ candidates: [Exercise], for exercise: Exercise, count: Int) -> [Exercise] {
    Array(candidates.lazy.filter { $0.kind == exercise.kind }.prefix(count))
  }

  package static func heading(_ exercise: Exercise, isChat: Bool) -> String {
    let subject = exercise.kind.replacing("_", with: " ")
    return "The following are multiple choice questions (with answers) about \(subject).\n\n"
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    "\(exercise.question)\(exercise.more)\n" + (isChat ? "End with the letter of the right option in \\boxed{}." : "Answer:")
  }

  package func extract(_ response: String) -> String? { Options.letter(response.upTo(["\n\n"])) }

  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let found = Options.letter(response.stripped, among: problem.level)
    return Grade(isCorrect: found != nil && found == problem.answer.stripped, extracted: found)
  }
}

package import Diffusion

/// Grade-school science questions with options (ARC-Challenge, arXiv:1803.05457), from the authors' file.
///
/// Options are put under A, B, C and so on, also where the file numbers them. The answer is the letter that `Options` finds.
package struct ARCChallenge: FileBenchmark {
  package static let name = "arc-c"
  package static let summary = "science questions with options (ARC-Challenge), from a file"
  package static let version = 1
  package static let levelUnit = "options"
  package static let geometry = Geometry(genLength: 256, blockLength: 32)
  package static let shotSplit: Split? = .train
  package static let layout = BenchmarkFiles(
    names: [.train: ["ARC-Challenge-Train.jsonl"], .dev: ["ARC-Challenge-Dev.jsonl"], .test: ["ARC-Challenge-Test.jsonl"]],
    schema: [("id", "text"), ("question", "an object of `stem` and `choices`, each of `label` and `text`"), ("answerKey", "a label")],
    origin: "https://allenai.org/data/arc (CC BY-SA 4.0)",
    example:
      #"{"id": "Example_1", "question": {"stem": "Which of these is a liquid at room temperature?", "choices": [{"text": "iron", "label": "A"}, {"text": "water", "label": "B"}, {"text": "salt", "label": "C"}, {"text": "oxygen", "label": "D"}]}, "answerKey": "B"}"#
  )

  package let set: ProblemSet
  package init(set: ProblemSet) { self.set = set }

  package static func exercise(_ row: ProblemRow) throws(ConfigurationError) -> Exercise {
    let (stem, labels, texts): (String, [String], [String])
    if let question = row.object("question") {
      let choices = try question.objects("choices")
      stem = try question.text("stem")
      labels = try choices.map { (choice) throws(ConfigurationError) in try choice.text("label") }
      texts = try choices.map { (choice) throws(ConfigurationError) in try choice.text("text") }
    } else {
      // The flat form in which dataset hubs have it.
      guard let choices = row.object("choices") else { throw row.fault("there is no `question` with `choices` in it, and no `choices` of `label` and `text`") }
      stem = try row.text("question")
      (labels, texts) = (try choices.texts("label"), try choices.texts("text"))
    }
    let key = try row.text("answerKey")
    guard let right = labels.firstIndex(of: key), labels.count == texts.count, (2...Options.letters.count).contains(labels.count) else {
      throw row.fault("`answerKey` is `\(key)`, and the labels are \(labels.joined(separator: ", ")); expected one of 2 to \(Options.letters.count) labels")
    }
    return Exercise(
      key: row.has("id") ? try row.text("id") : "", question: stem, more: Options.listed(texts), solution: " " + Options.letters[right], kind: "question",
      level: labels.count)
  }

  package static func ask(_ exercise: Exercise, isChat: Bool) -> String {
    isChat
      ? "\(exercise.question)\(exercise.more)\nThink it through, and end with the letter of the right option in \\boxed{}."
      : "Question: \(exercise.question)\(exercise.more)\nAnswer:"
  }

  package func extract(_ response: String) -> String? { Options.letter(response.upTo(["Question:"])) }

  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let found = Options.letter(response.upTo(["Question:"]), among: problem.level)
    return Grade(isCorrect: found != nil && found == problem.answer.stripped, extracted: found)
  }
}

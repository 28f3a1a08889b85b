import Diffusion
import Foundation
import Models
import Strategies
import Testing

@testable import Workbench

/// Benchmarks that read a file, each on a small one of its own schema (Fixtures/benchmarks).
@Suite struct FileBenchmarkTests {
  static let names = BenchmarkCatalog.standard.benchmarks.filter { $0.files != nil }.map { $0.name }
  static let data = "\(Bundle.module.resourcePath ?? "")/Fixtures/benchmarks"

  private func load(_ name: String, split: Split = .test, shots: Int? = nil, isChat: Bool = false) throws -> any Benchmark {
    try BenchmarkCatalog.standard.benchmark(named: name, BenchmarkSource(split: split, path: "\(Self.data)/\(name)", shots: shots, isChat: isChat))
  }

  private func problems(_ benchmark: any Benchmark, _ split: Split = .test) -> [Problem] { benchmark.problems(0..<1_000, of: split) }

  @Test(arguments: names) func theReferenceIsRightAndNothingElseIs(_ name: String) throws {
    let benchmark = try load(name)
    let problems = problems(benchmark)
    #expect(benchmark.count(of: .test) == problems.count && problems.count >= 2 && benchmark.count(of: .train) == 0)
    for (index, problem) in problems.enumerated() {
      #expect(problem.id == "\(name)/test/\(index)" && benchmark.problem(index, of: .test) == problem)
      let grade = try benchmark.grade(problem.answer, problem)
      #expect(grade.isCorrect && grade.extracted != nil, "\(problem.id): \(problem.answer)")
      if ["gsm8k", "arc-c"].contains(name) {
        #expect(try benchmark.grade(problem.answer + "\n\nQuestion: What is 5 and 5?\nAnswer: #### 10", problem).isCorrect)
      }
      let nothing = try benchmark.grade("", problem)
      #expect(!nothing.isCorrect && benchmark.extract("") == nil)
      for other in problems where other.answer != problem.answer {
        #expect(try !benchmark.grade(other.answer, problem).isCorrect, "\(other.id) passes for \(problem.id)")
      }
    }
    let beyond = benchmark.problem(problems.count, of: .test)
    for response in ["x", ""] {
      let grade = try benchmark.grade(response, beyond)
      #expect(!grade.isCorrect)
    }
  }

  /// The made-up line that help shows is of the schema, and its own answer is right.
  @Test(arguments: names) func theExampleIsOfItsSchema(_ name: String) throws {
    let found = try #require(BenchmarkCatalog.standard.benchmarks.first { $0.name == name })
    let reader = try #require(found as? any FileBenchmark.Type)
    let (problem, asked) = (try reader.example(), try reader.example(isChat: true))
    let files = reader.layout
    for (key, _) in files.schema where !["id", "unique_id", "subject", "test_setup_code"].contains(key) {
      let row = try ProblemRow(Array(files.example.replacing("\"\(key)\":", with: "\"other\":").utf8), path: "x", line: 1)
      #expect(throws: ConfigurationError.self, "\(key)") { try reader.exercise(row) }
    }
    if problem.program == nil {
      let grade = try found.init().grade(problem.answer, problem)
      #expect(grade.isCorrect)
    }
    #expect(asked.answer == problem.answer && asked.prompt != problem.prompt)
  }

  @Test func promptsAreTheOnesOfThePapers() throws {
    #expect(problems(try load("gsm8k"))[1].prompt == "Question: Tom owes 1500 and pays 250. What does he owe?\nAnswer:")
    // A question is no example for itself: of the three there are, the one in between is passed over.
    let shots = problems(try load("gsm8k", shots: 2))
    #expect(shots[1].prompt.hasPrefix("Question: What is 1 and 1?\nAnswer: 1+1=<<1+1=2>>2\n#### 2\n\nQuestion: What is 2 and 2?\nAnswer: 2+2="))
    #expect(shots[0].prompt.components(separatedBy: "Question:").count == 4)
    #expect(problems(try load("gsm8k", isChat: true))[0].prompt.hasSuffix("\\boxed{}."))
    #expect(problems(try load("math500"))[0].prompt == "Problem:\nAdd $\\frac{1}{4}$ and $\\frac{1}{2}$.\n\nSolution:")
    let mbpp = problems(try load("mbpp"))
    #expect(mbpp.map(\.kind) == ["task", "task"] && mbpp[0].prompt.components(separatedBy: "[BEGIN]").count == 5)
    #expect(mbpp[0].prompt.contains("larger(3, 2) == 3\n[BEGIN]\ndef larger(a, b):\n  return max(a, b)\n[DONE]\n\nYou are"))
    #expect(mbpp[0].prompt.hasSuffix("assert drop('a', 'b') == 'a'\n[BEGIN]"))
    for split in [Split.dev, .train] { #expect(problems(try load("mbpp", split: split), split).count == 1) }
    #expect(problems(try load("arc-c"))[1].prompt == "Question: What melts first?\nA. iron\nB. stone\nC. ice\nAnswer:")
    let mmlu = problems(try load("mmlu", shots: 1))
    #expect(
      mmlu[1].prompt
        == "The following are multiple choice questions (with answers) about high school chemistry.\n\n"
        + "Which is a metal?\nA. helium\nB. iron\nC. sulfur\nD. argon\nAnswer: B\n\n"
        + "Which is a noble gas?\nA. oxygen\nB. nitrogen\nC. neon\nD. chlorine\nAnswer:")
    #expect(problems(try load("humaneval"))[1].prompt.hasSuffix("\"\"\"\n"))
  }

  @Test(arguments: [
    ("so #### 120", "120"), ("#### $1,250.00 in all", "1250"), ("it is 7 less: \\boxed{-7}", "-7"), ("3 and then 120.", "120"),
    ("#### 5\nQuestion: x #### 6", "5"),
    ("#### \n 12", "12"), ("it was 10-7", "7"), ("from 1,2,3", "3"), ("0.50", "0.5"), ("\\boxed{12 \\text{ rolls}}", "12"), ("$-3", "-3"), ("-$3", "-3"),
  ]) func numbersAreFound(_ response: String, _ number: String) { #expect(GSM8K().extract(response) == number) }

  @Test func theStrictRuleIsToldFromTheLooseOne() throws {
    let problem = problems(try load("gsm8k"))[0]
    #expect(GSM8K().grade("60 rolls, 120 dollars", problem) == Grade(isCorrect: true, extracted: "120", details: ["strict": 0, "flexible": 1]))
    #expect(GSM8K().grade("#### 120 of 7", problem) == Grade(isCorrect: true, extracted: "120", details: ["strict": 1, "flexible": 0]))
  }

  @Test(arguments: [
    ["\\frac{3}{4}", "\\dfrac34", "$\\frac{3}{4}$", "\\tfrac{3}{4}.", "3/4", " \\frac 3 4", "x = \\frac{3}{4}"], ["-\\frac{1}{2}", "-1/2", "-\\frac12"],
    ["1250", "1,250", "1{,}250", "\\$1250", "1250.00", "1250\\text{ dollars}", "1250 \\text{ units}", "1250\\%"],
    ["\\text{two}", "two", "\\textbf{two}", "\\mbox{ two}"],
    ["90^\\circ", "90", "90^{\\circ}", "90\\text{ degrees}", "90 degrees"], ["(1,2)", "\\left(1, 2\\right)", "( 1 , 2 )"], ["\\sqrt{3}", "\\sqrt3"],
    ["[0,1)", "\\left[0,1\\right)"], ["0.5", "0.50", ".5", "+0.5"], ["x\\le3", "x \\leq 3"], ["\\{1,2\\}", "\\lbrace1,2\\rbrace"],
  ]) func spellingsOfOneAnswerAreOne(_ spellings: [String]) {
    #expect(Set(spellings.map(LaTeX.canonical)).count == 1, "\(spellings.map(LaTeX.canonical))")
  }

  @Test func differentAnswersStayDifferent() {
    let answers = [
      "1", "-1", "12", "1,2", "(1,2)", "\\frac{1}{2}", "\\frac{2}{1}", "\\sqrt{2}", "x+1", "x-1", "1.2", "\\text{no}", "[1,2]", "\\pi", "2\\pi", "A", "B",
      "10^2",
    ]
    #expect(Set(answers.map(LaTeX.canonical)).count == answers.count)
    let odd = ["", "\\boxed{", "\\text{", "\\frac", "\\frac{", "$", "$$", "\\", "}}}", "\\text{\\text{\\text{a}}}", "1/0", "=", "....", "\u{0}"]
    for text in odd { _ = LaTeX.canonical(text) }
    #expect(LaTeX.boxed("\\boxed{\\frac{1}{2}} then \\boxed{\\sqrt{x}}") == "\\sqrt{x}")
    #expect(LaTeX.boxed("\\boxed{") == nil && LaTeX.boxed("\\boxed{}") == nil)
    #expect(MATH500().extract("The final answer is $\\frac12$. I hope") == "\\frac{1}{2}" && MATH500().extract("no") == nil)
  }

  @Test(arguments: [
    ("B", "B"), (" (B)", "B"), ("B. a cow", "B"), ("The answer is (C).", "C"), ("**Answer:** D", "D"), ("A lot of thought.\nAnswer: B", "B"),
    ("\\boxed{C}", "C"), ("\\boxed{\\text{A}}", "A"), ("Answer: A. Wait, no. The answer is B", "B"), ("Because\nD) trout", "D"), ("I think it is a cow", nil),
    ("Bees", nil), ("E", nil),
    ("answer is cow", nil), ("", nil), ("A hen", nil), ("A", "A"),
  ]) func lettersAreFound(_ response: String, _ letter: String?) { #expect(Options.letter(response, among: 4) == letter) }

  /// How models put code: gone on with, whole, fenced, with words around it, and with more after it.
  @Test func programsAreFoundInResponses() throws {
    let benchmark = try load("humaneval")
    let problem = problems(benchmark)[0]
    let body = "    return [helper(n) for n in numbers]\n"
    let whole = "def raised(numbers: List[int]) -> List[int]:\n\(body)"
    let right = [
      body, body + "\n\ndef other():\n    pass", body + "\n# Test\nprint(raised([1]))\nassert False", whole, " " + whole,
      whole + "\nprint(raised([5]))\nif __name__ == '__main__':\n    1 / 0",
      "Here it is:\n```python\n\(whole)```\nIt adds one.", "```python\nimport math\n\n\(whole)```\n```python\nassert False\n```", "```\n\(whole)",
      "```python\n\(body)```",
      "def raised(numbers):\n    return [inner(n) for n in numbers]\n\ndef inner(n):\n    return n + 1\n",
    ]
    for response in right { #expect(try benchmark.grade(response, problem).isCorrect, "\(response)") }
    let wrong = [
      "    return numbers\n", "```python\n```", "    pass", "def check(c): pass\n", "    return [\n", "raised = lambda n: n",
      "    import os\n    os._exit(0)\n", "\u{0}",
    ]
    for response in wrong { #expect(try !benchmark.grade(response, problem).isCorrect, "\(response)") }
  }

  @Test func whatIsAbsentIsSaid() throws {
    func message(_ name: String, _ source: BenchmarkSource) -> String {
      do {
        _ = try BenchmarkCatalog.standard.benchmark(named: name, source)
        return ""
      } catch { return "\(error)" }
    }
    let absent = message("gsm8k", BenchmarkSource(path: "/nowhere"))
    #expect(absent.contains("github.com/openai/grade-school-math") && absent.contains("`question`") && absent.contains("/nowhere"))
    #expect(message("math500", BenchmarkSource(split: .dev, path: Self.data)).contains("no split `dev`; it has `test`"))
    #expect(message("gsm8k", BenchmarkSource(path: Self.data + "/gsm8k/train.jsonl")).contains("is by its name the split `train`"))
    #expect(message("gsm8k", BenchmarkSource(path: Self.data + "/gsm8k", shots: 9)).contains("at most 3"))
    #expect(message("math500", BenchmarkSource(path: Self.data + "/math500", shots: 2)).contains("shots_path"))
    #expect(message("lists", BenchmarkSource(path: Self.data)).contains("neither `path`") && message("lists", BenchmarkSource(shots: 1)).contains("no `shots`"))
    // The split that a file was named for is not taken for another one.
    #expect(message("gsm8k", BenchmarkSource(split: .train, path: Self.data + "/gsm8k/test.jsonl", pathSplit: .test)) == "")
    let wrong = message("gsm8k", BenchmarkSource(path: Self.data + "/math500/test.jsonl"))
    #expect(wrong.contains("test.jsonl, line 1:"), "\(wrong)")
  }

  /// Cut, garbled and hostile files are refused with their place.
  @Test func damagedFilesAreRefused() throws {
    let folder = try Folder()
    func refuse(_ bytes: [UInt8], _ name: String = "test.jsonl", _ part: String = "") throws {
      try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/" + name))
      do {
        _ = try ProblemFile(folder.path + "/" + name).rows.map { try $0.get() }
        Issue.record("\(name) was read")
      } catch { #expect("\(error)".contains(folder.path) && (part.isEmpty || "\(error)".contains(part)), "\(error)") }
    }
    try refuse(Array("{\"question\": \"a\"}\n{\"question\": ".utf8), "a.jsonl", "line 2")
    try refuse(Array("[{\"question\": 1}]".utf8), "b.jsonl", "array")
    try refuse(Array("\"text\"\n".utf8), "c.jsonl", "object")
    try refuse([UInt8](repeating: UInt8(ascii: "["), count: 100_000), "d.jsonl")
    try refuse([0xFF, 0xFE, 0x0A], "e.jsonl")
    let packed = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.data + "/humaneval/HumanEval.jsonl.gz")))
    #expect(try ProblemFile(Self.data + "/humaneval/HumanEval.jsonl.gz").rows.count == 2)
    for end in 2..<packed.count { #expect(throws: GzipFault.self) { try Gzip.unpack(Array(packed[..<end]), limit: 1 << 20) } }
    for place in packed.indices where place > 3 && !(4...9).contains(place) {
      var bytes = packed
      bytes[place] ^= 0x10
      #expect(throws: GzipFault.self, "byte \(place)") { try Gzip.unpack(bytes, limit: 1 << 20) }
    }
    #expect(throws: GzipFault.self) { try Gzip.unpack(packed, limit: 100) }
    #expect(try Gzip.unpack(packed + packed, limit: 1 << 20).count == 2 * (try Gzip.unpack(packed, limit: 1 << 20).count))
  }

  /// Longer than what the library is given at once, and packed so that members end anywhere in that.
  @Test func longFilesAreUnpackedPieceByPiece() throws {
    let folder = try Folder()
    var stream = SeededStream(SeededRandom(seed: 1))
    var packed: [UInt8] = []
    var plain: [UInt8] = []
    for length in [700_000, 1 << 20, 1, 2_000_003] {
      let part = (0..<length).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
      try Data(part).write(to: URL(fileURLWithPath: folder.path + "/part"))
      _ = try Command.run(["-n", "-k", "-f", folder.path + "/part"], executable: URL(fileURLWithPath: "/bin/gzip"))
      packed += [UInt8](try folder.bytes(folder.path + "/part.gz"))
      plain += part
    }
    #expect(try Gzip.unpack(packed, limit: plain.count) == plain)
    #expect(throws: GzipFault.self) { try Gzip.unpack(packed, limit: plain.count - 1) }
    #expect(throws: GzipFault.self) { try Gzip.unpack(packed.dropLast(), limit: plain.count) }
    #expect(throws: GzipFault.self) { try Gzip.unpack(packed + [0], limit: plain.count) }
    #expect(try Gzip.unpack([], limit: 0) == [])
  }

  // MARK: In experiments

  private func plan(_ benchmark: String, decoding: String = "{gen_length: 16, block_length: 16}") throws -> RunPlan {
    let text = "name: t\nbenchmark: \(benchmark)\ndecoding: \(decoding)\nstrategies: {threshold: [threshold: {confidence: 0.5}]}"
    return try #require(try Experiment(YAML.parse(text)).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load).first)
  }

  @Test func theFileIsPartOfARunsIdentity() throws {
    let folder = try Folder()
    let original = Self.data + "/gsm8k/test.jsonl"
    let copy = folder.path + "/test.jsonl"
    try FileManager.default.copyItem(atPath: original, toPath: copy)
    let one = try plan("{name: gsm8k, path: '\(original)', limit: 1000}")
    #expect(one.selection.limit == 3 && one.limited(to: 50).selection.limit == 3)
    #expect(try plan("{name: gsm8k, path: '\(Self.data)/gsm8k', limit: 2}").digest == one.digest)
    #expect(try plan("{name: gsm8k, path: '\(copy)'}").digest == one.digest)
    #expect(one.config["benchmark"]?["data"]?.description.contains(try ProblemFile(original).digest) == true)
    #expect(try plan("{name: gsm8k, path: '\(Self.data)/gsm8k', shots: 1}").digest != one.digest)
    try (String(contentsOfFile: copy, encoding: .utf8) + "\n").write(toFile: copy, atomically: true, encoding: .utf8)
    #expect(try plan("{name: gsm8k, path: '\(copy)'}").digest != one.digest)
  }

  @Test func aRunOfAFileIsARunLikeAnyOther() throws {
    let folder = try Folder()
    let plan = try plan("{name: gsm8k, path: '\(Self.data)/gsm8k'}")
    let result = try #require(try Runner(output: folder.path).result(plan))
    #expect(result.outcomes.map(\.problem) == ["gsm8k/test/0", "gsm8k/test/1", "gsm8k/test/2"])
    #expect(result.outcomes[0].details?.keys.sorted() == ["flexible", "strict"])
    // The same as a log of lm-evaluation-harness, and back.
    let run = try #require(try StoredRun.find(in: [result.directory]).runs.first)
    let lines = try EvalLogExport.lines(run, benchmarks: .standard, path: Self.data + "/gsm8k")
    #expect(throws: ConfigurationError.self) { try EvalLogExport.lines(run, benchmarks: .standard, path: Self.data + "/gsm8k/train.jsonl") }
    try (lines.joined(separator: "\n") + "\n").write(toFile: folder.path + "/log.jsonl", atomically: true, encoding: .utf8)
    let log = try EvalLog(folder.path + "/log.jsonl")
    #expect(log.entries.map(\.isCorrect) == result.outcomes.map(\.correct) && log.metric == "exact_match")
    // Python's own hash of the first line of the file.
    #expect(log.entries[0].hash == "0b8c1bd2d34ec53e548b583cd212a60f6bf18d202b3015b7c72ce95224a74443")
    #expect(try EvalLogComparison([EvalLog(run: result.directory), log]).pairs[0].table.discordant == 0)
  }

  @Test func aModelWithoutATemplateIsNotAskedAsAnAssistant() {
    #expect(throws: ConfigurationError.self) { try plan("{name: gsm8k, path: '\(Self.data)/gsm8k', chat: true}") }
    #expect(throws: ConfigurationError.self) { try plan("{name: gsm8k, path: '\(Self.data)/gsm8k', chat: maybe}") }
    #expect(throws: ConfigurationError.self) { try plan("gsm8k") }
  }
}

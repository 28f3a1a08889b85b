import Diffusion
import Foundation
import Models
import Strategies
import Testing

@testable import Workbench

/// Stories with gaps: every consistent story that keeps the given words is right.
@Suite struct InfillTests {
  private static let signs = ["gives": -1, "sells": -1, "loses": -1, "breaks": -1, "buys": 1, "finds": 1, "gets": 1, "wins": 1]
  /// Another verb that goes with the same words.
  private static let twins = [
    "gives to": "sells", "sells to": "gives", "loses of": "breaks", "breaks of": "loses", "sells of": "loses", "buys more": "finds", "finds more": "wins",
    "gets more": "buys", "wins more": "gets", "gets from": "wins", "buys from": "gets", "wins from": "buys",
  ]

  private static func numbers(_ text: String) -> [Int] { text.split { !$0.isNumber }.compactMap { Int($0) } }
  private static func words(_ text: String) -> [String] { text.split { " .".contains($0) }.map(String.init) }
  private static func joined(_ gaps: [String], _ problem: Problem) -> String {
    var rest = gaps[...]
    return problem.spans.map { $0.isGiven ? $0.text : rest.removeFirst() }.joined()
  }

  @Test(arguments: Split.allCases) func theSumsHold(_ split: Split) throws {
    for problem in Infill().problems(0..<3_000, of: split) {
      let numbers = Self.numbers(problem.answer)
      let signs = Self.words(problem.answer).compactMap { Self.signs[$0] }
      try #require(numbers.count == 5 && signs.count == 2, "\(problem.answer)")
      #expect(numbers[0] + signs[0] * numbers[1] == numbers[2] && numbers[2] + signs[1] * numbers[3] == numbers[4], "\(problem.answer)")
      #expect(problem.answer.hasSuffix(numbers[4] > numbers[0] ? " glad." : " sad.") && numbers[4] != numbers[0])
      #expect(Self.numbers(problem.prompt) == [numbers[0], numbers[4]])
    }
  }

  @Test(arguments: Split.allCases) func theLayoutIsTheAnswer(_ split: Split) {
    for problem in Infill().problems(0..<3_000, of: split) {
      let gaps = problem.spans.filter { !$0.isGiven }
      #expect(problem.spans.map(\.text).joined() == problem.answer && gaps.count == problem.level)
      #expect(problem.spans.allSatisfy { $0.text.hasPrefix(" ") || $0.text.hasPrefix(".") })
      #expect(zip(problem.spans, problem.spans.dropFirst()).allSatisfy { !($0.isGiven && $1.isGiven) })
      let sentences = gaps.count { $0.text.hasSuffix(".") }
      switch problem.kind {
      case "numbers": #expect(gaps.count { Int($0.text.dropFirst()) != nil } == min(problem.level, 5))
      case "words": #expect(gaps.allSatisfy { Self.numbers($0.text).isEmpty } && sentences == 0)
      default: #expect(problem.kind == "sentences" && sentences == problem.level / 2)
      }
    }
  }

  @Test func theEndsDecideTheSplit() {
    let owned = Split.allCases.map { Set(Infill().problems(0..<3_000, of: $0).map { Self.numbers($0.prompt) }) }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
  }

  @Test func anyOneNumberChangedIsWrong() {
    for problem in Infill().problems(0..<600, of: .dev) {
      let gaps = problem.spans.filter { !$0.isGiven }.map(\.text)
      for place in gaps.indices {
        guard let number = Self.numbers(gaps[place]).first else { continue }
        var other = gaps
        other[place] = gaps[place].replacing("\(number)", with: "\(number + 1)")
        let grade = Infill().grade(Self.joined(other, problem), problem)
        #expect(!grade.isCorrect && grade.score < 1 && grade.score >= 0.4, "\(Self.joined(other, problem))")
      }
    }
  }

  @Test func otherWordsForAMissingSentenceAreRight() {
    var changed = 0
    for problem in Infill().problems(0..<900, of: .test) where problem.kind == "sentences" {
      let gaps = problem.spans.filter { !$0.isGiven }.map { gap in
        let words = Self.words(gap.text)
        guard gap.text.hasSuffix("."), words.count > 3 else { return gap.text }
        if let twin = Self.twins[words[1] + " " + words[3]] { return gap.text.replacing(words[1], with: twin) }
        return gap.text.replacing("Now", with: "So").replacing("Then", with: "Now")
      }
      let other = Self.joined(gaps, problem)
      #expect(Infill().grade(other, problem).isCorrect, "\(other)")
      if other != problem.answer { changed += 1 }
    }
    #expect(changed > 250)
  }

  /// Where all three numbers in the middle are missing, they are free as long as the sums hold.
  @Test func otherSumsThatHoldAreRight() {
    var tried = 0
    for problem in Infill().problems(0..<1_800, of: .test) where problem.kind == "numbers" && problem.level >= 5 {
      let signs = Self.words(problem.answer).compactMap { Self.signs[$0] }
      let numbers = Self.numbers(problem.answer)
      let middle = numbers[2] + signs[0]
      let change = signs[1] * (numbers[4] - middle)
      guard change > 0, middle > 0 else { continue }
      var rest = [numbers[0], numbers[1] + 1, middle, change, numbers[4]][...]
      let other = Self.joined(problem.spans.filter { !$0.isGiven }.map { Self.numbers($0.text).isEmpty ? $0.text : " \(rest.removeFirst())" }, problem)
      let grade = Infill().grade(other, problem)
      #expect(grade.isCorrect && grade.extracted != Infill().extract(problem.answer), "\(other)")
      tried += 1
    }
    #expect(tried > 100)
  }

  @Test func whatIsGivenHasToStay() throws {
    let spans = [(" Tom has", true), (" 5", false), (" apples. He gives 2 to Ann. Now", true), (" he", false), (" has 3 apples.", true)]
    let rest = [(" He finds 4 more.", false), (" At last he has 7 and is glad.", true)]
    let problem = Problem(
      id: "infill/test/0", prompt: "Tell how Tom goes from 5 to 7 apples with Ann.\n", spans: (spans + rest).map { Problem.Span($0, isGiven: $1) },
      kind: "words", level: 3)
    let infill = Infill()
    let right = infill.grade(problem.answer, problem)
    #expect(right == Grade(isCorrect: true, extracted: "5 - 2 = 3 + 4 = 7"))
    for (old, new) in [("finds 4 more", "gets 4 from Ann"), ("He finds", "Tom wins"), ("Now he", "Now Tom")] {
      #expect(infill.grade(problem.answer.replacing(old, with: new), problem).isCorrect, "\(new)")
    }
    for (old, new) in [
      ("gives", "sells"), ("At last", "In the end"), ("Now", "So"), ("He finds", "She finds"), ("from Ann", "from Ben"), ("He finds 4 more.", ""),
      ("glad.", "glad"), ("glad.", "glad. He is."), (" Tom has", " Tom  owns"), ("finds 4", "finds 04"), ("4 more", "4 to Ben"), ("5", "five"),
    ] {
      let text = problem.answer.replacing(old, with: new)
      #expect(text == problem.answer || !infill.grade(text, problem).isCorrect, "\(text)")
    }
    // Without a layout the same story may be told in any words.
    let free = Problem(id: problem.id, prompt: problem.prompt, answer: problem.answer, kind: "words", level: 3)
    #expect(infill.grade(problem.answer.replacing("gives", with: "sells").replacing("At last", with: "In the end"), free).isCorrect)
  }
}

/// From a problem with given spans to the canvas it is decoded on.
@Suite struct LayoutTests {
  static let text = "benchmark: {name: infill, split: dev, limit: 4}\nstrategies: {s: [threshold: {confidence: 0.7}]}\n"

  private func plan(_ more: String = "") throws -> RunPlan {
    let plans = try Experiment(YAML.parse(Self.text + more)).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)
    return try #require(plans.first)
  }

  @Test func givenTokensArePinnedAndNothingElse() throws {
    let plan = try plan()
    for problem in plan.benchmark.problems(0..<300, of: .train) {
      let canvas = try plan.canvas(problem)
      #expect(canvas.prompt == plan.tokenizer.encode(problem.prompt))
      var tokens = plan.tokenizer.encode(problem.answer)
      for span in problem.spans {
        let own = plan.tokenizer.encode(span.text)
        let start = plan.tokenizer.encode(problem.answer).count - tokens.count
        for (place, token) in zip(start..., own) {
          #expect(canvas.pinned[place] == span.isGiven && canvas.response[place] == (span.isGiven ? token : canvas.vocabulary.mask))
        }
        #expect(Array(tokens.prefix(own.count)) == own)
        tokens.removeFirst(own.count)
      }
      let end = plan.tokenizer.encode(problem.answer).count
      #expect(tokens.isEmpty && !canvas.pinned[end...].contains(true) && canvas.response.count == plan.geometry.genLength)
    }
    let lists = Lists().problem(0, of: .dev)
    #expect(try !plan.canvas(lists).pinned.contains(true))
  }

  @Test func aRunKeepsWhatIsGiven() throws {
    let folder = try Folder()
    let plan = try plan()
    let result = try #require(try Runner(output: folder.path).result(plan))
    for (problem, outcome) in zip(plan.benchmark.problems(0..<4, of: .dev), result.outcomes) {
      let canvas = try plan.canvas(problem)
      #expect(canvas.response.indices.allSatisfy { !canvas.pinned[$0] || outcome.tokens[$0] == canvas.response[$0] })
      #expect(outcome.answerTokens <= outcome.tokens.count - canvas.pinned.count { $0 })
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let plan = try plan()
    let tokenizer = plan.tokenizer
    let vocabulary = plan.model.denoiser.vocabulary
    func fault(_ spans: [(String, Bool)], length: Int = 16, _ pinned: [Int: Token] = [:]) -> String {
      let problem = Problem(id: "p", prompt: "x\n", spans: spans.map { Problem.Span($0, isGiven: $1) }, kind: "", level: 1)
      do throws(ConfigurationError) {
        _ = try problem.canvas(Geometry(genLength: length, blockLength: length), tokenizer: tokenizer, vocabulary: vocabulary, pinned: pinned)
        return ""
      } catch { return error.description }
    }
    let sound = [(" Tom", true), (" has", false), (" 5.", true)]
    let ids = tokenizer.encode(" Tom has 5.")
    try #require(ids.count == 4)
    #expect(fault(sound) == "" && fault(sound, [0: ids[0], 1: 7, 9: 7]) == "")
    #expect(fault([(" To", true), ("m has 5.", false)]) == "p pins text span by span, and this tokenizer's tokens reach across the borders of its spans")
    #expect(fault(sound, [2: ids[2] + 1]) == "p pins token \(ids[2]) at position 2, and `pinned` asks for \(ids[2] + 1)")
    #expect(fault(sound, length: 3) == "`gen_length` is 3, expected at least 4, the tokens of p")
    #expect(fault([(" Tom", false)], [16: 7]).contains("position 16"))
  }

  @Test func mistakesAreFoundBeforeAnythingIsDecoded() {
    #expect(mistakes { try plan("decoding: {gen_length: 16}") }.contains("decoding: `gen_length` is 16, expected at least"))
    #expect(mistakes { try plan("decoding: {pinned: {1: 5, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, 7: 5}}") }.contains("and `pinned` asks for 5"))
  }

  /// The same text with other gaps is another benchmark.
  @Test func theDigestCoversTheLayout() {
    struct Fixed: Benchmark {
      static let name = "fixed", summary = "", version = 1, levelUnit = ""
      static let geometry = Geometry(genLength: 8, blockLength: 8)
      var spans: [Problem.Span]?
      init() {}
      func problem(_ index: Int, of split: Split) -> Problem {
        guard let spans else { return Problem(id: "", prompt: "\n", answer: " a b", kind: "", level: 1) }
        return Problem(id: "", prompt: "\n", spans: spans, kind: "", level: 1)
      }
      func extract(_ response: String) -> String? { nil }
      func grade(_ response: String, _ problem: Problem) -> Grade { Grade(isCorrect: false, extracted: nil) }
    }
    let layouts = [nil, [(" a", true), (" b", false)], [(" a", false), (" b", true)], [(" a b", true)]]
    let prints = layouts.map { layout in
      var fixed = Fixed()
      fixed.spans = layout?.map { Problem.Span($0, isGiven: $1) }
      return fixed.identity(of: .test)
    }
    #expect(Set(prints).count == 4)
  }

  @Test func theCommandPrintsAndDecodesLayouts() throws {
    let printed = try Command.run(["benchmarks", "infill", "--limit", "2", "--json"]).output.split(separator: "\n")
    for (line, problem) in zip(printed, Infill().problems(0..<2, of: .test)) {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let spans = try #require(object["spans"] as? [[Any]])
      #expect(spans.map { $0[0] as? String } == problem.spans.map(\.text) && spans.map { $0[1] as? Bool } == problem.spans.map(\.isGiven))
    }
    #expect(try !Command.run(["benchmarks", "lists", "--json"]).output.contains("spans"))
    // Two problems in one decode, in either order, each on its own canvas.
    let decode = { (names: [String]) in try Command.run(["decode", "--format", "json"] + names.flatMap { ["--problem", $0] }) }
    let both = try decode(["infill/test/0", "infill/test/1"])
    let swapped = try decode(["infill/test/1", "infill/test/0"])
    #expect(both.code == 0 && both.output.split(separator: "\n").count == 2)
    #expect(both.output.split(separator: "\n").reversed().elementsEqual(swapped.output.split(separator: "\n")))
  }

  /// Further measures of a grade are in the outcomes and in the table; without them neither changes.
  @Test func measuresAreReported() throws {
    let folder = try Folder()
    let text = "strategies: {s: [threshold: {confidence: 0.01}]}\ndecoding: {gen_length: 32}\nbenchmark: {split: dev, limit: 2, name: "
    for (name, measures) in [("rewrite", ["chrf", "fields"]), ("lists", [])] {
      let plans = try Experiment(YAML.parse(text + name + "}")).plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load)
      let plan = try #require(plans.first)
      let result = try #require(try Runner(output: folder.path).result(plan))
      let report = Report([result], baseline: nil)
      #expect(report.rows[0].details.keys.sorted() == measures)
      let header = report.text.split(separator: "\n")[1].split(separator: " ").map(String.init)
      #expect(Array(header.drop { $0 != "at" }.dropFirst().prefix(measures.count + 1)) == measures + ["rounds"], "\(report.text)")
      #expect(try folder.text(result.directory + "/outcomes.jsonl").contains("details") == !measures.isEmpty)
      #expect(result.outcomes.allSatisfy { ($0.details ?? [:]).keys.sorted() == measures })
    }
  }
}

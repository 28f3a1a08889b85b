import Diffusion
import Testing

@testable import Workbench

/// What every benchmark that makes its problems owes, checked on each one of the catalog without naming it.
@Suite struct BenchmarkConformance {
  static let all = BenchmarkCatalog.standard.benchmarks.filter { $0.files == nil }.map { $0.name }

  @Test(arguments: all) func noContentIsInTwoSplits(_ name: String) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    var owner: [String: Split] = [:]
    for split in Split.allCases {
      for problem in benchmark.problems(0..<(split == .train ? 20_000 : 4_000), of: split) {
        if let other = owner.updateValue(split, forKey: problem.prompt), other != split { Issue.record("\(problem.id) is also in \(other)") }
      }
    }
  }

  @Test(arguments: all) func amongTheFirstThousandOfTestHardlyAnyComesTwice(_ name: String) throws {
    let problems = try BenchmarkCatalog.standard.benchmark(named: name).problems(0..<1_000, of: .test)
    #expect(Set(problems.map(\.prompt)).count >= 980)
    #expect(Set(problems.map(\.id)).count == 1_000)
  }

  @Test(arguments: all) func aProblemIsAFunctionOfIndexAndSplit(_ name: String) throws {
    let (one, other) = try (BenchmarkCatalog.standard.benchmark(named: name), BenchmarkCatalog.standard.benchmark(named: name))
    let forwards = one.problems(0..<200, of: .test)
    let backwards = (0..<200).reversed().map { other.problem($0, of: .test) }.reversed()
    #expect(forwards == Array(backwards))
    #expect(forwards[17].id == "\(name)/test/17")
  }

  @Test(arguments: all) func theReferenceIsRightAndAMutantIsWrong(_ name: String) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    for problem in benchmark.problems(0..<500, of: .train) {
      let right = try benchmark.grade(problem.answer, problem)
      #expect(right.isCorrect && right.score == 1 && right.extracted == benchmark.extract(problem.answer))
      // The last character gone, another in its place, and nothing at all.
      let shorter = String(problem.answer.dropLast())
      for mutant in [shorter, shorter + "§", ""] where benchmark.extract(mutant) != right.extracted {
        let wrong = try benchmark.grade(mutant, problem)
        #expect(!wrong.isCorrect && wrong.score < 1, "\(mutant) passes for \(problem.answer)")
      }
      #expect(try !benchmark.grade("", problem).isCorrect && benchmark.extract("") == nil)
    }
  }

  @Test(arguments: all) func everyLevelComesAsOften(_ name: String) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    let counts = Dictionary(grouping: benchmark.problems(0..<240, of: .test), by: \.level).mapValues(\.count)
    #expect(counts.count >= 3 && Set(counts.values).count == 1, "\(counts)")
  }

  @Test(arguments: all) func promptsAndResponsesHaveOneShape(_ name: String) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    let geometry = type(of: benchmark).geometry
    #expect(geometry.genLength % geometry.blockLength == 0)
    for problem in benchmark.problems(0..<500, of: .dev) {
      #expect(problem.prompt.hasSuffix("\n") && problem.prompt.filter(\.isNewline).count == 1)
      #expect(problem.answer.hasPrefix(" ") && problem.answer.allSatisfy(\.isASCII))
      // Only the start of a line is indented further than by one space.
      #expect(problem.answer.split(separator: "\n").allSatisfy { !$0.drop { $0 == " " }.contains("  ") })
      #expect(Self.tokens(problem.answer) < geometry.genLength, "\(problem.answer) leaves no place for an end token")
    }
  }

  /// How many tokens the reference model's tokenizer makes of a text: digits, words and runs of signs, each with the space before it, and blanks.
  private static func tokens(_ text: String) -> Int {
    text.matches(of: #/ ?[0-9]| ?[A-Za-z]+| ?[^\s0-9A-Za-z]+|\s+/#).count
  }

  @Test func aMisspeltNameIsAnsweredWithTheNearest() {
    let catalog = BenchmarkCatalog.standard
    let known = catalog.names
    #expect(throws: ConfigurationError.unknownName(name: "arithmetics", kind: "benchmark", known: known)) { try catalog.benchmark(named: "arithmetics") }
    #expect(
      "\(ConfigurationError.unknownName(name: "arithmetics", kind: "benchmark", known: known))"
        == "there is no benchmark named `arithmetics`; did you mean `arithmetic`?; known: \(known.joined(separator: ", "))")
  }

  @Test func aDownstreamBenchmarkIsFound() throws {
    struct Echo: Benchmark {
      static let name = "echo", summary = "say it again", version = 1, levelUnit = "words"
      static let geometry = Geometry(genLength: 8, blockLength: 8)
      func problem(_ index: Int, of split: Split) -> Problem {
        Problem(id: "echo/\(split)/\(index)", prompt: "\(index)\n", answer: " \(index)", kind: "echo", level: 1)
      }
      func extract(_ response: String) -> String? { response }
      func grade(_ response: String, _ problem: Problem) -> Grade { Grade(isCorrect: response == problem.answer, extracted: response) }
    }
    let catalog = BenchmarkCatalog.standard + [Echo.self]
    #expect(try catalog.benchmark(named: "echo").problem(3, of: .dev).answer == " 3")
    #expect(catalog.names.last == "echo")
  }
}

/// Closed-form checks: the answers worked out a second time, in another way.
@Suite struct BenchmarkAnswers {
  @Test func everyWorkedStepHolds() throws {
    for problem in Arithmetic().problems(0..<3_000, of: .train) {
      let parts = problem.answer.split(separator: " #### ")
      #expect(parts.count == 2)
      let steps = parts[0].split(separator: ".").map { $0.split(separator: " ") }
      #expect(steps.count == problem.level && problem.level == 2 + (Int(problem.id.split(separator: "/")[2]) ?? 0) % 3)
      var known = Set<Int>()
      for step in steps {
        let numbers = [step[0], step[2], step[4]].compactMap { Int($0) }
        try #require(step.count == 5 && numbers.count == 3)
        let (left, right, result) = (numbers[0], numbers[1], numbers[2])
        switch step[1] {
        case "+": #expect(left + right == result)
        case "-": #expect(left - right == result)
        case "*": #expect(left * right == result)
        default: #expect(step[1] == "/" && left == result * right)
        }
        #expect(numbers.allSatisfy { (1...60).contains($0) } && right <= (step[1] == "+" || step[1] == "-" ? 12 : 9), "\(problem.answer)")
        // Every number of a step comes from the story or from a step before ("doubles" and "half" stand for a 2).
        let told = Set(problem.prompt.split { !$0.isNumber }.compactMap { Int($0) }).union([2])
        #expect(told.union(known).isSuperset(of: [left, right]), "\(problem.prompt) \(problem.answer)")
        known.insert(result)
      }
      #expect(steps.last?.last == parts[1])
    }
  }

  @Test func listsAreWhatTheirInstructionSays() throws {
    for problem in Lists().problems(0..<6_000, of: .train) where problem.kind != "line" {
      let halves = problem.prompt.dropLast().split(separator: ": ")
      try #require(halves.count == 2)
      let told = halves[1].split(separator: " ").map { String($0.filter { $0 != "." }) }
      let answer = problem.answer.split(separator: " ").map(String.init)
      let items = problem.kind == "shuffle" ? (0..<problem.level).map { told[2 * $0 + 1] } : told
      #expect(items.count == problem.level && Set(items).count == items.count && items.sorted() == answer.sorted())
      switch problem.kind {
      case "copy": #expect(answer == items)
      case "reverse": #expect((0..<items.count).allSatisfy { answer[$0] == items[items.count - 1 - $0] })
      case "sort": #expect(zip(answer, answer.dropFirst()).allSatisfy { $0 < $1 })
      case "scramble": #expect(answer != items)
      default:
        // Each place that is asked for stands before its item.
        let places = told.suffix(items.count)
        #expect(problem.kind == "shuffle" && zip(places, answer).allSatisfy { place, item in told[(told.firstIndex(of: item) ?? 0) - 1] == place })
        #expect(!items.contains { Int($0) != nil })
      }
    }
  }

  /// The change is read from the prompt and made.
  @Test func aLineIsWhatItsChangeMakesOfIt() throws {
    var seen = Set<String>()
    for problem in Lists().problems(0..<18_000, of: .train) where problem.kind == "line" {
      let sentences = problem.prompt.dropFirst("The line: ".count).dropLast().split(separator: ".").map { $0.split(separator: " ").map(String.init) }
      try #require(sentences.count == 2 && sentences[0].count == problem.level)
      let (before, words) = (sentences[0], sentences[1])
      let name = words[0]
      #expect(before.contains(name) != ["joins", "is"].contains(words[1]))
      var line = before.filter { $0 != name }
      switch words.dropFirst().joined(separator: " ") {
      case "leaves": break
      case "joins at the end", "moves to the end": line.append(name)
      case "joins at the front": line = [name] + line
      default:
        try #require(words[1...2] == ["swaps", "with"] || words[1...3] == ["is", "in", "for"])
        line = before
        let place = try #require(line.firstIndex(of: words.last ?? ""))
        if let other = line.firstIndex(of: name) { line.swapAt(place, other) } else { line[place] = name }
      }
      #expect(line != before && problem.answer == " " + line.joined(separator: " "), "\(problem.prompt)")
      seen.insert("\(before.count) \(words.filter { !Story.boys.contains($0) && !Story.girls.contains($0) }.joined(separator: " "))")
    }
    #expect(seen.count == 6 * 6)
  }

  @Test func aListIsInOneSplitWhateverIsDoneWithIt() {
    // Of a numbered list, the items alone; of a line, the changes too.
    let owned = Split.allCases.map { split in
      Set(
        Lists().problems(0..<6_000, of: split).map { problem -> [String] in
          let told = problem.prompt.drop { $0 != ":" }.split(whereSeparator: \.isWhitespace).map(String.init)
          guard problem.kind == "shuffle" else { return Array(told.dropFirst()) }
          return (0..<problem.level).map { place in told[2 + 2 * place].filter { $0 != "." } }
        })
    }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
  }

  @Test func aChainOfSumsIsInOneSplitWhateverItIsAbout() {
    let owned = Split.allCases.map { Set(Arithmetic().problems(0..<3_000, of: $0).map(\.answer)) }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
  }

  @Test(arguments: [
    (" 5 + 3 = 8. #### 8", "8"), ("#### 1,234", "1234"), ("####   -07", "-7"), ("#### $12.", "12"), ("#### x #### 3", "3"),
    ("#### 0", "0"), ("#### -0", "0"), ("##### 4", "4"), ("#### 8 #### 9", "8"), ("#### 8\n", "8"), ("####8 apples", "8"),
  ])
  func theNumberAfterTheMarkIsFound(_ response: String, _ number: String) {
    #expect(Arithmetic().extract(response) == number)
  }

  @Test(arguments: ["", "8", "### 8", "####", "#### -", "#### ,", "#### eight", "#", "é####"])
  func whereThereIsNoNumberNoneIsFound(_ response: String) {
    #expect(Arithmetic().extract(response) == nil)
  }

  @Test func listsGivePartialCredit() {
    let problem = Problem(id: "lists/test/0", prompt: "Copy the list: a b c d\n", answer: " a b c d", kind: "copy", level: 4)
    let lists = Lists()
    #expect(lists.grade("a b  c d\n", problem) == Grade(isCorrect: true, extracted: "a b c d"))
    #expect(lists.grade(" a b d c", problem) == Grade(isCorrect: false, extracted: "a b d c", score: 0.5))
    #expect(lists.grade(" a b c d e", problem).score == 0.8)
    #expect(lists.grade(" \n ", problem) == Grade(isCorrect: false, extracted: nil))
  }

  /// All orders of a list but the given one are right, and nothing that has not every item once.
  @Test func aListIsShuffledInAnyOrderButTheGiven() {
    let problem = Problem(id: "lists/test/0", prompt: "Shuffle the list: a b c d\n", answer: " d a b c", kind: "scramble", level: 4)
    let letters = ["a", "b", "c", "d", "e"]
    for code in 0..<625 {
      let items = [code / 125, code / 25 % 5, code / 5 % 5, code % 5].map { letters[$0] }
      let grade = Lists().grade(" " + items.joined(separator: " "), problem)
      let different = Set(items).subtracting(["e"]).count
      #expect(grade.isCorrect == (different == 4 && items != ["a", "b", "c", "d"]), "\(items)")
      #expect(grade.isCorrect || grade.score == (different == 4 ? 0 : Double(different) / 4))
    }
    #expect(Lists().grade(" d c b", problem).score == 0.75)
    #expect(Lists().grade(" d c b a a", problem) == Grade(isCorrect: false, extracted: "d c b a a", score: 0.8))
  }

  /// The problems themselves are pinned: published numbers stand on them. A change here needs a new `version`.
  @Test func theProblemsStayWhatTheyWere() {
    #expect(Lists().problem(19, of: .test).prompt == "The items: 1 bat 2 dog 3 sea 4 bee. Pick 2 4 1 3\n")
    #expect(Arithmetic().problem(0, of: .test).answer == " 3 * 2 = 6. 6 / 3 = 2. #### 2")
    #expect(Code().problem(4, of: .test).answer == " def f(y, n):\n if y == n:\n  return y - n\n return n - 7")
  }
}

import Diffusion
import Testing

@testable import Workbench

@Suite struct CodeBenchmark {
  /// All inputs of that many parameters from a few values.
  private static func grid(_ parameters: Int, _ values: [Int]) -> [[Int]] {
    (0..<parameters).reduce([[]]) { all, _ in all.flatMap { inputs in values.map { inputs + [$0] } } }
  }

  /// The value of a function, or what went wrong.
  private static func outcome(_ function: CodeFunction, _ inputs: [Int]) -> Result<Int, CodeError> {
    Result { () throws(CodeError) in try CodeMachine.run(function, on: inputs).value }
  }

  /// Tasks of all kinds and levels about x, y and z.
  private static func tasks(_ count: Int) -> [(task: CodeTask, draws: Draws)] {
    (0..<count).map { number in
      var draws = Draws(SeededRandom(seed: 7)[number])
      let kind = CodeTask.Kind.allCases[number / 3 % 4]
      return (CodeTask.draw(kind, level: 2 + number % 3, ["x", "y", "z"], &draws), draws)
    }
  }

  @Test(arguments: Split.allCases) func theReferenceDoesWhatTheWordsSay(_ split: Split) throws {
    for problem in Code().problems(0..<480, of: split) {
      let described = try Described(problem.prompt)
      let function = try CodeFunction(parsing: problem.answer)
      #expect(" " + function.text == problem.answer && function.name == described.name && function.parameters == described.parameters)
      let inputs = Self.grid(function.parameters.count, function.parameters.count == 3 ? [-3, 0, 2, 5, 9] : [-5, 0, 1, 2, 3, 4, 6, 7, 9, 11, 15])
      let wrong = try inputs.first { try described.value($0) != CodeMachine.run(function, on: $0).value }
      #expect(wrong == nil, "\(problem.prompt)\(problem.answer)")
    }
  }

  @Test func aLevelCountsTheOperators() {
    let signs: Set<Substring> = ["+", "-", "*", "//", "%", ">", "<", ">=", "<=", "==", "!=", "+="]
    for problem in Code().problems(0..<3_000, of: .train) {
      #expect(problem.answer.split(whereSeparator: \.isWhitespace).count(where: signs.contains) == problem.level)
    }
  }

  /// All programs for one task are right for each other, in any spelling that means the same.
  @Test func everyProgramForATaskIsRight() {
    for (task, draws) in Self.tasks(120) {
      var draws = draws
      let programs = (0..<3).map { _ in " " + CodeFunction(name: "f", parameters: ["x", "y", "z"], body: task.program(&draws)).text }
      let problem = Problem(id: "code/test/0", prompt: "\n", answer: programs[0], kind: "formula", level: 2)
      for program in programs {
        let wider = program.replacing("\n", with: "\n ").replacing("   ", with: "     ").replacing("+", with: " +  ").replacing("+  =", with: "+=")
        let renamed = program.replacing(/\b[xyz]\b/) { match in match.output + "_1" }
        let bracketed = program.replacing(/return (.*)/) { match in "return ((\(match.output.1)))" } + "\n  \n"
        for same in [program, wider, renamed, bracketed, String(program.dropFirst())] {
          let grade = Code().grade(same, problem)
          #expect(grade.isCorrect && grade.score == 1, "\(same) fails for \(problem.answer)")
        }
        #expect(Code().extract(wider) == String(program.dropFirst()) && Code().extract(bracketed) == String(program.dropFirst()))
      }
    }
  }

  /// Names and form are really drawn; a formula is written as it is told.
  @Test func programsForATaskDiffer() {
    let variety = Self.tasks(480).map { task, draws in
      var draws = draws
      let isFormula = if case .give = task { true } else { false }
      return (isFormula, Set((0..<12).map { _ in task.program(&draws) }).count)
    }
    #expect(variety.allSatisfy { isFormula, count in isFormula == (count == 1) })
    #expect(variety.reduce(0) { $0 + $1.1 } > 360 * 4)
  }

  /// One token changed: whenever that changes a value anywhere, the hidden tests see it, but for fewer than one in 250 mutants.
  @Test func mutantsThatDifferAreWrong() throws {
    var (wrong, survivors) = (0, 0)
    for (index, problem) in Code().problems(0..<240, of: .dev).enumerated() {
      let reference = try CodeFunction(parsing: problem.answer)
      let tokens = problem.answer.matches(of: /[0-9]|[A-Za-z]+|[^\s0-9A-Za-z()]+|[()]|\s+/).map { String($0.output) }
      let words = Array(Set(tokens.filter { $0.count == 1 && $0.allSatisfy(\.isLetter) })).sorted()
      var draws = Draws(SeededRandom(seed: 3)[index])
      for place in tokens.indices.dropFirst(9) {
        var mutant = tokens
        switch tokens[place] {
        case let word where words.contains(word): mutant[place] = draws.pick(words)
        case let digit where Int(digit) != nil: mutant[place] = String((Int(digit) ?? 0) + draws.pick([-1, 1]))
        case "+", "-", "*", "//", "%": mutant[place] = draws.pick(["+", "-", "*", "//", "%"])
        case "<", ">", "<=", ">=", "==", "!=": mutant[place] = draws.pick(["<", ">", "<=", ">=", "==", "!="])
        default: mutant.remove(at: place)
        }
        let grade = Code().grade(mutant.joined(), problem)
        guard let text = grade.extracted else {
          #expect(!grade.isCorrect && grade.score == 0)
          continue
        }
        let function = try CodeFunction(parsing: text)
        let inputs = Self.grid(reference.parameters.count, reference.parameters.count == 3 ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15] : Array(0...15))
        if function.parameters.count == reference.parameters.count,
          inputs.allSatisfy({ Self.outcome(function, $0) == Self.outcome(reference, $0) })
        {
          #expect(grade.isCorrect == (function.name == reference.name), "\(text) is as good as \(problem.answer)")
        } else {
          wrong += 1
          survivors += grade.isCorrect ? 1 : 0
          #expect(grade.isCorrect || grade.score < 1)
        }
      }
    }
    #expect(wrong > 1_500 && survivors * 250 < wrong, "\(survivors) of \(wrong) mutants survive")
  }

  @Test func hiddenTestsTakeEveryBranch() throws {
    for problem in Code().problems(0..<480, of: .test) {
      let reference = try CodeFunction(parsing: problem.answer)
      let tests = CodeTest.tests(of: reference)
      let count = reference.parameters.count == 1 ? 16 : 24
      #expect(tests == CodeTest.tests(of: reference) && tests.count == count && Set(tests.map(\.inputs)).count == count)
      guard problem.kind != "loop" else { continue }
      let possible = try Set(Self.grid(reference.parameters.count, Array(0...15)).map { try CodeMachine.run(reference, on: $0).margins })
      let met = try Set(tests.map { try CodeMachine.run(reference, on: $0.inputs).margins })
      // With three parameters some of the 4,096 inputs are not tried.
      #expect(reference.parameters.count == 3 ? met.count >= min(possible.count, 3) : met == possible, "\(problem.answer)")
    }
  }

  @Test func theScoreIsTheShareOfTestsPassed() throws {
    let problem = Problem(
      id: "code/test/0", prompt: "\n", answer: " def f(x, y):\n if x > y:\n  return x - y\n return y + 2", kind: "branch", level: 3)
    let tests = try CodeTest.tests(of: CodeFunction(parsing: problem.answer))
    let above = tests.count { $0.inputs[0] > $0.inputs[1] }
    #expect(above > 1 && tests.count - above > 1)
    let grade = Code().grade(" def f(x, y):\n return x - y", problem)
    #expect(grade == Grade(isCorrect: false, extracted: "def f(x, y):\n return x - y", score: Double(above) / 24))
    for other in ["def g(x, y):\n return x - y", "def f(x):\n return x", "def f(x, y, z):\n return x - y"] {
      #expect(Code().grade(other, problem) == Grade(isCorrect: false, extracted: other))
    }
  }

  /// The content is one for all ways to put a task, and tasks of one content are one function but for the order of its parameters.
  @Test func contentIsTheFunction() throws {
    let (x, y, two) = (CodeExpression.name("x"), CodeExpression.name("y"), CodeExpression.number(2))
    func sign(_ sign: CodeOperator, _ left: CodeExpression, _ right: CodeExpression) -> CodeExpression { .binary(sign, left, right) }
    let same: [CodeTask] = [
      .choose(sign(.more, x, y), sign(.plus, x, two), y), .choose(sign(.less, y, x), sign(.plus, two, x), y),
      .choose(sign(.atMost, x, y), y, sign(.plus, x, two)), .choose(sign(.atLeast, y, x), y, sign(.plus, x, two)),
      .choose(sign(.more, y, x), sign(.plus, y, two), x),
    ]
    #expect(Set(same.flatMap { [$0.content(of: ["x", "y"]), $0.content(of: ["y", "x"])] }).count == 1)
    #expect(CodeTask.choose(sign(.more, x, y), sign(.minus, x, two), y).content(of: ["x", "y"]) != same[0].content(of: ["x", "y"]))

    let values = Self.grid(3, [0, 2, 3, 7])
    var known: [String: Set<[Int]>] = [:]
    for (task, draws) in Self.tasks(3_000) {
      var draws = draws
      let body = task.program(&draws)
      let tables = try [["x", "y", "z"], ["x", "z", "y"], ["y", "x", "z"], ["y", "z", "x"], ["z", "x", "y"], ["z", "y", "x"]].map { names in
        try values.map { try CodeMachine.run(CodeFunction(name: "f", parameters: names, body: body), on: $0).value }
      }
      let content = task.content(of: ["x", "y", "z"].filter(task.names.contains))
      #expect(known[content, default: Set(tables)] == Set(tables), "\(content)")
      known[content] = Set(tables)
    }
    #expect(known.count < 2_800)
  }

  /// The descriptions, with parameters numbered as they appear.
  @Test func aDescriptionIsInOneSplitWhateverItsNames() {
    let owned = Split.allCases.map { split in
      Set(
        Code().problems(0..<(split == .train ? 10_000 : 3_000), of: split).map { problem in
          var numbers: [Substring: Int] = [:]
          return problem.prompt.split(separator: " ").drop { !$0.hasSuffix(".") }.dropFirst().flatMap { $0.split { ",.\n".contains($0) } }.map { word in
            guard Code.parameters.contains(String(word)) else { return String(word) }
            numbers[word] = numbers[word] ?? numbers.count
            return "p\(numbers[word] ?? 0)"
          }
        })
    }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
    #expect(owned[0].count > 5_000 && owned[2].count > 1_000)
  }
}

import Testing

@testable import Workbench

/// Closed-form checks of `countdown`: sums read, worked out and searched a second time.
@Suite struct CountdownTests {
  private let countdown = Countdown()

  /// The numbers and the target of a prompt.
  private func told(_ problem: Problem) throws -> (numbers: [Int], target: Int) {
    let numbers = problem.prompt.split { !$0.isNumber }.compactMap { Int($0) }
    return (Array(numbers.dropLast()), try #require(numbers.last))
  }

  /// Whether the steps use all numbers up and leave the target, told by a tally of what there is.
  private func solves(_ response: String, _ numbers: [Int], _ target: Int) -> Bool {
    var tally: [Int: Int] = [:]
    for number in numbers { tally[number, default: 0] += 1 }
    for step in response.split(separator: ",", omittingEmptySubsequences: false) {
      let words = step.split(separator: " ").map(String.init)
      guard words.count == 5, words[3] == "=" else { return false }
      let values = [words[0], words[2], words[4]].filter { $0.allSatisfy(\.isNumber) }.compactMap { Int($0) }
      guard values.count == 3 else { return false }
      let expected = ["+": values[0] + values[1], "-": values[0] - values[1], "*": values[0] * values[1]][words[1]]
      for value in values.dropLast() { tally[value, default: 0] -= 1 }
      guard values[2] == expected, values.dropLast().allSatisfy({ tally[$0, default: 0] >= 0 }) else { return false }
      tally[values[2], default: 0] += 1
    }
    return tally.filter { $0.value != 0 } == [target: 1]
  }

  /// All values that the numbers make with + or - before each of them.
  private func signed(_ numbers: some Collection<Int>) -> Set<Int> {
    guard let first = numbers.first else { return [0] }
    return Set(signed(numbers.dropFirst()).flatMap { [$0 + first, $0 - first] })
  }

  /// Solutions of every shape, also those in which two results meet: any two numbers of the pool become one.
  private func search(_ pool: [Int], _ target: Int) -> [String] {
    if pool.count == 1 { return pool[0] == target ? [""] : [] }
    var found: [String] = []
    for first in pool.indices {
      for second in pool.indices where second != first {
        let (left, right) = (pool[first], pool[second])
        let rest = pool.indices.filter { $0 != first && $0 != second }.map { pool[$0] }
        for (sign, result) in [("+", left + right), ("-", left - right), ("*", left * right)] where result >= 0 {
          for later in search(rest + [result], target) {
            found.append("\(left) \(sign) \(right) = \(result)\(later.isEmpty ? "" : ", ")\(later)")
          }
        }
      }
    }
    return found
  }

  @Test(arguments: Split.allCases) func everyReferenceUsesAllNumbersUpAndMakesTheTarget(_ split: Split) throws {
    for problem in countdown.problems(0..<3_000, of: split) {
      let (numbers, target) = try told(problem)
      #expect(numbers.count == problem.level && solves(problem.answer, numbers, target), "\(problem.prompt) \(problem.answer)")
      #expect(countdown.grade(problem.answer, problem).isCorrect)
      // A product is in the answer only where signs alone cannot make the target.
      #expect(problem.answer.contains("*") == !signed(numbers).contains(target))
      #expect((problem.kind == "product") == problem.answer.contains("*"))
    }
  }

  @Test func everyOtherSolutionIsRightToo() throws {
    var shapes = 0
    for problem in countdown.problems(0..<240, of: .dev) {
      let (numbers, target) = try told(problem)
      let found = search(numbers, target)
      for response in found { #expect(countdown.grade(response, problem).isCorrect, "\(problem.prompt) \(response)") }
      for response in search(numbers, target + 1) {
        // All but the last step hold.
        let grade = countdown.grade(response, problem)
        #expect(!grade.isCorrect && grade.score == Double(numbers.count - 2) / Double(numbers.count - 1), "\(problem.prompt) \(response)")
      }
      // References are a part of what there is, and all are drawn alike.
      let puzzle = Countdown.Puzzle(numbers: numbers.sorted(), target: target, kind: problem.kind == "sum" ? .sum : .product)
      let chains = Countdown.solutions(of: puzzle).map { $0.map(\.text).joined(separator: ", ") }
      #expect(Set(chains).count == chains.count && Set(chains).isSubset(of: found) && chains.contains(String(problem.answer.dropFirst())))
      shapes += Set(found).subtracting(chains).count
    }
    #expect(shapes > 1_000)
  }

  /// A response that differs from the reference in one character, or in the places of two words, is graded as the tally says.
  @Test func whatIsNearTheReferenceIsGradedAsTheTallySays() throws {
    var verdicts = [true: 0, false: 0]
    for problem in countdown.problems(0..<120, of: .test) {
      let (numbers, target) = try told(problem)
      let characters = Array(problem.answer), words = problem.answer.split(separator: " ").map(String.init)
      var near: [String] = []
      for place in characters.indices where characters[place] != " " {
        for other in "0123456789+-*=,x" where other != characters[place] {
          near.append(String(characters[..<place] + [other] + characters[(place + 1)...]))
        }
      }
      for first in words.indices {
        for second in first..<words.count {
          var changed = words
          changed.swapAt(first, second)
          near.append(changed.joined(separator: " "))
        }
      }
      for response in near {
        let (grade, isRight) = (countdown.grade(response, problem), solves(response, numbers, target))
        #expect(grade.isCorrect == isRight && (grade.score == 1) == isRight, "\(problem.prompt) \(response)")
        verdicts[isRight, default: 0] += 1
      }
    }
    #expect(verdicts[true, default: 0] > 1_000 && verdicts[false, default: 0] > 20_000, "\(verdicts)")
  }

  @Test func aPuzzleIsInOneSplitInWhateverOrder() throws {
    let owned = try Split.allCases.map { split in
      Set(try countdown.problems(0..<(split == .train ? 30_000 : 3_000), of: split).map { try told($0).numbers.sorted() + [told($0).target] })
    }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
  }

  /// The mean place of the reference among all solutions is the middle; a puzzle that comes again comes in another order.
  @Test func referencesAndOrdersAreDrawnFromAll() throws {
    var (places, count) = (0.0, 0.0)
    var prompts: [[Int]: [String]] = [:]
    for problem in countdown.problems(0..<6_000, of: .test) {
      let (numbers, target) = try told(problem)
      prompts[numbers.sorted() + [target], default: []].append(problem.prompt)
      let puzzle = Countdown.Puzzle(numbers: numbers.sorted(), target: target, kind: problem.kind == "sum" ? .sum : .product)
      let chains = Countdown.solutions(of: puzzle).map { " " + $0.map(\.text).joined(separator: ", ") }
      guard chains.count > 1, let place = chains.firstIndex(of: problem.answer) else { continue }
      (places, count) = (places + Double(place) / Double(chains.count - 1), count + 1)
    }
    // The standard error is below 0.5 / sqrt(count).
    #expect(count > 3_000 && abs(places / count - 0.5) < 4 * 0.5 / count.squareRoot(), "\(places / count) of \(count)")
    #expect(prompts.values.allSatisfy { Set($0).count >= min($0.count, 2) })
    #expect(prompts.contains { Set($0.value).count >= 6 })
  }

  @Test(arguments: [
    (" 3 * 4 = 12, 12 + 5 = 17", "12 + 5 = 17", 1.0), ("3*4=12,\n 5  +12 =17", "5 + 12 = 17", 1), ("04 * 3 = 12, 5 + 12 = 17", "5 + 12 = 17", 1),
    (" 3 * 4 = 12, 12 + 4 = 16", "12 + 4 = 16", 0.5), (" 3 + 4 = 7, 7 + 5 = 12", "7 + 5 = 12", 0.5), (" 3 * 4 = 12", "3 * 4 = 12", 0.5),
    (" 3 * 4 = 12, 12 + 5 = 17,", nil, 0.999),
    (" 3 * 4 = 12, 12 + 5 = 17, 17 + 0 = 17", "17 + 0 = 17", 0.999), (" 3 * 4 = 13, 13 + 4 = 17", "13 + 4 = 17", 0),
    (" 12 + 5 = 17", "12 + 5 = 17", 0), (" 3 * 4 + 5 = 17", nil, 0), (" 17", nil, 0), (" 3 - 4 = -1, 5 - -1 = 6", nil, 0),
    (" 3 * 4 = 12, 12 + 5 = 17.", nil, 0.5),
  ])
  func stepsAreReadStrictlyAndSpacedFreely(_ response: String, _ last: String?, _ score: Double) {
    let problem = Problem(id: "countdown/test/0", prompt: "Use 5 3 4 to make 17.\n", answer: " 3 * 4 = 12, 12 + 5 = 17", kind: "product", level: 3)
    #expect(countdown.grade(response, problem) == Grade(isCorrect: score == 1, extracted: last, score: score))
    #expect(countdown.extract(response) == last)
  }
}

/// Closed-form checks of `sudoku4`.
@Suite struct SudokuTests {
  private let sudoku = Sudoku()

  /// All full grids a second time: four orders of 1 to 4, kept where columns and quarters have no number twice.
  private static let grids: [[Int]] = {
    let rows = (0..<256).map { [$0 / 64, $0 / 16 % 4, $0 / 4 % 4, $0 % 4].map { $0 + 1 } }.filter { Set($0).count == 4 }
    let halves = rows.flatMap { upper in
      rows.filter { Set(upper[..<2] + $0[..<2]).count == 4 && Set(upper[2...] + $0[2...]).count == 4 }.map { upper + $0 }
    }
    return halves.flatMap { upper in
      halves.map { upper + $0 }.filter { grid in (0..<4).allSatisfy { column in Set((0..<4).map { grid[$0 * 4 + column] }).count == 4 } }
    }
  }()

  private func text(_ grid: [Int]) -> String {
    grid.enumerated().map { place, value in (place > 0 && place % 4 == 0 ? " / " : " ") + "\(value)" }.joined()
  }

  private func givens(_ problem: Problem) -> [Int?] {
    problem.prompt.split(whereSeparator: \.isWhitespace).dropFirst(3).filter { $0 != "/" }.map { Int($0) }
  }

  @Test func thereAre288Grids() {
    #expect(Sudoku.grids.count == 288 && Set(Sudoku.grids) == Set(Self.grids))
  }

  @Test(arguments: Split.allCases) func everyReferenceIsAFullGridThatKeepsTheGivens(_ split: Split) {
    let full = Set(Self.grids.map(text))
    for problem in sudoku.problems(0..<3_000, of: split) {
      let givens = givens(problem), cells = problem.answer.split(separator: " ").compactMap { Int($0) }
      #expect(full.contains(problem.answer) && givens.count == 16 && zip(givens, cells).allSatisfy { $0 == nil || $0 == $1 })
      #expect(givens.count { $0 == nil } == problem.level && sudoku.grade(problem.answer, problem).isCorrect)
      // Each cell of the response is as far from its given as any other.
      let (asked, answered) = (problem.prompt.split(whereSeparator: \.isWhitespace).dropFirst(3), problem.answer.split(separator: " "))
      #expect(zip(asked, answered).allSatisfy { ($0 == "/") == ($1 == "/") } && asked.count == answered.count)
    }
  }

  /// Every full grid as a response: right where it keeps the givens, and scored by how many it keeps.
  @Test func aGridIsRightWhereItKeepsTheGivens() {
    for problem in sudoku.problems(0..<100, of: .dev) {
      let givens = givens(problem), known = givens.count { $0 != nil }
      var solutions = 0
      for grid in Self.grids {
        let kept = zip(givens, grid).count { $0 != nil && $0 == $1 }
        let grade = sudoku.grade(text(grid), problem)
        #expect(grade == Grade(isCorrect: kept == known, extracted: String(text(grid).dropFirst()), score: Double(12 + kept) / Double(12 + known)))
        solutions += kept == known ? 1 : 0
      }
      #expect((solutions == 1) == (problem.kind == "unique") && solutions >= 1)
    }
  }

  /// Another number in one cell breaks its row, its column and its quarter, and the given if it is one.
  @Test func oneWrongCellBreaksThreeOrFour() {
    for problem in sudoku.problems(0..<100, of: .test) {
      let givens = givens(problem), constraints = Double(12 + givens.count { $0 != nil })
      let cells = problem.answer.split(separator: " ").compactMap { Int($0) }
      for place in cells.indices {
        for value in 1...4 where value != cells[place] {
          var wrong = cells
          wrong[place] = value
          let grade = sudoku.grade(text(wrong), problem)
          #expect(!grade.isCorrect && grade.score == (constraints - (givens[place] == nil ? 3 : 4)) / constraints)
        }
      }
    }
  }

  @Test func referencesAreDrawnFromAllSolutions() {
    var (places, count) = (0.0, 0.0)
    for problem in sudoku.problems(0..<4_000, of: .train) where problem.kind == "open" {
      let solutions = Sudoku.solutions(of: givens(problem)).map(text)
      guard let place = solutions.firstIndex(of: problem.answer) else { continue }
      (places, count) = (places + Double(place) / Double(solutions.count - 1), count + 1)
    }
    #expect(count > 1_000 && abs(places / count - 0.5) < 4 * 0.5 / count.squareRoot(), "\(places / count) of \(count)")
  }

  @Test func spacingIsFreeAndTheShapeIsNot() {
    let problem = Problem(
      id: "sudoku4/test/0", prompt: "Fill the grid: 1 _ _ 4 / _ _ 1 2 / 2 _ _ 3 / _ _ _ _\n", answer: " 1 2 3 4 / 3 4 1 2 / 2 1 4 3 / 4 3 2 1",
      kind: "unique", level: 9)
    #expect(sudoku.grade("1 2 3 4/3 4 1 2/ 2  1 4 3\n/4 3 2 1\n", problem) == Grade(isCorrect: true, extracted: "1 2 3 4 / 3 4 1 2 / 2 1 4 3 / 4 3 2 1"))
    for wrong in [
      " 1 2 3 4 / 3 4 1 2 / 2 1 4 3", " 1 2 3 4 / 3 4 1 2 / 2 1 4 3 / 4 3 2 1 /", " 1 2 3 4 3 / 4 1 2 / 2 1 4 3 / 4 3 2 1",
      " 1 2 3 4 / 3 4 1 2 / 2 1 4 3 / 4 3 2 _", " 1234 / 3412 / 2143 / 4321", " 1 2 3 5 / 3 4 1 2 / 2 1 4 3 / 4 3 2 1",
    ] { #expect(sudoku.grade(wrong, problem) == Grade(isCorrect: false, extracted: nil) && sudoku.extract(wrong) == nil, "\(wrong)") }
  }
}

/// What the puzzles share: they are pinned, and bear any response.
@Suite struct PuzzleConformance {
  static let all: [any Benchmark] = [Countdown(), Sudoku(), Lists()]

  /// The problems are pinned, as those of `BenchmarkAnswers` are.
  @Test func theProblemsStayWhatTheyWere() {
    #expect(Countdown().problem(2, of: .test).prompt == "Use 6 8 9 4 to make 11.\n")
    #expect(Countdown().problem(2, of: .test).answer == " 6 + 9 = 15, 15 - 8 = 7, 7 + 4 = 11")
    #expect(Sudoku().problem(3, of: .test).answer == " 3 1 4 2 / 2 4 3 1 / 4 2 1 3 / 1 3 2 4")
    #expect(Lists().problem(35, of: .test).answer == " Sam Zoe Lily Tom Ben Ann Eva")
  }

  static let responses = [
    "", " ", ",", "=", "/", "/ / /", "1 + = 2", "99999999999999999999 + 1 = 1", "9999 * 9999 = 9999", "5\u{301} + 3 = 8", "١ + ١ = ٢", "\u{0}", "é",
    String(repeating: "(", count: 10_000), String(repeating: "1 + 1 = 2, ", count: 2_000), String(repeating: "1 / ", count: 5_000),
    String(repeating: "9", count: 20_000), String(repeating: "=", count: 20_000), String(repeating: "ant ", count: 5_000),
  ]

  /// By number: a log has no use for the responses.
  @Test(arguments: responses.indices) func anyResponseIsBorne(_ index: Int) throws {
    let response = Self.responses[index]
    for benchmark in Self.all {
      for problem in benchmark.problems(0..<6, of: .test) + [benchmark.problem(24, of: .test)] {
        let grade = try benchmark.grade(response, problem)
        #expect(!grade.isCorrect && grade.score < 1 && grade.score >= 0)
      }
      // A problem made elsewhere may ask for nothing that can be read.
      for prompt in ["", "\n", "Use 99999999999999999999 to make 3.\n", "Fill the grid: 1\n", "7\n"] {
        for kind in ["", "scramble"] {
          let problem = Problem(id: "x/test/0", prompt: prompt, answer: "", kind: kind, level: 0)
          #expect(try !benchmark.grade(response, problem).isCorrect)
        }
      }
    }
  }
}

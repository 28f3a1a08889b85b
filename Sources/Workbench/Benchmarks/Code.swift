import Diffusion

/// Functions of a small Python-like language, written from a description and run on hidden tests (the shape of HumanEval, arXiv:2107.03374,
/// and of MBPP, arXiv:2108.07732).
///
/// Names of locals, the order of what can be exchanged, and the form of a branch or a sum are the response's to choose, so many programs
/// are right and the tokens of each must agree. What the function does, whatever its names and form, decides the split.
package struct Code: Benchmark {
  package static let name = "code"
  package static let summary = "write a small function from a description, graded by running it on hidden tests"
  package static let version = 2
  package static let levelUnit = "operators"
  package static let geometry = Geometry(genLength: 48, blockLength: 16)

  static let functions = ["f", "g", "h"]
  static let parameters = ["n", "w", "x", "y", "z"]

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    // Consecutive problems go through all 12 pairs of level and kind, so that any limit is nearly balanced.
    let turn = index.quotientAndRemainder(dividingBy: 3)
    let level = 2 + abs(turn.remainder)
    let kind = CodeTask.Kind.allCases[abs(turn.quotient % 4)]
    return first(index, of: split) { draws in
      let names = draws.sample(kind == .loop ? draws.integer(1...3) : draws.integer(2...3), of: Self.parameters)
      let task = CodeTask.draw(kind, level: level, names, &draws)
      let used = draws.sample(names.count, of: names).filter(task.names.contains)
      let function = CodeFunction(name: draws.pick(Self.functions), parameters: used, body: task.program(&draws))
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)",
        prompt: "\(draws.pick(["Write", "Define"])) \(function.name) of \(Self.list(used)). \(task.words)\n",
        answer: " " + function.text, kind: kind.rawValue, level: level)
      return (task.content(of: used), problem)
    }
  }

  /// `x`, `x and y`, or `x, y and z`.
  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.joined() }
    return "\(names.dropLast().joined(separator: ", ")) and \(last)"
  }

  /// The function that the response is, in its canonical spelling; nil where it is none, or more than one.
  package func extract(_ response: String) -> String? {
    do throws(CodeError) { return try CodeFunction(parsing: response).text } catch { return nil }
  }

  /// Correct when the function has the reference's name and its value on every hidden test; the score is the share of tests it passes.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    do throws(CodeError) {
      let found = try CodeFunction(parsing: response)
      let reference = try CodeFunction(parsing: problem.answer)
      if found.name != reference.name || found.parameters.count != reference.parameters.count {
        return Grade(isCorrect: false, extracted: found.text)
      }
      let tests = CodeTest.tests(of: reference)
      let passed = tests.count { $0.isPassed(by: found) }
      return Grade(isCorrect: !tests.isEmpty && passed == tests.count, extracted: found.text, score: Double(passed) / Double(max(tests.count, 1)))
    } catch {
      return Grade(isCorrect: false, extracted: nil)
    }
  }
}

/// Inputs of a function and the value it has to give.
struct CodeTest: Hashable, Sendable {
  let inputs: [Int]
  let value: Int

  /// At most 24 tests, chosen by the reference itself: in turns, one for each list of margins that its comparisons can have, so that every
  /// branch is taken and every limit is met exactly and just missed. All inputs are from 0 to 15.
  static func tests(of reference: CodeFunction) -> [CodeTest] {
    var draws = Draws(SeededRandom(seed: 0)["tests"][reference.text])
    var groups: [[CodeTest]] = []
    var places: [[Int]: Int] = [:]
    // Four bits for each of up to three parameters: two are tried with all values; any further one, which no reference has, gets the third's.
    let all = Array(0..<(1 << (4 * min(reference.parameters.count, 3))))
    for bits in draws.sample(600, of: all) {
      let inputs = reference.parameters.indices.map { bits >> (4 * min($0, 2)) & 15 }
      guard let (value, margins) = outcome(of: reference, on: inputs) else { continue }
      if let place = places[margins] {
        groups[place].append(CodeTest(inputs: inputs, value: value))
      } else {
        places[margins] = groups.count
        groups.append([CodeTest(inputs: inputs, value: value)])
      }
      // Enough where everything is compared anew, or nothing is compared.
      if groups.count == 24 || (margins.isEmpty && groups[0].count == 24) { break }
    }
    let turns = groups.map(\.count).max() ?? 0
    return Array((0..<turns).flatMap { turn in groups.compactMap { $0.count > turn ? $0[turn] : nil } }.prefix(24))
  }

  func isPassed(by function: CodeFunction) -> Bool { Self.outcome(of: function, on: inputs)?.value == value }

  private static func outcome(of function: CodeFunction, on inputs: [Int]) -> (value: Int, margins: [Int])? {
    do throws(CodeError) { return try CodeMachine.run(function, on: inputs) } catch { return nil }
  }
}

import Diffusion

/// Functions of a small Python-like language, written from a description and run on hidden tests (the shape of HumanEval, arXiv:2107.03374,
/// and of MBPP, arXiv:2108.07732).
///
/// Names of locals, the order of what can be exchanged, and the form of a branch or a sum are the response's to choose, so many programs
/// are right and the tokens of each must agree. What the function does, whatever its names and form, decides the split.
package struct Code: Benchmark {
  package static let name = "code"
  package static let summary = "write a small function from a description, graded by running it on hidden tests"
  package static let version = 1
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

  /// The function in the response, in its canonical spelling; nil where there is none.
  package func extract(_ response: String) -> String? { response.isEmpty ? nil : response }

  package func grade(_ response: String, _ problem: Problem) -> Grade {
    Grade(isCorrect: response == problem.answer, extracted: extract(response))
  }
}

internal import Diffusion

/// The program in a response: what stands in a code fence, or the beginning of it up to where it turns to something else.
struct ProgramText {
  /// What is run.
  let source: String

  /// The program that a response makes with its surroundings.
  ///
  /// A fenced block counts where there is one: the first that defines the function, else the first. A text that defines the function itself is put after
  /// what the preamble has before that function (imports and helpers); any other goes on after the preamble.
  init(_ response: String, _ program: Problem.Program) {
    let blocks = Self.fenced(response)
    let head = "def \(program.entry)("
    let text = blocks.first { Self.defines(head, $0) } ?? blocks.first ?? Self.continued(response, definesEntry: Self.defines(head, response))
    guard Self.defines(head, text) else {
      source = program.preamble + text
      return
    }
    let lines = program.preamble.split(separator: "\n", omittingEmptySubsequences: false)
    let before = lines.lastIndex { $0.hasPrefix(head) }.map { lines[..<$0] } ?? lines[...]
    source = before.joined(separator: "\n") + "\n" + text
  }

  private static func defines(_ head: String, _ text: String) -> Bool {
    text.split(separator: "\n").contains { $0.hasPrefix(head) || $0.hasPrefix(" " + head) }
  }

  /// The insides of the fences; one that is not closed reaches to the end.
  private static func fenced(_ text: String) -> [String] {
    var blocks: [String] = []
    var current: [Substring]?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        if let lines = current { blocks.append(lines.joined(separator: "\n")) }
        current = current == nil ? [] : nil
      } else {
        current?.append(line)
      }
    }
    if let current, !current.isEmpty { blocks.append(current.joined(separator: "\n")) }
    return blocks
  }

  /// The lines up to the first that begins something else: what HumanEval's authors stop at (arXiv:2107.03374, section 3).
  private static func continued(_ text: String, definesEntry: Bool) -> String {
    let stops = definesEntry ? ["```", "print(", "if __name__", "[DONE]"] : ["class ", "def ", "#", "if ", "print(", "```", "[DONE]", "@"]
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let end = lines.indices.first { place in place > 0 && stops.contains { lines[place].hasPrefix($0) } } ?? lines.count
    var source = lines[..<end].joined(separator: "\n")
    // A word's space at the start of a program's first line is no indentation.
    if source.hasPrefix(" def ") || source.hasPrefix(" import ") || source.hasPrefix(" from ") { source.removeFirst() }
    return source
  }
}

extension FileBenchmark {
  /// Grades a program by running it with its tests.
  ///
  /// - Throws: where there is nothing to run it with.
  func gradeProgram(_ response: String, _ problem: Problem) throws(ConfigurationError) -> Grade {
    guard let program = problem.program else { return Grade(isCorrect: false, extracted: nil) }
    guard let python = set.python else { throw .unsupported("\(Self.name) has not been given its file, and without it no Python to run programs with") }
    let source = ProgramText(response, program).source
    guard !source.stripped.isEmpty else { return Grade(isCorrect: false, extracted: nil) }
    let verdict = try python.check(source, tests: program.tests)
    return Grade(isCorrect: verdict == .passed, extracted: source)
  }
}

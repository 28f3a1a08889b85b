/// Multiple choice with a short reason, then letter and option after `####`: a fact of a small fixed world, two facts, the odd one out, or
/// numbers.
///
/// The question together with its options, whatever their order, decides the split. The world's facts are the same in all of them.
package struct Choice: Benchmark {
  package static let name = "choice"
  package static let summary = "multiple choice among 3 to 5 options, a short reason, and letter and option after ####"
  package static let version = 2
  package static let levelUnit = "options"
  package static let geometry = Geometry(genLength: 24, blockLength: 8)

  enum Kind: String, CaseIterable { case fact, both, odd, number }

  static let letters = ["A", "B", "C", "D", "E"]

  /// A question, its one right option and the others. `content` says what is asked, in a canonical spelling.
  private struct Question {
    let content: String
    let text: String
    let right: String
    let wrong: [String]
    let reason: String
  }

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    let turn = index.quotientAndRemainder(dividingBy: 3)
    let count = 3 + abs(turn.remainder)
    let kind = Kind.allCases[abs(turn.quotient % 4)]
    return first(index, of: split) { draws in
      let question =
        switch kind {
        case .fact: Self.fact(count, &draws)
        case .both: Self.both(count, &draws)
        case .odd: Self.odd(count, &draws)
        case .number: Self.number(count, &draws)
        }
      let options = draws.sample(count, of: [question.right] + question.wrong)
      let listed = zip(Self.letters, options).map { "\($0) \($1)" }.joined(separator: " ")
      let letter = zip(Self.letters, options).first { $0.1 == question.right }?.0 ?? ""
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: "\(question.text) \(listed)\n",
        answer: " \(question.reason) #### \(letter) \(question.right)", kind: kind.rawValue, level: count)
      return (question.content + ": " + options.sorted().joined(separator: " "), problem)
    }
  }

  private static func fact(_ count: Int, _ draws: inout Draws) -> Question {
    let fact = draws.pick(World.facts)
    let right = draws.pick(fact.nouns)
    let wrong = draws.sample(count - 1, of: World.nouns.filter { !fact.nouns.contains($0) })
    return Question(
      content: fact.says, text: draws.pick(["Which of these", "Which one"]) + " \(fact.says)?", right: right, wrong: wrong,
      reason: reason(right, fact.says, wrong, &draws))
  }

  /// At least one of the others has one of the two properties, so that both facts matter; more only where many words do.
  private static func both(_ count: Int, _ draws: inout Draws) -> Question {
    let (one, other) = draws.pick(World.pairs)
    let right = draws.pick(one.nouns.filter(other.nouns.contains))
    let half = World.nouns.filter { one.nouns.contains($0) != other.nouns.contains($0) }
    let none = World.nouns.filter { !one.nouns.contains($0) && !other.nouns.contains($0) }
    let near = draws.sample(draws.integer(1...max(1, min(count - 1, half.count / 3))), of: half)
    let wrong = near + draws.sample(count - 1 - near.count, of: none)
    let (first, second) = draws.chance(50) ? (one, other) : (other, one)
    let says = draws.chance(50) ? "\(first.says) and \(second.says)" : "\(second.says) and \(first.says)"
    let which = draws.pick(["Which of these", "Which one"])
    return Question(
      content: "\(one.says) and \(other.says)", text: "\(which) \(first.says) and \(second.says)?", right: right, wrong: wrong,
      reason: reason(right, says, wrong, &draws))
  }

  private static func reason(_ right: String, _ says: String, _ wrong: [String], _ draws: inout Draws) -> String {
    draws.pick([
      "The \(right) \(says).", "Of these only the \(right) \(says).", "Not the \(draws.pick(wrong)) but the \(right) \(says).",
      "It is the \(right) that \(says).",
    ])
  }

  private static func odd(_ count: Int, _ draws: inout Draws) -> Question {
    // A word is drawn first, so that large groups come more often than small ones, which have few combinations.
    let one = draws.pick(World.groups.flatMap { group in group.nouns.map { _ in group } })
    let alike = draws.sample(count - 1, of: one.nouns)
    let odd = draws.pick(World.groups.flatMap(\.nouns).filter { !one.nouns.contains($0) })
    let named = draws.sample(2, of: alike)
    let are = one.says
    let reason = draws.pick([
      "\(named[0]) and \(named[1]) \(are) but \(odd) is not.", "All but \(odd) \(are).", "The others \(are) like \(named[0]).",
      "\(odd) is not like \(named[0]).",
    ])
    let which = draws.pick(["Which", "Which one", "Which of these"])
    let text = draws.pick(["\(which) is the odd one out?", "\(which) is not like the others?"])
    return Question(content: "odd", text: text, right: odd, wrong: alike, reason: reason)
  }

  private static func number(_ count: Int, _ draws: inout Draws) -> Question {
    let even = Array(stride(from: 10, through: 98, by: 2))
    switch draws.integer(1...3) {
    case 1:
      let odd = draws.pick(even) + 1
      let wrong = draws.sample(count - 1, of: even).map(String.init)
      let reason = draws.pick(["Only \(odd) is odd.", "\(odd) is odd and \(draws.pick(wrong)) is even.", "The odd number is \(odd)."])
      return Question(content: "number", text: "Which number is odd?", right: "\(odd)", wrong: wrong, reason: reason)
    case let sort:
      let numbers = draws.sample(count, of: Array(10...99)).sorted()
      let isLargest = sort == 2
      let right = isLargest ? numbers[count - 1] : numbers[0]
      let wrong = numbers.filter { $0 != right }.map(String.init)
      let (most, over) = isLargest ? ("largest", "over") : ("smallest", "under")
      let reason = draws.pick(["\(right) is the \(most).", "The \(most) number is \(right).", "None of the others is \(over) \(right)."])
      return Question(content: "number", text: "Which number is the \(most)?", right: "\(right)", wrong: wrong, reason: reason)
    }
  }

  /// The letter after the first `####` that has one standing alone.
  package func extract(_ response: String) -> String? {
    for part in response.split(separator: "####", omittingEmptySubsequences: false).dropFirst() {
      let word = part.drop { " #(".contains($0) }.prefix { $0.isLetter || $0.isNumber }
      if Self.letters.contains(String(word)) { return String(word) }
    }
    return nil
  }

  /// Correct when the letter is the reference's; reason and option are not looked at.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let found = extract(response)
    return Grade(isCorrect: found != nil && found == extract(problem.answer), extracted: found)
  }
}

/// What is true of forty words; what is not listed is false.
enum World {
  struct Property: Sendable {
    /// How it is said, as in `can fly`.
    let says: String
    let nouns: [String]

    init(_ says: String, _ nouns: String) {
      self.says = says
      self.nouns = nouns.split(separator: " ").map(String.init)
    }
  }

  static let nouns = Lists.words

  static let facts = [
    Property("can fly", "bat bee bird owl"),
    Property("can swim", "dog fish rat"),
    Property("has two legs", "bird hen owl"),
    Property("has four legs", "cat cow dog fox pig rat"),
    Property("has six legs", "ant bee"),
    Property("has wheels", "bus car"),
    Property("lays eggs", "bird fish hen owl"),
    Property("lives on a farm", "cow hen pig"),
    Property("is an animal", "ant bat bee bird cat cow dog fish fox hen owl pig rat"),
    Property("is a colour", "blue gold pink red"),
    Property("is in the sky", "moon rain star sun"),
    Property("is out at night", "bat cat fox moon owl rat star"),
    Property("is food", "egg jam nut pie"),
    Property("is sweet", "jam pie tea"),
    Property("is round", "cup egg moon nut pie sun"),
    Property("is wet", "fish mud oil rain sea tea"),
    Property("is hot", "pie sun tea"),
    Property("is yellow", "bee gold star sun"),
  ]

  /// Properties that some word has both of.
  static let pairs = facts.indices.flatMap { index in
    facts[(index + 1)...].filter { other in facts[index].nouns.contains(where: other.nouns.contains) }.map { (facts[index], $0) }
  }

  /// A word is in one group at most.
  static let groups = [
    Property("are animals", "ant bat bee bird cat cow dog fish fox hen owl pig rat"),
    Property("are colours", "blue gold pink red"),
    Property("are food", "egg jam nut pie"),
    Property("are in the sky", "moon rain star sun"),
    Property("are tools", "box bus car cup hat key map pen"),
  ]
}

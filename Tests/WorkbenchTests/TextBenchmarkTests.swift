import Diffusion
import Foundation
import Testing

@testable import Workbench

/// Multiple choice: exactly one option fits what is asked, as found from the prompt alone.
@Suite struct ChoiceTests {
  /// The question without its first words, and the options in their order.
  private static func parts(_ problem: Problem) throws -> (asked: String, options: [String]) {
    let halves = problem.prompt.dropLast().split(separator: "? ")
    try #require(halves.count == 2)
    let words = halves[1].split(separator: " ").map(String.init)
    try #require(words.count == 2 * problem.level)
    let letters = stride(from: 0, to: words.count, by: 2).map { words[$0] }
    #expect(letters == Array(Choice.letters.prefix(problem.level)))
    let asked = halves[0].replacing("Which one ", with: "").replacing("Which of these ", with: "")
    return (String(asked), stride(from: 1, to: words.count, by: 2).map { words[$0] })
  }

  private static func fitting(_ kind: String, _ asked: String, _ options: [String]) throws -> [String] {
    switch kind {
    case "fact", "both":
      let properties = try asked.split(separator: " and ").map { says in try #require(World.facts.first { $0.says == says }) }
      #expect(properties.count == (kind == "fact" ? 1 : 2))
      return options.filter { option in properties.allSatisfy { $0.nouns.contains(option) } }
    case "odd":
      let homes = options.map { option in World.groups.firstIndex { $0.nouns.contains(option) } }
      return zip(options, homes).filter { _, home in homes.count { $0 == home } == 1 }.map(\.0)
    default:
      let numbers = try options.map { try #require(Int($0)) }
      if asked.hasSuffix("odd") { return numbers.filter { !$0.isMultiple(of: 2) }.map(String.init) }
      return [String(try #require(asked.hasSuffix("largest") ? numbers.max() : numbers.min()))]
    }
  }

  @Test(arguments: Split.allCases) func oneOptionFits(_ split: Split) throws {
    let choice = Choice()
    for problem in choice.problems(0..<3_000, of: split) {
      let (asked, options) = try Self.parts(problem)
      #expect(Set(options).count == options.count)
      let fitting = try Self.fitting(problem.kind, asked, options)
      try #require(fitting.count == 1, "\(problem.prompt)")
      for (letter, option) in zip(Choice.letters, options) {
        let grade = choice.grade(" Any reason will do. #### \(letter)", problem)
        #expect(grade.isCorrect == (option == fitting[0]) && grade.extracted == letter, "\(problem.prompt)")
      }
      let tail = "#### \(try #require(choice.extract(problem.answer))) \(fitting[0])"
      #expect(problem.answer.hasSuffix(tail))
      // A reason speaks of the right option, or of the others.
      #expect(options.contains { problem.answer.dropLast(tail.count).split { " .".contains($0) }.contains(Substring($0)) })
    }
  }

  @Test func optionsInAnyOrderAreInOneSplit() throws {
    let owned = try Split.allCases.map { split in
      Set(try Choice().problems(0..<3_000, of: split).map { "\($0.kind == "odd" ? "" : try Self.question($0)) \(try Self.parts($0).options.sorted())" })
    }
    #expect(owned[0].isDisjoint(with: owned[1]) && owned[0].isDisjoint(with: owned[2]) && owned[1].isDisjoint(with: owned[2]))
  }

  private static func question(_ problem: Problem) throws -> String {
    problem.kind == "number" ? "" : try parts(problem).asked.split(separator: " and ").sorted().joined(separator: " ")
  }

  /// A word with two homes would make two options odd; a group that contradicts a fact would teach both.
  @Test func theWorldIsConsistent() {
    let members = World.groups.flatMap(\.nouns)
    #expect(Set(members).count == members.count)
    for fact in World.facts { #expect(Set(fact.nouns).isSubset(of: World.nouns) && Set(fact.nouns).count == fact.nouns.count, "\(fact.says)") }
    for (group, fact) in [("are animals", "is an animal"), ("are colours", "is a colour"), ("are food", "is food"), ("are in the sky", "is in the sky")] {
      #expect(World.groups.first { $0.says == group }?.nouns == World.facts.first { $0.says == fact }?.nouns)
    }
  }

  @Test(arguments: [
    (" It can fly. #### B", "B"), ("#### (C)", "C"), ("#### x #### A", "A"), ("##### D", "D"), ("#### B #### C", "B"), ("#### E.", "E"), ("#### D pie", "D"),
    ("####A\n", "A"),
  ])
  func theLetterAfterTheMarkIsFound(_ response: String, _ letter: String) { #expect(Choice().extract(response) == letter) }

  @Test(arguments: ["", "B", "### B", "####", "#### Bat", "#### b", "#### F", "#### 2"])
  func whereThereIsNoLetterNoneIsFound(_ response: String) { #expect(Choice().extract(response) == nil) }
}

/// Records as prose: whatever the wording, each value has to stand with its person.
@Suite struct RewriteTests {
  private static func rows(_ problem: Problem) -> [[String]] {
    problem.prompt.dropLast().split(separator: ": ")[1].split(separator: "; ").map { $0.split(separator: " ").map(String.init) }
  }

  private static func words(_ text: Substring) -> [String] { text.split(whereSeparator: { " .".contains($0) }).map(String.init) }

  @Test(arguments: Split.allCases) func everyRecordIsThreeSentencesWithItsValues(_ split: Split) {
    for problem in Rewrite().problems(0..<1_000, of: split) {
      let rows = Self.rows(problem)
      let sentences = problem.answer.split(separator: ".")
      #expect(rows.count == problem.level && sentences.count == 3 * rows.count)
      for (place, row) in rows.enumerated() {
        let own = sentences[3 * place..<3 * place + 3].flatMap(Self.words)
        #expect(row.count == 6 && Set(row).isSubset(of: own), "\(problem.answer)")
        #expect(own.filter { $0.allSatisfy(\.isNumber) } == [row[1]])
      }
      let tokens = problem.answer.matches(of: #/ ?[0-9]| ?[A-Za-z]+|\./#).count
      #expect(150 < tokens && tokens < Rewrite.geometry.genLength)
    }
  }

  @Test func anyWordingAndOrderIsRight() {
    var draws = Draws(SeededRandom(seed: 5))
    for problem in Rewrite().problems(0..<300, of: .dev) {
      let retold = RecordReader.records(problem.prompt).reversed().map { $0.told(&draws) }.joined()
      let grade = Rewrite().grade(retold, problem)
      #expect(grade.isCorrect && grade.details["fields"] == 1)
      #expect(0 < grade.details["chrf", default: 0] && grade.details["chrf", default: 100] < 100)
      #expect(Rewrite().grade(problem.answer, problem).details["chrf"] == 100)
    }
  }

  @Test func whatIsWrongIsCounted() {
    let rewrite = Rewrite()
    for problem in rewrite.problems(0..<300, of: .test) {
      let rows = Self.rows(problem)
      let total = Double(5 * rows.count)
      for field in 1...5 {
        // Two people's values exchanged, one beside another, and one gone.
        let (one, other) = (rows[0][field], rows[1][field])
        let swapped = problem.answer.replacing(" \(one)", with: " §").replacing(" \(other)", with: " \(one)").replacing(" §", with: " \(other)")
        let doubled = problem.answer.replacing(" \(one)", with: " \(one) \(other)")
        let gone = problem.answer.replacing(" \(one)", with: "")
        for (mutant, faults) in [(swapped, 2.0), (doubled, 1), (gone, 1)] {
          let grade = rewrite.grade(mutant, problem)
          #expect(!grade.isCorrect && abs(grade.score - (total - faults) / total) < 1e-12, "\(mutant)")
        }
      }
      let half = rewrite.grade(problem.answer.split(separator: ".").prefix(3).joined(separator: ".") + ".", problem)
      #expect(!half.isCorrect && abs(half.score - 5 / total) < 1e-12)
      let stranger = (Story.boys + Story.girls).first { name in !rows.contains { $0[0] == name } } ?? ""
      let crowded = rewrite.grade(problem.answer + " \(stranger) waits.", problem)
      #expect(!crowded.isCorrect && crowded.details["fields"] == 1)
    }
  }
}

/// chrF by hand, and as sacreBLEU 2 computes it for sentences.
@Suite struct ChrFTests {
  static let cases: [(String, String, Double)] = [
    ("same", "same", 100), ("a b\nc", "abc", 100), ("", "abc", 0), ("abc", "", 0), ("", "", 0), ("ab", "cd", 0),
    // 1 of 2 letters, 0 of 1 pair.
    ("ab", "ac", 25),
    // Letters 2/3, pairs 1/2, triples 0.
    ("abc", "abd", 100.0 * (2.0 / 3 + 1.0 / 2) / 3),
    // Precision 1, recall 1/2; there is no pair in the text, so letters alone count: 5 * 1 * 0.5 / (4 + 0.5).
    ("a", "ab", 100 * 2.5 / 4.5),
    // Precision 1/2, recall 1: 5 * 0.5 / (4 * 0.5 + 1).
    ("ab", "a", 100 * 2.5 / 3),
    // Only one of the four letters is matched.
    ("aaaa", "a", 62.5),
    ("Tom lives in Rome and has a pet owl.", "In the city of Rome lives Tom who has an owl.", 29.14167792089711),
    ("The cat is on the mat.", "There is a cat on the mat.", 51.142028044874145),
  ]

  @Test(arguments: cases) func scores(_ text: String, _ reference: String, _ score: Double) {
    #expect(abs(ChrF().score(text, reference: reference) - score) < 1e-9)
  }

  @Test func withoutBetaBothCountAlike() {
    let mean = ChrF(order: 3, beta: 1)
    #expect(mean.score("abcde", reference: "abc") == mean.score("abc", reference: "abcde"))
    #expect(ChrF().score("abcde", reference: "abc") > ChrF().score("abc", reference: "abcde"))
  }
}

/// Models write anything; no grader may trap, hang or be talked into credit.
@Suite struct HostileTextTests {
  static let responses = [
    String(repeating: "(", count: 10_000), String(repeating: "#", count: 100_000), String(repeating: " #### A", count: 20_000),
    String(repeating: ".", count: 100_000), String(repeating: "Tom has 1 nuts. ", count: 10_000), "Tom is " + String(repeating: "9", count: 50_000) + ".",
    "Tom " + (0..<20_000).map { "\($0)" }.joined(separator: " "), " Tom has 99999999999999999999 apples. He buys 9223372036854775807 more.",
    " In the end.", " That makes.", ". . . . .", "\u{0}\u{301}\u{200D}é§½٣", "#### \u{FF21}", String(repeating: "\n", count: 1_000), " At last he has",
  ]

  @Test(.timeLimit(.minutes(30)), arguments: ["choice", "rewrite", "infill"], responses.indices)
  func nothingIsGainedOrBroken(_ name: String, _ index: Int) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    for problem in benchmark.problems(0..<3, of: .test) {
      let grade = try benchmark.grade(Self.responses[index], problem)
      // A letter may be guessed; nothing else of this is an answer.
      #expect((!grade.isCorrect && grade.score <= 0.2) || (name == "choice" && Self.responses[index].hasPrefix(" #### A")))
      #expect(grade.details.values.allSatisfy { (0...100).contains($0) })
    }
  }
}

/// Word problems of two to four steps, worked out step by step, with the final answer after `####` (the shape of GSM8K, arXiv:2110.14168).
///
/// The worked steps decide the split, so the chain of sums of a `test` problem is in no training problem, whatever it is about.
/// No number on the way is below 1 or above 60, and the second number of a step is below 10, or rarely up to 12 where it is added or taken away.
package struct Arithmetic: Benchmark {
  package static let name = "arithmetic"
  package static let summary = "word problems of 2 to 4 steps, worked out, with the final answer after ####"
  package static let version = 2
  package static let levelUnit = "steps"
  package static let geometry = Geometry(genLength: 48, blockLength: 16)

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    first(index, of: split) { draws in
      var story = Story(steps: 2 + abs(index % 3), &draws)
      story.tell(&draws)
      let worked = story.worked.joined(separator: " ")
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: story.sentences.joined(separator: " ") + "\n",
        answer: " \(worked) #### \(story.value)", kind: story.ending.rawValue, level: story.worked.count)
      return (worked, problem)
    }
  }

  /// The number after the first `####` that has one, without separators of thousands or leading zeros.
  package func extract(_ response: String) -> String? {
    for part in response.split(separator: "####", omittingEmptySubsequences: false).dropFirst() {
      var tail = part.drop { $0 == " " || $0 == "#" || $0 == "$" }
      let isNegative = tail.first == "-"
      if isNegative { tail = tail.dropFirst() }
      let digits = tail.prefix { ("0"..."9").contains($0) || $0 == "," }.filter { $0 != "," }
      guard !digits.isEmpty else { continue }
      let plain = digits.drop { $0 == "0" }
      return plain.isEmpty ? "0" : (isNegative ? "-" : "") + plain
    }
    return nil
  }

  /// Correct when the extracted number is the reference's; the steps are not looked at.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let found = extract(response)
    return Grade(isCorrect: found != nil && found == extract(problem.answer), extracted: found)
  }
}

/// A word problem as it is made up: sentences on one side, the worked steps on the other, and the running value between them.
struct Story {
  enum Ending: String, CaseIterable { case plain, together, coins }

  private(set) var sentences: [String] = []
  private(set) var worked: [String] = []
  private(set) var value = 0
  private(set) var ending = Ending.plain

  private let steps: Int
  private let hero: (name: String, he: String, him: String)
  private let friend: String
  private let things: String
  private let boxes: String

  static let boys = ["Tom", "Ben", "Sam", "Max", "Leo", "Dan"]
  static let girls = ["Ann", "Mia", "Eva", "Zoe", "Lily", "Kate"]
  static let goods = ["apples", "pears", "cards", "books", "pens", "cups", "eggs", "shells", "stamps", "balls", "nuts", "toys"]
  static let containers = ["bags", "boxes", "jars", "bowls"]

  init(steps: Int, _ draws: inout Draws) {
    self.steps = steps
    let people = draws.sample(2, of: Self.boys + Self.girls)
    let isBoy = Self.boys.contains(people[0])
    hero = (people[0], isBoy ? "he" : "she", isBoy ? "him" : "her")
    friend = people[1]
    things = draws.pick(Self.goods)
    boxes = draws.pick(Self.containers)
  }

  mutating func tell(_ draws: inout Draws) {
    open(&draws)
    while worked.count < steps {
      switch steps - worked.count {
      case 2 where value <= 9 && draws.chance(60): return together(&draws)
      case 1 where value <= 30 && draws.chance(20): return sell(&draws)
      default: happen(&draws)
      }
    }
    sentences.append(
      draws.pick([
        "How many \(things) does \(hero.name) have?", "How many \(things) does \(hero.he) have now?", "How many \(things) is that?",
      ]))
  }

  private mutating func open(_ draws: inout Draws) {
    guard draws.chance(30) else {
      value = draws.integer(2...20)
      sentences.append("\(hero.name) \(draws.pick(["has", "starts with", "owns"])) \(value) \(things).")
      return
    }
    let (count, each) = (draws.integer(2...5), draws.integer(2...9))
    sentences.append(
      draws.pick([
        "\(hero.name) has \(count) \(boxes) of \(each) \(things).", "\(hero.name) fills \(count) \(boxes) with \(each) \(things) each.",
      ]))
    value = count
    work("*", each)
  }

  /// One event that changes the running value, drawn among those that keep it between 1 and 60.
  private mutating func happen(_ draws: inout Draws) {
    let who = draws.chance(60) ? (hero.he == "he" ? "He" : "She") : hero.name
    let divisors = (2...5).filter { value % $0 == 0 && value / $0 >= 2 }
    let few = draws.chance(90) ? 9 : 12
    let luck = draws.integer(1...10)
    if luck <= 2 && value <= 30 {
      let times = draws.integer(2...min(5, 60 / value))
      work("*", times)
      sentences.append(times == 2 ? "\(who) doubles them." : "\(who) soon has \(times) times as many.")
    } else if luck <= 4, !divisors.isEmpty {
      let parts = draws.pick(divisors)
      work("/", parts)
      sentences.append(parts == 2 ? "\(who) gives half to \(friend)." : "\(who) splits them into \(parts) \(boxes) and keeps one.")
    } else if (luck <= 7 && value >= 2) || value > 48 {
      let lost = draws.integer(1...min(few, value - 1))
      work("-", lost)
      sentences.append(
        draws.pick([
          "\(who) gives \(lost) to \(friend).", "\(who) loses \(lost).", "\(who) sells \(lost).", "\(friend) takes \(lost).",
          "\(who) breaks \(lost).",
        ]))
    } else {
      let won = draws.integer(1...few)
      work("+", won)
      sentences.append(
        draws.pick([
          "\(who) buys \(won) more.", "\(who) finds \(won) more.", "\(who) gets \(won) from \(friend).",
          "\(friend) gives \(hero.him) \(won).", "\(who) wins \(won) more.",
        ]))
    }
  }

  /// Two steps: what the friend has, and what both have. The hero has at most 9.
  private mutating func together(_ draws: inout Draws) {
    ending = .together
    let own = value
    if draws.chance(50) {
      let more = draws.integer(1...9)
      work("+", more)
      sentences.append("\(friend) has \(more) more than \(hero.name).")
    } else {
      let times = draws.integer(2...4)
      work("*", times)
      sentences.append("\(friend) has \(times) times as many.")
    }
    sentences.append("How many \(things) do they have \(draws.pick(["together", "in all"]))?")
    work("+", own)
  }

  private mutating func sell(_ draws: inout Draws) {
    ending = .coins
    let price = draws.integer(2...min(5, 60 / value))
    work("*", price)
    sentences.append("Each one sells for \(price) coins. How many coins does \(hero.he) get?")
  }

  /// Works out `value` (+ - * /) `other`, writes the step down, and goes on from its result.
  private mutating func work(_ sign: String, _ other: Int) {
    let result =
      switch sign {
      case "+": value + other
      case "-": value - other
      case "*": value * other
      default: value / other
      }
    worked.append("\(value) \(sign) \(other) = \(result).")
    value = result
  }
}

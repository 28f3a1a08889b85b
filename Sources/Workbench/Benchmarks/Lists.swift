/// Copy, reverse, sort, pick by number, shuffle, and a waiting line: tasks that parallel decoding breaks first (in the manner of
/// ParallelBench, arXiv:2510.04767).
///
/// Every item is a single digit or a short word, no item comes twice, and the response is the items alone. The items decide the split, so
/// a list in `test` is in no training problem of any kind; for a line, people and changes decide.
package struct Lists: Benchmark {
  package static let name = "lists"
  package static let summary = "copy, reverse, sort, pick from and shuffle lists of 3 to 8 items; who stands in a line after a change"
  package static let version = 3
  package static let levelUnit = "items"
  package static let geometry = Geometry(genLength: 16, blockLength: 16)

  /// `shuffle` tells the order that is wanted, by the items' numbers; `scramble` leaves it free, so that any order but the given one is right.
  enum Kind: String, CaseIterable { case copy, reverse, sort, shuffle, scramble, line }

  static let digits = (0...9).map(String.init)
  static let words = """
    ant bat bee bird blue box bus car cat cow cup dog egg fish fox gold hat hen ice jam key map moon mud nut oil owl pen pie pig pink \
    rain rat red sea sky star sun tea tree
    """.split(separator: " ").map(String.init)
  /// The words that are sorted: one for each first letter.
  static let sortable = "ant bee cat dog egg fox gold hat ice jam key map nut owl pen rat sky tea".split(separator: " ").map(String.init)

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    // Consecutive problems go through all 36 pairs of length and kind, so that any limit is nearly balanced.
    let turn = index.quotientAndRemainder(dividingBy: 6)
    let length = 3 + abs(turn.remainder)
    let kind = Kind.allCases[abs(turn.quotient % Kind.allCases.count)]
    return first(index, of: split) { draws in
      let (content, prompt, answer) = kind == .line ? Self.line(length, &draws) : Self.list(kind, length, &draws)
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: prompt + "\n", answer: " " + answer.joined(separator: " "), kind: kind.rawValue,
        level: length)
      return (content, problem)
    }
  }

  private static func list(_ kind: Kind, _ length: Int, _ draws: inout Draws) -> (content: String, prompt: String, answer: [String]) {
    let items = items(length, for: kind, &draws)
    let content = items.joined(separator: " ")
    let order = draws.sample(length, of: Array(items.indices))
    let picked = order.map { items[$0] }
    switch kind {
    case .copy: return (content, draws.pick(["Copy the list", "Write the same list", "Repeat these items"]) + ": " + content, items)
    case .reverse:
      return (content, draws.pick(["Reverse the list", "Write the list backwards", "From last to first"]) + ": " + content, items.reversed())
    case .sort:
      return (content, draws.pick(["Sort the list", "Put these items in order", "From first to last in order"]) + ": " + content, items.sorted())
    case .shuffle:
      let numbered = items.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: " ")
      let places = order.map { String($0 + 1) }.joined(separator: " ")
      return (content, "The items: \(numbered). \(draws.pick(["Pick", "Write", "In the order"])) \(places)", picked)
    default:
      let instruction = draws.pick(["Shuffle the list", "Mix these items", "Write the list in another order"])
      // The one order that changes nothing stands for the reverse.
      return (content, instruction + ": " + content, picked == items ? items.reversed() : picked)
    }
  }

  /// Only like things are sorted: digits, or up to six words. Three or four digits are so few that problems would repeat.
  /// What is picked by its number is a word, because a digit would look like a number.
  private static func items(_ length: Int, for kind: Kind, _ draws: inout Draws) -> [String] {
    switch kind {
    case .sort: draws.sample(length, of: length >= 7 || (length >= 5 && draws.chance(50)) ? digits : sortable)
    case .shuffle: draws.sample(length, of: words)
    default: draws.sample(length, of: digits + words)
    }
  }

  /// A line of people, and one change.
  private static func line(_ count: Int, _ draws: inout Draws) -> (content: String, prompt: String, answer: [String]) {
    let people = draws.sample(count, of: Story.boys + Story.girls)
    let (change, answer) = change(people, &draws)
    let content = "\(people.joined(separator: " ")). \(change)"
    return (content, "The line: \(content)", answer)
  }

  /// Draws a change, tells it, and makes it.
  private static func change(_ people: [String], _ draws: inout Draws) -> (told: String, made: [String]) {
    var line = people
    let place = draws.integer(0...people.count - 1)
    let name = people[place]
    let stranger = draws.pick((Story.boys + Story.girls).filter { !people.contains($0) })
    switch draws.integer(1...6) {
    case 1:
      line.remove(at: place)
      return ("\(name) leaves.", line)
    case 2 where place < people.count - 1:
      line.append(line.remove(at: place))
      return ("\(name) moves to the end.", line)
    case 3:
      let pair = draws.sample(2, of: Array(people.indices))
      line.swapAt(pair[0], pair[1])
      return ("\(people[pair[0]]) swaps with \(people[pair[1]]).", line)
    case 4: return ("\(stranger) joins at the front.", [stranger] + people)
    case 5:
      line[place] = stranger
      return ("\(stranger) is in for \(name).", line)
    default: return ("\(stranger) joins at the end.", people + [stranger])
    }
  }

  /// The items, with one space between them; nil for a response without any.
  package func extract(_ response: String) -> String? {
    let items = response.split(whereSeparator: \.isWhitespace)
    return items.isEmpty ? nil : items.joined(separator: " ")
  }

  /// Correct when all items are there in the right order, which for `scramble` is any but the given one.
  ///
  /// The score is the share of places that hold the right item, for `scramble` the share of items that are there once.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let right = problem.answer.split(whereSeparator: \.isWhitespace)
    let found = response.split(whereSeparator: \.isWhitespace)
    let places = Double(max(right.count, found.count, 1))
    guard problem.kind == Kind.scramble.rawValue else {
      let hits = zip(right, found).count { $0 == $1 }
      return Grade(isCorrect: !right.isEmpty && right == found, extracted: extract(response), score: Double(hits) / places)
    }
    let given = problem.prompt.drop { $0 != ":" }.dropFirst().split(whereSeparator: \.isWhitespace)
    let hits = found == given ? 0 : Set(right).intersection(found).count
    return Grade(
      isCorrect: !right.isEmpty && hits == right.count && found.count == right.count, extracted: extract(response), score: Double(hits) / places)
  }
}

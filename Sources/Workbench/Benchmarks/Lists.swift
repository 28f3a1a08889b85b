/// Copy, reverse, sort, pick by number, shuffle, and a waiting line: tasks that parallel decoding breaks first (in the manner of
/// ParallelBench, arXiv:2510.04767).
///
/// Every item is a single digit or a short word, no item comes twice, and the response is the items alone. The items decide the split, so
/// a list in `test` is in no training problem of any kind; for a line, people and changes decide.
package struct Lists: Benchmark {
  package static let name = "lists"
  package static let summary = "copy, reverse, sort, pick from and shuffle lists of 3 to 8 items; who stands in a line after 1 to 3 changes"
  package static let version = 2
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

  /// A line of three to six people and one to three changes; the changes count as items, but for one.
  private static func line(_ level: Int, _ draws: inout Draws) -> (content: String, prompt: String, answer: [String]) {
    let count = draws.integer(max(3, level - 2)...min(6, level))
    var line = WaitingLine(draws.sample(count, of: Story.boys + Story.girls))
    let start = line.people.joined(separator: " ")
    let changes = (0...level - count).map { _ in line.change(&draws) }
    let content = "\(start). \(changes.joined(separator: " "))"
    return (content, "The line: \(content)", line.people)
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

/// People in a line, and the changes to it. Nobody is named in two changes, so that what happens to one does not depend on the order told.
struct WaitingLine {
  private(set) var people: [String]
  /// Those who stood in the line from the start and are in no change yet.
  private var free: [String]
  private var strangers: [String]

  init(_ people: [String]) {
    (self.people, free) = (people, people)
    strangers = (Story.boys + Story.girls).filter { !people.contains($0) }
  }

  /// Draws a change, makes it, and tells it.
  mutating func change(_ draws: inout Draws) -> String {
    switch draws.integer(1...5) {
    case 1 where people.count > 2 && !free.isEmpty:
      let name = take(draws.pick(free))
      people.removeAll { $0 == name }
      return "\(name) leaves."
    case 2 where free.contains { $0 != people.last }:
      let name = take(draws.pick(free.filter { $0 != people.last }))
      people.removeAll { $0 == name }
      people.append(name)
      return "\(name) moves to the end."
    case 3 where free.count >= 2:
      let pair = draws.sample(2, of: free).map { take($0) }
      people = people.map { $0 == pair[0] ? pair[1] : $0 == pair[1] ? pair[0] : $0 }
      return "\(pair[0]) swaps with \(pair[1])."
    case 4:
      let name = arrive(&draws)
      people.insert(name, at: 0)
      return "\(name) joins at the front."
    default:
      let name = arrive(&draws)
      people.append(name)
      return "\(name) joins at the end."
    }
  }

  private mutating func take(_ name: String) -> String {
    free.removeAll { $0 == name }
    return name
  }

  private mutating func arrive(_ draws: inout Draws) -> String {
    let name = draws.pick(strangers)
    strangers.removeAll { $0 == name }
    return name
  }
}

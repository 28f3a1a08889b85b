/// Copy, reverse, sort, and shuffle by index: tasks that parallel decoding breaks first (in the manner of ParallelBench, arXiv:2510.04767).
///
/// Every item is a single digit or a short word, no item comes twice, and the response is the items alone.
/// The items decide the split, so a list in `test` is in no training problem of any kind.
package struct Lists: Benchmark {
  package static let name = "lists"
  package static let summary = "copy, reverse, sort, and shuffle by index lists of 3 to 8 items"
  package static let version = 1
  package static let levelUnit = "items"
  package static let geometry = Geometry(genLength: 16, blockLength: 16)

  enum Kind: String, CaseIterable { case copy, reverse, sort, shuffle }

  static let digits = (0...9).map(String.init)
  static let words = """
    ant bat bee bird blue box bus car cat cow cup dog egg fish fox gold hat hen ice jam key map moon mud nut oil owl pen pie pig pink \
    rain rat red sea sky star sun tea tree
    """.split(separator: " ").map(String.init)

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    // Consecutive problems go through all 24 pairs of length and kind, so that any limit is nearly balanced.
    let turn = index.quotientAndRemainder(dividingBy: 6)
    let length = 3 + abs(turn.remainder)
    let kind = Kind.allCases[abs(turn.quotient % 4)]
    return first(index, of: split) { draws in
      let items = Self.items(length, for: kind, &draws)
      let order = draws.sample(length, of: Array(0..<length))
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)",
        prompt: Self.instruction(kind, order, &draws) + ": " + items.joined(separator: " ") + "\n",
        answer: " " + Self.answer(kind, items, order).joined(separator: " "), kind: kind.rawValue, level: length)
      return (items.joined(separator: " "), problem)
    }
  }

  /// Only like things are sorted. Short lists of digits are so few that problems would repeat, so those are sorted from 5 items on.
  private static func items(_ length: Int, for kind: Kind, _ draws: inout Draws) -> [String] {
    if kind != .sort { return draws.sample(length, of: digits + words) }
    return draws.sample(length, of: length >= 5 && draws.chance(50) ? digits : words)
  }

  private static func instruction(_ kind: Kind, _ order: [Int], _ draws: inout Draws) -> String {
    let places = order.map { String($0 + 1) }.joined(separator: " ")
    return switch kind {
    case .copy: draws.pick(["Copy the list", "Write the same list", "Repeat these items"])
    case .reverse: draws.pick(["Reverse the list", "Write the list backwards", "From last to first"])
    case .sort: draws.pick(["Sort the list", "Put these items in order", "From first to last in order"])
    case .shuffle: draws.pick(["Write items \(places) of the list", "Pick \(places) from the list", "In the order \(places)"])
    }
  }

  static func answer(_ kind: Kind, _ items: [String], _ order: [Int]) -> [String] {
    switch kind {
    case .copy: items
    case .reverse: items.reversed()
    case .sort: items.sorted()
    case .shuffle: order.map { items[$0] }
    }
  }

  /// The items, with one space between them; nil for a response without any.
  package func extract(_ response: String) -> String? {
    let items = response.split(whereSeparator: \.isWhitespace)
    return items.isEmpty ? nil : items.joined(separator: " ")
  }

  /// Correct when all items are there in the right order; the score is the share of places that hold the right item.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let right = problem.answer.split(whereSeparator: \.isWhitespace)
    let found = response.split(whereSeparator: \.isWhitespace)
    let hits = zip(right, found).count { $0 == $1 }
    let places = max(right.count, found.count, 1)
    return Grade(isCorrect: !right.isEmpty && right == found, extracted: extract(response), score: Double(hits) / Double(places))
  }
}

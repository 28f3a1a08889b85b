internal import Diffusion

/// Make a number from two to four numbers, in worked steps (the game of Countdown; as a benchmark in Stream of Search, arXiv:2404.03683).
///
/// Every number is used exactly once, and every result but the last once more. Mostly there are many ways; any of them is right, and the
/// reference is one drawn at random. The numbers, sorted, and the target decide the split, so a `test` problem is in `train` in no order.
package struct Countdown: Benchmark {
  package static let name = "countdown"
  package static let summary = "make a number from 2 to 4 numbers, in worked steps"
  package static let version = 2
  package static let levelUnit = "numbers"
  package static let geometry = Geometry(genLength: 24, blockLength: 8)

  /// Whether + and - are enough.
  enum Kind: String { case sum, product }

  /// Numbers in ascending order and what is to be made of them.
  struct Puzzle: Hashable {
    let numbers: [Int]
    let target: Int
    let kind: Kind

    var content: String { (numbers + [target]).map(String.init).joined(separator: " ") }
  }

  /// How many numbers a level has, and how large they and the results may be.
  private static let sizes = [(count: 2, number: 50, result: 80), (count: 3, number: 10, result: 30), (count: 4, number: 9, result: 24)]

  /// All puzzles of each size and split, in random order, but for those whose numbers are all equal. There are so few that problems drawn one
  /// by one would repeat.
  private static let puzzles: [[Split: [Puzzle]]] = sizes.map { size in
    var all: [Puzzle] = []
    for numbers in ascending(size.count, upTo: size.number) where numbers.first != numbers.last {
      var kinds: [Int: Kind] = [:]
      eachChain(of: numbers, upTo: size.result) { chain in
        guard let last = chain.last else { return }
        if chain.allSatisfy({ $0.sign != .times }) { kinds[last.result] = .sum } else { kinds[last.result] = kinds[last.result] ?? .product }
      }
      all += kinds.sorted { $0.key < $1.key }.map { Puzzle(numbers: numbers, target: $0.key, kind: $0.value) }
    }
    let owned = Dictionary(grouping: all) { Split.owner(of: $0.content) }
    let pairs = Split.allCases.map { split in
      var draws = Draws(SeededRandom(seed: UInt64(version))[name]["puzzles"][split.rawValue][size.count])
      let (sums, products) = (owned[split, default: []].filter { $0.kind == .sum }, owned[split, default: []].filter { $0.kind == .product })
      // Most puzzles of three and four numbers need a product, and those are the hard ones: no more than one in four is kept.
      let kept = sums + draws.sample(sums.count / 3, of: products)
      return (split, draws.sample(kept.count, of: kept))
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    let puzzles = Self.puzzles[abs(index % Self.sizes.count)][split, default: []]
    let (pass, place) = abs(index / Self.sizes.count).quotientAndRemainder(dividingBy: puzzles.count)
    let puzzle = puzzles[place]
    let random = SeededRandom(seed: UInt64(Self.version))[Self.name]
    // When all puzzles have been seen they come again, each in its next order.
    let orders = Self.orders(of: puzzle.numbers)
    let order = orders[(random["order"][puzzle.content].integer(below: orders.count) + pass) % orders.count]
    var draws = Draws(random["answer"][split.rawValue][index])
    return Problem(
      id: "\(Self.name)/\(split.rawValue)/\(index)",
      prompt: "Use \(order.map(String.init).joined(separator: " ")) to make \(puzzle.target).\n",
      answer: " " + draws.pick(Self.solutions(of: puzzle)).map(\.text).joined(separator: ", "), kind: puzzle.kind.rawValue, level: puzzle.numbers.count)
  }

  /// All chains that make the target, in one fixed order; those with a product only where it is needed.
  static func solutions(of puzzle: Puzzle) -> [[Sum]] {
    var found: [[Sum]] = []
    eachChain(of: puzzle.numbers, upTo: sizes[puzzle.numbers.count - 2].result) { chain in
      let isPlain = chain.allSatisfy { $0.sign != .times }
      if chain.last?.result == puzzle.target, isPlain == (puzzle.kind == .sum) { found.append(chain) }
    }
    return found
  }

  /// The last step of a response that reads as steps, in its canonical spelling.
  package func extract(_ response: String) -> String? {
    Self.steps(response).last??.text
  }

  /// Correct when every step holds, its operands are there to be used, and the last number left is the target; the score is the share
  /// of the steps needed that hold before the first that does not.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    var pool = problem.prompt.split { !$0.isASCIIDigit }.compactMap(Self.number)
    let target = pool.popLast()
    let needed = pool.count - 1
    let steps = Self.steps(response)
    var held = 0
    for step in steps.prefix(max(needed, 0)) {
      guard let step, step.holds, let left = pool.firstIndex(of: step.left) else { break }
      pool.remove(at: left)
      guard let right = pool.firstIndex(of: step.right) else { break }
      pool.remove(at: right)
      pool.append(step.result)
      guard pool.count > 1 || step.result == target else { break }
      held += 1
    }
    let isCorrect = needed > 0 && held == needed && steps.count == needed
    return Grade(isCorrect: isCorrect, extracted: steps.last??.text, score: Double(held) / Double(max(needed, 1)))
  }
}

/// Reading and finding steps.
extension Countdown {
  /// One step of a solution.
  struct Sum: Hashable {
    enum Sign: Character, CaseIterable { case plus = "+", minus = "-", times = "*" }

    let left: Int, sign: Sign, right: Int, result: Int

    var text: String { "\(left) \(sign.rawValue) \(right) = \(result)" }
    var holds: Bool { result == Self.result(left, sign, right) }

    static func result(_ left: Int, _ sign: Sign, _ right: Int) -> Int {
      switch sign {
      case .plus: left + right
      case .minus: left - right
      case .times: left * right
      }
    }
  }

  /// The parts between commas, each as a step or nil where it is none; white space does not matter.
  fileprivate static func steps(_ response: String) -> [Sum?] {
    response.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let place = sides[0].firstIndex(where: { Sum.Sign(rawValue: $0) != nil }),
        let sign = Sum.Sign(rawValue: sides[0][place]), let left = number(sides[0][..<place]),
        let right = number(sides[0][sides[0].index(after: place)...]), let result = number(sides[1])
      else { return nil }
      return Sum(left: left, sign: sign, right: right, result: result)
    }
  }

  /// A number of at most four digits, so that no product overflows.
  fileprivate static func number(_ text: Substring) -> Int? {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, words[0].count <= 4, words[0].allSatisfy(\.isASCIIDigit) else { return nil }
    return Int(words[0])
  }

  /// All ascending lists of `count` numbers from 1 to `most`; a number may come twice.
  fileprivate static func ascending(_ count: Int, upTo most: Int, from least: Int = 1) -> [[Int]] {
    if count == 0 { return [[]] }
    return (least...most).flatMap { first in ascending(count - 1, upTo: most, from: first).map { [first] + $0 } }
  }

  /// The different orders of some numbers, in one fixed order.
  fileprivate static func orders(of numbers: [Int]) -> [[Int]] {
    if numbers.isEmpty { return [[]] }
    return numbers.indices.filter { !numbers[..<$0].contains(numbers[$0]) }.flatMap { place in
      var rest = numbers
      let first = rest.remove(at: place)
      return orders(of: rest).map { [first] + $0 }
    }
  }

  /// Visits all ways to take the numbers in one by one: each step goes on from the result before it, no result is below 1 or above `most`,
  /// and there is at most one product, by no 1.
  private static func eachChain(of numbers: [Int], upTo most: Int, visit: ([Sum]) -> Void) {
    func go(on chain: [Sum], _ value: Int, _ rest: [Int]) {
      if rest.isEmpty { return visit(chain) }
      for (place, number) in rest.enumerated() where !rest[..<place].contains(number) {
        for sign in Sum.Sign.allCases {
          let result = Sum.result(value, sign, number)
          guard (1...most).contains(result) else { continue }
          if sign == .times && (min(value, number) == 1 || chain.contains { $0.sign == .times }) { continue }
          var others = rest
          others.remove(at: place)
          go(on: chain + [Sum(left: value, sign: sign, right: number, result: result)], result, others)
        }
      }
    }
    for (place, number) in numbers.enumerated() where !numbers[..<place].contains(number) {
      var others = numbers
      others.remove(at: place)
      go(on: [], number, others)
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

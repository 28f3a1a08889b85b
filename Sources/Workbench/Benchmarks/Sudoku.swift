/// Sudoku on a grid of 4 by 4: every row, column and quarter holds 1, 2, 3 and 4.
///
/// The response is laid out as the prompt is, so that a cell and its given are always equally far apart. A grid with few givens can be
/// filled in several ways; any is right, and the reference is one drawn at random. The givens decide the split.
package struct Sudoku: Benchmark {
  package static let name = "sudoku4"
  package static let summary = "fill a 4 by 4 grid of sudoku with 4 to 11 blanks"
  package static let version = 1
  package static let levelUnit = "blanks"
  /// One block, because the cell that is sure may be anywhere.
  package static let geometry = Geometry(genLength: 24, blockLength: 24)

  /// Whether there is one way to fill the grid or several.
  enum Kind: String { case unique, open }

  private static let levels = [4, 6, 8, 10, 11]

  /// The cells of each row, column and quarter, counted from the upper left.
  private static let units: [[Int]] = (0..<4).flatMap { unit in
    let corner = unit / 2 * 8 + unit % 2 * 2
    return [(0..<4).map { unit * 4 + $0 }, (0..<4).map { $0 * 4 + unit }, [corner, corner + 1, corner + 4, corner + 5]]
  }

  /// All 288 full grids.
  static let grids: [[Int]] = {
    var found: [[Int]] = []
    func fill(_ grid: [Int]) {
      guard grid.count < 16 else { return found.append(grid) }
      for value in 1...4 {
        let isTaken = units.contains { $0.contains(grid.count) && $0.contains { $0 < grid.count && grid[$0] == value } }
        if !isTaken { fill(grid + [value]) }
      }
    }
    fill([])
    return found
  }()

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    let blanks = Self.levels[abs(index % Self.levels.count)]
    return first(index, of: split) { draws in
      let grid = draws.pick(Self.grids)
      let hidden = Set(draws.sample(blanks, of: Array(grid.indices)))
      let givens = grid.indices.map { hidden.contains($0) ? nil : grid[$0] }
      let puzzle = Self.text(givens)
      let solutions = Self.solutions(of: givens)
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: "Fill the grid: \(puzzle)\n",
        answer: " " + Self.text(draws.pick(solutions)), kind: (solutions.count == 1 ? Kind.unique : .open).rawValue, level: blanks)
      return (puzzle, problem)
    }
  }

  /// The full grids that keep the givens.
  static func solutions(of givens: [Int?]) -> [[Int]] {
    grids.filter { grid in zip(givens, grid).allSatisfy { $0 == nil || $0 == $1 } }
  }

  private static func text(_ cells: [Int?]) -> String {
    (0..<4).map { row in cells[row * 4..<row * 4 + 4].map { $0.map(String.init) ?? "_" }.joined(separator: " ") }.joined(separator: " / ")
  }

  /// The cells of four rows of four, blanks as nil; nil for any other text.
  private static func cells(_ text: some StringProtocol) -> [Int?]? {
    let rows = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.split(whereSeparator: \.isWhitespace) }
    let known = ["1", "2", "3", "4", "_"]
    guard rows.count == 4, rows.allSatisfy({ $0.count == 4 && $0.allSatisfy { known.contains(String($0)) } }) else { return nil }
    return rows.joined().map { Int($0) }
  }

  /// The grid in its canonical spelling; nil where the response is not four rows of four cells, all filled.
  package func extract(_ response: String) -> String? {
    guard let cells = Self.cells(response), !cells.contains(nil) else { return nil }
    return Self.text(cells)
  }

  /// Correct when every row, column and quarter holds all four numbers and every given is kept; the score is the share of these that are so.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    guard let found = Self.cells(response), !found.contains(nil), let givens = Self.cells(problem.prompt.drop { $0 != ":" }.dropFirst())
    else { return Grade(isCorrect: false, extracted: nil) }
    let units = Self.units.count { unit in Set(unit.map { found[$0] }).count == 4 }
    let kept = zip(givens, found).count { $0 != nil && $0 == $1 }
    let constraints = Self.units.count + givens.count { $0 != nil }
    return Grade(
      isCorrect: units + kept == constraints, extracted: Self.text(found), score: Double(units + kept) / Double(constraints))
  }
}

import Diffusion
import Foundation
import Testing

@testable import Workbench

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Plots: what is asked of the grammar, and what its renderer makes of it.
@Suite struct ParetoPlotTests {
  private static let names = (0..<10).map { "rule\($0)" }

  private func many() -> Pareto {
    let cells = Self.names.enumerated().flatMap { index, name in
      [2, 5].map { ParetoFixture.rough(name, "bar=0.\($0)", isBaseline: index == 0 && $0 == 2, cost: $0 * (1 + index), rightOf8: $0) }
    }
    return ParetoFixture.pareto(cells, problems: 40, draws: 200)
  }

  /// All maps in a specification.
  private func maps(_ setting: Setting) -> [Setting] {
    switch setting.value {
    case .map(let entries): [setting] + entries.flatMap { maps($0.value) }
    case .list(let items): items.flatMap(maps)
    default: []
    }
  }

  @Test func everyStrategyHasItsColourAndShape() throws {
    let found = maps(ParetoPlot(many()).specification)
    func range(_ key: String) throws -> [Setting] {
      let channel = try #require(found.compactMap { $0["encoding"]?[key] }.first { $0["scale"]?["range"] != nil })
      guard case .list(let values)? = channel["scale"]?["range"]?.value else { return [] }
      return values
    }
    let (colours, shapes) = (try range("color"), try range("shape"))
    #expect(colours.count == 10 && Set(colours).count == 10 && Set(shapes).count == 10)
  }

  @Test(arguments: [(1.0, 9.0, false), (1, 10, true), (0.02, 4000, true), (3, 3, false), (0, 50, false)])
  func axesGoThereAndBack(_ low: Double, _ high: Double, _ isLogarithmic: Bool) {
    let scale = PlotScale([low, high, .nan], length: 300, canBeLogarithmic: true, margin: 0.05, limits: -1...1e9)
    #expect(scale.isLogarithmic == isLogarithmic && scale.low < scale.high)
    for value in [low, (low + high) / 2, high] {
      #expect((0...300).contains(scale.pixel(value)))
      #expect(abs(scale.value(at: scale.pixel(value)) - value) < 1e-9 * max(1, high))
    }
    #expect((scale.ticks == nil) == !isLogarithmic)
    if let ticks = scale.ticks { #expect(ticks.count >= 2 && ticks.allSatisfy { $0 >= scale.low && $0 <= scale.high }) }
  }

  @Test func textsCoverNeitherPointsNorEachOther() {
    for seed in 0..<40 {
      let random = SeededRandom(seed: 3)[seed]
      let points = (0..<12).map { (x: random[0][$0].uniform * 200, y: random[1][$0].uniform * 120, radius: 4.0) }
      var room = PlotLabels(width: 200, height: 120, size: 9, points: points, bars: [])
      let labels = points.compactMap { room.place("0.95", beside: $0.x, $0.y, radius: $0.radius) }
      // Four letters, none narrower than 0.3 of the height.
      let boxes = labels.map { (left: $0.place.x, right: $0.place.x + 4 * 0.3 * 9, bottom: $0.place.y - 4.5, top: $0.place.y + 4.5) }
      for (index, box) in boxes.enumerated() {
        #expect(box.left >= 0 && box.right <= 200 && box.bottom >= 0 && box.top <= 120)
        for other in boxes[..<index] { #expect(box.right <= other.left || other.right <= box.left || box.top <= other.bottom || other.top <= box.bottom) }
        for point in points {
          #expect(!(box.left < point.x && point.x < box.right && box.bottom < point.y && point.y < box.top))
        }
      }
      #expect(!labels.isEmpty)
    }
  }

  @Test func aPythonThatIsNotThereIsSaid() {
    #expect(mistakes { try PlotRenderer(python: "/nowhere/python") }.contains("`make plots`"))
  }
}

/// The renderer that `make plots` installs.
enum PlotPython {
  static var isInstalled: Bool {
    FileManager.default.isExecutableFile(atPath: RepositoryTests.root.appending(path: ".build/plots/venv/bin/python").path)
      || ProcessInfo.processInfo.environment["UNMASK_PYTHON"] != nil
  }
}

/// What the renderer makes of specifications.
@Suite(.enabled(if: PlotPython.isInstalled || ProcessInfo.processInfo.environment["CI"] != nil, "NO PLOTS: run `make plots`, or `make test`"))
struct PlotRenderingTests {
  @Test func asManyMarksAsPoints() throws {
    let early = ParetoFixture.cell("early", costs: [1] + Array(repeating: .nan, count: 39), qualities: [1] + Array(repeating: .nan, count: 39))
    let pareto = ParetoFixture.pareto(ParetoFixture.roughCells + [early], problems: 40)
    let specification = ParetoPlot(pareto).specification
    let svg = try PlotRenderer().render(specification, as: .svg)
    let picture = PictureReader()
    let parser = XMLParser(data: Data(svg))
    parser.delegate = picture
    #expect(parser.parse())
    #expect(picture.points == 6)
    #expect(picture.texts.isSuperset(of: ["sums/test", "accuracy (%)", "bar (confidence)", "leap (radius)", "plain", "0.9"]))
    #expect(try PlotRenderer().render(specification, as: .svg) == svg)
  }

  @Test func aFaultIsOneLine() {
    let fault = mistakes { try PlotRenderer().render(["mark": "no such mark", "data": 3], as: .svg) }
    #expect(!fault.isEmpty && !fault.contains("\n"))
  }
}

/// Counts what an SVG of Vega's holds.
private final class PictureReader: NSObject, XMLParserDelegate {
  var points = 0
  var texts: Set<String> = []
  private var text = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
  ) {
    if attributes["aria-roledescription"] == "point" { points += 1 }
    text = ""
  }

  func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) { if name == "text" { texts.insert(text) } }
}

import Diffusion
import Foundation
import Support
import Testing
import Traces

@testable import Workbench

/// The page of a replay, as text and in a real browser.
@Suite struct ReplayPageTests {
  private func data(_ html: String) throws -> [String: Any] {
    let json = try #require(html.firstMatch(of: #/<script type="application/json" id="data">(.*?)</script>/#.dotMatchesNewlines())?.output.1)
    return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  @Test func everyTextStaysText() throws {
    let source = try ReplayFixture.source([try ReplayFixture.hostile()], strategy: "</script><script>")
    let html = try ReplayPage([source], problems: source.names).html
    // Two elements of ours, whatever tokens and names spell: the data and the script. And what they spell is no place in the template.
    #expect(html.matches(of: #/<script/#).count == 2 && html.matches(of: #/<\/script/#).count == 2 && html.matches(of: #/id="data"/#).count == 1)
    #expect(html.matches(of: #/<!--/#).count == 0 && !html.contains("\u{2028}"))
    let texts = try #require(try data(html)["texts"] as? [[String]])
    #expect(texts == ReplayFixture.words.indices.dropLast().map { [source.spelling.cell(Token($0)), source.spelling.exact(Token($0))] })
  }

  @Test(arguments: ["", "</script>", "<!--<script>", "\u{2028}\u{2029}", "\\u003c", "\u{0}\u{1F}\"\\", "&lt;"]) func jsonIsInert(_ text: String) throws {
    let inert = ReplayPage.inert(Setting(.text(text)).json)
    #expect(!inert.unicodeScalars.contains { "<>&\u{2028}\u{2029}".unicodeScalars.contains($0) })
    #expect(try JSONSerialization.jsonObject(with: Data(inert.utf8), options: .fragmentsAllowed) as? String == text)
  }

  @Test func framesCanBePutTogetherAgain() throws {
    for decode in try ReplayFixture.decodes() {
      let source = try ReplayFixture.source([decode.sample])
      let playback = try source.playback()
      let page = try data(try ReplayPage([source], problems: [decode.sample.problem]).html)
      let sample = try #require((page["samples"] as? [[String: Any]])?.first)
      let side = try #require((sample["sides"] as? [[String: Any]])?.first)
      let texts = try #require(page["texts"] as? [[String]])
      var cells: [[Int]] = []
      for (frame, expected) in zip(try #require(side["frames"] as? [[String: Any]]), playback.frames) {
        let count = try #require(frame["count"] as? Int)
        if count != cells.count { cells = Array(repeating: [], count: count) }
        for change in try #require(frame["cells"] as? [[Int]]) { cells[change[0]] = change }
        #expect(cells.map { $0[1] < 0 ? "▒" : texts[$0[1]][0] } == expected.cells.map { source.spelling.cell($0.token) })
        #expect(cells.map { $0[2] } == expected.cells.map { Int($0.state.rawValue) })
      }
    }
  }

  @Test func aPageIsBounded() throws {
    var sample = try ReplayFixture.decode(.toy(16, seed: 1), [ReplayFixture.hesitant]).sample
    func stretch(_ count: Int) { (sample.initial, sample.pinned) = (Array(repeating: -1, count: count), Array(repeating: false, count: count)) }
    stretch(ReplayPage.longest + 1)
    let tooLong = try ReplayFixture.source([sample])
    #expect(mistakes { try ReplayPage([tooLong], problems: ["p"]) }.contains("is more than the limit of the 8192 of either that a page draws"))
    // Each of them fits, all of them do not.
    stretch(ReplayPage.longest)
    let names = (0..<40).map { "p/\($0)" }
    let many = try ReplayFixture.source(
      names.map { name in
        var copy = sample
        copy.problem = name
        return copy
      })
    #expect(try ReplayPage([many], problems: ["p/7"]).html.contains("p/7"))
    #expect(mistakes { try ReplayPage([many], problems: names) }.contains("the page: 40 samples is more than the limit of"))
  }
}

/// The page in a real browser: what it shows after the slider moved is what the trace says.
@Suite(
  .enabled(if: Browser.isInstalled || ProcessInfo.processInfo.environment["CI"] != nil, "NO BROWSER: install chromium, or run `make test`"))
struct ReplayBrowserTests {
  /// One canvas as the page shows it: text, state and difference of each cell.
  private static let cells = """
    return Array.from(document.querySelectorAll('.side')).map(side => Array.from(side.querySelectorAll('.canvas .cell'))
      .map(cell => [cell.textContent, cell.dataset.state, 'differs' in cell.dataset ? 'differs' : '']))
    """

  /// The same, from the trace.
  private func expected(_ sources: [ReplaySource], _ playbacks: [Playback], _ round: Int) -> [[[String]]] {
    let differing = playbacks.count == 2 ? Set(ReplayDifference.positions(playbacks[0], playbacks[1], frame: round)) : []
    return zip(sources, playbacks).map { source, playback in
      playback.frames[min(round, playback.roundCount)].cells.enumerated().map { position, cell in
        let text = cell.state == .remasked ? "×" : cell.token < 0 ? "" : source.spelling.cell(cell.token)
        let state = ["masked", "revealed", "fresh", "remasked", "pinned"][Int(cell.state.rawValue)]
        return [text, state, differing.contains(position) ? "differs" : ""]
      }
    }
  }

  private func check(_ browser: Browser, _ sources: [ReplaySource], _ playbacks: [Playback], _ round: Int) throws {
    let last = playbacks.map(\.roundCount).max() ?? 0
    let place = round == 0 ? "start of \(last)" : "round \(round) of \(last)"
    #expect(try browser.evaluate("return document.getElementById('where').textContent") == place)
    #expect(try browser.evaluate("return document.getElementById('round').value") == "\(round)")
    #expect(try browser.evaluate(Self.cells) == expected(sources, playbacks, round))
  }

  @Test(.timeLimit(.minutes(30))) func thePageShowsTheTrace() throws {
    let folder = try Folder()
    let browser = try Browser()
    defer { do { try browser.quit() } catch { Issue.record("the browser was not ended: \(error)") } }
    try pageOfOne(browser, folder)
    try pageOfTwo(browser, folder)
    #expect(try browser.evaluate("return performance.getEntriesByType('resource').length") == 0)
    #expect(try browser.evaluate("return typeof window.harmed") == "undefined")
    #expect(browser.complaints == [])
  }

  private func pageOfOne(_ browser: Browser, _ folder: Folder) throws {
    for (number, sample) in try ([ReplayFixture.hostile()] + ReplayFixture.decodes().prefix(2).map(\.sample)).enumerated() {
      let source = try ReplayFixture.source([sample])
      let playback = try source.playback()
      let file = folder.path + "/\(number).html"
      try ReplayPage([source], problems: [sample.problem]).html.write(toFile: file, atomically: true, encoding: .utf8)
      for round in [2, 0, playback.roundCount] {
        try browser.open("file://\(file)#round=\(round)")
        try check(browser, [source], [playback], round)
      }
      // The slider, moved by its keys as a person would.
      try browser.press(.home, on: "#round")
      for round in 1...5 {
        try browser.press(.arrowRight, on: "#round")
        try check(browser, [source], [playback], round)
      }
      try browser.press(.arrowLeft, on: "#round")
      try check(browser, [source], [playback], 4)
      #expect(try browser.evaluate("return document.getElementById('difference').hidden") == true)
      // What stands under the cursor.
      for position in [0, 5] {
        try browser.click(".canvas .cell[data-position='\(position)']")
        let detail: String = try browser.evaluate("return document.querySelector('.detail').textContent")
        #expect(detail.contains("position \(position) "))
        if let (round, edit) = playback.decision(position, in: 4) {
          #expect(detail.contains("in round \(round) by \(TokenSpelling.visible(edit.author))"))
        }
        if let second = playback.guess(position, in: 4)?.candidates.dropFirst().first {
          #expect(detail.contains("runner-up \(source.spelling.exact(second.token))"))
        }
      }
      let order: [String] = try browser.evaluate("return Array.from(document.querySelectorAll('.order sup')).map(mark => mark.textContent)")
      #expect(order == playback.commitOrder.map { $0 == 0 ? "" : "\($0)" })
      try clickOnChart(browser, shades: number == 0 ? 3 : 9)
    }
  }

  /// A click on the chart of confidences goes to the round and position that it was drawn for.
  private func clickOnChart(_ browser: Browser, shades least: Int) throws {
    let place: [Double] = try browser.evaluate(
      """
      const canvas = document.querySelector('.plot canvas');
      canvas.scrollIntoView({block: 'center'});
      const box = canvas.getBoundingClientRect(), side = shown.sides[0].place;
      return [box.left + side.left + 3.5 * side.cellWidth, box.top + side.top + 2.5 * side.cellHeight];
      """)
    try browser.click(at: place)
    #expect(try browser.evaluate("return document.getElementById('round').value") == "3")
    #expect(try browser.evaluate("return document.querySelector('.canvas .cell[data-cursor]').dataset.position") == "3")
    // Something is drawn there, in many shades.
    let shades: Int = try browser.evaluate(
      """
      const canvas = document.querySelector('.plot canvas'), side = shown.sides[0].place, scale = window.devicePixelRatio;
      const shades = new Set();
      for (let round = 0; round < side.rounds; round++) for (let position = 0; position < side.positions; position++)
        shades.add(canvas.getContext('2d').getImageData((side.left + (position + 0.3) * side.cellWidth) * scale,
          (side.top + (round + 0.3) * side.cellHeight) * scale, 1, 1).data.join());
      return shades.size;
      """)
    #expect(shades >= least)
  }

  private func pageOfTwo(_ browser: Browser, _ folder: Folder) throws {
    let sources = try ReplayFixture.pair()
    let file = folder.path + "/pair.html"
    try ReplayPage(sources, problems: ["one", "two"]).html.write(toFile: file, atomically: true, encoding: .utf8)
    let playbacks = try sources.map { try $0.playback(of: "one") }
    let difference = try #require(ReplayDifference(playbacks[0], playbacks[1]))
    // Without a word on the round, the page opens where the two part.
    try browser.open("file://\(file)")
    try check(browser, sources, playbacks, difference.frame)
    let marked: [String] = try browser.evaluate("const mark = document.getElementById('difference').dataset; return [mark.round, mark.position]")
    #expect(marked == ["\(difference.frame)", "\(difference.position)"])
    #expect(try browser.evaluate("return document.querySelector('.canvas .cell[data-differs]').dataset.position") == "\(difference.position)")
    let titles: [String] = try browser.evaluate("return Array.from(document.querySelectorAll('h2')).map(title => title.textContent)")
    #expect(titles == sources.map(\.strategy))
    let fidelity = Fidelity(playbacks[0].sample, playbacks[1].sample, end: ReplayFixture.toy.vocabulary.end)
    #expect(try browser.evaluate("return document.getElementById('answers').textContent") == "In the end \(fidelity.words).")
    // Beyond the end of the shorter decode it stays as it ended.
    try browser.press(.end, on: "#round")
    try check(browser, sources, playbacks, playbacks.map(\.roundCount).max() ?? 0)
    try browser.press(.letter("d"), on: "#round")
    try check(browser, sources, playbacks, difference.frame)
    // Another sample from the list.
    try browser.open("file://\(file)#sample=two&round=1")
    try check(browser, sources, try sources.map { try $0.playback(of: "two") }, 1)
    #expect(try browser.evaluate("return document.getElementById('problem').textContent") == "two")
  }
}

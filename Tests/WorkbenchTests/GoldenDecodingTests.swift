import Diffusion
import Foundation
import Models
import Strategies
import Support
import Testing
import Traces

@testable import Workbench

/// How goldens are decoded and held against each other.
@Suite struct GoldenDecodingTests {
  /// A golden of a list of rules on the exact model.
  private func decoded(_ rules: Setting, _ denoiser: (any Denoiser)? = nil) throws -> GoldenDecoder.Decoded {
    let suite = try GoldenSuite(["model": "ties"], folder: "x")
    let decoder = GoldenDecoder(suite: suite, catalog: .standard, benchmarks: .standard)
    let exact = try GoldenModel("ties")
    let model = denoiser.map { other in GoldenModel(exact) { _ in other } } ?? exact
    let golden = Golden(GoldenSuite.Entry(name: "s", rules: rules), model: exact, benchmark: nil)
    return try #require(try decoder.decode(try decoder.blank(golden, exact), rules, model))
  }

  // MARK: The model of exact confidences

  /// Confidences are 1/n, margins 0 or 1, gaps 0 or 40, on every canvas.
  @Test func tiesAreExact() throws {
    var sums: Set<Double> = []
    for rules: Setting in [["quota"], ["threshold"], ["saber"]] {
      let sample = try decoded(rules).samples[0]
      let beliefs = try #require(sample.beliefs)
      let exact = [1, 0.5, 1.0 / 3, 0.25, 0.2]
      #expect(sample.edits.allSatisfy { $0.edit.kind != .reveal || exact.contains($0.edit.confidence) })
      for row in beliefs.round.indices {
        let logits = beliefs.topLogits[row * beliefs.candidates..<(row + 1) * beliefs.candidates]
        #expect([0, 40].contains(logits[logits.startIndex] - logits[logits.startIndex + 1]))
        sums.insert(beliefs.mass[row])
      }
    }
    #expect(sums == [1, 2, 3, 4, 5])
  }

  /// Rows do not depend on the batch or on which rows are asked for.
  @Test func tiesAreRowsOfTheirOwn() throws {
    let model = TieDenoiser()
    let prompt = model.prompt(0)
    let tokens = (0..<6).map { seed in prompt + (0..<24).map { SeededRandom(seed: 9)[seed][$0].integer(below: 3) == 0 ? Token($0 % 14) : 15 } }
    let all = try model.believe(tokens.map { Query(tokens: $0, rows: Array($0.indices), reading: Reading(fullRows: true)) })
    for (index, sequence) in tokens.enumerated() {
      for row in sequence.indices {
        let alone = try model.believe([Query(tokens: sequence, rows: [row], reading: Reading(fullRows: true))])
        #expect(alone[0].rows[0].full == all[index].rows[row].full)
      }
    }
    #expect(throws: DenoiserError.self) { try model.believe([Query(tokens: [16], rows: [0])]) }
  }

  // MARK: Comparing

  @Test func equalDecodesAreEqualBitForBit() throws {
    for name in Catalog.standard.names where name != "timesteps" {
      let rules = Setting(.list([Setting(.text(name))]))
      let comparison = GoldenComparison(try decoded(rules).samples[0], try decoded(rules).samples[0], tolerance: .init(absolute: 0, relative: 0))
      #expect(comparison.difference == nil && comparison.isBitEqual && comparison.furthest == nil, "\(name)")
    }
  }

  /// Numbers that moved by less than the tolerance pass and are reported; by more they do not, and the decisions are said to be the golden's.
  @Test func beliefsAreComparedWithinTheTolerance() throws {
    let golden = try decoded(["threshold"]).samples[0]
    let beliefs = try #require(golden.beliefs)
    for (moved, isNear) in [(5e-5, true), (5e-4, false), (-5e-4, false), (.nan, false)] {
      var now = golden
      now.beliefs?.logSumExp[beliefs.round.count - 1] += moved
      let comparison = GoldenComparison(golden, now, tolerance: .standard)
      #expect((comparison.difference == nil) == isNear && !comparison.isBitEqual, "\(moved)")
      if isNear { #expect(comparison.furthest?.place.hasPrefix("log_sum_exp of position ") == true) }
      let lines = comparison.difference?.lines(CanvasText(end: nil) { _ in nil }, width: 80, hasColour: false)
      #expect(isNear || lines?.last?.hasPrefix("the decisions of this round are the golden's") == true)
    }
    // Two candidates as good as equal may change places; the belief is not the same bit for bit then.
    var swapped = golden
    swapped.beliefs?.topTokens.swapAt(0, 1)
    let comparison = GoldenComparison(golden, swapped, tolerance: .standard)
    #expect(!comparison.isBitEqual)
  }

  /// Each part of a decision counts: kind, position, token, branch, author, order, and what the round cost.
  @Test func everyPartOfADecisionCounts() throws {
    let golden = try decoded([["quota": ["steps": 8]]]).samples[0]
    let index = try #require(golden.edits.indices.first { golden.edits.indices.contains($0 + 1) && golden.edits[$0].round == golden.edits[$0 + 1].round })
    let round = golden.edits[index].round
    let changes: [(inout SampleTrace) -> Void] = [
      { $0.edits.swapAt(index, index + 1) },
      { $0.edits[index].edit.author = "other" },
      { $0.edits[index].edit.branch = 3 },
      { $0.edits.remove(at: index) },
      { $0.edits[index].edit = Edit(.reveal, at: $0.edits[index].edit.position, token: ($0.edits[index].edit.token + 1) % 14) },
      { $0.rounds[round].cost.positions += 1 },
      { $0.rounds[round].cost.canvases += 1 },
      { $0.rounds[round].kind = .passed },
    ]
    for (number, change) in changes.enumerated() {
      var now = golden
      change(&now)
      let difference = GoldenComparison(golden, now, tolerance: .standard).difference
      #expect(difference?.round == round, "change \(number)")
    }
    var shorter = golden
    shorter.rounds.removeLast()
    shorter.edits.removeAll { $0.round == shorter.rounds.count }
    #expect(GoldenComparison(golden, shorter, tolerance: .standard).difference?.round == shorter.rounds.count)
  }

  /// Both canvases one above the other: a position begins in one column whatever it holds, and is marked where it differs.
  @Test func aPictureShowsWhereCanvasesDiffer() {
    let text = CanvasText(end: 14) { _ in nil }
    let golden: CanvasText.Side = ([1, -1, 12, 14], [.justRevealed, .masked, .justRevealed, .revealed])
    let now: CanvasText.Side = ([1, 5, -1, 14], [.justRevealed, .justRevealed, .masked, .revealed])
    let wide = text.groups(golden, now, width: 80, hasColour: false)
    #expect(wide.map { [$0.above, $0.below, $0.marks] } == [["[ 1]▒   [ 12]·", "[ 1][ 5]▒    ·", "    ^^^^^^^^^"]])
    let narrow = text.groups(golden, now, width: 8, hasColour: false)
    #expect(narrow.map { [$0.above, $0.below, $0.marks] } == [["[ 1]▒", "[ 1][ 5]", "    ^^^^"], ["[ 12]·", "▒    ·", "^^^^^"]])
    let coloured = text.groups(golden, now, width: 80, hasColour: true)
    #expect(coloured.map(\.marks) == ["  ^^^^^"] && coloured[0].below.contains("\u{1B}[1;32m 5\u{1B}[0m▒  ·"))
  }

  // MARK: Edges

  /// An edge is where decisions change: on one side of it, one float64 further, they are others.
  @Test(arguments: ["threshold", "factor", "frechet", "hierarchy", "localleap", "sched"]) func edgesAreWhereDecisionsChange(_ name: String) throws {
    let standing = try decoded(Setting(.list([Setting(.text(name))])))
    let decode = { (rules: Setting) -> GoldenDecoder.Decoded? in
      do { return try decoded(rules) } catch { return nil }
    }
    let edges = GoldenEdgeFinder(decode: decode).edges(of: standing.settings)
    #expect(!edges.isEmpty)
    for edge in edges {
      let parts = edge.label.split(separator: "=").map(String.init)
      let value = try #require(Double(parts[1]))
      let key = try #require(parts[0].split(separator: ".").last)
      let here = try #require(decode(edge.rules)).decisions
      let others = [value.nextUp, value.nextDown].map { next -> [[GoldenDecision]]? in
        guard case .list(let rules) = edge.rules.value, case .map(let entries) = rules[0].value, case .map(let keys) = entries[0].value.value else {
          return nil
        }
        let moved = keys.map { $0.key == key ? Setting.Entry($0.key, Setting(.number(next))) : $0 }
        return decode([Setting(.map([Setting.Entry(entries[0].key, Setting(.map(moved)))]))])?.decisions
      }
      #expect(others.contains { $0 != nil && $0 != here }, "\(name) \(edge.label)")
    }
  }

  // MARK: The shipped model

  /// Goldens hold their prompts: a generator that makes other problems now changes nothing.
  @Test func aCheckNeedsNoGenerator() throws {
    struct Lists: Benchmark {
      static let name = "lists"
      static let summary = ""
      static let version = 99
      static let levelUnit = ""
      static let geometry = Geometry(genLength: 8, blockLength: 4)
      func problem(_ index: Int, of split: Split) -> Problem {
        Problem(id: "lists/\(split.rawValue)/\(index)", prompt: "other\n", answer: " x", kind: "", level: 0)
      }
      func extract(_ response: String) -> String? { nil }
      func grade(_ response: String, _ problem: Problem) -> Grade { Grade(isCorrect: false, extracted: nil) }
    }
    let folder = try Folder()
    let catalog = Catalog(Catalog.standard.entries.filter { ["threshold", "saber"].contains($0.name) })
    try GoldenSuite.make(folder.path, ["model": "reference", "problems": ["lists/dev/3"]])
    let suite = try GoldenSuite(folder: folder.path)
    let check = try GoldenCheck(suite, catalog: catalog, benchmarks: .standard)
    try GoldenRevision(try check.run(), check).apply()
    let report = try GoldenCheck(suite, catalog: catalog, benchmarks: .standard + [Lists.self]).run()
    #expect(report.isPassed && report.results.count == 2, "\(report.results.compactMap(\.verdict.message))")
  }

  /// A model that is off by nothing is the model; one that is off by much decides otherwise somewhere.
  @Test func unsteadyModelsAreOffByAsMuchAsAsked() throws {
    let toy = ToyDenoiser()
    let canvas = try Canvas.toy(16, blocks: 8)
    let rules = { [OneByOne()] }
    let plain = try decode(canvas, rules(), with: toy)
    let same = try decode(canvas, rules(), with: UnsteadyDenoiser(toy, amplitude: 0, seed: 1))
    #expect(same.edits == plain.edits)
    let other = try decode(canvas, rules(), with: UnsteadyDenoiser(toy, amplitude: 10, seed: 1))
    #expect(other.edits.map(\.position) != plain.edits.map(\.position))
    let query = Query(tokens: canvas.prompt + canvas.response, rows: [5], reading: Reading(fullRows: true))
    let rows = try [toy.believe([query]), UnsteadyDenoiser(toy, amplitude: 0.25, seed: 1).believe([query])].map { try #require($0[0].rows[0].full) }
    let distances = zip(rows[0], rows[1]).map { abs($0 - $1) }
    #expect(distances.allSatisfy { $0 <= 0.2501 } && (distances.max() ?? 0) > 0.1)
  }
}

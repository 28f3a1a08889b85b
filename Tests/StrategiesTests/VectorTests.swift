import Diffusion
import Foundation
import Strategies
import Support
import Testing

/// Single rules on recorded inputs: the authors' own functions gave the outputs.
@Suite struct VectorTests {
  /// The recorded vectors of a file: `strategy`, `params`, `inputs`, `outputs`, one each.
  static func vectors(_ name: String) throws -> [(params: Setting, inputs: Setting, outputs: Setting)] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/vectors")
    let file = try Setting(file: folder.appending(path: name + ".json"))
    if case .list(let all) = file.value { return try all.map { (try $0.at("params"), try $0.at("inputs"), try $0.at("outputs")) } }
    let params = try file.at("params")
    return zip(try file.at("inputs").items, try file.at("outputs").items).map { (params, $0, $1) }
  }

  /// The strategy list of a selector's vector: the papers' names of parameters mapped to ours.
  static func strategy(_ name: String, _ params: Setting, masks: Int) throws -> Setting {
    switch name {
    case "threshold", "dinfer_threshold": [["threshold": ["confidence": try params.at("threshold")]]]
    case "factor": [["factor": ["factor": try params.at("factor"), "quirk": true]]]
    case "frechet": [["frechet": ["delta": try params.at("margin")]]]
    case "hierarchy": [["hierarchy": ["high": try params.at("threshold"), "low": try params.at("low_threshold")]]]
    case "localleap":
      [
        [
          "localleap": [
            "anchor": try params.at("threshold"), "relaxed": try params.at("relaxed_threshold"), "radius": try params.at("radius"),
          ]
        ]
      ]
    default: [["quota": ["steps": Setting(.integer(max(1, masks)))]]]
    }
  }

  /// One decision on rows of logits: the mask's id lies outside them, as where they were recorded.
  static func step(_ rows: [[Float]], masked: [Bool], index: Int = 0, prompt: Int = 0, needs: Needs) throws -> Step {
    let vocabulary = Vocabulary(size: rows[0].count + 1, mask: Token(rows[0].count), end: 0)
    let pinned = Dictionary(uniqueKeysWithValues: masked.indices.filter { !masked[$0] }.map { ($0, Token(0)) })
    let canvas = try Canvas(
      prompt: Array(repeating: 0, count: prompt), length: rows.count, blockLength: rows.count, vocabulary: vocabulary, pinned: pinned)
    return try Self.step(rows, on: canvas, index: index, needs: needs)
  }

  static func step(_ rows: [[Float]], on canvas: Canvas, index: Int, needs: Needs) throws -> Step {
    let summaries = try rows.map { row in try #require(row.withUnsafeBufferPointer { RowSummary($0, reading: needs.reading) }) }
    let belief = Belief(summaries, at: Array(rows.indices), of: canvas)
    return Step(index: index, shown: canvas, belief: belief, views: [Step.Seen(view: View(canvas), belief: belief)], trajectory: SeededRandom(seed: 0))
  }

  static func build(_ strategy: Setting, length: Int, vocabulary: Vocabulary = Vocabulary(size: 9, mask: 8, end: 0), sampling: Sampling = .greedy) throws
    -> Pipeline
  {
    let context = Parameters.Context(genLength: length, blockLength: length, vocabulary: vocabulary, sampling: sampling)
    return try Catalog.standard.build(strategy, context: context).pipeline
  }

  @Test(arguments: ["threshold", "dinfer_threshold", "factor", "frechet", "hierarchy", "localleap"])
  func selects(_ name: String) throws {
    for vector in try Self.vectors(name) {
      let rows = try vector.inputs.at("logits").items.map { try $0.floats }
      let masked = try vector.inputs.at("masked").ints.map { $0 != 0 }
      var pipeline = try Self.build(try Self.strategy(name, vector.params, masks: 0), length: rows.count)
      var step = try Self.step(rows, masked: masked, needs: pipeline.needs)
      let belief = step.belief
      pipeline.decide(&step)
      #expect(step.edits.map(\.position).sorted() == (try vector.outputs.at("selected").ints))
      for (position, (token, confidence)) in zip(try vector.outputs.at("tokens").items, try vector.outputs.at("confidence").items).enumerated()
      where masked[position] {
        #expect(Int(belief[position].token) == (try token.int))
        #expect(abs(belief[position].confidence - (try confidence.double)) < 1e-6)
      }
    }
  }

  /// `k` is a round's quota: masks in front that come later give it to the first round.
  @Test func quotaTakesTheBest() throws {
    for vector in try Self.vectors("llada") {
      let rows = try vector.inputs.at("logits").items.map { try $0.floats }
      let masked = try vector.inputs.at("masked").ints.map { $0 != 0 }
      let (masks, k) = (masked.count { $0 }, try vector.params.at("k").int)
      // The first of `steps` rounds takes masks / steps rounded up; where no number of steps gives k, rounds are added up.
      guard let steps = (1...max(masks, 1)).first(where: { (masks + $0 - 1) / $0 == k }) else { continue }
      var pipeline = try Self.build([["quota": ["steps": Setting(.integer(steps))]]], length: rows.count)
      var step = try Self.step(rows, masked: masked, needs: pipeline.needs)
      pipeline.decide(&step)
      #expect(step.edits.map(\.position).sorted() == (try vector.outputs.at("selected").ints))
    }
    for vector in try Self.vectors("llada") {
      // Every k: one position a round over fixed rows gives the ranking, whose first k are the selection.
      let rows = try vector.inputs.at("logits").items.map { try $0.floats }
      let masked = try vector.inputs.at("masked").ints.map { $0 != 0 }
      let order = try Self.order(rows, masked: masked, [["quota": ["steps": Setting(.integer(rows.count))]]])
      #expect(order.prefix(try vector.params.at("k").int).sorted() == (try vector.outputs.at("selected").ints))
    }
  }

  /// The order in which positions are revealed where rows never change.
  static func order(_ rows: [[Float]], masked: [Bool], _ strategy: Setting, sampling: Sampling = .greedy) throws -> [Int] {
    let vocabulary = Vocabulary(size: rows[0].count + 1, mask: Token(rows[0].count), end: 0)
    let pinned = Dictionary(uniqueKeysWithValues: masked.indices.filter { !masked[$0] }.map { ($0, Token(0)) })
    let canvas = try Canvas(prompt: [], length: rows.count, blockLength: rows.count, vocabulary: vocabulary, pinned: pinned)
    let pipeline = try build(strategy, length: rows.count, vocabulary: vocabulary, sampling: sampling)
    let decoded = try decode(canvas, pipeline.rules, with: RowsDenoiser(vocabulary) { _, row in rows[row] }, sampling: sampling)
    #expect(decoded.error == nil)
    return decoded.edits.map(\.position)
  }

  @Test func timestepsRanksByTheCutDistribution() throws {
    let names = ["entropy": "entropy", "maskgit_plus": "confidence", "topk_margin": "margin"]
    for vector in try Self.vectors("dream") {
      let rows = try vector.inputs.at("logits").items.map { try $0.floats }
      let score = try #require(try vector.params.at("alg").text.flatMap { names[$0] })
      let topP = try vector.params.at("top_p").value == .null ? 1 : vector.params.at("top_p").double
      let topK = try vector.params.at("top_k").value == .null ? 0 : vector.params.at("top_k").int
      let sampling = Sampling(topP: topP, topK: topK)
      let expected = try vector.outputs.at("confidence").items.map { try $0.double }
      let steps = Setting(.integer(8 * rows.count))
      let order = try Self.order(
        rows, masked: rows.map { _ in true }, [["timesteps": ["steps": steps, "score": Setting(.text(score))]]], sampling: sampling)
      let ranked = rows.indices.sorted { expected[$0] != expected[$1] ? expected[$0] > expected[$1] : $0 < $1 }
      // The grid's last steps take several at once, in order of score all the same.
      #expect(order == ranked)
      for (row, value) in zip(rows, expected) {
        let shares = sampling.distribution(row.map(Double.init))
        let best = shares.sorted(by: >)
        let own = score == "entropy" ? shares.reduce(0) { $0 + $1 * log($1 + 1e-10) } : score == "margin" ? best[0] - best[1] : best[0]
        #expect(abs(own - value) < 1e-5)
      }
    }
  }

  /// Reveals per round where every row is alike.
  static func counts(_ strategy: Setting, length: Int) throws -> [Int] {
    let vocabulary = Vocabulary(size: 4, mask: 3, end: 0)
    let canvas = try Canvas(prompt: [], length: length, blockLength: length, vocabulary: vocabulary)
    let pipeline = try build(strategy, length: length, vocabulary: vocabulary)
    let decoded = try decode(canvas, pipeline.rules, with: RowsDenoiser(vocabulary) { _, row in [Float(row % 7), -1, -2, -9] })
    return decoded.rounds.map { $0.edits.count }
  }

  @Test(arguments: ["llada_schedule", "prophet_quota", "dream_schedule", "sched_quota"])
  func spreadsMasksOverSteps(_ name: String) throws {
    for vector in try Self.vectors(name) {
      let isDream = name == "dream_schedule" || name == "sched_quota"
      let steps = try vector.inputs.at("steps")
      let masks = try vector.inputs.at(name == "sched_quota" ? "gen_length" : "masks").int
      guard masks > 0 else { continue }
      let settings: Setting = isDream ? ["steps": steps, "eps": vector.params["eps"] ?? 0.001] : ["steps": steps]
      let own = try Self.counts([Setting(.map([Setting.Entry(isDream ? "timesteps" : "quota", settings)]))], length: masks)
      let expected = try (vector.outputs["per_step"] ?? vector.outputs).ints
      // Unlike the released code, no call is made once nothing is masked.
      #expect(own == Array(expected.prefix(own.count)) && expected.dropFirst(own.count).allSatisfy { $0 == 0 })
      #expect(own.reduce(0, +) == masks)
    }
  }

  /// Rows whose two largest logits differ by `gap`.
  static func rows(gap: Double, count: Int = 6) -> [[Float]] { (0..<count).map { _ in [Float(gap), 0, -200, -300] } }

  /// Whether a list of one early stop fills everything on its `index`-th decision; without it one token is revealed.
  static func exits(_ strategy: Setting, _ rows: [[Float]], index: Int) throws -> Bool {
    var pipeline = try build([["threshold": ["confidence": 2]], strategy], length: rows.count)
    var step = try step(rows, masked: rows.map { _ in true }, index: index, needs: pipeline.needs)
    pipeline.decide(&step)
    return step.canvas.isComplete
  }

  @Test func prophetExits() throws {
    for vector in try Self.vectors("prophet") {
      let settings: Setting = [
        "answer_start": 0, "gaps": Setting(.list(try vector.inputs.at("thresholds").items)), "steps": try vector.inputs.at("max_steps"),
      ]
      let rows = Self.rows(gap: try vector.inputs.at("gap").double)
      let index = try vector.inputs.at("step").int - 1
      #expect(try Self.exits(["prophet": settings], rows, index: index) == vector.outputs.isTrue)
    }
  }

  @Test func schedBarFalls() throws {
    for vector in try Self.vectors("sched") {
      let mode = try #require(try vector.inputs.at("mode").text)
      let settings: Setting = [
        "schedule": Setting(.text(mode.hasPrefix("exp") ? "exponential" : mode)), "high": try vector.inputs.at("high"), "low": try vector.inputs.at("low"),
        "rate": try vector.inputs.at("k"), "steps": try vector.inputs.at("total_steps"), "max_change": 1,
      ]
      let (bar, index) = (try vector.outputs.double, try vector.inputs.at("step").int)
      #expect(try Self.exits(["sched": settings], Self.rows(gap: bar + 1e-4), index: index))
      if bar > 1e-4 { #expect(try !Self.exits(["sched": settings], Self.rows(gap: bar - 1e-4), index: index)) }
    }
  }

  @Test func schedSummarisesGaps() throws {
    for vector in try Self.vectors("sched_margin") {
      let rows = try vector.inputs.at("logits").items.map { try $0.floats }
      let value = try vector.outputs.at("aggregate").double
      for (bar, exits) in [(value - 1e-4, true), (value + 1e-4, false)] where bar >= 0 {
        let settings: Setting = [
          "statistic": try vector.inputs.at("stat"), "quantile": try vector.inputs.at("q"), "high": Setting(.number(bar)), "low": Setting(.number(bar)),
          "max_change": 1,
        ]
        #expect(try Self.exits(["sched": settings], rows, index: 0) == (exits || rows.count == 1))
      }
      let pipeline = try Self.build("threshold", length: rows.count)
      let belief = try Self.step(rows, masked: rows.map { _ in true }, needs: pipeline.needs).belief
      for (position, margin) in try vector.outputs.at("margins").items.enumerated() {
        #expect(abs(belief.raw[position].gap - (try margin.double)) < 1e-5)
      }
    }
  }

  @Test func creditGathers() throws {
    for vector in try Self.vectors("credit") {
      let steps = try vector.inputs.at("logits").items.map { try $0.items.map { try $0.floats } }
      let length = try vector.inputs.at("block_length").int
      let p = vector.params
      var pipeline = try Self.build(
        [
          ["credit": ["decay": try p.at("beta"), "fusion": try p.at("alpha"), "exponent": try p.at("gamma")]],
          ["threshold": ["confidence": try p.at("threshold")]],
        ], length: length)
      let vocabulary = Vocabulary(size: steps[0][0].count + 1, mask: Token(try vector.inputs.at("mask_id").int), end: 0)
      var canvas = try Canvas(prompt: [], length: length, blockLength: length, vocabulary: vocabulary)
      for (index, rows) in steps.enumerated() where !canvas.isComplete {
        var step = try Self.step(rows, on: canvas, index: index, needs: pipeline.needs)
        pipeline.decide(&step)
        let commits = step.edits.map { [$0.position, Int($0.token)] }.sorted { $0[0] < $1[0] }
        #expect(commits == (try vector.outputs.at("commits").items[index].items.map { try $0.ints }))
        let fused = try vector.outputs.at("fused_logits").items[index].items.map { try $0.items.map { try $0.double } }
        let confidence = try vector.outputs.at("fused_confidence").items[index].items
        for position in canvas.masked {
          #expect(abs(step.belief[position].confidence - (try confidence[position].double)) < 1e-5)
          for candidate in step.belief[position].candidates { #expect(abs(candidate.logit - fused[position][Int(candidate.token)]) < 1e-5) }
        }
        canvas = step.canvas
      }
    }
  }

  /// Sees `rows[t]` in its t-th call, whatever the canvas.
  final class Script: Denoiser {
    let vocabulary: Vocabulary
    let rows: [[[Float]]]
    private let calls = Counter()

    init(_ vocabulary: Vocabulary, _ rows: [[[Float]]]) {
      self.vocabulary = vocabulary
      self.rows = rows
    }

    func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
      let call = calls.next()
      guard rows.indices.contains(call) else { throw .failed("the script ends after \(rows.count) calls") }
      let now = rows[call]
      return try RowsDenoiser(vocabulary) { _, row in now[row] }.believe(queries)
    }
  }

  @Test func saberReplaysScripts() throws {
    for vector in try Self.vectors("saber") {
      let rows = try vector.inputs.at("logits").items.map { try $0.items.map { try $0.floats } }
      let vocabulary = Vocabulary(size: rows[0][0].count, mask: Token(try vector.inputs.at("mask_id").int), end: 0)
      let (length, block) = (try vector.inputs.at("gen_length").int, try vector.inputs.at("block").int)
      let canvas = try Canvas(
        prompt: Array(repeating: 0, count: try vector.inputs.at("prompt_len").int), length: length, blockLength: block, vocabulary: vocabulary)
      let context = Parameters.Context(genLength: length, blockLength: block, vocabulary: vocabulary)
      let pipeline = try Catalog.standard.build([["saber": ["minimum": try vector.inputs.at("n")]]], context: context).pipeline
      let decoded = try decode(canvas, pipeline.rules, with: Script(vocabulary, rows))
      #expect(decoded.error == nil)
      #expect(decoded.response.map(Int.init) == (try vector.outputs.at("final").ints))
      #expect(decoded.rounds.count == (try vector.outputs.at("nfe").int))
      for (round, expected) in zip(decoded.rounds, try vector.outputs.at("forwards").items) {
        #expect(round.changes.commits.map { [$0.position, Int($0.token)] } == (try expected.at("commits").items.map { try $0.ints }))
        #expect(round.changes.remasks == (try expected.at("remasks").ints))
      }
    }
  }
}

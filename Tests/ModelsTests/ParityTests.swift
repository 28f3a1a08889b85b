import Diffusion
import Foundation
import Models
import Testing

/// Budget everywhere: 1e-4 in the logits, which are of the order of 1 to 10.
@Suite struct ParityTests {
  private func distance(_ found: [[Float]], _ expected: [[Double]]) -> Double {
    var worst = found.count == expected.count ? 0 : Double.infinity
    for (a, b) in zip(found, expected) { for (x, y) in zip(a, b) { worst = max(worst, abs(Double(x) - y)) } }
    return worst
  }

  /// The families' checkpoints, recorded with their authors' code.
  static let recorded = ["llada-tied-f16", "llada-gqa-bf16-sharded", "dream-bf16", "llada-moe-bf16", "llada2-moe-bf16", "sdar-bf16"]

  @Test(arguments: recorded, [(Arithmetic.kernels, Linear.Holding.packed), (.kernels, .stored), (.openBLAS, .packed)])
  func recordedCheckpoints(_ name: String, _ way: (arithmetic: Arithmetic, holding: Linear.Holding)) throws {
    struct Expected: Decodable { let inputs: [[Int32]] }
    let directory = try Fixture.path("checkpoints/" + name)
    let inputs = try JSONDecoder().decode(Expected.self, from: Data(contentsOf: URL(fileURLWithPath: directory + "/expected.json"))).inputs
    let recorded = try SafetensorsFile(directory + "/expected.safetensors")
    let model = try Transformer(directory: directory, arithmetic: way.arithmetic, holding: way.holding)
    let rows = try model.rows(inputs.map { Query(tokens: $0, rows: Array($0.indices)) })
    var worst = 0.0
    for (index, found) in rows.enumerated() {
      let values = try #require(recorded.tensors["logits_\(index)"]).values().map(Double.init)
      let size = values.count / found.count
      worst = max(worst, distance(found, (0..<found.count).map { Array(values[$0 * size..<($0 + 1) * size]) }))
    }
    print("\(name), \(way.arithmetic), \(way.holding): largest difference \(worst)")
    #expect(worst <= 1e-4)
  }

  @Test(arguments: FamilyFixtures.names, [ElementType.float32, .bfloat16, .float16])
  func everyFamilyAgainstPlainLoops(_ name: String, _ type: ElementType) throws {
    try Fixture.withDirectory { directory in
      try FamilyFixtures.write(name, to: directory, type: type)
      let plain = try PlainTransformer(directory: directory)
      let tokens = Fixture.tokens(31, seed: 5)
      var query = Query(tokens: tokens, rows: Array(0..<31))
      #expect(distance(try Transformer(directory: directory).rows([query])[0], plain.logits(tokens)) <= 1e-4)
      query.positionIDs = (0..<31).map { $0 < 26 ? 2 * $0 : $0 - 26 }
      let sees = { (row: Int, key: Int) in (row + key) % 3 != 0 || row == key }
      query.visibility = Visibility(count: 31, sees)
      let found = try Transformer(directory: directory, holding: .stored).rows([query])[0]
      #expect(distance(found, plain.logits(tokens, positions: query.positionIDs, sees: sees)) <= 1e-4)
    }
  }

  @Test(arguments: Arithmetic.allCases) func trainedModelAgainstPlainLoops(_ arithmetic: Arithmetic) throws {
    let directory = try Fixture.path("model")
    let plain = try PlainTransformer(directory: directory)
    let model = try Transformer(directory: directory, arithmetic: arithmetic)
    let tokens = Fixture.tokens(45, seed: 3, vocabulary: 97)
    #expect(distance(try model.rows([Query(tokens: tokens, rows: Array(0..<45))])[0], plain.logits(tokens)) <= 1e-4)
  }

  @Test(arguments: [
    Fixture.shape(), Fixture.shape(groups: 1, tied: true, scaled: true), Fixture.shape(heads: 6, groups: 2, biases: true),
    Fixture.shape(width: 40, heads: 1, groups: 1, feedForward: 33, vocabulary: 37),
  ])
  func everyOptionAgainstPlainLoops(_ shape: ModelConfiguration) throws {
    try Fixture.withDirectory { directory in
      try RandomModel.write(shape, to: directory, seed: 11)
      let plain = try PlainTransformer(directory: directory)
      #expect(plain.shape == shape)
      let tokens = Fixture.tokens(35, seed: 5, vocabulary: shape.vocabularySize)
      var query = Query(tokens: tokens, rows: Array(0..<35))
      query.positionIDs = (0..<35).map { $0 < 30 ? 2 * $0 : $0 - 30 }
      let sees = { (row: Int, key: Int) in (row + key) % 3 != 0 || row == key }
      query.visibility = Visibility(count: 35, sees)
      let found = try Transformer(directory: directory).rows([query])[0]
      #expect(distance(found, plain.logits(tokens, positions: query.positionIDs, sees: sees)) <= 1e-4)
    }
  }

  @Test func softInputOfOneTokenIsThatToken() throws {
    let model = try Fixture.model(Fixture.shape())
    let tokens = Fixture.tokens(20, seed: 1)
    var soft = Query(tokens: tokens.enumerated().map { $0 == 4 ? 1 : $1 }, rows: Array(0..<20))
    soft.soft[4] = [View.Weighted(token: tokens[4], weight: 1)]
    let plain = Query(tokens: tokens, rows: soft.rows)
    let expected = try bits(model.rows([plain])[0])
    let same = try bits(model.rows([soft])[0]) == expected
    #expect(same)
    soft.soft[4] = [View.Weighted(token: tokens[4], weight: 0.5), View.Weighted(token: 1, weight: 0.5)]
    let changed = try bits(model.rows([soft])[0]) != expected
    #expect(changed)
  }

  @Test func hiddenStatesAreWhatTheHeadReads() throws {
    let shape = Fixture.shape(tied: true)
    try Fixture.withDirectory { directory in
      try RandomModel.write(shape, to: directory)
      let table = try #require(SafetensorsFile(directory + "/model.safetensors").tensors["model.transformer.wte.weight"]).values()
      var reading = Reading(fullRows: true)
      reading.hidden = true
      var query = Query(tokens: Fixture.tokens(9, seed: 2), rows: [0, 8])
      query.reading = reading
      for row in try TransformerDenoiser(directory: directory).believe([query])[0].rows {
        let hidden = try #require(row.hidden)
        for (token, logit) in try #require(row.full).enumerated() {
          let expected = zip(hidden, table[token * shape.width..<(token + 1) * shape.width]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
          #expect(abs(Double(logit) - expected) < 1e-4)
        }
      }
    }
  }
}

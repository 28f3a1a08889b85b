import Diffusion
import Foundation
import Models
import Testing

@Suite struct CatalogTests {
  @Test(arguments: [
    (0, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (1_000_000, "a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func sha256(_ count: Int, _ text: String, _ expected: String) {
    let bytes = Array(String(repeating: text, count: count).utf8)
    var whole = SHA256()
    whole.update(bytes)
    #expect(whole.hexadecimal() == expected)
    for piece in [1, 55, 56, 63, 64, 65, 1000] where bytes.count < 100_000 || piece == 1000 {
      var parts = SHA256()
      for start in stride(from: 0, to: bytes.count, by: piece) { parts.update(bytes[start..<min(start + piece, bytes.count)]) }
      #expect(parts.hexadecimal() == expected)
    }
  }

  @Test func digestNamesEveryByte() throws {
    try Fixture.withDirectory { directory in
      try RandomModel.write(Fixture.shape(layers: 1), to: directory)
      let first = try ModelCatalog.digest(directory)
      #expect(try ModelCatalog.digest(directory) == first && first.count == 64)
      try Data("unrelated".utf8).write(to: URL(fileURLWithPath: directory + "/README.md"))
      #expect(try ModelCatalog.digest(directory) == first)
      try Data("{}".utf8).write(to: URL(fileURLWithPath: directory + "/tokenizer.json"))
      let second = try ModelCatalog.digest(directory)
      #expect(second != first)
      try RandomModel.write(Fixture.shape(layers: 1), to: directory, seed: 1)
      #expect(try ModelCatalog.digest(directory) != second)
    }
    let sharded = try Fixture.path("checkpoints/llada-gqa-bf16-sharded")
    #expect(try ModelCatalog.digest(sharded).count == 64)
  }

  @Test func namesAndPaths() throws {
    let fixtures = try Fixture.path("checkpoints")
    let catalog = try ModelCatalog(resources: fixtures)
    #expect(catalog.names == ParityTests.recorded.sorted())
    #expect(try catalog.directory("llada-tied-f16") == fixtures + "/llada-tied-f16")
    #expect(try catalog.directory(fixtures) == fixtures)
    #expect(throws: ModelError.unknownModel(name: "llada-tied-f61", known: catalog.names)) { try catalog.directory("llada-tied-f61") }
    #expect(throws: ModelError.noResources(searched: ["/nowhere"])) { try ModelCatalog(resources: "/nowhere") }
  }

  @Test func denoiserAnswersWhatWasAsked() throws {
    let denoiser = try TransformerDenoiser(directory: Fixture.path("model"), threads: 2)
    #expect(denoiser.vocabulary == Vocabulary(size: 104, mask: 95, end: 94) && denoiser.maxLength == 200)
    let queries = [
      Query(tokens: Fixture.tokens(12, seed: 1), rows: [3, 7]), Query(tokens: [5], rows: []), Query(tokens: Fixture.tokens(40, seed: 2), rows: [39]),
    ]
    let responses = try denoiser.believe(queries)
    #expect(responses.map(\.rows.count) == [2, 0, 1])
    #expect(
      responses.map(\.cost) == [
        Cost(canvases: 1, positions: 12, logitRows: 2), Cost(canvases: 1, positions: 1), Cost(canvases: 1, positions: 40, logitRows: 1),
      ])
    let raw = try denoiser.logits(queries.map(\.tokens))
    let row = raw[0][7]
    let best = row.indices.max { (row[$0], -$0) < (row[$1], -$1) }
    #expect(responses[0].rows[1].top.first.map { Int($0.token) } == best)
    #expect(try denoiser.believe([]).isEmpty && denoiser.believe([Query(tokens: [], rows: [])])[0].rows.isEmpty)
  }

  @Test func badQueriesAreRefused() throws {
    let denoiser = try TransformerDenoiser(directory: Fixture.path("model"))
    func refusal(_ query: Query) -> DenoiserError? {
      do throws(DenoiserError) { _ = try denoiser.believe([query]) } catch { return error }
      return nil
    }
    #expect(refusal(Query(tokens: [104], rows: [0])) == .unknownToken(token: 104, vocabulary: 104))
    #expect(refusal(Query(tokens: [-1], rows: [0])) == .unknownToken(token: -1, vocabulary: 104))
    #expect(refusal(Query(tokens: Array(repeating: 1, count: 201), rows: [0])) == .tooLong(length: 201, limit: 200))
    #expect(refusal(Query(tokens: [1, 2], rows: [2])) != nil && refusal(Query(tokens: [1, 2], rows: [-1])) != nil)
    var query = Query(tokens: [1, 2], rows: [0])
    query.positionIDs = [0, 200]
    #expect(refusal(query) != nil)
    query.positionIDs = [0]
    #expect(refusal(query) != nil)
    query.positionIDs = nil
    query.visibility = Visibility(count: 2) { _, key in key == 2 }
    #expect(refusal(query) != nil)
    query.visibility = Visibility(count: 3) { _, _ in true }
    #expect(refusal(query) != nil)
    query.visibility = nil
    query.soft[0] = [View.Weighted(token: 300, weight: 1)]
    #expect(refusal(query) != nil)
    query.soft[0] = [View.Weighted(token: 3, weight: .nan)]
    #expect(refusal(query) != nil)
    query.soft[0] = [View.Weighted(token: 3, weight: 3e38), View.Weighted(token: 3, weight: 3e38)]
    #expect(refusal(query) == .nonFinite(row: 0, sequence: 0) || refusal(query) == nil)
  }
}

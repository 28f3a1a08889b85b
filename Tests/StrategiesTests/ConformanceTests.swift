import Diffusion
import Foundation
import Models
import Strategies
import Support
import Testing

/// Golden decodes recorded by running the authors' own code on a small trained model, reproduced round by round.
@Suite struct ConformanceTests {
  @Test(arguments: try Case.all())
  func reproduces(_ golden: Case) throws {
    let model = try Case.denoiser.get()
    let cache = try CacheCatalog.standard.build(Setting(golden.cache.map { .text($0) } ?? .null))
    let denoiser: any Denoiser = cache.map { CachedDenoiser(model, $0) } ?? model
    let decoding = golden.decoding
    let context = Parameters.Context(genLength: decoding.genLength, blockLength: decoding.blockLength, vocabulary: denoiser.vocabulary)
    let built = try Catalog.standard.build(golden.strategy, context: context)
    let canvas = try Canvas(
      prompt: golden.promptIDs, length: decoding.genLength, blockLength: decoding.blockLength, vocabulary: denoiser.vocabulary, pinned: decoding.pinned)
    var forwards: [Case.Forward] = []
    // HEX's tie rule weighs a path by its likelihood before any token was there; the recordings of its members hold it.
    let observed = golden.likelihood == nil ? Needs.nothing : Needs(.response, fullRows: true)
    var opening: Belief?
    let session = try Session(id: 0, canvas: canvas, pipeline: built.pipeline, observed: observed)
    let outcome = Decoder(denoiser).decode([session]) { _, round in
      let changes = round.changes
      opening = opening ?? round.belief
      forwards.append(Case.Forward(commits: changes.commits.map { [$0.position, Int($0.token)] }, remasks: changes.remasks))
    }
    guard case .finished(let finished)? = outcome.first ?? nil else {
      Issue.record("\(golden.name): \(String(describing: outcome))")
      return
    }
    #expect(finished.canvas.response == golden.response)
    #expect(finished.rounds == golden.rounds)
    if let positions = golden.positions { #expect(finished.cost.positions == positions) }
    if let likelihood = golden.likelihood, let opening {
      #expect(abs(Vote.likelihood(of: finished.canvas.response, under: opening) - likelihood) < 1e-4)
    }
    // The authors write a verified draft one call later than they could, so only the ends of drafting decodes are compared.
    guard !golden.isDrafting else { return }
    let first = zip(forwards, golden.forwards).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(first == nil, "first difference in round \(first?.offset ?? -1)")
    #expect(forwards.count == golden.forwards.count)
  }
}

/// One recorded decode.
struct Case: Sendable, CustomTestStringConvertible {
  struct Forward: Hashable, Sendable, Decodable {
    let commits: [[Int]]
    let remasks: [Int]
  }

  struct Decoding: Sendable {
    let genLength: Int
    let blockLength: Int
    let pinned: [Int: Token]
  }

  let name: String
  let promptIDs: [Token]
  let decoding: Decoding
  let strategy: Setting
  let rounds: Int
  let forwards: [Forward]
  let response: [Token]
  let likelihood: Double?
  /// The cache, and the rows that it computes in all rounds.
  let cache: String?
  let positions: Int?

  var testDescription: String { name }
  var isDrafting: Bool { strategy.description.contains("freedave") }

  /// The model that the cases were recorded on.
  static let denoiser = Result { try TransformerDenoiser(directory: Self.fixtures.appending(path: "../../ModelsTests/Fixtures/model").path) }

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static func all() throws -> [Case] {
    let folder = fixtures.appending(path: "cases")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).sorted { $0.path < $1.path }
    return try files.flatMap { file in
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
        try Case(try JSONSerialization.jsonObject(with: Data(line.utf8)), file: file.deletingPathExtension().lastPathComponent)
      }
    }
  }

  private init(_ object: Any, file: String) throws {
    let fields = try #require(object as? [String: Any])
    let settings = try #require(fields["decoding"] as? [String: Any])
    name = file + "/" + (try #require(fields["case"] as? String))
    promptIDs = try #require(fields["prompt_ids"] as? [Int]).map(Token.init)
    var pinned: [Int: Token] = [:]
    for (key, token) in settings["pinned"] as? [String: Int] ?? [:] { pinned[try #require(Int(key))] = Token(token) }
    decoding = Decoding(
      genLength: try #require(settings["gen_length"] as? Int), blockLength: try #require(settings["block_length"] as? Int), pinned: pinned)
    strategy = try Setting(json: try #require(fields["strategy"]))
    rounds = try #require(fields["rounds"] as? Int)
    response = try #require(fields["response"] as? [Int]).map(Token.init)
    cache = settings["cache"] as? String
    positions = cache == nil ? nil : ((fields["notes"] as? [String: Any])?["rows"] as? [Int])?.reduce(0, +)
    likelihood = (fields["notes"] as? [String: Any])?["mean_log_likelihood"] as? Double
    forwards = try #require(fields["forwards"] as? [[String: Any]]).map { forward in
      Forward(commits: try #require(forward["commits"] as? [[Int]]), remasks: try #require(forward["remasks"] as? [Int]))
    }
  }
}

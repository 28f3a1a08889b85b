import Foundation
import Testing

/// `unmask quantize`: what it writes loads, what it says of it is so, and it writes over nothing.
@Suite struct QuantizeCommandTests {
  private static let model = RepositoryTests.root.path + "/Tests/ModelsTests/Fixtures/model"

  private func facts(_ arguments: [String]) throws -> [String: Any] {
    let result = try Command.run(["quantize", "--model", Self.model, "--json"] + arguments)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  @Test func whatIsWrittenLoadsAndIsNear() throws {
    let folder = try Folder()
    var error: [Int: Double] = [:]
    for bits in [8, 4] {
      let place = folder.path + "/\(bits)"
      let facts = try facts(["--to", place, "--bits", "\(bits)", "--problem", "lists/dev/0"])
      #expect(facts["directory"] as? String == place && facts["bits"] as? Int == bits && facts["canvases"] as? Int == 1)
      let (stored, written) = (try #require(facts["stored_bytes"] as? Int), try #require(facts["written_bytes"] as? Int))
      #expect(written < stored, "\(bits) bits")
      let agreement = try #require(facts["top1_agreement"] as? Double)
      #expect((0...1).contains(agreement) && (facts["divergence_nats"] as? Double ?? -1) >= 0 && facts["rows"] as? Int ?? 0 > 0)
      error[bits] = try #require(facts["logit_error_rms"] as? Double)
      let models = try Command.run(["models", place, "--json"])
      #expect(models.code == 0 && models.output.contains("\"family\":"), "\(models.errors)")
    }
    #expect(try #require(error[8]) > 0 && #require(error[8]) < #require(error[4]), "fewer bits are further off: \(error)")
    // The same bytes again, and nothing of a comparison where none was asked for.
    let again = try facts(["--to", folder.path + "/again", "--write-only"])
    #expect(again["canvases"] == nil && again["matrices"] is Int)
    #expect(try folder.bytes(folder.path + "/8/model.safetensors") == folder.bytes(folder.path + "/again/model.safetensors"))
    let taken = try Command.run(["quantize", "--model", Self.model, "--to", folder.path + "/8"])
    #expect(taken.code == 2 && taken.output == "" && taken.errors.contains(folder.path + "/8"), "\(taken.errors)")
  }

  @Test(arguments: [
    (["--bits", "5"], "--bits is 8 or 4"), (["--group", "8"], "--group is 0 or a multiple of 16"),
    (["--model", "missing"], "there is no model named `missing`"),
  ])
  func mistakesAreOneClearLine(_ arguments: [String], _ message: String) throws {
    let folder = try Folder()
    let result = try Command.run(["quantize", "--to", folder.path + "/q"] + arguments)
    #expect(result.code == 2 && result.output == "" && result.errors.contains(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/q"))
  }
}

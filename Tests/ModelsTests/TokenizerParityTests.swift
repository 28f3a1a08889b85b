import Foundation
import Models
import Testing

@Suite struct TokenizerParityTests {
  @Test("the ids and the text are those of the reference implementation", arguments: TokenizerFixtures.names)
  func parity(_ name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    let texts = try TokenizerFixtures.texts()
    let expected = try TokenizerFixtures.lines(name + "/ids.jsonl", of: TokenizerFixtures.Expected.self)
    #expect(texts.count == expected.count && texts.count >= 1_000)
    for (text, line) in zip(texts, expected) {
      let ids = tokenizer.encode(text)
      let decoded = tokenizer.decode(line.ids, skippingSpecial: false)
      // Strings compare equal when they are canonically equivalent; bytes do not.
      #expect(ids == line.ids, "\(name): \(text.debugDescription)")
      #expect(decoded.utf8.elementsEqual((line.decoded ?? text).utf8), "\(name): \(text.debugDescription)")
    }
  }

  @Test("byte-level tokenizers without a normalizer give every text back", arguments: ["gpt2", "llama3", "cl100k", "digits"])
  func roundTrip(_ name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    var state: UInt64 = 7
    func next(_ limit: UInt32) -> UInt32 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt32(truncatingIfNeeded: state >> 33) % limit
    }
    for _ in 0..<500 {
      var text = ""
      for _ in 0..<next(40) {
        let limit: UInt32 = [0x80, 0x800, 0x10000, 0x110000][Int(next(4))]
        if let scalar = Unicode.Scalar(next(limit)) { text.unicodeScalars.append(scalar) }
      }
      let back = tokenizer.decode(tokenizer.encode(text), skippingSpecial: false)
      #expect(back.utf8.elementsEqual(text.utf8), "\(text.debugDescription)")
    }
  }

  @Test("what was encoded before changes nothing, nor do other threads")
  func independence() async throws {
    let tokenizer = try TokenizerFixtures.tokenizer("llama3")
    let texts = try TokenizerFixtures.texts()
    let first = texts.map(tokenizer.encode)
    let results = await withTaskGroup(of: [[Int32]].self) { group in
      for _ in 0..<4 { group.addTask { texts.reversed().map(tokenizer.encode) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for result in results { #expect(result.reversed() == first) }
  }

  @Test("patterns cut texts as the reference implementation cuts them")
  func patterns() throws {
    let bytes = (0..<256).map { byte in
      let isPlain = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      return isPlain ? byte : 0x100 + (0..<byte).count { !((0x21...0x7E).contains($0) || (0xA1...0xAC).contains($0) || $0 >= 0xAE) }
    }
    let vocabulary = bytes.enumerated().map { "\"\\u\(hexadecimal($0.element))\":\($0.offset)" }.joined(separator: ",")
    var accepted = 0
    let cases = try TokenizerFixtures.lines("patterns.jsonl", of: TokenizerFixtures.PatternCase.self)
    for item in cases {
      let pattern = String(decoding: try JSONEncoder().encode(item.pattern), as: UTF8.self)
      var sketch = TokenizerSketch()
      // The second step puts a space before every piece, which makes the cuts visible in the ids.
      sketch.preTokenizer = """
        {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":\(pattern)},"behavior":"Isolated","invert":false},
        {"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":false}]}
        """
      sketch.model = "{\"type\":\"BPE\",\"vocab\":{\(vocabulary)},\"merges\":[]}"
      let tokenizer: Tokenizer
      do throws(TokenizerError) {
        tokenizer = try sketch.tokenizer()
      } catch {
        guard case .pattern = error else { throw error }
        continue
      }
      accepted += 1
      for pieces in item.cases {
        let ids = tokenizer.encode(pieces.joined())
        #expect(ids == pieces.flatMap { [0x20] + $0.utf8.map(Int32.init) }, "\(item.pattern) on \(pieces)")
      }
    }
    #expect(accepted * 10 > cases.count * 8, "\(accepted) of \(cases.count) patterns accepted")
  }

  private func hexadecimal(_ value: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}

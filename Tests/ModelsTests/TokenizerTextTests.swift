import Models
import Testing

@Suite struct TokenizerTextTests {
  @Test("special tokens inside a text are single ids, and are left out of decoded text unless asked for")
  func specialTokens() throws {
    let tokenizer = try TokenizerFixtures.tokenizer("conformance")
    let text = "<|start|>sort: 3<|mdm_mask|><|mdm_mask|>1<|endoftext|>"
    let ids = tokenizer.encode(text)
    #expect(ids.first == 96 && ids.last == 94 && ids.count { $0 == 95 } == 2)
    #expect(tokenizer.decode(ids) == "sort: 31")
    #expect(tokenizer.decode(ids, skippingSpecial: false) == text)
    #expect(tokenizer.specialIDs == [94, 95, 96])
    #expect(tokenizer.size == 97)
    #expect(tokenizer.encode("<|start|") == "<|start|".map { tokenizer.id(String($0)) })
    // Row ids that the model has and the tokenizer lacks.
    #expect(tokenizer.decode([97, 103, 62, -1, .max]) == tokenizer.decode([62]))
  }

  @Test("a composed and a decomposed letter are two tokens")
  func canonicalEquivalents() throws {
    var sketch = TokenizerSketch()
    sketch.model = #"{"vocab":{"\u00e9":0,"e":1,"\u0301":2,"e\u0301":3},"merges":[["e","\u0301"]]}"#
    let tokenizer = try sketch.tokenizer()
    #expect(tokenizer.encode("\u{E9}e\u{301}") == [0, 3])
    #expect(tokenizer.id("\u{E9}") == 0 && tokenizer.id("e\u{301}") == 3)
  }

  @Test("a piece is shown as its text where it has one, else as the vocabulary spells it")
  func display() throws {
    let tokenizer = try TokenizerFixtures.tokenizer("gpt2")
    #expect(tokenizer.token(tokenizer.encode(" world")[0])?.first == " ")
    let half = try #require(tokenizer.id("Ã"))
    #expect(tokenizer.token(half) == "Ã")
    #expect(tokenizer.token(tokenizer.id("<|endoftext|>") ?? -1) == "<|endoftext|>")
    #expect(tokenizer.token(-1) == nil && tokenizer.token(Int32(tokenizer.size)) == nil)
    #expect(tokenizer.decode([half]) == "\u{FFFD}")
  }

  @Test("options of added tokens")
  func addedTokens() throws {
    var sketch = TokenizerSketch()
    let tokens = [
      TokenizerSketch.added("<l>", id: 3, "lstrip"), TokenizerSketch.added("<r>", id: 4, "rstrip"),
      TokenizerSketch.added("<w>", id: 5, "single_word"), TokenizerSketch.added("<l><r>", id: 6),
    ]
    sketch.addedTokens = "[\(tokens.joined(separator: ","))]"
    sketch.model = #"{"vocab":{"a":0,"b":1," ":2},"merges":[]}"#
    let tokenizer = try sketch.tokenizer()
    #expect(tokenizer.encode("a  <l>  b") == [0, 3, 2, 2, 1])
    #expect(tokenizer.encode("a  <r>  b") == [0, 2, 2, 4, 1])
    #expect(tokenizer.encode("a<w> <w>b <w>") == [0, 2, 1, 2, 5])
    #expect(tokenizer.encode("<l><l><r>") == [3, 6])
  }

  @Test("a merge that became possible later is taken at its rank, the leftmost first")
  func mergeOrder() throws {
    var sketch = TokenizerSketch()
    sketch.model = #"{"vocab":{"a":0,"b":1,"aa":2,"aab":3,"ab":4},"merges":["a a","aa b","a b"]}"#
    let tokenizer = try sketch.tokenizer()
    #expect(tokenizer.encode("aab") == [3])
    #expect(tokenizer.encode("aaab") == [2, 4])
    #expect(tokenizer.encode("aaaab") == [2, 3])
  }

  #if DEBUG
    private static let size = 60_000
  #else
    private static let size = 1_000_000
  #endif

  /// Expects that encoding four times the text takes at most eight times as long: four would be linear, sixteen quadratic.
  private func expectLinear(_ tokenizer: Tokenizer, _ unit: String, size: Int, _ name: String) {
    let times = [size / 4, size].map { size in
      let text = String(repeating: unit, count: size / unit.utf8.count)
      return (0..<3).map { _ in processorTime { _ = tokenizer.encode(text) } }.min() ?? 0
    }
    #expect(times[1] < max(8 * times[0], 0.05), "\(name), \(unit.debugDescription): \(times)")
  }

  @Test("time grows no faster than the text", arguments: ["gpt2", "qwen", "added", "sentencepiece"])
  func linearTime(_ name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    expectLinear(tokenizer, "a", size: Self.size, name)
    for unit in [" ", "\n", "1", "!", "\u{301}\u{323}", "<|end", " a"] { expectLinear(tokenizer, unit, size: Self.size / 5, name) }
  }

  @Test(
    "a pattern that backtracks without end elsewhere is linear here",
    arguments: ["(?:a+)+b", "(?:a|aa)+b", "(?:(?:a+b?)+c?)+d", "a*a*a*b", "(?:a|a)(?:a|a)(?:a|a)b|(?:a(?=a{0,15}b))+c"])
  func hostilePattern(_ pattern: String) throws {
    var sketch = TokenizerSketch()
    sketch.preTokenizer = #"{"type":"Split","pattern":{"Regex":"\#(pattern)"},"behavior":"Isolated","invert":false}"#
    let tokenizer = try sketch.tokenizer()
    #expect(tokenizer.encode(String(repeating: "a", count: 1_000)).count == 1_000)
    expectLinear(tokenizer, "a", size: Self.size / 5, pattern)
  }
}

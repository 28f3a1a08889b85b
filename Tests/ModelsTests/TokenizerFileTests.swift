import Foundation
import Models
import Testing

@Suite struct TokenizerFileTests {
  private func message(_ json: String) -> String {
    do throws(TokenizerError) {
      _ = try Tokenizer(json: Array(json.utf8), name: "t.json")
      return "accepted"
    } catch {
      return error.description
    }
  }

  private func message(_ change: (inout TokenizerSketch) -> Void) -> String {
    var sketch = TokenizerSketch()
    change(&sketch)
    return message(sketch.json)
  }

  @Test("the sketch itself is in order") func sound() { #expect(message { _ in } == "accepted") }

  @Test(
    "text that is not JSON names the file and the line",
    arguments: [
      ("", "1: not valid JSON: the text ends too early"),
      ("{\n\"a\" 1}", "2: not valid JSON: expected a colon after a key"),
      ("{\"a\":1,}", "1: not valid JSON: expected a key in quotes"),
      ("[1 2]", "1: not valid JSON: expected a comma or ] in an array"),
      ("{\"a\":01}", "1: not valid JSON: a number with a leading zero"),
      ("nul", "1: not valid JSON: the text ends too early"),
      ("\"\\ud800\"", "1: not valid JSON: half a surrogate pair in a string"),
      ("\"\\x\"", "1: not valid JSON: unknown escape in a string"),
      ("\"\u{1}\"", "1: not valid JSON: a control character in a string must be escaped"),
      ("{} {}", "1: not valid JSON: something follows the value"),
      ("{\"a\":1,\n\"b\":2,\"a\":3}", "2: the key \"a\" is given twice in one object"),
      ("{\"a\":1,\"\\u0061\":3}", "1: the key \"\\u0061\" is given twice in one object"),
      ("[]", " the file should be an object"),
      ("{}", " model should be an object"),
    ])
  func brokenJSON(_ json: String, _ expected: String) { #expect(message(json) == "t.json:" + expected) }

  @Test("nesting is bounded") func depth() {
    #expect(message(String(repeating: "[", count: 100_000)).contains("nested more than 64 deep"))
  }

  @Test("bytes that are no UTF-8 are refused") func encoding() {
    do throws(TokenizerError) {
      _ = try Tokenizer(json: [0x22, 0xFF, 0x22], name: "t.json")
      Issue.record("accepted")
    } catch {
      #expect(error.description == "t.json:1: not valid JSON: the text is not UTF-8")
    }
  }

  @Test("every prefix of a good file is refused, never a crash") func truncation() throws {
    let bytes = Array(TokenizerSketch().json.utf8)
    for count in bytes.indices {
      #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(bytes[..<count]), name: "t.json") }
    }
  }

  @Test("what is not understood is named", arguments: ["NFKC", "Precompiled", "BertNormalizer"])
  func normalizers(_ type: String) {
    #expect(message { $0.normalizer = "{\"type\":\"\(type)\"}" } == "t.json: normalizer: \"the normalizer \(type)\" is not supported")
    #expect(
      message { $0.normalizer = "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"\(type)\"}]}" }
        == "t.json: normalizer.normalizers[1]: \"the normalizer \(type)\" is not supported")
  }

  @Test("other parts that are not understood") func parts() {
    #expect(message { $0.preTokenizer = #"{"type":"Metaspace"}"# }.contains("pre_tokenizer: \"the pre-tokenizer Metaspace\""))
    #expect(message { $0.decoder = #"{"type":"WordPiece"}"# }.contains("decoder: \"the decoder WordPiece\""))
    #expect(message { $0.model = #"{"type":"Unigram"}"# }.contains("model: \"the model Unigram\""))
    #expect(message { $0.preTokenizer = #"{"type":"ByteLevel"}"# } == "t.json: pre_tokenizer.add_prefix_space should be true or false")
    #expect(message { $0.preTokenizer = "3" } == "t.json: pre_tokenizer.type should be a string")
    #expect(
      message { $0.preTokenizer = #"{"type":"Split","pattern":{"Regex":"a"},"behavior":"isolated","invert":false}"# }
        .contains("pre_tokenizer.behavior should be Isolated, Removed"))
    #expect(message { $0.model = #"{"vocab":{},"merges":[],"dropout":0.1}"# }.contains("\"dropout\" is not supported"))
    #expect(message { $0.model = #"{"vocab":{},"merges":[],"end_of_word_suffix":"</w>"}"# }.contains("end_of_word_suffix"))
    #expect(message { $0.model = #"{"vocab":{},"merges":[],"unk_token":"x"}"# }.contains("model.unk_token should be a token"))
  }

  @Test("vocabularies and merges") func vocabulary() {
    #expect(message { $0.model = #"{"vocab":{"a":-1},"merges":[]}"# } == "t.json: token \"a\" has id -1; ids run from 0 to 16777215")
    #expect(message { $0.model = #"{"vocab":{"a":16777216},"merges":[]}"# }.contains("has id 16777216"))
    #expect(message { $0.model = #"{"vocab":{"a":99999999999999999999},"merges":[]}"# }.contains("has id 99999999999999999999"))
    #expect(message { $0.model = #"{"vocab":{"a":1.5},"merges":[]}"# }.contains("has id 1.5"))
    #expect(message { $0.model = #"{"vocab":{"a":"0"},"merges":[]}"# }.contains("has id no number"))
    #expect(message { $0.model = #"{"vocab":{"a":0,"b":0},"merges":[]}"# } == "t.json: tokens \"a\" and \"b\" share id 0")
    #expect(message { $0.model = #"{"vocab":{"a":0,"a":1},"merges":[]}"# }.contains("the key \"a\" is given twice"))
    #expect(
      message { $0.model = #"{"vocab":{"a":0,"b":1},"merges":["a b"]}"# }
        == "t.json: merge 0 needs token \"ab\", which is not in the vocabulary")
    #expect(message { $0.model = #"{"vocab":{"a":0},"merges":[["a","c"]]}"# }.contains("merge 0 needs token \"c\""))
    #expect(message { $0.model = #"{"vocab":{"a":0},"merges":["a"]}"# }.contains("model.merges[0] should be two tokens"))
    #expect(message { $0.model = #"{"vocab":{"a":0},"merges":[["a"]]}"# }.contains("model.merges[0] should be two tokens"))
    #expect(message { $0.model = #"{"vocab":{"a":0}}"# } == "t.json: model.merges should be an array")
  }

  @Test("added tokens") func addedTokens() {
    func list(_ tokens: String...) -> String { message { $0.addedTokens = "[\(tokens.joined(separator: ","))]" } }
    #expect(list(TokenizerSketch.added("<x>", id: 3), TokenizerSketch.added("a", id: 0), TokenizerSketch.added("<y>", id: 4)) == "accepted")
    #expect(
      list(TokenizerSketch.added("<x>", id: 7))
        == "t.json: added token \"<x>\" has id 7, but the vocabulary and the added tokens before it give it 3")
    #expect(list(TokenizerSketch.added("a", id: 3)).contains("give it 0"))
    #expect(list(TokenizerSketch.added("<x>", id: 3), TokenizerSketch.added("<x>", id: 3)) == "t.json: added token \"<x>\" is listed twice")
    #expect(list(TokenizerSketch.added("", id: 3)).contains("added_tokens[0].content should be 1 to 1024 bytes"))
    #expect(list(#"{"id":3,"content":"<x>"}"#).contains("added_tokens[0].single_word should be true or false"))
  }

  @Test(
    "patterns outside the syntax are refused with the place",
    arguments: [
      ("(a", 2), ("a)", 1), ("[a", 2), ("a**", 2), ("*a", 0), ("a{2", 3), ("a{3,1}", 6), ("a{101}", 4), ("\\p{Han}", 0),
      ("(?<=a)b", 0), ("\\ba", 0), ("^a", 0), ("(a)\\1", 3), ("[[:alpha:]]", 1), ("[a&&b]", 2), ("[b-a]", 4), ("(?:a*)*", 6),
      ("(?=a*)b", 0), ("(?:ab)++", 6), ("(?i:é)", 5), ("(?i:st)", 5), ("(?>a)", 0), ("\\", 0),
    ])
  func patterns(_ pattern: String, _ offset: Int) throws {
    var sketch = TokenizerSketch()
    let source = String(decoding: try JSONEncoder().encode(pattern), as: UTF8.self)
    sketch.preTokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\(source)},\"behavior\":\"Isolated\",\"invert\":false}"
    do throws(TokenizerError) {
      _ = try sketch.tokenizer()
      Issue.record("accepted \(pattern)")
    } catch {
      guard case .pattern(let file, let field, _, let place, let problem) = error else {
        Issue.record(error)
        return
      }
      #expect(file == "sketch.json" && field == "pre_tokenizer.pattern" && !problem.isEmpty)
      #expect(place == offset, "\(pattern): \(problem)")
    }
  }

  @Test("files that cannot be read") func files() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tokenizer-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: directory.appendingPathComponent("tokenizer.json"), withIntermediateDirectories: true)
    defer {
      do { try FileManager.default.removeItem(at: directory) } catch { Issue.record(error) }
    }
    func message(_ path: String) -> String {
      do throws(TokenizerError) {
        _ = try Tokenizer(directory: path)
        return "accepted"
      } catch {
        return error.description
      }
    }
    #expect(message(directory.path) == "\(directory.path)/tokenizer.json: cannot be read: it is not an ordinary file")
    #expect(message(directory.path + "/none/").hasSuffix("/none/tokenizer.json: cannot be read: No such file or directory"))
    let large = directory.appendingPathComponent("large")
    try FileManager.default.createDirectory(at: large, withIntermediateDirectories: false)
    let file = large.appendingPathComponent("tokenizer.json").path
    #expect(FileManager.default.createFile(atPath: file, contents: Data()))
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.truncate(atOffset: 70 << 20)
    try handle.close()
    #expect(message(large.path).contains("\(70 << 20) bytes; a tokenizer file may hold at most \(64 << 20)"))
  }
}

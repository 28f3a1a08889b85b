import Foundation
import Models
import Testing

/// The fixtures under `Fixtures/tokenizers`; `make.py` there says how they were made.
enum TokenizerFixtures {
  static let names = [
    "conformance", "gpt2", "qwen", "llama3", "cl100k", "digits", "added", "steps", "sentencepiece", "unknown",
  ]

  struct Expected: Decodable {
    let ids: [Int32]
    let decoded: String?
  }

  struct PatternCase: Decodable {
    let pattern: String
    let cases: [[String]]
  }

  static func path(_ name: String) throws -> String {
    let resources = try #require(Bundle.module.resourceURL)
    return resources.appendingPathComponent("Fixtures/tokenizers").appendingPathComponent(name).path
  }

  static func lines<T: Decodable>(_ name: String, of type: T.Type) throws -> [T] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    return try data.split(separator: 0x0A).map { try JSONDecoder().decode(T.self, from: $0) }
  }

  static func tokenizer(_ name: String) throws -> Tokenizer { try Tokenizer(directory: path(name)) }

  static func texts() throws -> [String] { try lines("texts.jsonl", of: String.self) }
}

/// A small tokenizer file, written field by field so that a test can spoil one.
struct TokenizerSketch {
  var addedTokens = "[]"
  var normalizer = "null"
  var preTokenizer = "null"
  var decoder = "null"
  var model = #"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}"#

  var json: String {
    """
    {"version":"1.0","truncation":null,"added_tokens":\(addedTokens),"normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),
    "post_processor":null,"decoder":\(decoder),"model":\(model)}
    """
  }

  func tokenizer() throws(TokenizerError) -> Tokenizer { try Tokenizer(json: Array(json.utf8), name: "sketch.json") }

  static func added(_ content: String, id: Int, _ options: String = "") -> String {
    var fields = ["single_word": "false", "lstrip": "false", "rstrip": "false", "normalized": "false", "special": "true"]
    for option in options.split(separator: " ") { fields[String(option)] = fields[String(option)] == "true" ? "false" : "true" }
    let rest = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
    return "{\"id\":\(id),\"content\":\"\(content)\",\(rest)}"
  }
}

/// The processor time that a call takes on its thread, in seconds: wall time says little on a busy machine.
func processorTime(_ body: () -> Void) -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
  let start = now()
  body()
  return now() - start
}

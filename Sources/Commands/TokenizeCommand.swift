internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Models
internal import Workbench

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Token ids of each line of standard input, one JSON array per line.",
    discussion: """
      Needs only tokenizer.json in the model's directory. Adds no special tokens; recognises those in the text.

      EXAMPLES
        echo "Sort the list: sun 3 red" | unmask tokenize
        printf '"a\\nb"\\n' | unmask tokenize --model path/to/LLaDA-8B-Instruct --json
      """)

  @Option(help: "A checkpoint directory, or `reference`.") var model = "reference"
  @Flag(help: "Each input line is a JSON string.") var json = false

  func run() throws {
    let tokenizer = try ModelLibrary.tokenizer(model)
    let decoder = JSONDecoder()
    var number = 0
    try Input.lines { line in
      number += 1
      let text: String
      if json {
        do { text = try decoder.decode(String.self, from: Data(line)) } catch {
          throw ConfigurationError.unreadable(file: "standard input:\(number)", reason: "not a JSON string")
        }
      } else {
        text = String(decoding: line, as: UTF8.self)
      }
      Terminal.out("[" + tokenizer.encode(text).map(String.init).joined(separator: ",") + "]")
    }
  }
}

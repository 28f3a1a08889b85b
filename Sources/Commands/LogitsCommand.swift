internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Workbench

struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits", abstract: "A model's raw logits as JSON, for parity checks.",
    discussion: """
      Reads [[ids],[ids],...] and prints [[[float,...],...],...]: one list of rows per input, before a family's shift, nothing suppressed.

      EXAMPLE
        echo '[[1,2,3]]' | unmask logits --model path/to/checkpoint --ids -
      """)

  @Option(help: "A checkpoint directory, or `reference`.") var model = "reference"
  @Option(help: "A JSON file with an array of arrays of token ids; - for standard input.") var ids: String

  func run() throws {
    let inputs = try Input.json([[Token]].self, file: ids, expected: "a JSON array of arrays of token ids")
    let denoiser = try ModelLibrary.denoiser(model)
    for (number, tokens) in inputs.enumerated() {
      if let reason = InputCheck.reason(tokens, denoiser) { throw ConfigurationError.unreadable(file: ids, reason: "input \(number) \(reason)") }
    }
    var separator = "["
    for (number, tokens) in inputs.enumerated() {
      let rows: [[Float]]
      do { rows = try denoiser.logits([tokens])[0] } catch { throw ConfigurationError.unreadable(file: ids, reason: "input \(number): \(error)") }
      Terminal.out(separator, terminator: "[")
      for (index, row) in rows.enumerated() {
        Terminal.out((index > 0 ? ",[" : "[") + row.map { "\($0)" }.joined(separator: ",") + "]", terminator: "")
      }
      Terminal.out("]", terminator: "")
      separator = ","
    }
    Terminal.out(inputs.isEmpty ? "[]" : "]")
  }
}

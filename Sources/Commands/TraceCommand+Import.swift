internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

extension TraceCommand {
  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Step maps that another program made, as a trace.",
      discussion: """
        A JSON array of samples, or one per line, each with `token_ids` and `step_map` (the round that wrote each token, -1 where it was given). What a step map
        does not say stays unsaid: no confidences, no times, one edit per position.

        EXAMPLE
          unmask trace import maps.json --output imported.h5 --model reference
        """)

    @Argument(help: "A JSON file.") var maps: String
    @Option(help: "The trace to write.") var output: String
    @Option(help: "The model that made them: tokens are checked against its vocabulary, and end tokens told apart.") var model: String?
    @Option(help: "Block length in tokens. Default: the response is one block.") var blockLength: Int?

    func run() throws {
      try TraceFile.check(destination: output, apartFrom: [maps], "the file of step maps itself")
      var reader = StepMapImport()
      reader.blockLength = blockLength
      if let model {
        let loaded = try ModelLibrary.load(model)
        reader.vocabulary = loaded.denoiser.vocabulary
        reader.modelDigest = loaded.digest
        reader.encode = loaded.tokenizer.map { tokenizer in { tokenizer.encode($0) } }
      }
      let trace = try reader.read(maps)
      try TraceFile.write(trace, to: output)
      Terminal.note("\(output): \(trace.sampleCount) samples; `unmask trace inspect` says what they lack")
    }
  }
}

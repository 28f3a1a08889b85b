internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Strategies
internal import Workbench

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Write a checkpoint with weights of 8 or 4 bits, and say how far it is from the stored one.",
    discussion: """
      The matrices of the layers become integers with a scale each row (8 bits) or each group of 32 (4 bits); embedding, head, norms and routers stay as they
      are stored. What is written is a directory that loads like any other.

      Both models then decode the same problems, one position a round. Along the stored weights' way every masked row is compared: logits, most probable token,
      divergence; and the orders in which the two reveal positions. Without a tokenizer the problems are made of random tokens.

      EXAMPLES
        unmask quantize --model path/to/LLaDA-8B-Instruct --to LLaDA-8B-int8
        unmask quantize --model reference --to small --bits 4 --group 64 --problem arithmetic/dev/0 --problem lists/dev/1 --json
      """)

  @Option(help: "A checkpoint directory, or `reference`.") var model = "reference"
  @Option(help: "The directory to write; it must not exist.") var to: String
  @Option(help: "8 or 4.") var bits = 8
  @Option(help: "Elements that share a scale, a multiple of 16; 0 for a whole row. Default: a row with 8 bits, 32 with 4.") var group: Int?
  @Option(help: "A benchmark's problem to compare on, as lists/dev/7; repeat for several. Default: four of arithmetic/dev.") var problem: [String] = []
  @Flag(help: "Write the checkpoint and compare nothing.") var writeOnly = false
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    if Quantizer.Bits(rawValue: bits) == nil { throw ValidationError("--bits is 8 or 4") }
    if let group, group < 0 || group % 16 != 0 || group > 1 << 20 { throw ValidationError("--group is 0 or a multiple of 16") }
  }

  func run() throws {
    let directory = try ModelLibrary.directory(model)
    let size = group ?? (bits == 8 ? 0 : 32)
    let quantizer = Quantizer(Quantizer.Bits(rawValue: bits) ?? .eight, group: size == 0 ? nil : size)
    var writing: Progress?
    let summary = try ModelLibrary.quantize(
      directory, quantizer, to: to, begin: { writing = Progress("quantizing", total: $0) }, advance: { writing?.advance() })
    writing?.finish()
    var facts: [Setting.Entry] = [
      .init("directory", Setting(.text(to))), .init("bits", Setting(.integer(bits))), .init("matrices", Setting(.integer(summary.matrices))),
      .init("stored_bytes", Setting(.integer(summary.stored))), .init("written_bytes", Setting(.integer(summary.written))),
    ]
    if !writeOnly { facts += try fidelity(directory) }
    let report = Setting(.map(facts))
    Terminal.out(json ? report.json : TextTable(facts.map { [$0.key, $0.value.description] }).text)
  }

  /// Decodes the problems with both models.
  private func fidelity(_ directory: String) throws -> [Setting.Entry] {
    let (own, other) = (try ModelLibrary.load(directory), try ModelLibrary.load(to))
    let problems = try ProblemArgument.all(problem.isEmpty ? (0..<4).map { "arithmetic/dev/\($0)" } : problem)
    let vocabulary = own.denoiser.vocabulary
    var fidelity = ModelFidelity()
    let progress = Progress("comparing", total: problems.count)
    for (index, problem) in problems.enumerated() {
      let geometry = own.tokenizer == nil ? Geometry(genLength: 32, blockLength: 32) : problem.geometry
      let canvas: Canvas
      if let tokenizer = own.tokenizer {
        canvas = try problem.problem.canvas(geometry, tokenizer: tokenizer, vocabulary: vocabulary, pinned: [:])
      } else {
        let random = SeededRandom(seed: 0)[index]
        let prompt = (0..<32).map { Token(random[$0].integer(below: vocabulary.size)) }
        canvas = try Canvas(
          prompt: prompt.map { $0 == vocabulary.mask ? vocabulary.end : $0 }, length: geometry.genLength, blockLength: geometry.blockLength,
          vocabulary: vocabulary)
      }
      let context = Parameters.Context(genLength: geometry.genLength, blockLength: geometry.blockLength, vocabulary: vocabulary)
      let built = try Catalog.standard.build(Setting(.text("quota")), context: context)
      try fidelity.compare(own.denoiser, other.denoiser, on: canvas, pipeline: built.pipeline)
      progress.advance()
    }
    progress.finish()
    return [
      .init("canvases", Setting(.integer(fidelity.canvases))), .init("rows", Setting(.integer(fidelity.rows))),
      .init("logit_error_largest", Setting(.number(fidelity.worst))), .init("logit_error_rms", Setting(.number(fidelity.deviation))),
      .init("divergence_nats", Setting(.number(fidelity.meanDivergence))), .init("top1_agreement", Setting(.number(fidelity.topAgreement))),
      .init("order_kendall_tau", Setting(.number(fidelity.orderAgreement))), .init("same_order", Setting(.integer(fidelity.sameOrder))),
      .init("same_response", Setting(.integer(fidelity.sameResponse))),
    ]
  }
}

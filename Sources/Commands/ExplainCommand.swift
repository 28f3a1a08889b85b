internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Why a position was revealed when it was: its history, round by round.",
    discussion: """
      For every round: the model's candidate with its confidence, margin and runner-up, who revealed or revoked the position, and which bars it met or missed,
      and by how much. The rules decide again on the beliefs of the trace; where those do not suffice, on the model, which is said. Positions count from 0,
      from the start of the response; rounds from 1 (in JSON from 0, as in the trace).

      EXAMPLES
        unmask explain TRACE --sample lists/test/7 --position 3
        unmask explain TRACE --sample lists/test/7 --position 3 --json
      """)

  @Argument(help: "A trace file.") var trace: String
  @Option(help: "A sample's problem, as lists/test/7. May be left out where the trace has one sample.") var sample: String?
  @Option(help: "A position of the response, from 0.") var position: Int
  @Option(help: "The model that made the trace: it spells tokens, and answers what the trace does not record.") var model = "reference"
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let trace = try TraceFile.read(self.trace)
    let model = TraceModel(self.model, beside: trace)
    let session = try TraceSession(trace, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, tokenizer: model.tokenizer)
    guard sample != nil || session.samples.count == 1, let index = try session.indices(of: sample).first else {
      let names = session.samples.prefix(3).map(\.problem).joined(separator: ", ")
      throw ConfigurationError.missing(key: "--sample", owner: "a trace of \(session.samples.count) samples", expected: "a problem, as \(names)")
    }
    let canvases = try session.canvases(of: index)
    let plain = try Explanation(session, index, position: position, canvases: canvases)
    let (explanation, source) = try decided(plain, session, index, canvases, model)
    let spelling = model.spelling
    if json {
      let tokenizer = model.tokenizer
      return Terminal.out(explanation.json(source: source) { tokenizer?.token($0) }.json)
    }
    Terminal.out(ExplanationText(explanation, source: source) { spelling.exact($0) }.text)
  }

  /// Beliefs and bars: from the trace if it suffices, else from the model if it is at hand, else as far as the trace goes.
  private func decided(
    _ plain: Explanation, _ session: TraceSession, _ index: Int, _ canvases: [Canvas], _ model: TraceModel
  ) throws(ConfigurationError) -> (Explanation, source: String) {
    guard !plain.rounds.isEmpty else { return (plain, "beliefs and bars are not known: the trace records no rounds") }
    var best = plain
    let lack: String
    do throws(ConfigurationError) {
      let tape = try TapeDenoiser(session, index, canvases: canvases)
      if let refusal = tape.refusal(of: try session.pipeline(), sampling: session.sampling) {
        lack = refusal
      } else {
        try best.decide(session, index, canvases: canvases, on: tape)
        guard best.departure != nil, let reason = best.reason else { return (best, "beliefs and bars: decided again on the beliefs of the trace") }
        lack = reason
      }
    } catch { lack = error.description }
    do throws(ConfigurationError) {
      let loaded = try model.load()
      var fresh = plain
      try fresh.decide(session, index, canvases: canvases, on: loaded.denoiser(session.cache))
      // Where the model parts from the trace before the tape gave out, the tape tells more.
      if (fresh.departure ?? .max) > (best.departure ?? -1) {
        return (fresh, "beliefs and bars: decided again on the \(model.identity(loaded)); the trace alone does not suffice: \(lack)")
      }
      return (best, "beliefs and bars: decided again on the beliefs of the trace")
    } catch {
      guard best.departure != nil else { return (plain, "\(plain.unknown) are not known: \(lack); and without the model: \(error)") }
      return (best, "beliefs and bars: decided again on the beliefs of the trace")
    }
  }
}

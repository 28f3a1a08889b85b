internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

/// `replay --what-if`: another list of rules decides on the beliefs of a trace.
enum ReplayWhatIf {
  /// What else the trace is asked; `replay` takes them as an option group.
  struct Options: ParsableArguments {
    @Option(help: "What another strategy would have done: a YAML file, a strategy's name, or YAML.") var whatIf: String?
    @Option(help: "What the run's own list would have done without a rule; repeat for several.") var without: [String] = []
    @Option(help: "What the run's own list would have done with another setting, as threshold.confidence=0.8; repeat for several.") var set: [String] = []
    @Flag(help: "The fewest rounds that reveal only tokens of the final response, going by the recorded beliefs.") var oracle = false

    /// Whether anything is asked.
    var isAsked: Bool { hasStrategy || oracle }
    /// Whether another list of rules is asked about.
    var hasStrategy: Bool { whatIf != nil || !without.isEmpty || !set.isEmpty }

    func validate() throws {
      if whatIf != nil, !without.isEmpty || !set.isEmpty {
        throw ValidationError("--without and --set change the run's own list; --what-if gives a list of its own")
      }
    }
  }

  /// What came of one sample.
  struct Finding {
    let sample: SampleTrace
    var answer: WhatIf?
    /// Why the model was asked instead of the trace; nil where the trace sufficed.
    var lack: String?
    var oracle: Oracle?
    /// Why there is no oracle.
    var oracleFault: String?
  }

  /// - Parameters:
  ///   - path: the trace's file, for messages.
  ///   - sample: one sample's problem; nil for all.
  ///   - model: a model's name or directory: its tokenizer spells tokens, and it answers what the trace cannot.
  static func run(trace: Trace, path: String, sample: String?, model: String, options: Options, json: Bool) throws {
    let beside = TraceModel(model, beside: trace)
    let session = try TraceSession(trace, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, tokenizer: beside.tokenizer)
    let indices = try session.indices(of: sample)
    guard session.level != .none else { throw ConfigurationError.unsupported("\(path) records no rounds; run the experiment with `trace: beliefs`") }
    let asked = options.hasStrategy ? try list(options, session) : nil
    var source = WhatIfSource(session: session, model: beside)
    Terminal.catchInterrupts()
    let progress = Progress("what if", done: 0, total: indices.count)
    var findings: [Finding] = []
    for index in indices where !Terminal.isInterrupted {
      let canvases = try session.canvases(of: index)
      var finding = Finding(sample: session.samples[index])
      if let asked { (finding.answer, finding.lack) = try source.answer(asked.pipeline, index, canvases) }
      do throws(ConfigurationError) { finding.oracle = try Oracle(session.samples[index], canvases: canvases) } catch {
        if options.oracle { throw error }
        finding.oracleFault = error.description
      }
      findings.append(finding)
      progress.advance()
    }
    progress.finish()
    guard findings.count == indices.count, !Terminal.isInterrupted else { throw Failure.interrupted("interrupted") }
    let report = WhatIfReport(findings, recorded: session.strategy, asked: asked?.resolved, source: source.words, model: beside, vocabulary: session.vocabulary)
    Terminal.out(json ? report.json(path).json : report.text(width: Terminal.width - 2, hasColour: Terminal.hasColour))
  }

  /// The list that is asked about, as the run would have built it.
  private static func list(_ options: Options, _ session: TraceSession) throws(ConfigurationError) -> Catalog.Built {
    if let argument = options.whatIf {
      // What cannot be read says itself where.
      let list = try StrategyArgument.read(argument, catalog: Unmask.catalog)
      do { return try session.built(list) } catch { throw error.at(file: StrategyArgument.file(argument)) }
    }
    return try session.built(try StrategyChange.apply(to: session.strategy, without: options.without, set: options.set))
  }
}

/// Where beliefs come from: the tape of each sample, or the model once a tape does not suffice.
struct WhatIfSource {
  private let session: TraceSession
  private let model: TraceModel
  private var loaded: LoadedModel?
  /// Whether some sample was answered by its tape.
  private var usedTape = false

  init(session: TraceSession, model: TraceModel) { (self.session, self.model) = (session, model) }

  /// One clause on where beliefs came from.
  var words: String {
    guard let loaded else { return "the beliefs of the trace, without the model" }
    return (usedTape ? "the beliefs of the trace where they suffice, else the " : "the ") + model.identity(loaded)
  }

  /// One sample's answer, with why the tape did not suffice; nil where it did.
  mutating func answer(_ pipeline: Pipeline, _ index: Int, _ canvases: [Canvas]) throws(ConfigurationError) -> (WhatIf, lack: String?) {
    let lack: String
    do throws(ConfigurationError) {
      let tape = try TapeDenoiser(session, index, canvases: canvases)
      if let refusal = tape.refusal(of: pipeline, sampling: session.sampling) {
        lack = refusal
      } else {
        let answer = try WhatIf(session, index, pipeline, canvases: canvases, on: tape, holds: tape.holds, while: { !Terminal.isInterrupted })
        guard let fault = answer.fault else {
          usedTape = true
          return (answer, nil)
        }
        lack = fault
      }
    } catch { lack = error.description }
    let denoiser = try denoiser(instead: lack)
    return (
      try WhatIf(session, index, pipeline, canvases: canvases, on: denoiser, holds: { _ in true }, while: { !Terminal.isInterrupted }), lack
    )
  }

  /// The model that made the trace: the beliefs of another one are not those of the trace.
  private mutating func denoiser(instead lack: String) throws(ConfigurationError) -> any Denoiser {
    if let loaded { return try loaded.denoiser(session.cache) }
    let own: LoadedModel
    do { own = try model.load() } catch { throw .unsupported("the trace does not suffice: \(lack); and without the model: \(error)") }
    guard model.made(own) else { throw .unsupported("the trace does not suffice: \(lack); and this is the \(model.identity(own))") }
    loaded = own
    return try own.denoiser(session.cache)
  }
}

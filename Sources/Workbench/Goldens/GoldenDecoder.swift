internal import Diffusion
internal import Traces

/// Decodes what goldens hold: the one way in which they are recorded and checked.
///
/// It needs a golden's canvases and a model, and no generator of problems: prompts are in the trace.
struct GoldenDecoder: Sendable {
  let suite: GoldenSuite
  let catalog: Catalog
  let benchmarks: BenchmarkCatalog

  /// A decode of everything a golden holds.
  struct Decoded: Sendable {
    /// The trace, resolved settings included.
    let trace: Trace
    /// Its samples.
    let samples: [SampleTrace]
    /// Every setting of the rules, defaults filled in.
    let settings: Setting
    /// What rules held against their bars, by sample and round.
    let comparisons: [[[Comparison]]]

    /// The bars that rules say they held values against.
    var bars: Set<GoldenBar> { Set(comparisons.joined().joined().map(GoldenBar.init)) }

    /// Those of them that were met exactly.
    var ties: Set<GoldenBar> { Set(comparisons.joined().joined().filter { $0.distance == 0 }.map(GoldenBar.init)) }

    /// What was decided, without what was believed.
    var decisions: [[GoldenDecision]] { samples.map { $0.edits.map(GoldenDecision.init) } }
  }

  /// How much of a decode a golden records. Where a bar is met on purpose only decisions matter, and a model made of arithmetic believes what it believed.
  func level(of golden: Golden) -> TraceLevel {
    golden.edge == nil && !suite.bars.contains { $0.name == golden.strategy } ? .beliefs(suite.candidates) : .edits
  }

  /// A trace of canvases before their first round: what is to be decoded for a golden that is not there yet.
  func blank(_ golden: Golden, _ model: GoldenModel, level: TraceLevel? = nil) throws(RunError) -> Trace {
    do throws(ConfigurationError) {
      let geometry = try geometry(of: golden.benchmark)
      let canvases = try canvases(of: golden.benchmark, model, geometry)
      let samples = canvases.map { SampleTrace(problem: $0.problem, seed: suite.seed, canvas: $0.canvas) }
      let source: Setting = [
        "name": golden.benchmark.map { Setting(.text($0)) } ?? Setting(.null), "problems": Setting(.list(samples.map { Setting(.text($0.problem)) })),
      ]
      let description: Setting = [
        "digest": Setting(.text(model.digest)), "mask": Setting(.integer(Int(model.denoiser.vocabulary.mask))),
        "end": Setting(.integer(Int(model.denoiser.vocabulary.end))),
      ]
      var config = [Setting.Entry("benchmark", source)]
      if let cache = golden.cache { config.append(Setting.Entry("cache", cache)) }
      config += [
        Setting.Entry("decoding", decoding(geometry)), Setting.Entry("engine", Setting(.integer(RunPlan.engineVersion))),
        Setting.Entry("model", description), Setting.Entry("seed", Setting(.integer(suite.seed))), Setting.Entry("strategy", golden.rules),
      ]
      return try trace(samples, Setting(.map(config)), model.digest, model.denoiser.vocabulary, level ?? self.level(of: golden))
    } catch { throw .configuration(error) }
  }

  private func trace(
    _ samples: [SampleTrace], _ config: Setting, _ model: String, _ vocabulary: Vocabulary?, _ level: TraceLevel
  ) throws(ConfigurationError) -> Trace {
    let json = config.json
    let attributes = Trace.Attributes(
      config: json, runDigest: RunPlan.digest(of: config.sorted.json), modelDigest: model, level: level, vocabulary: vocabulary, timing: .shared)
    do { return try Trace(attributes: attributes, samples: samples) } catch { throw .unsupported("\(error)") }
  }

  /// The canvases of a benchmark's problems in the suite, or of the model's own.
  private func canvases(
    of benchmark: String?, _ model: GoldenModel, _ geometry: Geometry
  ) throws(ConfigurationError) -> [(problem: String, canvas: Canvas)] {
    guard benchmark != nil else {
      return try (0..<TieDenoiser.problems).map { (index) throws(ConfigurationError) in
        let canvas = try Canvas(
          prompt: TieDenoiser().prompt(index), length: geometry.genLength, blockLength: geometry.blockLength, vocabulary: model.denoiser.vocabulary,
          pinned: TieDenoiser.pinned.filter { $0.key < geometry.genLength })
        return ("\(model.label)/\(index)", canvas)
      }
    }
    guard let tokenizer = model.tokenizer else { throw .unsupported("model `\(model.name)` has no tokenizer.json, and a benchmark's prompts are text") }
    return try suite.problems(of: benchmark).map { (id) throws(ConfigurationError) in
      let problem = try benchmarks.problem(id, key: "problems").problem
      return (id, try problem.canvas(geometry, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary))
    }
  }

  /// What the suite asks for, else what is standard for a benchmark, or for the exact model.
  private func geometry(of benchmark: String?) throws(ConfigurationError) -> Geometry {
    let standard = try benchmark.map { (name) throws(ConfigurationError) in type(of: try benchmarks.benchmark(named: name)).geometry } ?? TieDenoiser.geometry
    let length = suite.decoding.genLength ?? standard.genLength
    let block = suite.decoding.blockLength ?? (length % standard.blockLength == 0 ? standard.blockLength : length)
    guard length % block == 0 else { throw .outOfRange(key: "block_length", value: "\(block)", expected: "a divisor of gen_length (\(length))") }
    return Geometry(genLength: length, blockLength: block)
  }

  private func decoding(_ geometry: Geometry) -> Setting {
    let sampling = suite.decoding.sampling
    return [
      "gen_length": Setting(.integer(geometry.genLength)), "block_length": Setting(.integer(geometry.blockLength)),
      "temperature": Setting(.number(sampling.temperature)), "top_p": Setting(.number(sampling.topP)), "top_k": Setting(.integer(sampling.topK)),
      "max_rounds": Setting(.integer(suite.decoding.maxRounds)),
    ]
  }

  /// How what the suite asks for differs from what a golden was made with, in words; nil if it does not. A benchmark's own geometry may move on without the
  /// golden: only what the suite itself says is held against it.
  func difference(from golden: Trace, _ benchmark: String?) throws(ConfigurationError) -> String? {
    let config = try golden.configuration()
    if suite.decoding != Experiment.Decoding() {
      let asked = decoding(try geometry(of: benchmark))
      if let difference = asked.difference(from: config["decoding"] ?? Setting(.null), at: "decoding") { return difference }
    }
    guard let benchmark else { return nil }
    let asked = Setting(.list(suite.problems(of: benchmark).map { Setting(.text($0)) }))
    return asked.difference(from: config["benchmark"]?["problems"] ?? Setting(.null), at: "problems")
  }

  /// Decodes a trace's canvases under some rules, as they are now; nil if told to stop. What the trace holds beside its canvases has no influence, but as
  /// much is recorded as it records.
  func decode(_ trace: Trace, _ rules: Setting, _ model: GoldenModel, while shouldContinue: () -> Bool = { true }) throws(RunError) -> Decoded? {
    let made = try TraceSession(trace, catalog: catalog, benchmarks: benchmarks, tokenizer: model.tokenizer)
    let level = made.level == .edits ? .edits : TraceLevel.beliefs(suite.candidates)
    let (built, denoiser): (Catalog.Built, any Denoiser)
    do throws(ConfigurationError) {
      (built, denoiser) = (try made.built(rules), try model.denoiser(over: made.cache))
      try denoiser.check(built.pipeline.needs)
    } catch { throw .configuration(error) }
    var samples: [SampleTrace] = []
    var comparisons: [[[Comparison]]] = []
    for (index, old) in made.samples.enumerated() {
      let session: Session
      do { session = try made.session(index, built.pipeline, observed: level.needs, isExplained: true) } catch { throw .configuration(error) }
      var builder = TraceBuilder(canvas: session.canvas, problem: old.problem, seed: old.seed, level: level)
      var asked: [[Comparison]] = []
      let outcome = Decoder(denoiser).decode(
        [session],
        record: { _, round in
          builder.record(round)
          asked.append(round.comparisons)
        }, while: shouldContinue)[0]
      switch outcome {
      case nil: return nil
      case .failed(_, let error): throw .decoding(error, problem: old.problem)
      case .finished: samples.append(builder.finish(seconds: 0).untimed)
      }
      comparisons.append(asked)
    }
    do throws(ConfigurationError) {
      var config = try trace.configuration()
      config = config.replacing("strategy", with: built.resolved).replacing("engine", with: Setting(.integer(RunPlan.engineVersion)))
      let trace = try self.trace(samples, config, model.digest, trace.attributes.vocabulary, level)
      return Decoded(trace: trace, samples: samples, settings: built.resolved, comparisons: comparisons)
    } catch { throw .configuration(error) }
  }
}

/// What an edit does, without the numbers that it was decided by.
struct GoldenDecision: Hashable, Sendable {
  let round: Int
  let kind: Edit.Kind
  let position: Int
  let token: Token
  let branch: Int
  let author: String

  init(_ recorded: RecordedEdit) {
    let edit = recorded.edit
    (round, kind, position, token, branch, author) = (recorded.round, edit.kind, edit.position, edit.token, edit.branch, edit.author)
  }
}

/// A bar that a rule says it held values against.
struct GoldenBar: Hashable, Sendable {
  let rule: String
  let name: String
  let bar: Double

  init(_ comparison: Comparison) { (rule, name, bar) = (comparison.rule, comparison.name, comparison.bar) }
}

extension Trace {
  /// The configuration it was made with.
  func configuration() throws(ConfigurationError) -> Setting { try YAML.parse(attributes.config) }
}

extension Setting {
  /// A map with another value under one of its keys.
  fileprivate func replacing(_ key: String, with new: Setting) -> Setting {
    guard case .map(let entries) = value else { return self }
    return Setting(.map(entries.map { $0.key == key ? Entry(key, new) : $0 }))
  }
}

extension SampleTrace {
  /// The sample without its times, so that equal decodes make equal files.
  fileprivate var untimed: SampleTrace {
    var copy = self
    for round in copy.rounds.indices { (copy.rounds[round].forwardSeconds, copy.rounds[round].decideSeconds) = (0, 0) }
    return copy
  }
}

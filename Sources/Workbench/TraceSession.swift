public import Diffusion
public import Models
public import Traces

/// The decodes that a trace holds, ready to be run again: the list of rules that made it, and for each sample its canvas and the address of its draws.
///
/// A run names a problem's draws by the problem; `decode` names a prompt's by its tokens and by how often its canvas came before. A trace whose configuration
/// names a benchmark was made by a run.
public struct TraceSession: Sendable {
  /// What the file says of itself.
  public let attributes: Trace.Attributes
  /// Its samples.
  public let samples: [SampleTrace]
  /// What was recorded.
  public let level: TraceLevel
  /// The list of rules that made it, every default filled in.
  public let strategy: Setting
  /// The vocabulary of its tokens.
  public let vocabulary: Vocabulary
  /// How tokens were proposed.
  public let sampling: Sampling
  /// The engine version that made it; nil where it does not say.
  public let engine: Int?

  /// What was held back from the model; nil: nothing.
  public let cache: Cache?

  private let catalog: Catalog
  private let context: Parameters.Context
  private let maxRounds: Int
  private let hasBenchmark: Bool

  /// Reads how a trace was made.
  ///
  /// - Parameters:
  ///   - catalog: the strategies that its list may name.
  ///   - benchmarks: where the extractor of its answers comes from.
  ///   - tokenizer: the model's, for rules that read text.
  public init(_ trace: Trace, catalog: Catalog, benchmarks: BenchmarkCatalog, tokenizer: Tokenizer? = nil) throws(RunError) {
    attributes = trace.attributes
    do { samples = try trace.samples() } catch { throw .trace(error) }
    self.catalog = catalog
    level = TraceLevel(trace.attributes.level, candidates: trace.candidates) ?? .none
    do throws(ConfigurationError) {
      let config = try YAML.parse(trace.attributes.config)
      guard let strategy = config["strategy"], let decoding = config["decoding"] else { throw .unsupported("its `config` has no `strategy` and `decoding`") }
      guard let vocabulary = trace.attributes.vocabulary else { throw .unsupported("it has no attributes `vocabulary_size`, `mask_token` and `end_token`") }
      self.strategy = strategy
      self.vocabulary = vocabulary
      if case .integer(let version)? = config["engine"]?.value { engine = version } else { engine = nil }
      var reader = SettingReader(decoding, owner: "decoding")
      let length = reader.int("gen_length", default: samples.first?.initial.count ?? 1, in: 1...Canvas.lengthLimit)
      let block = reader.int("block_length", default: samples.first?.blockLength ?? length, in: 1...Canvas.lengthLimit)
      sampling = Sampling(
        temperature: reader.number("temperature", default: 0), topP: reader.number("top_p", default: 1),
        topK: reader.int("top_k", default: 0, in: 0...Int(Int32.max)))
      maxRounds = reader.int("max_rounds", default: 100_000, in: 1...Int(Int32.max))
      try reader.mistakes.check()
      cache = try CacheCatalog.standard.build(config["cache"] ?? Setting(.null))
      var context = Parameters.Context(genLength: length, blockLength: block, vocabulary: vocabulary, sampling: sampling)
      if let tokenizer {
        context.encode = { tokenizer.encode($0) }
        context.decode = { tokenizer.decode($0) }
      }
      hasBenchmark = config["benchmark"] != nil
      if let name = Self.benchmark(of: config, samples.first, known: benchmarks) {
        let benchmark = try benchmarks.benchmark(named: name)
        context.extract = { benchmark.extract($0) }
      }
      self.context = context
    } catch { throw .configuration(.composition("the trace does not say how it was decoded: \(error)")) }
  }

  /// The benchmark that answers are extracted by: the run's, or that of the problems given to `decode`.
  private static func benchmark(of config: Setting, _ sample: SampleTrace?, known: BenchmarkCatalog) -> String? {
    if case .text(let name)? = config["benchmark"]?["name"]?.value { return name }
    let parts = (sample?.problem ?? "").split(separator: "/").map(String.init)
    return parts.count == 3 && Split(rawValue: parts[1]) != nil && known.names.contains(parts[0]) ? parts[0] : nil
  }

  /// The samples of a problem; all of them for nil.
  public func indices(of problem: String?) throws(RunError) -> [Int] {
    guard let problem else { return Array(samples.indices) }
    let found = samples.indices.filter { samples[$0].problem == problem }
    guard found.isEmpty else { return found }
    var names = Array(Set(samples.map(\.problem))).sorted()
    var near: [String] = []
    while near.count < 3, let next = ConfigurationError.nearest(to: problem, in: names) {
      near.append(next)
      names.removeAll { $0 == next }
    }
    let known = near.isEmpty ? Array(samples.map(\.problem).prefix(3)) : near
    throw .configuration(.unknownName(name: problem, kind: "sample in this trace of \(samples.count)", known: known))
  }

  /// A list of rules as the run would have built it; nil builds the run's own.
  public func pipeline(_ strategy: Setting? = nil) throws(ConfigurationError) -> Pipeline { try built(strategy ?? self.strategy).pipeline }

  /// A list of rules as the run would have built it, with every default filled in.
  package func built(_ strategy: Setting) throws(ConfigurationError) -> Catalog.Built { try catalog.build(strategy, context: context) }

  /// The session that makes a sample's decode, with the run's own rules or others, before its first round.
  public func session(
    _ index: Int, _ pipeline: Pipeline, observed: Needs = .nothing, isExplained: Bool = false
  ) throws(ConfigurationError) -> Session {
    let sample = samples[index]
    let canvas = try canvas(sample)
    var random = SeededRandom(seed: UInt64(bitPattern: Int64(sample.seed)))
    random = hasBenchmark ? random[sample.problem] : sample.prompt.reduce(random) { $0[Int($1)] }
    let occurrence = hasBenchmark ? 0 : samples[..<index].count { $0.prompt == sample.prompt && $0.initial == sample.initial }
    return try Session(
      id: index, canvas: canvas, pipeline: pipeline, sampling: sampling, random: random, sample: occurrence, maxRounds: maxRounds, observed: observed,
      isExplained: isExplained)
  }

  /// The canvas that a sample began with.
  private func canvas(_ sample: SampleTrace) throws(ConfigurationError) -> Canvas {
    var pins: [Int: Token] = [:]
    for (position, token) in sample.initial.enumerated() where token >= 0 {
      guard sample.pinned[position] else {
        throw .unsupported("sample `\(sample.problem)`: position \(position) held a token before decoding without being pinned")
      }
      pins[position] = token
    }
    return try Canvas(prompt: sample.prompt, length: sample.initial.count, blockLength: sample.blockLength, vocabulary: vocabulary, pinned: pins)
  }

  /// A sample's canvases as recorded: the one that each round showed, and the last one after it.
  public func canvases(of index: Int) throws(RunError) -> [Canvas] {
    let sample = samples[index]
    var canvas: Canvas
    do { canvas = try self.canvas(sample) } catch { throw .configuration(error) }
    var canvases = [canvas]
    var rest = sample.edits[...]
    for round in sample.rounds.indices {
      while let next = rest.first, next.round == round {
        rest.removeFirst()
        guard next.edit.branch == Edit.main else { continue }
        if let reason = canvas.fault(of: next.edit) {
          throw .trace(.damaged(path: "sample `\(sample.problem)`", place: "round \(round + 1), position \(next.edit.position)", reason: reason))
        }
        canvas.apply(next.edit)
      }
      canvas.settle()
      canvases.append(canvas)
    }
    return canvases
  }
}

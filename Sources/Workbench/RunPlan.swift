public import Diffusion
public import Models
public import Traces

/// One resolved configuration on one benchmark with one seed: everything a run needs, and the digest that is its identity.
public struct RunPlan: Sendable {
  /// The experiment's name.
  public let experiment: String
  /// The strategy and the setting of its swept keys.
  public let cell: Experiment.Cell
  /// The model.
  public let model: LoadedModel
  /// The model's tokenizer.
  public let tokenizer: Tokenizer
  /// The benchmark.
  public let benchmark: any Benchmark
  /// Which of its problems.
  public let selection: Experiment.Selection
  /// The seed.
  public let seed: Int
  /// Response and block length in tokens.
  public let geometry: Geometry
  /// How tokens are proposed.
  public let sampling: Sampling
  /// Model calls after which a decode is given up.
  public let maxRounds: Int
  /// Response positions fixed before decoding.
  public let pinned: [Int: Token]
  /// The rules, ready to be copied per sample.
  public let pipeline: Pipeline
  /// What the trace records.
  public let trace: TraceLevel
  /// Every setting that can change the result, defaults filled in.
  public let config: Setting
  /// Identity: a digest of `config`, 16 hexadecimal digits.
  public let digest: String

  /// Raised only when some golden trace changes.
  public static let engineVersion = 1

  /// The first 16 hexadecimal digits of a text's SHA-256.
  package static func digest(of text: String) -> String {
    var hash = SHA256()
    hash.update(text.utf8)
    return String(hash.hexadecimal().prefix(16))
  }

  /// Whether its rules are LLaDA's sampler with a round per position: in each, the surest position alone. Fidelity is measured against such a run, whatever
  /// an experiment calls it.
  var isOneByOne: Bool {
    let rules: Setting = [["quota": ["steps": Setting(.integer(geometry.genLength)), "score": "confidence"]]]
    return config["strategy"]?.sorted == rules.sorted
  }

  /// The canvas of a problem.
  package func canvas(_ problem: Problem) throws(ConfigurationError) -> Canvas {
    try problem.canvas(geometry, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary, pinned: pinned)
  }
}

extension Experiment {
  /// The runs of this experiment, strategies varying fastest. Every mistake in any of them is reported.
  public func plans(catalog: Catalog, benchmarks known: BenchmarkCatalog, load: (String) throws(ConfigurationError) -> LoadedModel) throws(ConfigurationError)
    -> [RunPlan]
  {
    var plans: [RunPlan] = []
    var mistakes: [ConfigurationError] = []
    for name in models {
      do throws(ConfigurationError) {
        let model = try load(name)
        for selection in benchmarks {
          do throws(ConfigurationError) {
            let benchmark = try known.benchmark(named: selection.name)
            for seed in seeds {
              for cell in cells {
                do throws(ConfigurationError) { plans.append(try plan(cell, model, benchmark, selection, seed, catalog)) } catch {
                  mistakes += error.at(path: "strategies.\(cell.strategy)").all
                }
              }
            }
          } catch { mistakes += error.all }
        }
      } catch { mistakes += error.all }
    }
    var unique: [ConfigurationError] = []
    for mistake in mistakes where !unique.contains(mistake) { unique.append(mistake) }
    try unique.check()
    return plans
  }

  private func plan(
    _ cell: Cell, _ model: LoadedModel, _ benchmark: any Benchmark, _ selection: Selection, _ seed: Int, _ catalog: Catalog
  ) throws(ConfigurationError) -> RunPlan {
    let standard = type(of: benchmark).geometry
    let length = decoding.genLength ?? standard.genLength
    // A block length of the benchmark's own is kept where it divides the length asked for.
    let block = decoding.blockLength ?? (length % standard.blockLength == 0 ? standard.blockLength : length)
    guard length % block == 0 else { throw .outOfRange(key: "block_length", value: "\(block)", expected: "a divisor of gen_length (\(length))") }
    guard let tokenizer = model.tokenizer else {
      throw .unsupported("model `\(model.name)` has no tokenizer.json, and a benchmark's prompts are text")
    }
    let pinned = try Self.pins(decoding.pinned, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary)
    let geometry = Geometry(genLength: length, blockLength: block)
    do {
      // The first problem stands for all: a tokenizer or length that its layout does not go with is refused before anything is decoded.
      let first = benchmark.problem(0, of: selection.split)
      _ = try first.canvas(geometry, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary, pinned: pinned)
    } catch {
      throw error.at(path: "decoding")
    }
    var context = Parameters.Context(genLength: length, blockLength: block, vocabulary: model.denoiser.vocabulary, sampling: decoding.sampling)
    context.encode = { tokenizer.encode($0) }
    context.decode = { tokenizer.decode($0) }
    context.extract = { benchmark.extract($0) }
    let built = try catalog.build(cell.rules, context: context)
    try model.denoiser.check(built.pipeline.needs)
    let pins = pinned.sorted { $0.key < $1.key }.map { Setting.Entry("\($0.key)", Setting(.integer(Int($0.value)))) }
    let config: Setting = [
      "benchmark": [
        "name": Setting(.text(selection.name)), "split": Setting(.text(selection.split.rawValue)),
        "version": Setting(.integer(type(of: benchmark).version)), "data": Setting(.text(benchmark.fingerprint(selection.split))),
      ],
      "decoding": [
        "gen_length": Setting(.integer(length)), "block_length": Setting(.integer(block)),
        "temperature": Setting(.number(decoding.sampling.temperature)), "top_p": Setting(.number(decoding.sampling.topP)),
        "top_k": Setting(.integer(decoding.sampling.topK)), "max_rounds": Setting(.integer(decoding.maxRounds)), "pinned": Setting(.map(pins)),
      ],
      "engine": Setting(.integer(RunPlan.engineVersion)),
      "model": [
        "digest": Setting(.text(model.digest)), "mask": Setting(.integer(Int(context.vocabulary.mask))), "end": Setting(.integer(Int(context.vocabulary.end))),
      ],
      "seed": Setting(.integer(seed)), "strategy": built.resolved,
    ]
    return RunPlan(
      experiment: name, cell: cell, model: model, tokenizer: tokenizer, benchmark: benchmark, selection: selection, seed: seed,
      geometry: geometry, sampling: decoding.sampling, maxRounds: decoding.maxRounds, pinned: pinned,
      pipeline: built.pipeline, trace: trace, config: config, digest: RunPlan.digest(of: config.sorted.json))
  }

  /// Token ids of pinned entries; a text of several tokens fills the positions after its first.
  private static func pins(_ settings: [Int: Setting], tokenizer: Tokenizer, vocabulary: Vocabulary) throws(ConfigurationError) -> [Int: Token] {
    var pins: [Int: Token] = [:]
    for (position, setting) in settings.sorted(by: { $0.key < $1.key }) {
      let tokens: [Token]
      switch setting.value {
      case .integer(let id) where id >= 0 && id < vocabulary.size: tokens = [Token(id)]
      case .text(let text): tokens = tokenizer.encode(text)
      default:
        throw ConfigurationError.wrongKind(key: "decoding.pinned.\(position)", found: setting.description, expected: "a token id or a text").at(
          line: setting.line)
      }
      for (offset, token) in tokens.enumerated() {
        guard pins.updateValue(token, forKey: position + offset) == nil else {
          throw ConfigurationError.composition("pinned position \(position + offset) is given twice").at(path: "decoding.pinned", line: setting.line)
        }
      }
    }
    return pins
  }
}

extension Benchmark {
  /// A digest of many problems of a split: a benchmark that changes without a new version still changes the runs' identity.
  func fingerprint(_ split: Split) -> String {
    let content = problems(0..<256, of: split).map { problem in
      let layout = problem.spans.map { "\($0.isGiven ? "given" : "gap")\($0.text)\n" }.joined()
      return "\(problem.id)\n\(problem.prompt)\n\(problem.answer)\n\(problem.kind)\n\(problem.level)\n" + layout
    }
    return RunPlan.digest(of: content.joined())
  }
}

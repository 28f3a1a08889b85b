public import Diffusion
public import Models

extension Experiment {
  /// The runs of this experiment, strategies varying fastest, then seeds, decodings, benchmarks, models. Every mistake in any of them is reported.
  public func plans(catalog: Catalog, benchmarks known: BenchmarkCatalog, load: (String) throws(ConfigurationError) -> LoadedModel) throws(ConfigurationError)
    -> [RunPlan]
  {
    var mistakes: [ConfigurationError] = []
    let plans = plans(catalog: catalog, benchmarks: known, load: load, &mistakes)
    try mistakes.check()
    return plans
  }

  /// The runs that can be made, and what is wrong with the others.
  func plans(
    catalog: Catalog, benchmarks known: BenchmarkCatalog, load: (String) throws(ConfigurationError) -> LoadedModel, _ mistakes: inout [ConfigurationError]
  ) -> [RunPlan] {
    var plans: [RunPlan] = []
    var found: [ConfigurationError] = []
    for (index, name) in models.enumerated() {
      do throws(ConfigurationError) {
        let model: LoadedModel
        do { model = try load(name) } catch {
          throw modelSettings.indices.contains(index) ? error.at(line: error.lineOfOption(in: modelSettings[index])) : error
        }
        for selection in benchmarks {
          do throws(ConfigurationError) {
            let benchmark = try known.benchmark(named: selection.name, selection.source)
            var selection = selection
            if let count = benchmark.count(of: selection.split) { selection.limit = min(selection.limit, count) }
            let chat = selection.isChat ? try ChatLibrary.template(of: model) : nil
            let fingerprint = benchmark.identity(of: selection.split)
            for decoding in decodings {
              do throws(ConfigurationError) {
                let place = try Surroundings(decoding, model, benchmark, selection, fingerprint, chat)
                var built: [(cell: Cell, rules: Catalog.Built, cache: Cache?)] = []
                for cell in cells {
                  do throws(ConfigurationError) {
                    let cache = try CacheCatalog.standard.build(cell.cache ?? self.cache)
                    built.append((cell, try place.build(cell, catalog, cache), cache))
                  } catch {
                    found += error.at(path: "strategies.\(cell.strategy)").all
                  }
                }
                for seed in seeds { plans += built.map { place.plan($0.cell, $0.rules, $0.cache, experiment: self, seed: seed) } }
              } catch { found += error.all }
            }
          } catch { found += error.all }
        }
      } catch { found += error.all }
    }
    for mistake in found where !mistakes.contains(mistake) { mistakes.append(mistake) }
    return plans
  }
}

/// What the runs of one model on one benchmark in one geometry share.
private struct Surroundings {
  let model: LoadedModel
  let tokenizer: Tokenizer
  let benchmark: any Benchmark
  let selection: Experiment.Selection
  let decoding: Experiment.Decoding
  let geometry: Geometry
  let pinned: [Int: Token]
  /// What tells the benchmark's problems from others.
  let fingerprint: String
  /// What prompts are put through; nil where they are taken as they are.
  let chat: ChatTemplate?

  init(
    _ decoding: Experiment.Decoding, _ model: LoadedModel, _ benchmark: any Benchmark, _ selection: Experiment.Selection, _ fingerprint: String,
    _ chat: ChatTemplate?
  ) throws(ConfigurationError) {
    let standard = type(of: benchmark).geometry
    let length = decoding.genLength ?? standard.genLength
    // A block length of the benchmark's own is kept where it divides the length asked for.
    let block = decoding.blockLength ?? (length % standard.blockLength == 0 ? standard.blockLength : length)
    guard length % block == 0 else { throw .outOfRange(key: "block_length", value: "\(block)", expected: "a divisor of gen_length (\(length))") }
    guard let tokenizer = model.tokenizer else {
      throw .unsupported("model `\(model.name)` has no tokenizer.json, and a benchmark's prompts are text")
    }
    pinned = try Self.pins(decoding.pinned, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary)
    geometry = Geometry(genLength: length, blockLength: block)
    do {
      // The first problem stands for all: a tokenizer or length that its layout does not go with is refused before anything is decoded.
      let first = benchmark.problem(0, of: selection.split)
      _ = try first.canvas(geometry, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary, pinned: pinned, chat: chat)
    } catch {
      throw error.at(path: "decoding")
    }
    self.model = model
    self.tokenizer = tokenizer
    self.benchmark = benchmark
    self.selection = selection
    self.decoding = decoding
    self.fingerprint = fingerprint
    self.chat = chat
  }

  /// A cell's rules, ready to decode here.
  func build(_ cell: Experiment.Cell, _ catalog: Catalog, _ cache: Cache?) throws(ConfigurationError) -> Catalog.Built {
    var context = Parameters.Context(
      genLength: geometry.genLength, blockLength: geometry.blockLength, vocabulary: model.denoiser.vocabulary, sampling: decoding.sampling)
    let (tokenizer, benchmark) = (tokenizer, benchmark)
    context.encode = { tokenizer.encode($0) }
    context.decode = { tokenizer.decode($0) }
    context.extract = { benchmark.extract($0) }
    let built = try catalog.build(cell.rules, context: context)
    try model.denoiser(cache).check(built.pipeline.needs)
    return built
  }

  func plan(_ cell: Experiment.Cell, _ rules: Catalog.Built, _ cache: Cache?, experiment: Experiment, seed: Int) -> RunPlan {
    let pins = pinned.sorted { $0.key < $1.key }.map { Setting.Entry("\($0.key)", Setting(.integer(Int($0.value)))) }
    let vocabulary = model.denoiser.vocabulary
    var asked = [
      Setting.Entry("name", Setting(.text(selection.name))), Setting.Entry("split", Setting(.text(selection.split.rawValue))),
      Setting.Entry("version", Setting(.integer(type(of: benchmark).version))), Setting.Entry("data", Setting(.text(fingerprint))),
    ]
    asked += benchmark.settings
    if let chat { asked.append(Setting.Entry("chat", Setting(.text(chat.digest)))) }
    var config: Setting = [
      "benchmark": Setting(.map(asked)),
      "decoding": [
        "gen_length": Setting(.integer(geometry.genLength)), "block_length": Setting(.integer(geometry.blockLength)),
        "temperature": Setting(.number(decoding.sampling.temperature)), "top_p": Setting(.number(decoding.sampling.topP)),
        "top_k": Setting(.integer(decoding.sampling.topK)), "max_rounds": Setting(.integer(decoding.maxRounds)), "pinned": Setting(.map(pins)),
      ],
      "engine": Setting(.integer(RunPlan.engineVersion)),
      "model": [
        "digest": Setting(.text(model.digest)), "mask": Setting(.integer(Int(vocabulary.mask))), "end": Setting(.integer(Int(vocabulary.end))),
      ],
      "seed": Setting(.integer(seed)), "strategy": rules.resolved,
    ]
    // Runs without a cache are named as they were before there were caches.
    if let cache, case .map(let entries) = config.value { config = Setting(.map(entries + [Setting.Entry("cache", cache.resolved)])) }
    return RunPlan(
      experiment: experiment.name, cell: cell, model: model, tokenizer: tokenizer, benchmark: benchmark, selection: selection, chat: chat, seed: seed,
      geometry: geometry, sampling: decoding.sampling, maxRounds: decoding.maxRounds, pinned: pinned, cache: cache,
      pipeline: rules.pipeline, trace: experiment.trace, config: config, digest: RunPlan.digest(of: config.sorted.json))
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

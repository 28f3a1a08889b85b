internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Models
internal import Strategies
internal import Traces
internal import Workbench

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Decode prompts with a strategy; in a terminal, watch the canvas fill in.",
    discussion: """
      EXAMPLES
        unmask decode --problem lists/test/7
        unmask decode --problem arithmetic/dev/3 --strategy quota
        unmask decode --model DIR --chat --prompt 'What is a mask?'
        unmask decode --problem arithmetic/test/0 --cache dual --fidelity
        unmask decode --model DIR --chat --problem gsm8k/test/0 --data gsm8k/test.jsonl
        unmask decode --strategy 'threshold: {confidence: 0.7}' --gen-length 16 --prompt $'Copy the list: red 3 sun\n'
        unmask decode --model DIR --strategy s.yaml --gen-length 64 --block-length 32 --prompt-ids prompts.json --format json

      --strategy takes a file with the YAML that stands under a strategy's name in an experiment, for instance
        - threshold: {confidence: 0.9}
      It also takes a strategy's name, or the YAML itself.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

  @Option(help: "A checkpoint directory, or `reference`.") var model = "reference"
  @Option(help: "A YAML file, a strategy's name, or YAML.") var strategy = "threshold"
  @Option(help: "Response length in tokens. Default: 64, or the benchmark's.") var genLength: Int?
  @Option(help: "Block length in tokens, a divisor of the response length. Default: the benchmark's, or 16, or all.") var blockLength: Int?
  @Option(help: "The prompt's text, taken as it is; repeat for several.") var prompt: [String] = []
  @Option(help: "A benchmark's problem, as lists/test/7; repeat for several.") var problem: [String] = []
  @Option(help: "The file, or its folder, of a benchmark whose problems are read from one.") var data: String?
  @Option(help: "A JSON file with an array of arrays of token ids, used as they are; - for standard input.") var promptIds: String?
  @Flag(help: "Put the prompt through the model's chat template.") var chat = false
  @Option(help: "A JSON file with an object from response position to token id.") var pinned: String?
  @Option(help: "A cache policy's name, or YAML as '{policy: dkv, refresh: 4}'. `unmask caches` lists them.") var cache = "none"
  @Flag(help: "Measure every round against the model without a cache: a second call beside each.") var fidelity = false
  @Option(help: "0 proposes the most probable token.") var temperature = 0.0
  @Option(help: "Nucleus sampling; 1 keeps all tokens.") var topP = 1.0
  @Option(help: "Sample among the k most probable tokens; 0 keeps all.") var topK = 0
  @Option(help: "Seed of all draws.") var seed: UInt64 = 0
  @Option(help: "Prompts decoded side by side.") var jobs = 1
  @Option(help: "Model calls after which a decode is given up.") var maxRounds = 100_000
  @Option(help: "text or json.") var format = Format.text
  @Option(help: "Also write an HDF5 trace.") var trace: String?

  func validate() throws {
    if [!prompt.isEmpty, !problem.isEmpty, promptIds != nil].count(where: \.self) != 1 {
      throw ValidationError("give one of --prompt TEXT, --problem NAME/SPLIT/INDEX and --prompt-ids FILE.json")
    }
    if jobs < 1 || jobs > 256 { throw ValidationError("--jobs is 1 to 256") }
    if chat, promptIds != nil { throw ValidationError("--chat goes with --prompt and --problem; ids are used as they are") }
  }

  func run() throws {
    let model = try ModelLibrary.load(self.model)
    let template = chat ? try ChatLibrary.template(of: model) : nil
    let problems = try ProblemArgument.all(problem, data: data, isChat: chat)
    let geometry = try geometry(problems.first)
    let sampling = Sampling(temperature: temperature, topP: topP, topK: topK)
    if let trace { try TraceFile.check(destination: trace) }
    var context = Parameters.Context(
      genLength: geometry.genLength, blockLength: geometry.blockLength, vocabulary: model.denoiser.vocabulary, sampling: sampling)
    if let tokenizer = model.tokenizer {
      context.encode = { tokenizer.encode($0) }
      context.decode = { tokenizer.decode($0) }
    }
    if let problem = problems.first { context.extract = { problem.extract($0) } }
    let pins = try pinned.map { try Self.pins($0) } ?? [:]
    // The canvas is checked before the strategy reads the geometry, so that a bad length is reported as such.
    let canvases = try canvases(problems, model, geometry, pins, template)
    let built = try StrategyArgument.build(strategy, catalog: Unmask.catalog, context: context)
    let policy = try CacheCatalog.standard.build(try YAML.parse(cache))
    try model.denoiser(policy).check(built.pipeline.needs)
    for (index, canvas) in canvases.enumerated() {
      if let reason = InputCheck.reason(canvas.prompt, model.denoiser, adding: geometry.genLength) {
        throw ConfigurationError.unreadable(file: promptIds ?? "--prompt", reason: "prompt \(index) \(reason)")
      }
    }
    let sessions = try sessions(canvases, built.pipeline, sampling)
    let names = sessions.indices.map { problems.indices.contains($0) ? problems[$0].problem.id : "prompt/\($0)" }
    if format == .text { for problem in problems { Terminal.note(problem.problem.prompt, terminator: "") } }
    let isWatched = format == .text && sessions.count == 1 && Terminal.isInteractive(STDOUT_FILENO)
    let results = DecodeResults(count: sessions.count)
    let live = isWatched ? CanvasPicture(model.tokenizer) : nil
    // Each prompt has a cache of its own.
    var denoisers: [any Denoiser] = []
    for _ in sessions {
      let own = try model.denoiser(policy)
      denoisers.append(fidelity ? MeteredDenoiser(own, against: try ModelLibrary.exact(model)) : own)
    }
    decode(sessions, names, denoisers, results, live)
    var failed: Int32 = 0
    for index in sessions.indices {
      guard let (outcome, forwards) = results[index] else { continue }
      switch outcome {
      case .failed(_, let error):
        Terminal.complain("\(names[index]): \(error)")
        failed = max(failed, error.exitCode)
      case .finished(let session):
        let text = show(session, forwards, model, live)
        if format == .text, problems.indices.contains(index) { Terminal.note(try problems[index].verdict(on: text)) }
      }
    }
    if let trace {
      let config = config(built.resolved, geometry, model, policy)
      try results.writeTrace(
        to: trace, config: config, digest: RunPlan.digest(of: config.sorted.json), model: model, level: level, timing: jobs == 1 ? .exclusive : .shared)
    }
    if Terminal.isInterrupted { throw Failure.interrupted("interrupted") }
    if failed != 0 { throw Failure(code: failed, message: "") }
  }

  /// What was asked for, else the benchmark's, else 64 in blocks of 16.
  private func geometry(_ problem: ProblemArgument?) throws(ConfigurationError) -> Geometry {
    let length = genLength ?? problem?.geometry.genLength ?? 64
    let usual = problem?.geometry.blockLength ?? 16
    return Geometry(genLength: length, blockLength: blockLength ?? (length % usual == 0 ? usual : length))
  }

  /// What is recorded, should a trace be asked for.
  private var level: TraceLevel { fidelity ? .fidelity(TraceLevel.defaultCandidates) : .edits }

  private func sessions(_ canvases: [Canvas], _ pipeline: Pipeline, _ sampling: Sampling) throws(ConfigurationError) -> [Session] {
    var occurrences: [Canvas: Int] = [:]
    var sessions: [Session] = []
    for (index, canvas) in canvases.enumerated() {
      // Draws are named by the prompt and by how often its canvas came before, so that neither batch nor order matters.
      let occurrence = occurrences[canvas, default: 0]
      occurrences[canvas] = occurrence + 1
      let random = canvas.prompt.reduce(SeededRandom(seed: seed)) { $0[Int($1)] }
      sessions.append(
        try Session(
          id: index, canvas: canvas, pipeline: pipeline, sampling: sampling, random: random, sample: occurrence, maxRounds: maxRounds, observed: level.needs))
    }
    return sessions
  }

  private func decode(_ sessions: [Session], _ names: [String], _ denoisers: [any Denoiser], _ results: DecodeResults, _ live: CanvasPicture?) {
    Terminal.catchInterrupts()
    let seed = Int(truncatingIfNeeded: seed)
    Workers.run(jobs: jobs, count: sessions.count) { index in
      var forwards: [Setting] = []
      var seconds = 0.0
      var builder = TraceBuilder(canvas: sessions[index].canvas, problem: names[index], seed: seed, level: level)
      let outcome = Decoder(denoisers[index]).decode(
        [sessions[index]],
        record: { _, round in
          forwards.append(Self.forward(round))
          builder.record(round)
          seconds += round.forwardSeconds + round.decideSeconds
          live?.draw(round)
        }, while: { !Terminal.isInterrupted })[0]
      if let outcome { results.add(index, outcome, forwards, builder.finish(seconds: seconds)) }
      return !Terminal.isInterrupted
    }
  }

  private func canvases(
    _ problems: [ProblemArgument], _ model: LoadedModel, _ geometry: Geometry, _ pins: [Int: Token], _ template: ChatTemplate?
  ) throws(ConfigurationError) -> [Canvas] {
    let vocabulary = model.denoiser.vocabulary
    let prompts: [[Token]]
    if let promptIds {
      prompts = try Input.json([[Token]].self, file: promptIds, expected: "a JSON array of arrays of token ids")
    } else {
      guard let tokenizer = model.tokenizer else {
        throw .unsupported("model `\(model.name)` has no tokenizer.json, so it takes no text; use --prompt-ids")
      }
      guard problems.isEmpty else {
        return try problems.map { (argument) throws(ConfigurationError) in
          try argument.problem.canvas(geometry, tokenizer: tokenizer, vocabulary: vocabulary, pinned: pins, chat: template)
        }
      }
      prompts = try prompt.map { (text) throws(ConfigurationError) in tokenizer.encode(try ChatLibrary.text(text, template)) }
    }
    return try prompts.map { (prompt) throws(ConfigurationError) in
      try Canvas(prompt: prompt, length: geometry.genLength, blockLength: geometry.blockLength, vocabulary: vocabulary, pinned: pins)
    }
  }

  private static func pins(_ file: String) throws(ConfigurationError) -> [Int: Token] {
    var pins: [Int: Token] = [:]
    for (key, token) in try Input.json([String: Token].self, file: file, expected: "a JSON object from response position to token id") {
      guard let position = Int(key) else { throw .unreadable(file: file, reason: "`\(key)` is not a position") }
      pins[position] = token
    }
    return pins
  }

  /// Prints a response and gives its text.
  private func show(_ session: Session, _ forwards: [Setting], _ model: LoadedModel, _ live: CanvasPicture?) -> String {
    let answer = session.canvas.response.prefix { $0 != session.canvas.vocabulary.end }
    let text = model.tokenizer?.decode(Array(answer)) ?? ""
    guard format == .json else {
      if let live {
        Terminal.out("\n\(live.caption(session))")
      } else {
        Terminal.out(text)
      }
      return text
    }
    let line: Setting = [
      "tokens": Setting(.list(session.canvas.response.map { Setting(.integer(Int($0))) })), "text": Setting(.text(text)),
      "rounds": Setting(.integer(session.rounds)), "canvases": Setting(.integer(session.cost.canvases)),
      "positions": Setting(.integer(session.cost.positions)), "forwards": Setting(.list(forwards)),
    ]
    Terminal.out(line.json)
    return text
  }

  private static func forward(_ round: Round) -> Setting {
    let changes = round.changes
    var forward: Setting = [
      "commits": Setting(.list(changes.commits.map { [Setting(.integer($0.position)), Setting(.integer(Int($0.token)))] as Setting })),
      "remasks": Setting(.list(changes.remasks.map { Setting(.integer($0)) })), "canvases": Setting(.integer(round.cost.canvases)),
    ]
    if let divergence = round.divergence, case .map(let entries) = forward.value {
      let fidelity: Setting = [
        "kl": Setting(.number(divergence.kl)), "top1": Setting(.number(divergence.top1)), "decisions": Setting(.number(divergence.decisions)),
      ]
      forward = Setting(.map(entries + [Setting.Entry("fidelity", fidelity)]))
    }
    return forward
  }

  private func config(_ resolved: Setting, _ geometry: Geometry, _ model: LoadedModel, _ cache: Cache?) -> Setting {
    let own: [Setting.Entry] = cache.map { [Setting.Entry("cache", $0.resolved)] } ?? []
    let config: Setting = [
      "decoding": [
        "gen_length": Setting(.integer(geometry.genLength)), "block_length": Setting(.integer(geometry.blockLength)),
        "temperature": Setting(.number(temperature)), "top_p": Setting(.number(topP)), "top_k": Setting(.integer(topK)),
        "max_rounds": Setting(.integer(maxRounds)),
      ], "engine": Setting(.integer(RunPlan.engineVersion)),
      "model": [
        "digest": Setting(.text(model.digest)), "mask": Setting(.integer(Int(model.denoiser.vocabulary.mask))),
        "end": Setting(.integer(Int(model.denoiser.vocabulary.end))),
      ], "seed": Setting(.integer(Int(truncatingIfNeeded: seed))), "strategy": resolved,
    ]
    guard case .map(let entries) = config.value else { return config }
    return Setting(.map(entries + own))
  }
}

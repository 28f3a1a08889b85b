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
  public private(set) var selection: Experiment.Selection
  /// The model's chat template, where prompts are put through it.
  public let chat: ChatTemplate?
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
  /// What is held back from the model; nil: nothing.
  public let cache: Cache?
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

  /// Whether its rules are LLaDA's sampler with a round per position, over no cache: in each, the surest position alone. Fidelity is measured against such a
  /// run, whatever an experiment calls it.
  var isOneByOne: Bool {
    guard cache == nil else { return false }
    let rules: Setting = [["quota": ["steps": Setting(.integer(geometry.genLength)), "score": "confidence"]]]
    return config["strategy"]?.sorted == rules.sorted
  }

  /// The same run asked for another number of problems: the first ones. Its identity stays.
  public func limited(to limit: Int) -> RunPlan {
    var copy = self
    copy.selection.limit = min(limit, benchmark.count(of: selection.split) ?? limit)
    return copy
  }

  /// The model as one decoder uses it: with its cache, and measured against the full model where that is recorded.
  func denoiser(_ level: TraceLevel) throws(ConfigurationError) -> any Denoiser {
    let own = try model.denoiser(cache)
    return level.isMetered ? MeteredDenoiser(own, against: try ModelLibrary.exact(model)) : own
  }

  /// The canvas of a problem.
  package func canvas(_ problem: Problem) throws(ConfigurationError) -> Canvas {
    try problem.canvas(geometry, tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary, pinned: pinned, chat: chat)
  }
}

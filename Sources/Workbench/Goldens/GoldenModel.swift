internal import Diffusion
internal import Models

/// A model as goldens need it: a denoiser, a tokenizer where it has one, and the digest that names its exact bytes.
struct GoldenModel: Sendable {
  let name: String
  let denoiser: any Denoiser
  let tokenizer: Tokenizer?
  let digest: String
  private let loaded: LoadedModel?
  private let disturbed: @Sendable (any Denoiser) -> any Denoiser

  /// Loads a model by name or directory.
  init(_ name: String) throws(ConfigurationError) {
    self.name = name
    if name == TieDenoiser.name {
      (denoiser, tokenizer, digest, loaded) = (TieDenoiser(), nil, TieDenoiser.digest, nil)
    } else {
      let model = try ModelLibrary.load(name)
      (denoiser, tokenizer, digest, loaded) = (model.denoiser, model.tokenizer, model.digest, model)
    }
    disturbed = { $0 }
  }

  /// The same model behind another denoiser, over a cache as without.
  init(_ model: GoldenModel, disturbed: @escaping @Sendable (any Denoiser) -> any Denoiser) {
    (name, tokenizer, digest, loaded) = (model.name, model.tokenizer, model.digest, model.loaded)
    self.disturbed = disturbed
    denoiser = disturbed(model.denoiser)
  }

  /// The denoiser over a cache.
  func denoiser(over cache: Cache?) throws(ConfigurationError) -> any Denoiser {
    guard let cache else { return denoiser }
    guard let loaded else { throw .unsupported("`\(name)` holds no keys and values, and goes over no cache") }
    return disturbed(try loaded.denoiser(cache))
  }

  /// Whether its confidences are exact, so that bars can be put on them.
  var isExact: Bool { name == TieDenoiser.name }

  /// A name for files: a directory's last part.
  var label: String { name.split(separator: "/").last.map(String.init) ?? name }
}

/// A model whose logits are a little off, as those of another processor are: what does not hang on the last digits decides alike on it.
struct UnsteadyDenoiser: Denoiser {
  private let base: any Denoiser
  private let amplitude: Float
  private let random: SeededRandom

  /// - Parameter amplitude: how far a logit may be off.
  init(_ base: any Denoiser, amplitude: Float, seed: UInt64) {
    self.base = base
    self.amplitude = amplitude
    random = SeededRandom(seed: seed)["unsteady"]
  }

  var vocabulary: Vocabulary { base.vocabulary }
  var abilities: Abilities { base.abilities }
  var maxLength: Int { base.maxLength }

  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    let whole = queries.map { query in
      var copy = query
      copy.reading.fullRows = true
      return copy
    }
    let responses = try base.believe(whole)
    var answers: [Response] = []
    for (response, (sequence, query)) in zip(responses, queries.enumerated()) {
      var rows: [RowSummary] = []
      for (row, place) in zip(response.rows, query.rows) {
        guard let full = row.full else { throw .unsupported("whole rows of logits, which this model does not give") }
        // Named by the canvas too: the same row in another round is off in another way.
        let source = query.tokens.reduce(random[place]) { $0[Int($1)] }
        let logits = full.enumerated().map { $1 + amplitude * Float(2 * source[$0].uniform - 1) }
        guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: query.reading, hidden: row.hidden) }) else {
          throw .nonFinite(row: place, sequence: sequence)
        }
        rows.append(summary)
      }
      answers.append(Response(rows: rows, cost: response.cost, isRefresh: response.isRefresh))
    }
    return answers
  }

  func settle(_ survivals: [Survival]) { base.settle(survivals) }
  func forget(session: Int) { base.forget(session: session) }
}

import Diffusion
import Strategies
import Support

/// Decodes over the toy model by what a configuration would say.
enum Toy {
  static let vocabulary = ToyDenoiser().vocabulary

  /// Surroundings of a toy decode, the answer being a response's last letter.
  static func context(_ length: Int = 16, blocks: Int = 8, sampling: Sampling = .greedy) -> Parameters.Context {
    var context = Parameters.Context(genLength: length, blockLength: blocks, vocabulary: vocabulary, sampling: sampling)
    context.decode = { tokens in String(String.UnicodeScalarView(tokens.compactMap { Unicode.Scalar(UInt8(truncatingIfNeeded: 97 + $0)) })) }
    context.extract = { text in text.last.map(String.init) }
    return context
  }

  static func pipeline(
    _ strategy: Setting, _ length: Int = 16, blocks: Int = 8, sampling: Sampling = .greedy, catalog: Catalog = .standard
  ) throws(ConfigurationError) -> Pipeline {
    try catalog.build(strategy, context: context(length, blocks: blocks, sampling: sampling)).pipeline
  }

  /// A decode of `strategy` on the toy model of a seed.
  static func run(
    _ strategy: Setting, _ length: Int = 16, blocks: Int = 8, seed: UInt64 = 0, pinned: [Int: Token] = [:], sampling: Sampling = .greedy,
    model: ToyDenoiser? = nil, sample: Int = 0, catalog: Catalog = .standard
  ) throws(ConfigurationError) -> Decoded {
    let rules = try pipeline(strategy, length, blocks: blocks, sampling: sampling, catalog: catalog).rules
    let canvas = try Canvas.toy(length, blocks: blocks, seed: seed, pinned: pinned)
    return try decode(canvas, rules, with: model ?? ToyDenoiser(seed: seed), sampling: sampling, sample: sample)
  }

  /// Models from indifferent to their surroundings to ones that change their mind with every token.
  static func models(_ seed: UInt64) -> [ToyDenoiser] {
    [
      ToyDenoiser(context: 0, seed: seed), ToyDenoiser(context: 0.3, seed: seed), ToyDenoiser(seed: seed),
      ToyDenoiser(context: 3, radius: 100, sharpness: 4, seed: seed),
    ]
  }
}

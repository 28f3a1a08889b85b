public import Diffusion

/// Keys, values and the outputs of attention and feed-forward parts are kept in every layer; prompt and response are refreshed at intervals of their own, and in
/// between only those rows of the response are computed whose values have changed most.
///
/// dLLM-Cache (arXiv 2506.06295) as its released `cache_hook_LLaDA.py` does it: where a layer does not refresh the response it computes the values of all its rows,
/// and the `ratio` of them least like those held (by cosine) go through the layer; the first layer always refreshes the response. (The released first layer
/// also computes the prompt anew, which gives what is held already and feeds nothing; here it is left out.)
public struct FeatureCache: CachePolicy {
  /// The name it goes by.
  public static let name = "features"
  /// One line.
  public static let summary = "every layer computes only the rows of the response that have changed most"
  /// Where the rule comes from.
  public static let source = "dLLM-Cache, arXiv 2506.06295"

  private let promptRounds: Int
  private let responseRounds: Int
  private let ratio: Double
  private var round = 0

  /// Reads its settings.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {
    promptRounds = try parameters.int("prompt_refresh", default: 50, in: 1..., "rounds from one refresh of the prompt to the next")
    responseRounds = try parameters.int("response_refresh", default: 7, in: 1..., "rounds from one refresh of the response to the next")
    ratio = try parameters.number("ratio", default: 0.25, in: 0...1, "share of the response's rows computed between refreshes, rounded down")
  }

  /// Refreshes by the count of rounds.
  public mutating func plan(_ shown: CacheView) -> CachePlan {
    defer { round += 1 }
    return .features(prompt: round % promptRounds == 0, response: round % responseRounds == 0, ratio: ratio)
  }
}

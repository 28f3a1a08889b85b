package import Diffusion

/// Counting answers.
package enum Vote {
  /// Who wins among the most frequent answers.
  package enum Tie: String, CaseIterable, Sendable {
    /// The answer that came first.
    case first
    /// The answer with the most likely path.
    case nll
  }

  /// The voter whose path stands for the most frequent answer; nil if nobody answered.
  ///
  /// - Parameters:
  ///   - answers: one per voter, nil for none.
  ///   - likelihoods: of each voter's path, larger is likelier.
  package static func winner<Answer: Hashable>(_ answers: [Answer?], likelihoods: [Double], tie: Tie) -> Int? {
    let counts = count(answers)
    guard let most = counts.values.max() else { return nil }
    let leading = zip(answers.indices, answers).compactMap { index, answer in answer.map { counts[$0] == most } == true ? index : nil }
    switch tie {
    case .first: return leading.first
    case .nll: return leading.max { likelihoods[$0] != likelihoods[$1] ? likelihoods[$0] < likelihoods[$1] : $0 > $1 }
    }
  }

  /// Mean log-probability of a response's tokens under one belief, without any rule's overlay.
  package static func likelihood(of response: [Token], under belief: Belief) -> Double {
    response.indices.reduce(0) { $0 + (belief.raw[$1].logProbability(of: response[$1]) ?? 0) } / Double(response.count)
  }

  /// Whether the `missing` votes can neither change the most frequent answer nor draw level with it.
  package static func isDecided<Answer: Hashable>(_ answers: [Answer?], missing: Int) -> Bool {
    let counts = count(answers).values.sorted(by: >)
    guard let most = counts.first else { return false }
    return most > (counts.count > 1 ? counts[1] : 0) + missing
  }

  private static func count<Answer: Hashable>(_ answers: [Answer?]) -> [Answer: Int] {
    answers.compactMap(\.self).reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}

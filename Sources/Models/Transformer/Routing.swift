internal import CKernels

/// Chooses the experts of one row at a time.
///
/// Ties go to the lower expert and the lower group, so that a choice depends on the row's scores alone.
struct Routing {
  /// An expert that sees a row, and its weight in the sum.
  struct Choice {
    var expert: Int
    var weight: Float
  }

  private let mixture: Mixture
  private let bias: AlignedFloats?
  /// What experts are ranked by; those taken or of a group that is out are minus infinity.
  private var ranks: [Float]
  private var groups: [Float]

  init(_ mixture: Mixture, bias: AlignedFloats?) {
    self.mixture = mixture
    self.bias = bias
    ranks = Array(repeating: 0, count: mixture.experts)
    groups = Array(repeating: 0, count: mixture.router.groups)
  }

  /// Turns a row's router logits, in place, into scores and writes its choices in order of expert.
  mutating func choose(_ scores: UnsafeMutablePointer<Float>, into choices: UnsafeMutableBufferPointer<Choice>) {
    let (count, router) = (mixture.experts, mixture.router)
    switch router.score {
    case .softmax: unmask_softmax(scores, count, 1, count)
    case .sigmoid:
      for index in 0..<count { scores[index] = -scores[index] }
      unmask_exp(scores, scores, count)
      for index in 0..<count { scores[index] = 1 / (1 + scores[index]) }
    }
    for index in 0..<count {
      ranks[index] = scores[index] + (bias?.pointer[index] ?? 0)
      if router.bias == .scores { scores[index] = ranks[index] }
    }
    if router.groups > 1 { dropGroups() }
    var total: Float = 0
    for slot in choices.indices {
      let best = Self.best(ranks)
      ranks[best] = -.infinity
      choices[slot] = Choice(expert: best, weight: scores[best])
      total += scores[best]
    }
    for slot in choices.indices {
      if router.isNormalized { choices[slot].weight /= total + 1e-20 }
      choices[slot].weight *= router.scale
    }
    var sorted = choices
    sorted.sort { $0.expert < $1.expert }
  }

  /// Leaves only the groups whose best two experts have the largest sums.
  private mutating func dropGroups() {
    let size = mixture.experts / mixture.router.groups
    for group in groups.indices {
      var (first, second) = (-Float.infinity, -Float.infinity)
      for rank in ranks[group * size..<(group + 1) * size] {
        if rank > first { (first, second) = (rank, first) } else if rank > second { second = rank }
      }
      groups[group] = first + second
    }
    var kept: Set<Int> = []
    for _ in 0..<mixture.router.chosenGroups {
      let best = Self.best(groups)
      kept.insert(best)
      groups[best] = -.infinity
    }
    for index in ranks.indices where !kept.contains(index / size) { ranks[index] = -.infinity }
  }

  /// The place of the largest, the first of equals.
  private static func best(_ values: [Float]) -> Int {
    var best = 0
    for index in values.indices where values[index] > values[best] { best = index }
    return best
  }
}

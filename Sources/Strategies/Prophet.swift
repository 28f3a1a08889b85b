internal import Diffusion

/// The answer is often known long before the text around it is done: once it is, everything left is filled in at once.
///
/// Known means that the mean gap between the two largest logits, over a window where the answer is expected, reaches a bar that falls with the phase.
/// Prophet (arXiv 2508.19982), section 4; its released `should_early_exit`.
struct Prophet: Strategy {
  static let name = "prophet"
  static let summary = "fill everything once the answer's logit gap reaches the phase's bar"
  static let source = "Prophet, arXiv 2508.19982"
  static let role = Role.earlyStop

  private let window: Range<Int>
  private let gaps: [Double]
  private let boundaries: [Double]
  private let steps: Int

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    let length = parameters.context.genLength
    let start = try parameters.optionalInt("answer_start", in: 0..., "where the answer is expected, from the start of the response; none: no test")
    let count = try parameters.int("answer_length", default: 5, in: 1..., "positions looked at; cut at the response's end")
    gaps = try parameters.numbers("gaps", default: [7.5, 5, 2.5], in: 0..., "the bar of each phase, inclusive")
    boundaries = try parameters.numbers("boundaries", default: [0.33, 0.67], in: 0..., "where the phases part, as a share of `steps`")
    steps = try parameters.int("steps", default: length, in: 1..., defaultText: "gen_length", "rounds that the whole decode would take")
    guard gaps.count == boundaries.count + 1, boundaries == boundaries.sorted() else {
      throw ConfigurationError.outOfRange(key: "boundaries", value: "\(boundaries)", expected: "\(gaps.count - 1) rising numbers, one fewer than `gaps`")
        .at(path: Self.name)
    }
    let first = min(start ?? length, length)
    window = first..<first + min(count, length - first)
  }

  var needs: Needs {
    guard !window.isEmpty else { return .nothing }
    var needs = Needs(.masked)
    needs.positions = Set(window)
    return needs
  }

  mutating func decide(_ step: inout Step) {
    let window = window.clamped(to: step.shown.response.indices)
    guard !window.isEmpty else { return }
    // Raw rows: a gap is about what the model believes, not about what credit made of it. Revealed and pinned positions count.
    let gap = window.reduce(0) { $0 + step.belief.raw[$1].gap } / Double(window.count)
    if step.passes(nil, "gap", gap, atLeast: bar(round: step.index + 1)) { step.finish() }
  }

  /// The bar in force in a round, the first being 1.
  func bar(round: Int) -> Double {
    let progress = Double(round) / Double(steps)
    return gaps[boundaries.firstIndex { progress < $0 } ?? boundaries.count]
  }
}

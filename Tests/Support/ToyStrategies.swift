public import Diffusion

/// Reveals the most confident eligible position.
public struct OneByOne: Strategy {
  /// Its name.
  public static let name = "one-by-one"
  /// Without settings.
  public init() {}
  /// Reads nothing.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {}
  /// One position.
  public mutating func decide(_ step: inout Step) {
    let belief = step.belief
    if let best = step.open.ranked(by: { belief[$0].confidence }).first { step.reveal(best) }
  }
}

/// Reveals every eligible position at or above a bar.
public struct Threshold: Strategy {
  /// Its name.
  public static let name = "threshold"
  /// The bar.
  public let confidence: Double
  /// A bar.
  public init(_ confidence: Double) { self.confidence = confidence }
  /// Reads the bar.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) {
    confidence = try parameters.number("confidence", default: 0.9, in: 0...1, "the bar")
  }
  /// Those above the bar.
  public mutating func decide(_ step: inout Step) {
    for position in step.open where step.belief[position].confidence >= confidence { step.reveal(position) }
  }
}

/// A throw-away rule from closures.
public struct Custom: Strategy {
  /// Its name.
  public static let name = "custom"
  /// What it wants to know.
  public var needs: Needs
  private let show: @Sendable (Canvas) -> [View]
  private let body: @Sendable (inout Step) -> Void

  /// A rule that shows `show` and does `body`.
  public init(
    needs: Needs = Needs(), show: @escaping @Sendable (Canvas) -> [View] = { [View($0)] }, _ body: @escaping @Sendable (inout Step) -> Void
  ) {
    self.needs = needs
    self.show = show
    self.body = body
  }
  /// Does nothing.
  public init(_ parameters: inout Parameters) throws(ConfigurationError) { self.init { _ in } }
  /// What it was told to show.
  public mutating func views(of canvas: Canvas) -> [View] { show(canvas) }
  /// What it was told to do.
  public mutating func decide(_ step: inout Step) { body(&step) }
}

/// A decode to its end.
public struct Decoded: Sendable {
  /// The session as it ended.
  public let session: Session
  /// Its rounds.
  public let rounds: [Round]
  /// Why it was given up, or nil.
  public let error: DecodingError?
  /// The response.
  public var response: [Token] { session.canvas.response }
  /// Edits that took effect, in order.
  public var edits: [Edit] { rounds.flatMap(\.edits).filter { $0.branch == Edit.main } }
}

/// Decodes sessions in one batch.
public func decode(_ sessions: [Session], with denoiser: any Denoiser) -> [Decoded] {
  var rounds: [Int: [Round]] = [:]
  let outcomes = Decoder(denoiser).decode(sessions, record: { rounds[$0.id, default: []].append($1) })
  return zip(sessions, outcomes).map { session, outcome in
    switch outcome {
    case .finished(let end): Decoded(session: end, rounds: rounds[end.id] ?? [], error: nil)
    case .failed(let end, let error): Decoded(session: end, rounds: rounds[end.id] ?? [], error: error)
    case nil: Decoded(session: session, rounds: [], error: nil)
    }
  }
}

/// Decodes one canvas.
public func decode(
  _ canvas: Canvas, _ rules: [any Strategy], with denoiser: any Denoiser, sampling: Sampling = .greedy, random: SeededRandom = SeededRandom(seed: 0),
  sample: Int = 0, maxRounds: Int = 2000, observed: Needs = .nothing
) throws(ConfigurationError) -> Decoded {
  let session = try Session(
    id: 0, canvas: canvas, pipeline: try Pipeline(rules), sampling: sampling, random: random, sample: sample, maxRounds: maxRounds, observed: observed)
  return decode([session], with: denoiser)[0]
}

extension Canvas {
  /// A canvas over the toy's vocabulary, with a prompt from a seed.
  public static func toy(
    _ length: Int = 16, blocks: Int = 8, prompt: Int = 3, seed: UInt64 = 0, pinned: [Int: Token] = [:], vocabulary: Vocabulary = ToyDenoiser().vocabulary
  ) throws(ConfigurationError) -> Canvas {
    let random = SeededRandom(seed: seed)["prompt"]
    let tokens = (0..<prompt).map { Token(random[$0].integer(below: vocabulary.size - 2)) }
    return try Canvas(prompt: tokens, length: length, blockLength: blocks, vocabulary: vocabulary, pinned: pinned)
  }
}

public import Diffusion

/// Everything recorded of one finished sample, with indices of its own.
///
/// `-1` stands for a masked position in `initial` and `response`.
public struct SampleTrace: Sendable {
  /// The problem's identity within its benchmark.
  public var problem: String
  /// The seed it was decoded with.
  public var seed: Int
  /// The block length it was decoded with.
  public var blockLength: Int
  /// 1 correct, 0 wrong, -1 not graded.
  public var correct = -1
  /// Whether it was decoded to its end; false where `max_rounds` was reached first, and some of `response` is still masked.
  public var isComplete = true
  /// Response tokens before the first end token, pinned ones left out.
  public var answerTokens = 0
  /// Model calls; also known at the level `none`, where `rounds` is empty.
  public var roundCount = 0
  /// Costs of all rounds.
  public var cost = Cost()
  /// Decoding time.
  public var seconds = 0.0
  /// The prompt.
  public var prompt: [Token]
  /// The response before decoding.
  public var initial: [Token]
  /// Which positions of `initial` were fixed before decoding.
  public var pinned: [Bool]
  /// The response after decoding.
  public var response: [Token]
  /// Model calls in order.
  public var rounds: [RecordedRound] = []
  /// Edits in order of application.
  public var edits: [RecordedEdit] = []
  /// What the model believed, at the level `beliefs`.
  public var beliefs: RecordedBeliefs?

  /// A sample before its first round, as the canvas stands.
  public init(problem: String, seed: Int, canvas: Canvas) {
    self.problem = problem
    self.seed = seed
    blockLength = canvas.blockEnds.first ?? canvas.response.count
    prompt = canvas.prompt
    initial = canvas.recorded
    pinned = canvas.pinned
    response = initial
  }

  init(problem: String, seed: Int, blockLength: Int, prompt: [Token], initial: [Token], pinned: [Bool], response: [Token]) {
    self.problem = problem
    self.seed = seed
    self.blockLength = blockLength
    self.prompt = prompt
    self.initial = initial
    self.pinned = pinned
    self.response = response
  }
}

/// One model call of a sample.
public struct RecordedRound: Sendable, Hashable {
  /// Model calls before it.
  public var index: Int
  /// What kind of round.
  public var kind: Round.Kind
  /// What it cost.
  public var cost: Cost
  /// The current block of the canvas shown.
  public var window: Range<Int>
  /// Masked positions of the canvas shown.
  public var masked: Int
  /// Seconds in the model.
  public var forwardSeconds: Double
  /// Seconds in the rules.
  public var decideSeconds: Double
  /// Whether nothing was masked afterwards.
  public var isFinal: Bool
  /// How far the belief was from a fuller model's, at the level `fidelity`; nil where nothing was compared.
  public var divergence: Divergence?
}

/// One edit and the round it belongs to.
public struct RecordedEdit: Sendable {
  /// Index into the sample's rounds.
  public var round: Int
  /// The edit.
  public var edit: Edit

  /// An edit of a round.
  public init(round: Int, edit: Edit) {
    self.round = round
    self.edit = edit
  }
}

/// What the model believed of masked positions: one row per round and position, `k` candidates each.
public struct RecordedBeliefs: Sendable {
  /// Candidates per row, `k`; where fewer are known the rest are token -1, logit NaN.
  public var candidates: Int
  /// Index into the sample's rounds, ascending.
  public var round: [Int] = []
  /// Position on the canvas shown, ascending within a round.
  public var position: [Int] = []
  /// `log(sum of exp(logit))` of the raw row.
  public var logSumExp: [Double] = []
  /// Entropy of the raw row, in nats.
  public var entropy: [Double] = []
  /// `k` tokens per row, largest logit first, the mask token among them.
  public var topTokens: [Token] = []
  /// Their raw logits.
  public var topLogits: [Float] = []
  /// With `z` a row's logits and `m` the largest: the sum of `exp(z - m)`. Probabilities follow from it bit for bit, which they do not from its rounded
  /// logarithm. Empty where an older file has none.
  public var mass: [Double] = []
  /// The sum of `exp(z - m) * (z - m)`, from which the entropy follows bit for bit. Empty where an older file has none.
  public var moment: [Double] = []

  /// No rows.
  public init(candidates: Int) { self.candidates = candidates }

  /// Whether every row has its mass and moment.
  public var isExact: Bool { mass.count == round.count && moment.count == round.count }
}

extension SampleTrace {
  /// Refuses a sample of which only the response was recorded, where its rounds are asked for.
  ///
  /// - Throws: `.missing`.
  package func checkRounds() throws(TraceError) {
    guard roundCount == rounds.count else {
      throw .missing(what: "rounds of sample `\(problem)`: they were not recorded", known: "only its response (`trace: edits` records rounds)")
    }
  }
}

extension Canvas {
  /// The response with -1 where it is masked, as a trace holds it.
  package var recorded: [Token] { response.map { $0 == vocabulary.mask ? -1 : $0 } }
}

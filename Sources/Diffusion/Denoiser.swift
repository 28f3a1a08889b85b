/// The model, seen from a decoder: sequences in, beliefs about the rows asked for out.
///
/// A conforming type must give every row the same bits whatever else is in the batch and whatever rows are asked for.
/// Caches belong to it, keyed by `Query.lineage`; several callers may call at once.
public protocol Denoiser: Sendable {
  /// The vocabulary of every row.
  var vocabulary: Vocabulary { get }
  /// What the model can do beyond plain rows.
  var abilities: Abilities { get }
  /// The longest sequence, prompt and extra rows included.
  var maxLength: Int { get }
  /// Evaluates a batch of sequences of any lengths, all in one call; responses are in the order of the queries.
  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response]
  /// Says which cached states go on, and under which branch; every other state of those sessions may be dropped.
  func settle(_ survivals: [Survival])
  /// Says that a session has ended, whatever way: its cached states may be dropped.
  func forget(session: Int)
}

extension Denoiser {
  /// Plain rows only.
  public var abilities: Abilities { [] }
  /// No bound.
  public var maxLength: Int { .max }
  /// Nothing is cached.
  public func settle(_ survivals: [Survival]) {}
  /// Nothing is cached.
  public func forget(session: Int) {}
}

/// What a denoiser can do beyond plain rows.
public struct Abilities: OptionSet, Sendable, Hashable {
  /// The bits of the set.
  public let rawValue: UInt8
  /// Combines bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Extra rows with position ids and a visibility matrix.
  public static let extraRows = Abilities(rawValue: 1)
  /// Mixtures of embeddings as inputs.
  public static let softInputs = Abilities(rawValue: 2)
  /// Final hidden states.
  public static let hiddenStates = Abilities(rawValue: 4)
  /// Fresh rows for any position in every round (a cache may give only its window's).
  public static let freshRows = Abilities(rawValue: 8)
  /// Whole rows of logits.
  public static let fullRows = Abilities(rawValue: 16)
}

/// Which trajectory a sequence belongs to; cached state is kept and forked by it.
public struct Lineage: Sendable, Hashable {
  /// The session, unique within a decoder.
  public let session: Int
  /// The trajectory within the session.
  public let branch: Int
  /// The branch that cached state is taken from: its own as it was left, another of an earlier query in the same batch as that query leaves it.
  public let parent: Int

  /// A branch of a session.
  public init(session: Int, branch: Int = 0, parent: Int = 0) {
    self.session = session
    self.branch = branch
    self.parent = parent
  }
}

/// The state of branch `from` goes on under the name `to`.
public struct Survival: Sendable, Hashable {
  /// The session.
  public let session: Int
  /// The branch as it was queried.
  public let from: Int
  /// The branch it becomes.
  public let to: Int

  /// The state of `from` goes on as `to`.
  public init(session: Int, from: Int, to: Int) {
    self.session = session
    self.from = from
    self.to = to
  }
}

/// Which row sees which, as a matrix of `count` x `count`.
public struct Visibility: Sendable, Hashable {
  /// Rows of the sequence.
  public let count: Int
  /// Row-major: `bits[query * count + key]`.
  public let bits: [Bool]

  /// A matrix from a rule over row indices.
  public init(count: Int, _ sees: (Int, Int) -> Bool) {
    self.count = count
    bits = (0..<count * count).map { sees($0 / count, $0 % count) }
  }

  /// Whether row `query` sees row `key`.
  public subscript(query: Int, key: Int) -> Bool { bits[query * count + key] }
}

/// How rows are to be read: what a `RowSummary` must hold.
public struct Reading: Sendable, Hashable {
  /// Number of largest logits.
  public var topK: Int
  /// Tokens whose logits are wanted.
  public var gather: [Token]
  /// Tokens left out of the second log-sum-exp and entropy.
  public var suppress: [Token]
  /// Whether the whole row is kept.
  public var fullRows: Bool
  /// Whether the final hidden state is kept.
  public var hidden: Bool

  /// Reads the best `topK` candidates.
  public init(topK: Int = 3, gather: [Token] = [], suppress: [Token] = [], fullRows: Bool = false, hidden: Bool = false) {
    self.topK = topK
    self.gather = gather
    self.suppress = suppress
    self.fullRows = fullRows
    self.hidden = hidden
  }
}

/// One sequence of a batch.
public struct Query: Sendable {
  /// Prompt, response and extra rows, end to end.
  public let tokens: [Token]
  /// How many of `tokens` are the prompt.
  public let promptLength: Int
  /// Where the current block lies in `tokens`.
  public let window: Range<Int>
  /// Position id of each row, or nil for 0, 1, 2, ...
  public var positionIDs: [Int]?
  /// Who sees whom, or nil for everybody.
  public var visibility: Visibility?
  /// Rows whose input is a mixture of embeddings.
  public var soft: [Int: [View.Weighted]] = [:]
  /// The rows of `tokens` whose beliefs are wanted, ascending. A family that shifts its logits does so inside the denoiser.
  public let rows: [Int]
  /// What is wanted of each.
  public var reading: Reading
  /// Whose cache to use.
  public var lineage: Lineage

  /// A plain sequence.
  public init(
    tokens: [Token], promptLength: Int = 0, window: Range<Int>? = nil, rows: [Int], reading: Reading = Reading(), lineage: Lineage = Lineage(session: 0)
  ) {
    self.tokens = tokens
    self.promptLength = promptLength
    self.window = window ?? promptLength..<tokens.count
    self.rows = rows
    self.reading = reading
    self.lineage = lineage
  }
}

extension Query {
  /// The same sequence, asked for other rows.
  package func asking(for rows: [Int]) -> Query {
    var query = Query(tokens: tokens, promptLength: promptLength, window: window, rows: rows, reading: reading, lineage: lineage)
    (query.positionIDs, query.visibility, query.soft) = (positionIDs, visibility, soft)
    return query
  }
}

/// What came of one query.
public struct Response: Sendable {
  /// One summary per row asked for, in the order of `Query.rows`.
  public let rows: [RowSummary]
  /// What it cost.
  public let cost: Cost
  /// Whether a cache was rebuilt by it.
  public let isRefresh: Bool
  /// Masked rows before the end of the window that no rule may decide in this round: what `rows` says of them is from an earlier one.
  public let withheld: Set<Int>
  /// What a fuller model says of the same rows, where one is asked beside this one.
  package var reference: [RowSummary]?
  /// How far the two are apart; nil where nothing could be decided, or nothing is compared.
  package var divergence: Divergence?
  /// How many positions that is the mean of.
  package var compared = 0
  /// Seconds that the call spent on anything but this model.
  package var aside = 0.0

  /// The answer to one query.
  public init(rows: [RowSummary], cost: Cost, isRefresh: Bool = false, withheld: Set<Int> = []) {
    self.rows = rows
    self.cost = cost
    self.isRefresh = isRefresh
    self.withheld = withheld
  }
}

/// What model calls cost, counted once and everywhere alike.
public struct Cost: Sendable, Hashable {
  /// Rows of all batches: one per view.
  public var canvases = 0
  /// Canvas positions pushed through the layers.
  public var positions = 0
  /// Rows pushed through the output head.
  public var logitRows = 0

  /// No cost, or the cost of one view.
  public init(canvases: Int = 0, positions: Int = 0, logitRows: Int = 0) {
    self.canvases = canvases
    self.positions = positions
    self.logitRows = logitRows
  }

  /// Adds costs.
  public static func += (sum: inout Cost, other: Cost) {
    sum.canvases += other.canvases
    sum.positions += other.positions
    sum.logitRows += other.logitRows
  }
}

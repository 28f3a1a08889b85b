/// What the model is shown in one row of a batch: a canvas, and whatever a strategy adds to it.
public struct View: Sendable {
  /// A place in a view's sequence.
  public enum Row: Sendable, Hashable {
    /// A prompt position.
    case prompt(Int)
    /// A response position.
    case response(Int)
    /// An extra row, in the order they were added.
    case extra(Int)
  }

  /// A row appended after the response, with a position id of its own (WINO's shadow block).
  public struct Extra: Sendable, Hashable {
    /// The token shown in the row.
    public let token: Token
    /// The response position whose position id the row takes.
    public let position: Int

    /// A row showing `token` as if it stood at `position`.
    public init(token: Token, position: Int) {
      self.token = token
      self.position = position
    }
  }

  /// A weighted token: a share of an input embedding.
  public struct Weighted: Sendable, Hashable {
    /// The token whose embedding is mixed in.
    public let token: Token
    /// Its weight; weights need not sum to 1.
    public let weight: Float

    /// `weight` times the embedding of `token`.
    public init(token: Token, weight: Float) {
      self.token = token
      self.weight = weight
    }
  }

  /// The canvas shown.
  public let canvas: Canvas
  /// Rows after the response.
  public var extra: [Extra] = []
  /// Which row sees which (query, key); nil: every row sees every row.
  public var sees: (@Sendable (Row, Row) -> Bool)?
  /// Response positions whose input is a mixture of embeddings instead of their token's.
  public var soft: [Int: [Weighted]] = [:]
  /// Which of the strategy's trajectories this is: 0 unless it keeps several (drafts, members).
  public var branch: Int
  /// The branch whose cache state this one continues from: as it is before this round for the view's own branch, and after it for another one shown before
  /// this view.
  public var parent: Int

  /// Why it cannot be shown together with what other rules want, or nil.
  var clash: String?

  /// Shows a canvas as it is.
  public init(_ canvas: Canvas, branch: Int = 0, parent: Int? = nil) {
    self.canvas = canvas
    self.branch = branch
    self.parent = parent ?? branch
  }

  /// What in it does not exist, or nil.
  package var fault: String? {
    if let clash { return clash }
    let known = { (token: Token) in token >= 0 && Int(token) < canvas.vocabulary.size }
    for row in extra {
      if !canvas.response.indices.contains(row.position) { return "an extra row stands at position \(row.position), which the response does not have" }
      if !known(row.token) { return "an extra row shows token \(row.token), not one of \(canvas.vocabulary.size)" }
    }
    for (position, mixture) in soft.sorted(by: { $0.key < $1.key }) {
      if !canvas.response.indices.contains(position) { return "a soft input stands at position \(position), which the response does not have" }
      if let part = mixture.first(where: { !known($0.token) || !$0.weight.isFinite }) {
        return "the soft input at position \(position) holds \(part.weight) of token \(part.token)"
      }
    }
    return nil
  }
}

/// What a strategy wants to know after a model call. Needs may change from round to round; the pipeline takes their union.
public struct Needs: Sendable, Hashable {
  /// Sets of response positions whose rows are wanted.
  public struct Rows: OptionSet, Sendable, Hashable {
    /// The bits of the set.
    public let rawValue: UInt8
    /// Combines bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Masked positions before the end of the current block.
    public static let window = Rows(rawValue: 1)
    /// Every masked position.
    public static let masked = Rows(rawValue: 2)
    /// Revealed positions before the end of the current block.
    public static let revealed = Rows(rawValue: 4)
    /// Every response position.
    public static let response = Rows(rawValue: 8)
  }

  /// Which rows.
  public var rows: Rows
  /// Further response positions wanted, whatever their state.
  public var positions: Set<Int> = []
  /// How many of the largest logits of each row (at least 3: the mask token takes a place).
  public var topK: Int
  /// Tokens whose raw logits are wanted in every row.
  public var gather: Set<Token> = []
  /// Tokens that a rule may suppress: log-sum-exp and entropy are computed without them too.
  public var suppress: Set<Token> = []
  /// Whether whole rows of logits are wanted.
  public var fullRows: Bool
  /// Whether final hidden states are wanted.
  public var hidden: Bool
  /// Whether rows that a cache holds from an earlier round will do.
  public var stale: Bool

  /// Needs of an ordinary rule: the rows it may decide, and their best candidates.
  public init(_ rows: Rows = .window, topK: Int = 3, fullRows: Bool = false, hidden: Bool = false, stale: Bool = true) {
    self.rows = rows
    self.topK = topK
    self.fullRows = fullRows
    self.hidden = hidden
    self.stale = stale
  }

  /// Needs of a rule that reads nothing.
  public static var nothing: Needs { Needs([]) }

  /// What serves both.
  public func union(_ other: Needs) -> Needs {
    var both = self
    both.rows.formUnion(other.rows)
    both.positions.formUnion(other.positions)
    both.topK = max(topK, other.topK)
    both.gather.formUnion(other.gather)
    both.suppress.formUnion(other.suppress)
    both.fullRows = fullRows || other.fullRows
    both.hidden = hidden || other.hidden
    both.stale = stale && other.stale
    return both
  }

  /// What is wanted of each row. At least 3 candidates: the mask token takes a place, and a margin takes two.
  package var reading: Reading {
    Reading(topK: max(topK, 3), gather: gather.sorted(), suppress: suppress.sorted(), fullRows: fullRows, hidden: hidden)
  }

  /// The response positions wanted of a canvas, in order.
  package func positions(in canvas: Canvas) -> [Int] {
    canvas.response.indices.filter { position in
      if rows.contains(.response) || positions.contains(position) { return true }
      let reachable = position < canvas.window.upperBound
      if canvas.isMasked(position) { return rows.contains(.masked) || (reachable && rows.contains(.window)) }
      return reachable && rows.contains(.revealed)
    }
  }
}

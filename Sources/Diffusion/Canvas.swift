/// A token id. Ids of the model's vocabulary are `0 ..< Vocabulary.size`.
public typealias Token = Int32

/// What the decoder must know of a vocabulary: its size and the two ids with a meaning of their own.
public struct Vocabulary: Sendable, Hashable {
  /// Number of logits in a row, `V`.
  public let size: Int
  /// The id that stands for "not decided yet". Never proposed, never revealed.
  public let mask: Token
  /// The id that ends a text; responses are padded with it.
  public let end: Token

  /// Names the special ids of a vocabulary of `size` tokens.
  public init(size: Int, mask: Token, end: Token) {
    self.size = size
    self.mask = mask
    self.end = end
  }

  /// It in words.
  var words: String { "\(size) tokens, mask \(mask), end \(end)" }
}

/// The identity of a response position; it survives insertions and deletions around it.
public struct Slot: Sendable, Hashable {
  package let id: Int
  /// The slot of no position; memory under it is not kept.
  package static let none = Slot(id: -1)
}

/// A prompt followed by a response in which some positions are masked.
///
/// Positions count from the start of the response. Blocks are runs of `blockLength` positions, decoded left to right; the current one only moves forward.
public struct Canvas: Sendable, Hashable {
  /// The prompt's tokens; they never change.
  public let prompt: [Token]
  /// The vocabulary that tokens come from.
  public let vocabulary: Vocabulary
  /// The response, masked positions holding the mask token.
  public private(set) var response: [Token]
  /// The identity of each response position.
  public private(set) var slots: [Slot]
  /// Whether each response position was fixed before decoding.
  public private(set) var pinned: [Bool]
  /// Where each block ends; the last entry is the response's length.
  public private(set) var blockEnds: [Int]
  /// Index of the current block.
  public private(set) var block = 0
  private var nextSlot: Int

  /// A response of `length` masks in blocks of `blockLength`, with `pinned` positions (relative position to token) filled.
  public init(prompt: [Token], length: Int, blockLength: Int, vocabulary: Vocabulary, pinned pins: [Int: Token] = [:]) throws(ConfigurationError) {
    guard length > 0, length <= Self.lengthLimit else { throw .outOfRange(key: "gen_length", value: "\(length)", expected: "1 to \(Self.lengthLimit)") }
    guard blockLength > 0, length % blockLength == 0 else {
      throw .outOfRange(key: "block_length", value: "\(blockLength)", expected: "a divisor of gen_length (\(length))")
    }
    self.prompt = prompt
    self.vocabulary = vocabulary
    response = Array(repeating: vocabulary.mask, count: length)
    slots = (0..<length).map(Slot.init)
    pinned = Array(repeating: false, count: length)
    blockEnds = Array(stride(from: blockLength, through: length, by: blockLength))
    nextSlot = length
    for (position, token) in pins.sorted(by: { $0.key < $1.key }) {
      guard response.indices.contains(position) else {
        throw .outOfRange(key: "pinned", value: "position \(position)", expected: "a position from 0 to \(length - 1)")
      }
      guard token >= 0, Int(token) < vocabulary.size, token != vocabulary.mask else {
        throw .outOfRange(key: "pinned", value: "token \(token)", expected: "a token from 0 to \(vocabulary.size - 1) that is not the mask")
      }
      response[position] = token
      pinned[position] = true
    }
    settle()
  }

  /// The longest response that a canvas takes, a bound on hostile configurations.
  public static let lengthLimit = 1 << 20

  /// Positions of the current block.
  public var window: Range<Int> { (block == 0 ? 0 : blockEnds[block - 1])..<blockEnds[block] }

  /// Whether the position is masked.
  public func isMasked(_ position: Int) -> Bool { response.indices.contains(position) && response[position] == vocabulary.mask }

  /// Every masked position, in order.
  public var masked: [Int] { response.indices.filter(isMasked) }

  /// The positions a rule may decide: masked, and before the end of the current block.
  public var eligible: [Int] { (0..<window.upperBound).filter(isMasked) }

  /// Whether nothing is left to decide.
  public var isComplete: Bool { !response.contains(vocabulary.mask) }

  /// Number of blocks.
  public var blockCount: Int { blockEnds.count }

  /// Response tokens before the first end token, pinned ones left out: the `answer_tokens` of a cost report. A mask is no token.
  public var answerTokens: Int {
    let end = response.firstIndex(of: vocabulary.end) ?? response.count
    return response[..<end].indices.count { !pinned[$0] && !isMasked($0) }
  }

  /// Moves the current block past blocks without masks. It stays on the last block, and never moves back.
  public mutating func settle() {
    while block < blockEnds.count - 1, !response[..<blockEnds[block]].contains(vocabulary.mask) { block += 1 }
  }

  /// The same prompt and pinned tokens with everything else masked, in blocks of another length; nil unless it divides the response's.
  public func restarted(blockLength: Int) -> Canvas? {
    guard blockLength > 0, response.count % blockLength == 0 else { return nil }
    var copy = self
    for position in response.indices where !pinned[position] { copy.response[position] = vocabulary.mask }
    copy.blockEnds = Array(stride(from: blockLength, through: response.count, by: blockLength))
    copy.block = 0
    copy.settle()
    return copy
  }

  /// Why an edit would be illegal here, or nil.
  package func fault(of edit: Edit) -> String? {
    let position = edit.position
    let bounds = edit.kind == .insertMask ? 0...response.count : 0...(response.count - 1)
    guard bounds.contains(position) else { return "the response has no position \(position)" }
    switch edit.kind {
    case .reveal, .replace:
      guard isMasked(position) == (edit.kind == .reveal) else { return edit.kind == .reveal ? "it is revealed already" : "it is masked" }
      if pinned[position] { return "it is pinned" }
      if edit.token == vocabulary.mask { return "the mask token cannot be revealed" }
      if edit.token < 0 || Int(edit.token) >= vocabulary.size {
        return "no token \(edit.token) in a vocabulary of \(vocabulary.size) (was its row asked for in `needs`?)"
      }
    case .remask:
      if pinned[position] { return "it is pinned" }
      if isMasked(position) { return "it is masked already" }
    case .insertMask:
      if pinned[position...].contains(true) { return "an insertion here would move a pinned position" }
      if response.count >= Self.lengthLimit { return "the response is at its longest" }
    case .delete:
      if pinned[position...].contains(true) { return "a deletion here would change or move a pinned position" }
      if response.count == 1 { return "it is the only position" }
    }
    return nil
  }

  /// Applies an edit that `fault(of:)` found legal. Borders at or after an insertion or deletion move with their slots.
  package mutating func apply(_ edit: Edit) {
    let position = edit.position
    switch edit.kind {
    case .reveal, .replace: response[position] = edit.token
    case .remask: response[position] = vocabulary.mask
    case .insertMask:
      response.insert(vocabulary.mask, at: position)
      slots.insert(Slot(id: nextSlot), at: position)
      pinned.insert(false, at: position)
      nextSlot += 1
      let home = blockEnds.firstIndex { position < $0 } ?? blockEnds.count - 1
      for index in home..<blockEnds.count { blockEnds[index] += 1 }
    case .delete:
      response.remove(at: position)
      slots.remove(at: position)
      pinned.remove(at: position)
      for index in blockEnds.indices where position < blockEnds[index] { blockEnds[index] -= 1 }
    }
  }
}

internal import Synchronization

/// What a tokenizer is made of, shared by its copies.
final class TokenizerCore: Sendable {
  let normalizers: [TextNormalizer]
  let preTokenizers: [PreTokenizer]
  let model: BytePairModel
  /// Nil means that the file names no decoder: pieces are then joined by spaces.
  let decoders: [TokenDecoder]?
  let added: [Int32: AddedToken]
  let addedIDs: ByteTable
  let addedOrder: [Int32]
  /// What each added token reads as, and whether it is left out as special.
  let addedText: [Int32: (text: [UInt8], isSkipped: Bool)]
  let size: Int
  let specialIDs: Set<Int32>

  private let plainFinder: AddedTokenFinder
  private let normalizedFinder: AddedTokenFinder
  private let workspaces = Mutex<[EncodingWorkspace]>([])

  init(_ json: TokenizerJSON) throws(TokenizerError) {
    let loader = TokenizerLoader(json)
    try loader.checkVersion()
    let normalizers = try loader.normalizers()
    preTokenizers = try loader.preTokenizers()
    decoders = try loader.decoders()
    model = try loader.model()
    self.normalizers = normalizers
    let list = try loader.addedTokens(model)

    var plain = AddedTokenFinder()
    var normalized = AddedTokenFinder()
    var table = ByteTable()
    var specials = ByteTable()
    for token in list where token.isSpecial { specials.insert(token.content) }
    var texts: [Int32: (text: [UInt8], isSkipped: Bool)] = [:]
    for token in list {
      table.insert(token.content)
      var text = token.content
      if token.isNormalized {
        for normalizer in normalizers { text = normalizer.apply(text) }
        normalized.insert(token, as: text)
      } else {
        plain.insert(token, as: text)
      }
      // The reference reads a token back in its normalized form, and takes that form for special only if a special token is spelled so.
      texts[token.id] = (text, specials.find(text) != nil)
    }
    plainFinder = plain
    normalizedFinder = normalized
    addedIDs = table
    addedOrder = list.map(\.id)
    addedText = texts
    added = Dictionary(list.map { ($0.id, $0) }) { first, _ in first }
    specialIDs = Set(list.filter(\.isSpecial).map(\.id))
    size = max(model.numbers.count, (list.map { Int($0.id) + 1 }).max() ?? 0)
  }

  func id(_ token: [UInt8]) -> Int32? { addedIDs.find(token).map { addedOrder[$0] } ?? model.id(token) }

  func encode(_ text: [UInt8]) -> [Int32] {
    var workspace = workspaces.withLock { $0.popLast() } ?? EncodingWorkspace()
    var result: [Int32] = []
    for (range, id) in plainFinder.parts(of: text) {
      if let id {
        result.append(id)
        continue
      }
      var part = range == text.indices ? text : Array(text[range])
      for normalizer in normalizers { part = normalizer.apply(part) }
      for (range, id) in normalizedFinder.parts(of: part) {
        if let id { result.append(id) } else { encode(part, range, with: &workspace, to: &result) }
      }
    }
    workspaces.withLock { [workspace] in if $0.count < 8 { $0.append(workspace) } }
    return result
  }

  private func encode(_ text: [UInt8], _ range: Range<Int>, with workspace: inout EncodingWorkspace, to result: inout [Int32]) {
    var pieces = TextPieces(text: text, ranges: [range])
    for step in preTokenizers { pieces = step.apply(pieces) }
    for range in pieces.ranges { workspace.encode(pieces.text, range, by: model, to: &result) }
  }

  func decode(_ ids: [Int32], skippingSpecial: Bool) -> String {
    var pieces: [[UInt8]] = []
    pieces.reserveCapacity(ids.count)
    for id in ids {
      if let known = addedText[id] {
        if !(skippingSpecial && known.isSkipped) { pieces.append(known.text) }
      } else if let token = model.token(id) {
        pieces.append(Array(token))
      }
    }
    guard let decoders else { return String(decoding: Array(pieces.joined(separator: [0x20])), as: UTF8.self) }
    for decoder in decoders { pieces = decoder.apply(pieces) }
    return String(decoding: Array(pieces.joined()), as: UTF8.self)
  }

  func display(_ id: Int32) -> String? {
    if let known = added[id] { return String(decoding: known.content, as: UTF8.self) }
    guard let token = model.token(id).map(Array.init) else { return nil }
    if isByteLevel, let bytes = ByteAlphabet.decode(token), let text = String(validating: bytes, as: UTF8.self) { return text }
    return String(decoding: token, as: UTF8.self)
  }

  private var isByteLevel: Bool {
    (decoders ?? []).contains { if case .byteLevel = $0 { true } else { false } }
  }
}

/// The arrays of one encoding, and the pieces met lately with their ids. One thread uses it at a time.
struct EncodingWorkspace: Sendable {
  private static let longestPiece = 64
  private static let mostPieces = 32_768

  private var merger = BytePairMerger()
  private var known = ByteTable()
  private var ids: [Int32] = []
  private var ends: [Int] = [0]

  mutating func encode(_ text: [UInt8], _ range: Range<Int>, by model: BytePairModel, to result: inout [Int32]) {
    guard range.count <= Self.longestPiece else {
      model.encode(text, range, with: &merger, to: &result)
      return
    }
    if let number = known.find(text, range) {
      result += ids[ends[number]..<ends[number + 1]]
      return
    }
    let start = result.count
    model.encode(text, range, with: &merger, to: &result)
    if known.count >= Self.mostPieces {
      known = ByteTable()
      ids.removeAll(keepingCapacity: true)
      ends = [0]
    }
    known.insert(text, range)
    ids += result[start...]
    ends.append(ids.count)
  }
}

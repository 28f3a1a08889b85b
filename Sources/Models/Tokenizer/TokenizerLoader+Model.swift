extension TokenizerLoader {
  /// The byte pair model.
  func model() throws(TokenizerError) -> BytePairModel {
    guard let value = json.member("model", of: json.root) else { throw .field(file: file, field: "model", expected: "an object") }
    if json.member("type", of: value) != nil {
      let type = String(decoding: try string("type", of: value, at: "model"), as: UTF8.self)
      guard type == "BPE" else { throw unsupported("the model \(type)", at: "model") }
    }
    try refuseOptions(of: value)
    guard case .object(let members)? = json.member("vocab", of: value) else {
      throw .field(file: file, field: "model.vocab", expected: "an object from token to id")
    }
    var model = BytePairModel()
    try read(vocabulary: members, into: &model)
    try read(merges: try array("merges", of: value, at: "model"), into: &model)
    model.fusesUnknown = try bool("fuse_unk", of: value, at: "model", default: false)
    model.ignoresMerges = try bool("ignore_merges", of: value, at: "model", default: false)
    if try bool("byte_fallback", of: value, at: "model", default: false) {
      let digits = Array("0123456789ABCDEF".utf8)
      model.byteFallback = (0..<256).map { model.id(Array("<0x".utf8) + [digits[$0 / 16], digits[$0 % 16], UInt8(ascii: ">")]) ?? -1 }
    }
    if json.member("unk_token", of: value) != nil {
      let token = try string("unk_token", of: value, at: "model")
      guard let id = model.id(token) else { throw .field(file: file, field: "model.unk_token", expected: "a token of the vocabulary") }
      model.unknown = id
    }
    model.indexScalars()
    return model
  }

  /// Options that change the ids and are not implemented: present, they must be off.
  private func refuseOptions(of value: Value) throws(TokenizerError) {
    if case .number(let range)? = json.member("dropout", of: value) {
      guard Double(String(decoding: json.bytes[range], as: UTF8.self)) == 0 else { throw unsupported("dropout", at: "model.dropout") }
    } else if json.member("dropout", of: value) != nil {
      throw .field(file: file, field: "model.dropout", expected: "null or 0")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] as [String] where json.member(key, of: value) != nil {
      guard try string(key, of: value, at: "model").isEmpty else { throw unsupported("a \(key)", at: "model") }
    }
  }

  private func read(vocabulary members: [JSONDocument.Member], into model: inout BytePairModel) throws(TokenizerError) {
    var highest = -1
    model.ids.reserveCapacity(members.count)
    for member in members {
      let token = json.text(member.key)
      guard let id = json.integer(member.value), id >= 0, id < BytePairModel.limit else {
        let shown =
          if case .number(let range) = member.value { String(decoding: json.bytes[range].prefix(30), as: UTF8.self) } else { "no number" }
        throw .idOutOfRange(file: file, token: quoted(token), id: shown, limit: BytePairModel.limit)
      }
      model.tokens.insert(token)
      model.ids.append(Int32(truncatingIfNeeded: id))
      highest = max(highest, id)
    }
    model.numbers = [Int32](repeating: -1, count: highest + 1)
    for (number, id) in model.ids.enumerated() {
      let other = Int(model.numbers[Int(id)])
      guard other < 0 else {
        throw .repeatedID(file: file, id: Int(id), first: quoted(model.tokens[other]), second: quoted(model.tokens[number]))
      }
      model.numbers[Int(id)] = Int32(truncatingIfNeeded: number)
    }
  }

  private func read(merges: [Value], into model: inout BytePairModel) throws(TokenizerError) {
    guard merges.count <= BytePairModel.limit else {
      throw .field(file: file, field: "model.merges", expected: "at most \(BytePairModel.limit) merges")
    }
    model.merged.reserveCapacity(merges.count)
    var rank = 0
    for (index, merge) in merges.enumerated() {
      guard let (left, right) = pair(merge) else {
        // A file made from merges.txt may still hold its first line.
        if case .string(let text) = merge, json.text(text).starts(with: "#version".utf8) { continue }
        throw .field(file: file, field: "model.merges[\(index)]", expected: "two tokens, as \"a b\" or [\"a\", \"b\"]")
      }
      guard let first = model.id(left) else { throw .unknownMerge(file: file, merge: index, token: quoted(left)) }
      guard let second = model.id(right) else { throw .unknownMerge(file: file, merge: index, token: quoted(right)) }
      guard let result = model.id(left + right) else { throw .unknownMerge(file: file, merge: index, token: quoted(left + right)) }
      model.ranks.set(first, second, rank: Int32(truncatingIfNeeded: rank))
      model.merged.append(result)
      rank += 1
    }
  }

  private func pair(_ merge: Value) -> ([UInt8], [UInt8])? {
    switch merge {
    case .string(let text):
      let parts = json.text(text).split(separator: 0x20, omittingEmptySubsequences: false)
      return parts.count == 2 ? (Array(parts[0]), Array(parts[1])) : nil
    case .array(let parts):
      guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] else { return nil }
      return (json.text(left), json.text(right))
    default: return nil
    }
  }

  /// The added tokens, in the order of the file.
  ///
  /// The reference gives a token the id that the vocabulary has for it, or the next free one, whatever the file says. A file that says
  /// something else is refused: either reading would be a guess.
  func addedTokens(_ model: BytePairModel) throws(TokenizerError) -> [AddedToken] {
    guard json.member("added_tokens", of: json.root) != nil else { return [] }
    var result: [AddedToken] = []
    var seen = ByteTable()
    var next = model.tokens.count
    for (index, value) in try array("added_tokens", of: json.root, at: "the file").enumerated() {
      let field = "added_tokens[\(index)]"
      let content = try string("content", of: value, at: field)
      guard !content.isEmpty, content.count <= AddedTokenFinder.longestToken else {
        throw .field(file: file, field: "\(field).content", expected: "1 to \(AddedTokenFinder.longestToken) bytes")
      }
      guard seen.insert(content).isNew else { throw .repeatedToken(file: file, token: quoted(content)) }
      let id = try count("id", of: value, at: field)
      let expected = model.id(content).map(Int.init) ?? next
      guard id < BytePairModel.limit else {
        throw .idOutOfRange(file: file, token: quoted(content), id: String(id), limit: BytePairModel.limit)
      }
      guard id == expected else { throw .addedID(file: file, token: quoted(content), id: id, expected: expected) }
      if model.id(content) == nil {
        next += 1
        if let other = model.token(Int32(truncatingIfNeeded: id)) {
          throw .repeatedID(file: file, id: id, first: quoted(other), second: quoted(content))
        }
      }
      result.append(
        AddedToken(
          id: Int32(truncatingIfNeeded: id), content: content,
          isSingleWord: try bool("single_word", of: value, at: field),
          stripsLeft: try bool("lstrip", of: value, at: field),
          stripsRight: try bool("rstrip", of: value, at: field),
          isNormalized: try bool("normalized", of: value, at: field),
          isSpecial: try bool("special", of: value, at: field)))
    }
    return result
  }
}

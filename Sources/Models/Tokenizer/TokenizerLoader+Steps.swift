extension TokenizerLoader {
  /// The normalizers, in order.
  func normalizers() throws(TokenizerError) -> [TextNormalizer] {
    var result: [TextNormalizer] = []
    for (type, value, field) in try steps(json.member("normalizer", of: json.root), at: "normalizer", list: "normalizers") {
      switch type {
      case "NFC": result.append(.composed)
      case "NFD": result.append(.decomposed)
      case "Lowercase": result.append(.lowercase)
      case "ByteLevel": result.append(.byteLevel)
      case "Prepend": result.append(.prepend(try string("prepend", of: value, at: field)))
      case "Replace":
        result.append(.replace(try pattern(of: value, at: field), with: try string("content", of: value, at: field)))
      case "Strip":
        result.append(
          .strip(left: try bool("strip_left", of: value, at: field), right: try bool("strip_right", of: value, at: field)))
      default: throw unsupported("the normalizer \(type)", at: field)
      }
    }
    return result
  }

  /// The steps that cut text into pieces, in order.
  func preTokenizers() throws(TokenizerError) -> [PreTokenizer] {
    var result: [PreTokenizer] = []
    for (type, value, field) in try steps(json.member("pre_tokenizer", of: json.root), at: "pre_tokenizer", list: "pretokenizers") {
      switch type {
      case "ByteLevel":
        let usesPattern = try bool("use_regex", of: value, at: field, default: true)
        result.append(
          .byteLevel(
            addsPrefixSpace: try bool("add_prefix_space", of: value, at: field),
            usesPattern ? try compiled(PreTokenizer.byteLevelPattern, at: field) : nil))
      case "Split":
        result.append(
          .split(
            try pattern(of: value, at: field), try behavior(of: value, at: field),
            isInverted: try bool("invert", of: value, at: field)))
      case "Digits":
        let isIndividual = try bool("individual_digits", of: value, at: field)
        result.append(.scalars(.numeric, isIndividual ? .isolated : .contiguous))
      case "Punctuation": result.append(.scalars(.punctuation, try behavior(of: value, at: field, default: .isolated)))
      case "WhitespaceSplit": result.append(.scalars(.space, .removed))
      case "Whitespace": result.append(try words(at: field))
      default: throw unsupported("the pre-tokenizer \(type)", at: field)
      }
    }
    return result
  }

  /// `Whitespace`: runs of word characters, and runs of what is neither word nor space.
  private func words(at field: String) throws(TokenizerError) -> PreTokenizer {
    let word = ScalarSet(classes: ScalarClass.standardWord, ascii: ScalarClass.isWord)
    var other = ScalarSet(classes: ScalarClass.standardWord | ScalarClass.space) { ScalarClass.isWord($0) || ScalarClass.isSpace($0) }
    other.invert()
    let runs = [word, other].map { PatternNode.loop(.set($0), minimum: 1, maximum: nil, .greedy) }
    do throws(PatternProblem) { return .split(try Pattern(.choice(runs)), .removed, isInverted: true) } catch {
      throw .unsupported(file: file, field: field, piece: error.problem)
    }
  }

  private func behavior(
    of value: Value, at field: String, default fallback: PreTokenizer.SplitBehavior? = nil
  ) throws(TokenizerError) -> PreTokenizer.SplitBehavior {
    if let fallback, json.member("behavior", of: value) == nil { return fallback }
    let name = String(decoding: try string("behavior", of: value, at: field), as: UTF8.self)
    guard let behavior = PreTokenizer.SplitBehavior(rawValue: name) else {
      throw .field(
        file: file, field: "\(field).behavior",
        expected: "Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous, not \(quoted(Array(name.utf8)))")
    }
    return behavior
  }

  /// The steps from pieces back to text, or nil when the file names none.
  func decoders() throws(TokenizerError) -> [TokenDecoder]? {
    guard let value = json.member("decoder", of: json.root) else { return nil }
    var result: [TokenDecoder] = []
    for (type, value, field) in try steps(value, at: "decoder", list: "decoders") {
      switch type {
      case "ByteLevel": result.append(.byteLevel)
      case "ByteFallback": result.append(.byteFallback)
      case "Fuse": result.append(.fuse)
      case "Replace": result.append(.replace(try pattern(of: value, at: field), with: try string("content", of: value, at: field)))
      case "Strip":
        let content = String(decoding: try string("content", of: value, at: field), as: UTF8.self).unicodeScalars
        guard let scalar = content.first, content.count == 1 else {
          throw .field(file: file, field: "\(field).content", expected: "one character")
        }
        result.append(
          .strip(scalar.value, start: try count("start", of: value, at: field), stop: try count("stop", of: value, at: field)))
      default: throw unsupported("the decoder \(type)", at: field)
      }
    }
    return result
  }
}

/// Text cut into pieces: each is handled by itself from there on. No piece is empty.
struct TextPieces {
  var text: [UInt8]
  var ranges: [Range<Int>]
}

/// One step that cuts text into pieces.
enum PreTokenizer: Sendable {
  /// Cuts by GPT-2's pattern (if any), then writes every byte as its stand-in.
  case byteLevel(addsPrefixSpace: Bool, Pattern?)
  case split(Pattern, SplitBehavior, isInverted: Bool)
  case scalars(ScalarTest, SplitBehavior)

  /// What is done with the matches, the "delimiters", and the text between them.
  enum SplitBehavior: String, Sendable {
    /// Every match and every stretch between matches is a piece.
    case isolated = "Isolated"
    /// The stretches between matches are the pieces.
    case removed = "Removed"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    /// As `isolated`, with matches that touch in one piece.
    case contiguous = "Contiguous"
  }

  enum ScalarTest: Sendable {
    case numeric, space, punctuation

    func holds(_ value: UInt32) -> Bool {
      switch self {
      case .numeric: ScalarClass.isNumeric(value)
      case .space: ScalarClass.isSpace(value)
      case .punctuation: ScalarClass.isPunctuation(value)
      }
    }
  }

  /// GPT-2's pattern, which `ByteLevel` cuts by unless told not to.
  static let byteLevelPattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  func apply(_ pieces: TextPieces) -> TextPieces {
    switch self {
    case .byteLevel(let addsPrefixSpace, let pattern):
      var pieces = addsPrefixSpace ? Self.withPrefixSpaces(pieces) : pieces
      if let pattern { pieces = Self.split(pattern, .isolated, isInverted: false).apply(pieces) }
      return Self.withStandIns(pieces)
    case .split(let pattern, let behavior, let isInverted):
      var cut: [Range<Int>] = []
      var spans: [Span] = []
      var matcher = PatternMatcher(pattern, in: pieces.text)
      for range in pieces.ranges {
        matcher.begin(range)
        Self.find(&matcher, range, isInverted: isInverted, &spans)
        Self.cut(spans, behavior, to: &cut)
      }
      return TextPieces(text: pieces.text, ranges: cut)
    case .scalars(let test, let behavior):
      var cut: [Range<Int>] = []
      var spans: [Span] = []
      for range in pieces.ranges {
        Self.find(test, pieces.text, range, &spans)
        Self.cut(spans, behavior, to: &cut)
      }
      return TextPieces(text: pieces.text, ranges: cut)
    }
  }

  private struct Span {
    var range: Range<Int>
    var isMatch: Bool
  }

  private static func withPrefixSpaces(_ pieces: TextPieces) -> TextPieces {
    var result = TextPieces(text: [], ranges: [])
    for range in pieces.ranges {
      let start = result.text.count
      if pieces.text[range.lowerBound] != 0x20 { result.text.append(0x20) }
      result.text += pieces.text[range]
      result.ranges.append(start..<result.text.count)
    }
    return result
  }

  private static func withStandIns(_ pieces: TextPieces) -> TextPieces {
    var result = TextPieces(text: [], ranges: [])
    result.text.reserveCapacity(pieces.text.count * 5 / 4)
    result.ranges.reserveCapacity(pieces.ranges.count)
    for range in pieces.ranges {
      let start = result.text.count
      ByteAlphabet.append(pieces.text, range, to: &result.text)
      result.ranges.append(start..<result.text.count)
    }
    return result
  }

  /// The matches and the stretches between them, in order, covering `range`.
  private static func find(_ matcher: inout PatternMatcher, _ range: Range<Int>, isInverted: Bool, _ spans: inout [Span]) {
    spans.removeAll(keepingCapacity: true)
    var done = range.lowerBound
    while let match = matcher.next() {
      if done < match.lowerBound { spans.append(Span(range: done..<match.lowerBound, isMatch: isInverted)) }
      spans.append(Span(range: match, isMatch: !isInverted))
      done = match.upperBound
    }
    if done < range.upperBound { spans.append(Span(range: done..<range.upperBound, isMatch: isInverted)) }
  }

  private static func find(_ test: ScalarTest, _ text: [UInt8], _ range: Range<Int>, _ spans: inout [Span]) {
    spans.removeAll(keepingCapacity: true)
    var done = range.lowerBound
    var place = range.lowerBound
    while place < range.upperBound {
      let (value, length) = text.scalar(at: place)
      if test.holds(value) {
        if done < place { spans.append(Span(range: done..<place, isMatch: false)) }
        spans.append(Span(range: place..<place + length, isMatch: true))
        done = place + length
      }
      place += length
    }
    if done < range.upperBound { spans.append(Span(range: done..<range.upperBound, isMatch: false)) }
  }

  /// Turns spans into pieces, leaving out empty ones.
  private static func cut(_ spans: [Span], _ behavior: SplitBehavior, to pieces: inout [Range<Int>]) {
    let first = pieces.count
    var wasMatch = false
    switch behavior {
    case .isolated: for span in spans { pieces.append(span.range) }
    case .removed: for span in spans where !span.isMatch { pieces.append(span.range) }
    case .contiguous:
      for span in spans {
        if span.isMatch == wasMatch, pieces.count > first {
          pieces[pieces.count - 1] = pieces[pieces.count - 1].lowerBound..<span.range.upperBound
        } else {
          pieces.append(span.range)
        }
        wasMatch = span.isMatch
      }
    case .mergedWithPrevious:
      for span in spans {
        if span.isMatch, !wasMatch, pieces.count > first {
          pieces[pieces.count - 1] = pieces[pieces.count - 1].lowerBound..<span.range.upperBound
        } else {
          pieces.append(span.range)
        }
        wasMatch = span.isMatch
      }
    case .mergedWithNext:
      for span in spans.reversed() {
        if span.isMatch, !wasMatch, pieces.count > first {
          pieces[pieces.count - 1] = span.range.lowerBound..<pieces[pieces.count - 1].upperBound
        } else {
          pieces.append(span.range)
        }
        wasMatch = span.isMatch
      }
      pieces[first...].reverse()
    }
    if pieces[first...].contains(where: \.isEmpty) {
      let kept = pieces[first...].filter { !$0.isEmpty }
      pieces.replaceSubrange(first..., with: kept)
    }
  }
}

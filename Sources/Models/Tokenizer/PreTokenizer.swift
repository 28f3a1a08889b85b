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
      let spaced = addsPrefixSpace ? Self.withPrefixSpaces(pieces) : pieces
      var cut = spaced.ranges
      if let pattern {
        cut = []
        for range in spaced.ranges { Self.cut(range, Self.matches(pattern, spaced.text, range), .isolated, to: &cut) }
      }
      var result = TextPieces(text: [], ranges: [])
      result.text.reserveCapacity(spaced.text.count * 5 / 4)
      result.ranges.reserveCapacity(cut.count)
      for range in cut {
        let start = result.text.count
        ByteAlphabet.append(spaced.text, range, to: &result.text)
        result.ranges.append(start..<result.text.count)
      }
      return result
    case .split(let pattern, let behavior, let isInverted):
      var cut: [Range<Int>] = []
      for range in pieces.ranges {
        let spans = Self.matches(pattern, pieces.text, range).map { isInverted ? Span(range: $0.range, isMatch: !$0.isMatch) : $0 }
        Self.cut(range, spans, behavior, to: &cut)
      }
      return TextPieces(text: pieces.text, ranges: cut)
    case .scalars(let test, let behavior):
      var cut: [Range<Int>] = []
      for range in pieces.ranges { Self.cut(range, Self.matches(test, pieces.text, range), behavior, to: &cut) }
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

  /// The matches and the stretches between them, in order, covering `range`.
  private static func matches(_ pattern: Pattern, _ text: [UInt8], _ range: Range<Int>) -> [Span] {
    var spans: [Span] = []
    var done = range.lowerBound
    pattern.forEachMatch(in: text, range) { match in
      if done < match.lowerBound { spans.append(Span(range: done..<match.lowerBound, isMatch: false)) }
      spans.append(Span(range: match, isMatch: true))
      done = match.upperBound
    }
    if done < range.upperBound { spans.append(Span(range: done..<range.upperBound, isMatch: false)) }
    return spans
  }

  private static func matches(_ test: ScalarTest, _ text: [UInt8], _ range: Range<Int>) -> [Span] {
    var spans: [Span] = []
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
    return spans
  }

  /// Turns spans into pieces, leaving out empty ones.
  private static func cut(_ range: Range<Int>, _ spans: [Span], _ behavior: SplitBehavior, to pieces: inout [Range<Int>]) {
    let first = pieces.count
    var wasMatch = false
    switch behavior {
    case .isolated: pieces += spans.map(\.range)
    case .removed: pieces += spans.filter { !$0.isMatch }.map(\.range)
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

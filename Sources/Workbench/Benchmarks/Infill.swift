/// A story of five sentences with gaps (the shape of infilling ROCStories, arXiv:1604.01696): what is given is pinned, the gaps are to be written.
///
/// The prompt says who, what, and how many at first and at last. The numbers between are free as long as the sums hold, and so are the verbs.
/// The numbers at both ends decide the split, so no story in `test` goes between the same two numbers as one in `train`.
package struct Infill: Benchmark {
  package static let name = "infill"
  package static let summary = "a story of five sentences with 4 to 6 gaps between pinned words; its sums have to hold"
  package static let version = 1
  package static let levelUnit = "gaps"
  package static let geometry = Geometry(genLength: 48, blockLength: 16)

  enum Kind: String, CaseIterable { case numbers, words, sentences }

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    let turn = index.quotientAndRemainder(dividingBy: 3)
    let gaps = 4 + abs(turn.remainder)
    let kind = Kind.allCases[abs(turn.quotient % 3)]
    return first(index, of: split) { draws in
      let tale = Tale(&draws)
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: tale.prompt(&draws),
        spans: Self.layout(tale.told(&draws), kind, gaps: gaps, &draws), kind: kind.rawValue, level: gaps)
      return ("\(tale.first) to \(tale.last)", problem)
    }
  }

  /// Chooses the gaps and joins what is given between them.
  private static func layout(_ sentences: [[Tale.Piece]], _ kind: Kind, gaps: Int, _ draws: inout Draws) -> [Problem.Span] {
    // The sentences that may be missing as a whole are those between the first and the last.
    let missing = kind == .sentences ? Set(draws.sample(gaps / 2, of: [1, 2, 3])) : []
    var places: [(sentence: Int, piece: Int, sort: Tale.Piece.Sort)] = []
    for (sentence, pieces) in sentences.enumerated() where !missing.contains(sentence) {
      for (piece, part) in pieces.enumerated() where part.sort != .fixed { places.append((sentence, piece, part.sort)) }
    }
    let wanted: Tale.Piece.Sort? = kind == .numbers ? .number : kind == .words ? .word : nil
    let fitting = places.filter { wanted == nil || $0.sort == wanted }
    let others = places.filter { wanted != nil && $0.sort != wanted }
    var chosen = draws.sample(gaps - missing.count, of: fitting)
    chosen += draws.sample(gaps - missing.count - chosen.count, of: others)
    var spans: [Problem.Span] = []
    var given = ""
    for (sentence, pieces) in sentences.enumerated() {
      let whole = missing.contains(sentence) ? pieces.map(\.text).joined() : nil
      for (place, piece) in pieces.enumerated() where whole == nil || place == 0 {
        guard whole != nil || chosen.contains(where: { $0.sentence == sentence && $0.piece == place }) else {
          given += piece.text
          continue
        }
        if !given.isEmpty { spans.append(Problem.Span(given, isGiven: true)) }
        given = ""
        spans.append(Problem.Span(whole ?? piece.text, isGiven: false))
      }
    }
    return spans + [Problem.Span(given, isGiven: true)]
  }

  /// The numbers of a story and the changes between them, as in `5 - 2 = 3 + 4 = 7`; nil for a text that is no story.
  package func extract(_ response: String) -> String? {
    let parts = TaleReader(response).sentences
    guard parts.count == 5, case .opening(_, let first, _)? = parts[0], case .event(_, _, let one)? = parts[1],
      case .state(_, let middle, _)? = parts[2], case .event(_, _, let two)? = parts[3], case .ending(_, let last, _, _)? = parts[4]
    else { return nil }
    let step = { (change: Int) in change < 0 ? "- \(-change)" : "+ \(change)" }
    return "\(first) \(step(one)) = \(middle) \(step(two)) = \(last)"
  }

  /// Correct when it is a story about what the prompt says, its sums hold, and every given word is kept; the score is the share of right sentences.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let reader = TaleReader(response)
    let right = TaleFacts(problem.prompt).map { reader.rightSentences($0) } ?? 0
    let isKept = TaleReader.keeps(problem.spans, in: response)
    return Grade(
      isCorrect: right == 5 && reader.sentences.count == 5 && isKept, extracted: extract(response), score: isKept ? Double(right) / 5 : 0)
  }
}

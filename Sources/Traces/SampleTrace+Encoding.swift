internal import Diffusion

/// The form a finished sample has in a journal: compact, and checked in every length when it is read back.
extension SampleTrace {
  /// The sample as bytes.
  package var encoded: [UInt8] {
    var out = ByteWriter()
    out.put(problem)
    for value in [seed, blockLength, correct, answerTokens, roundCount, cost.canvases, cost.positions, cost.logitRows] { out.put(value) }
    out.put(seconds)
    for tokens in [prompt, initial, response] { out.put(tokens.map(Int.init)) }
    out.put(blob: pinned.map { $0 ? 1 : 0 })
    out.put(rounds.count)
    for round in rounds {
      out.put(round.index)
      out.put(Int(round.kind.rawValue))
      for value in [round.cost.canvases, round.cost.positions, round.cost.logitRows, round.window.lowerBound, round.window.upperBound] { out.put(value) }
      out.put(round.masked)
      out.put(round.forwardSeconds)
      out.put(round.decideSeconds)
      out.put(round.isFinal ? 1 : 0)
    }
    putEdits(to: &out)
    putBeliefs(to: &out)
    // A sample that is complete and was not metered, as all were in earlier versions, says no more.
    if rounds.contains(where: { $0.divergence != nil }) {
      out.put(1)
      for round in rounds {
        for value in [round.divergence?.kl, round.divergence?.top1, round.divergence?.decisions] { out.put(value ?? .nan) }
      }
    }
    if !isComplete { out.put(0) }
    return out.bytes
  }

  private func putEdits(to out: inout ByteWriter) {
    var authors: [String] = []
    var numbers: [String: Int] = [:]
    for edit in edits where numbers[edit.edit.author] == nil {
      numbers[edit.edit.author] = authors.count
      authors.append(edit.edit.author)
    }
    out.put(authors.count)
    for author in authors { out.put(author) }
    out.put(edits.count)
    for edit in edits {
      out.put(edit.round)
      for value in [Int(edit.edit.kind.rawValue), edit.edit.position, Int(edit.edit.token), edit.edit.branch] { out.put(value) }
      out.put(numbers[edit.edit.author] ?? 0)
      for value in [edit.edit.confidence, edit.edit.margin, edit.edit.entropy] { out.put(value) }
    }
  }

  private func putBeliefs(to out: inout ByteWriter) {
    guard let beliefs else { return out.put(-1) }
    // A journal of an earlier version begins with the candidates and has no masses.
    if beliefs.isExact { out.put(-2) }
    out.put(beliefs.candidates)
    out.put(beliefs.round)
    out.put(beliefs.position)
    for value in beliefs.logSumExp { out.put(value) }
    for value in beliefs.entropy { out.put(value) }
    out.put(beliefs.topTokens.map(Int.init))
    for value in beliefs.topLogits { out.put(value) }
    if beliefs.isExact { for value in beliefs.mass + beliefs.moment { out.put(value) } }
  }

  /// The sample that bytes stand for; nil if they are not what `encoded` gives.
  package init?(decoding bytes: ArraySlice<UInt8>) {
    var input = ByteReader(bytes)
    guard let problem = input.text() else { return nil }
    var numbers: [Int] = []
    for _ in 0..<8 {
      guard let value = input.integer() else { return nil }
      numbers.append(value)
    }
    guard let seconds = input.double(), let prompt = Self.tokens(&input), let initial = Self.tokens(&input), let response = Self.tokens(&input),
      let pinned = input.blob()
    else { return nil }
    self.init(
      problem: problem, seed: numbers[0], blockLength: numbers[1], prompt: prompt, initial: initial, pinned: pinned.map { $0 != 0 }, response: response)
    correct = numbers[2]
    answerTokens = numbers[3]
    roundCount = numbers[4]
    cost = Cost(canvases: numbers[5], positions: numbers[6], logitRows: numbers[7])
    self.seconds = seconds
    guard takeRounds(&input), takeEdits(&input), takeBeliefs(&input) else { return nil }
    while !input.isAtEnd {
      switch input.integer() {
      case 0 where input.isAtEnd: isComplete = false
      case 1: guard takeDivergences(&input) else { return nil }
      default: return nil
      }
    }
  }

  private mutating func takeDivergences(_ input: inout ByteReader) -> Bool {
    for index in rounds.indices {
      guard let kl = input.double(), let top1 = input.double(), let decisions = input.double() else { return false }
      rounds[index].divergence = kl.isNaN ? nil : Divergence(kl: kl, top1: top1, decisions: decisions)
    }
    return true
  }

  private static func tokens(_ input: inout ByteReader) -> [Token]? {
    guard let values = input.integers() else { return nil }
    var tokens: [Token] = []
    for value in values {
      guard let token = Token(exactly: value) else { return nil }
      tokens.append(token)
    }
    return tokens
  }

  private mutating func takeRounds(_ input: inout ByteReader) -> Bool {
    guard let count = input.count(of: 24) else { return false }
    for _ in 0..<count {
      guard let index = input.integer(), let kind = input.integer().flatMap(UInt8.init(exactly:)).flatMap(Round.Kind.init(rawValue:)),
        let canvases = input.integer(), let positions = input.integer(), let rows = input.integer(), let start = input.integer(), let end = input.integer(),
        start <= end, let masked = input.integer(), let forward = input.double(), let decide = input.double(), let final = input.integer()
      else { return false }
      rounds.append(
        RecordedRound(
          index: index, kind: kind, cost: Cost(canvases: canvases, positions: positions, logitRows: rows), window: start..<end, masked: masked,
          forwardSeconds: forward, decideSeconds: decide, isFinal: final != 0))
    }
    return true
  }

  private mutating func takeEdits(_ input: inout ByteReader) -> Bool {
    guard let authorCount = input.count() else { return false }
    var authors: [String] = []
    for _ in 0..<authorCount {
      guard let author = input.text() else { return false }
      authors.append(author)
    }
    guard let count = input.count(of: 30) else { return false }
    for _ in 0..<count {
      guard let round = input.integer(), let kind = input.integer().flatMap(UInt8.init(exactly:)).flatMap(Edit.Kind.init(rawValue:)),
        let position = input.integer(), let token = input.integer().flatMap(Token.init(exactly:)), let branch = input.integer(), let author = input.integer(),
        authors.indices.contains(author), let confidence = input.double(), let margin = input.double(), let entropy = input.double()
      else { return false }
      var edit = Edit(kind, at: position, token: token)
      edit.branch = branch
      edit.author = authors[author]
      (edit.confidence, edit.margin, edit.entropy) = (confidence, margin, entropy)
      edits.append(RecordedEdit(round: round, edit: edit))
    }
    return true
  }

  private mutating func takeBeliefs(_ input: inout ByteReader) -> Bool {
    guard let mark = input.integer() else { return false }
    if mark == -1 { return true }
    guard let candidates = mark == -2 ? input.integer() : mark, candidates >= 0 else { return false }
    var beliefs = RecordedBeliefs(candidates: candidates)
    guard let round = input.integers(), let position = input.integers(), position.count == round.count else { return false }
    (beliefs.round, beliefs.position) = (round, position)
    for _ in round {
      guard let value = input.double() else { return false }
      beliefs.logSumExp.append(value)
    }
    for _ in round {
      guard let value = input.double() else { return false }
      beliefs.entropy.append(value)
    }
    guard let tokens = Self.tokens(&input), candidates.multipliedReportingOverflow(by: round.count) == (tokens.count, false) else { return false }
    beliefs.topTokens = tokens
    for _ in tokens {
      guard let value = input.float() else { return false }
      beliefs.topLogits.append(value)
    }
    guard mark == -2 else {
      self.beliefs = beliefs
      return true
    }
    for count in 0..<2 * round.count {
      guard let value = input.double() else { return false }
      if count < round.count { beliefs.mass.append(value) } else { beliefs.moment.append(value) }
    }
    self.beliefs = beliefs
    return true
  }
}

internal import Diffusion

/// Replays one sample and compares everything that its rows claim with what the replay shows.
struct SampleChecker {
  private let sample: SampleTrace
  private let row: Int
  private let first: (round: Int, edit: Int, belief: Int)
  private let vocabulary: Vocabulary?
  private let level: String
  private var cells: ReplayCanvas

  /// - Parameters:
  ///   - row: the sample's row in `/samples`.
  ///   - first: the rows of `/rounds`, `/edits` and `/beliefs` at which the sample's begin.
  init(_ sample: SampleTrace, row: Int, first: (round: Int, edit: Int, belief: Int), vocabulary: Vocabulary?, level: String) {
    self.sample = sample
    self.row = row
    self.first = first
    self.vocabulary = vocabulary
    self.level = level
    cells = ReplayCanvas(sample)
  }

  mutating func check(_ list: inout FaultList) {
    checkTokens(&list)
    checkAnswer(&list)
    checkCompleteness(&list)
    if level == TraceLevel.none.name { return }
    checkCosts(&list)
    guard replay(&list) else { return }
    if cells.response != sample.response {
      let place = zip(cells.response, sample.response).enumerated().first { $1.0 != $1.1 }?.offset ?? min(cells.response.count, sample.response.count)
      list.add("responses", row, "replaying the edits over the initial response does not give it: first difference at position \(place)")
    }
    checkFinal(&list)
  }

  private func checkTokens(_ list: inout FaultList) {
    for (name, tokens, lowest) in [("prompts", sample.prompt, Token(0)), ("initial", sample.initial, -1), ("responses", sample.response, -1)] {
      if let place = tokens.firstIndex(where: { !isToken($0, from: lowest) || (name != "prompts" && $0 == vocabulary?.mask) }) {
        list.add(name, row, "token \(tokens[place]) at position \(place) is not in the vocabulary")
      }
    }
    for (place, pinned) in sample.pinned.enumerated() where pinned {
      if sample.initial[place] < 0 { list.add("initial", row, "position \(place) is pinned and masked") }
      if !sample.response.indices.contains(place) || sample.response[place] != sample.initial[place] {
        list.add("responses", row, "pinned position \(place) changed")
      }
    }
    if sample.initial.isEmpty { list.add("initial", row, "the response has no positions") }
    if sample.initial.count % sample.blockLength != 0 {
      list.add("samples", row, "block_length \(sample.blockLength) does not divide the \(sample.initial.count) positions of the initial response")
    }
  }

  private func isToken(_ token: Token, from lowest: Token) -> Bool { token >= lowest && Int(token) < vocabulary?.size ?? Int(Token.max) }

  private func checkAnswer(_ list: inout FaultList) {
    guard let end = vocabulary?.end else { return }
    // Pinned positions cannot be moved, so that those of the initial response are those of the final one.
    let length = sample.response.firstIndex(of: end) ?? sample.response.count
    let count = length - sample.pinned.prefix(length).count { $0 } - sample.response.prefix(length).count { $0 < 0 }
    if count != sample.answerTokens { list.add("samples", row, "answer_tokens is \(sample.answerTokens), but the response has \(count)") }
  }

  /// A sample says whether it is complete, and its response has masked positions where it is not.
  private func checkCompleteness(_ list: inout FaultList) {
    let masked = sample.response.count { $0 < 0 }
    if sample.isComplete, masked > 0 { list.add("samples", row, "it counts as complete, but \(masked) positions of its response are masked") }
    if !sample.isComplete {
      if masked == 0 { list.add("samples", row, "complete is 0, but no position of its response is masked") }
      if sample.correct == 1 { list.add("samples", row, "complete is 0, but correct is 1") }
    }
  }

  private func checkCosts(_ list: inout FaultList) {
    func compare(_ name: String, _ value: Int, _ path: KeyPath<Cost, Int>) {
      let sum = sample.rounds.reduce(0) { $0 &+ $1.cost[keyPath: path] }
      if sum != value { list.add("samples", row, "\(name) is \(value), but its rounds sum to \(sum)") }
    }
    compare("canvases", sample.cost.canvases, \.canvases)
    compare("positions", sample.cost.positions, \.positions)
    compare("logit_rows", sample.cost.logitRows, \.logitRows)
  }

  /// Plays the rounds; false if an edit did not fit, after which nothing more can be said.
  private mutating func replay(_ list: inout FaultList) -> Bool {
    var edit = 0
    var belief = 0
    for (index, round) in sample.rounds.enumerated() {
      if round.masked != cells.masked { list.add("rounds", first.round + index, "masked is \(round.masked), but \(cells.masked) positions are") }
      if round.window.upperBound > cells.response.count {
        list.add("rounds", first.round + index, "window_end \(round.window.upperBound) is beyond the response of \(cells.response.count)")
      }
      checkBeliefs(of: index, round, &belief, &list)
      while edit < sample.edits.count, sample.edits[edit].round == index {
        check(sample.edits[edit].edit, row: first.edit + edit, &list)
        if sample.edits[edit].edit.branch == Edit.main, let fault = cells.apply(sample.edits[edit].edit) {
          list.add("edits", first.edit + edit, fault)
          return false
        }
        edit += 1
      }
      let isLast = index == sample.rounds.count - 1
      if round.isFinal != (cells.masked == 0) || (round.isFinal && !isLast) {
        list.add(
          "rounds", first.round + index,
          "final is \(round.isFinal ? 1 : 0), but \(cells.masked) positions are masked after round \(index) of \(sample.rounds.count)")
      }
    }
    return true
  }

  private func check(_ edit: Edit, row: Int, _ list: inout FaultList) {
    let writes = edit.kind == .reveal || edit.kind == .replace
    if writes ? !isToken(edit.token, from: 0) || edit.token == vocabulary?.mask : edit.token != -1 {
      list.add("edits", row, writes ? "token \(edit.token) is not in the vocabulary" : "token is \(edit.token) where the edit writes none: -1 expected")
    }
    // A little room: a probability is a rounded quotient.
    let unit = -1e-6...1 + 1e-6
    if !edit.confidence.isNaN, !unit.contains(edit.confidence) { list.add("edits", row, "confidence is \(edit.confidence), not a probability") }
    if !edit.margin.isNaN, !unit.contains(edit.margin) { list.add("edits", row, "margin is \(edit.margin), not a difference of probabilities") }
    if !edit.entropy.isNaN, !(edit.entropy >= 0 && edit.entropy.isFinite) { list.add("edits", row, "entropy is \(edit.entropy), below 0 or not finite") }
  }

  /// A sample whose every position was fixed has no rounds; any other that is complete ends with one final round.
  private func checkFinal(_ list: inout FaultList) {
    guard sample.isComplete else { return }
    if sample.rounds.last?.isFinal == false || (sample.rounds.isEmpty && cells.masked > 0) {
      list.add("samples", row, "it ends with \(cells.masked) masked positions and without a final round")
    }
  }

  private func checkBeliefs(of index: Int, _ round: RecordedRound, _ next: inout Int, _ list: inout FaultList) {
    guard let beliefs = sample.beliefs else { return }
    var previous = -1
    while next < beliefs.round.count, beliefs.round[next] == index {
      let position = beliefs.position[next]
      let row = first.belief + next
      if position <= previous { list.add(TraceSchema.beliefs, row, "position \(position) comes after \(previous)") }
      if !cells.response.indices.contains(position) || cells.response[position] >= 0 || position >= round.window.upperBound {
        list.add(TraceSchema.beliefs, row, "position \(position) is not a masked position in reach")
      }
      if !beliefs.logSumExp[next].isFinite { list.add(TraceSchema.beliefs, row, "log_sum_exp is not finite") }
      if !(beliefs.entropy[next] >= 0 && beliefs.entropy[next].isFinite) { list.add(TraceSchema.beliefs, row, "entropy is \(beliefs.entropy[next])") }
      check(beliefs, row: next, &list)
      checkMass(beliefs, row: next, &list)
      previous = position
      next += 1
    }
  }

  /// The exact sums of a row must say what its rounded log-sum-exp and entropy say.
  private func checkMass(_ beliefs: RecordedBeliefs, row: Int, _ list: inout FaultList) {
    guard beliefs.isExact, let top = beliefs.topLogits.dropFirst(row * beliefs.candidates).first, top.isFinite else { return }
    let mass = Mass(maximum: Double(top), sum: beliefs.mass[row], weighted: beliefs.moment[row])
    if !(abs(mass.logSumExp - beliefs.logSumExp[row]) <= 1e-6) { list.add(TraceSchema.beliefs, first.belief + row, "mass does not give log_sum_exp") }
    if !(abs(mass.entropy - beliefs.entropy[row]) <= 1e-6) { list.add(TraceSchema.beliefs, first.belief + row, "mass and moment do not give entropy") }
  }

  private func check(_ beliefs: RecordedBeliefs, row: Int, _ list: inout FaultList) {
    let k = beliefs.candidates
    let tokens = beliefs.topTokens[row * k..<(row + 1) * k]
    let logits = beliefs.topLogits[row * k..<(row + 1) * k]
    let known = tokens.prefix { $0 >= 0 }
    if known.contains(where: { !isToken($0, from: 0) }) || tokens.dropFirst(known.count).contains(where: { $0 != -1 }) || Set(known).count != known.count {
      list.add(TraceSchema.beliefs, first.belief + row, "top_tokens are not different tokens of the vocabulary, followed by -1")
    }
    let values = Array(logits.prefix(known.count))
    if values.contains(where: { !$0.isFinite }) || zip(values, values.dropFirst()).contains(where: { $0 < $1 }) {
      list.add(TraceSchema.beliefs, first.belief + row, "top_logits are not finite and descending")
    }
    if let largest = values.first, Double(largest) > beliefs.logSumExp[row] + 1e-6 {
      list.add(TraceSchema.beliefs, first.belief + row, "the largest of top_logits is above log_sum_exp")
    }
  }
}

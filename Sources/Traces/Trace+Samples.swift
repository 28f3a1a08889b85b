public import Diffusion

extension Trace {
  /// The samples, each with indices of its own.
  ///
  /// - Throws: `.damaged` with the first fault if the tables do not fit together.
  public func samples() throws(TraceError) -> [SampleTrace] {
    var list = FaultList(limit: 1)
    checkStructure(&list)
    if let fault = list.faults.first { throw .damaged(path: path ?? "trace", place: "/\(fault.table)", reason: fault.message) }
    return assembled()
  }

  /// The rows of `/samples` alone, as samples without canvases, rounds and edits: what a trace read by `TraceFile.summary` holds.
  package func summaries() throws(TraceError) -> [SampleTrace] {
    let table = self["samples"] ?? Table("samples")
    let problems = table.strings("problem")
    let columns = ["seed", "block_length", "correct", "answer_tokens", "rounds"].map(table.integers)
    let seconds = table.doubles("seconds")
    guard seconds.count == problems.count, columns.allSatisfy({ $0.count == problems.count }) else {
      throw .damaged(path: path ?? "trace", place: "/samples", reason: "its columns differ in length")
    }
    let complete = table.integers("complete")
    guard complete.isEmpty || complete.count == problems.count else {
      throw .damaged(path: path ?? "trace", place: "/samples", reason: "its columns differ in length")
    }
    return problems.indices.map { row in
      var sample = SampleTrace(
        problem: problems[row], seed: columns[0][row], blockLength: columns[1][row], prompt: [], initial: [], pinned: [], response: [])
      (sample.correct, sample.answerTokens, sample.roundCount, sample.seconds) = (columns[2][row], columns[3][row], columns[4][row], seconds[row])
      sample.isComplete = complete.isEmpty || complete[row] != 0
      return sample
    }
  }

  /// How far beliefs were from the full model's: the mean over all rounds in which something was compared; nil where nothing was.
  public var divergence: Divergence? {
    guard let table = self["rounds"] else { return nil }
    let columns = ["fidelity_kl", "fidelity_top1", "fidelity_decisions"].map { name in table.doubles(name).filter { !$0.isNaN } }
    guard let count = columns.map(\.count).min(), count > 0 else { return nil }
    let means = columns.map { $0.reduce(0, +) / Double($0.count) }
    return Divergence(kl: means[0], top1: means[1], decisions: means[2])
  }

  /// The samples of tables whose structure was found sound.
  func assembled() -> [SampleTrace] {
    guard let table = self["samples"], let prompts = self["prompts"], let initial = self["initial"], let responses = self["responses"] else { return [] }
    let problems = table.strings("problem")
    let (promptTokens, initialTokens, responseTokens) = (Slices(prompts, "tokens"), Slices(initial, "tokens"), Slices(responses, "tokens"))
    let pinned = Slices(initial, "pinned")
    let columns = ["seed", "block_length", "correct", "answer_tokens", "rounds", "canvases", "positions", "logit_rows"].map(table.integers)
    let seconds = table.doubles("seconds")
    let complete = table.integers("complete")
    let rounds = recordedRounds()
    let edits = recordedEdits()
    let editRows = self["edits"]?.integers("round") ?? []
    let beliefs = BeliefColumns(self)
    var samples: [SampleTrace] = []
    var firsts = (round: 0, edit: 0, belief: 0)
    for index in problems.indices {
      var sample = SampleTrace(
        problem: problems[index], seed: columns[0][index], blockLength: columns[1][index], prompt: promptTokens.tokens(index),
        initial: initialTokens.tokens(index), pinned: pinned.tokens(index).map { $0 != 0 }, response: responseTokens.tokens(index))
      sample.correct = columns[2][index]
      sample.answerTokens = columns[3][index]
      sample.roundCount = columns[4][index]
      sample.cost = Cost(canvases: columns[5][index], positions: columns[6][index], logitRows: columns[7][index])
      sample.seconds = seconds[index]
      sample.isComplete = complete.isEmpty || complete[index] != 0
      let count = rounds.isEmpty ? 0 : sample.roundCount
      let end = firsts.round + count
      sample.rounds = Array(rounds[firsts.round..<end])
      while firsts.edit < edits.count, editRows[firsts.edit] < end {
        sample.edits.append(RecordedEdit(round: editRows[firsts.edit] - firsts.round, edit: edits[firsts.edit]))
        firsts.edit += 1
      }
      if let beliefs { sample.beliefs = beliefs.take(from: &firsts.belief, rounds: firsts.round..<end) }
      firsts.round = end
      samples.append(sample)
    }
    return samples
  }

  private func recordedRounds() -> [RecordedRound] {
    guard let table = self["rounds"] else { return [] }
    let c = ["index", "kind", "canvases", "positions", "logit_rows", "window_start", "window_end", "masked", "final"].map(table.integers)
    let (forward, decide) = (table.doubles("forward_seconds"), table.doubles("decide_seconds"))
    let fidelity = ["fidelity_kl", "fidelity_top1", "fidelity_decisions"].map(table.doubles)
    return c[0].indices.map { row in
      RecordedRound(
        index: c[0][row], kind: Round.Kind(rawValue: UInt8(clamping: c[1][row])) ?? .ordinary,
        cost: Cost(canvases: c[2][row], positions: c[3][row], logitRows: c[4][row]), window: c[5][row]..<c[6][row], masked: c[7][row],
        forwardSeconds: forward[row], decideSeconds: decide[row], isFinal: c[8][row] == 1, divergence: Self.divergence(fidelity, row))
    }
  }

  private static func divergence(_ columns: [[Double]], _ row: Int) -> Divergence? {
    guard columns.allSatisfy({ $0.indices.contains(row) && !$0[row].isNaN }) else { return nil }
    return Divergence(kl: columns[0][row], top1: columns[1][row], decisions: columns[2][row])
  }

  private func recordedEdits() -> [Edit] {
    guard let table = self["edits"] else { return [] }
    let c = ["kind", "position", "token", "branch", "author"].map(table.integers)
    let d = ["confidence", "margin", "entropy"].map(table.doubles)
    let names = self["authors"]?.strings("name") ?? []
    return c[0].indices.map { row in
      var edit = Edit(Edit.Kind(rawValue: UInt8(clamping: c[0][row])) ?? .reveal, at: c[1][row], token: Token(clamping: c[2][row]))
      edit.branch = c[3][row]
      edit.author = names[c[4][row]]
      (edit.confidence, edit.margin, edit.entropy) = (d[0][row], d[1][row], d[2][row])
      return edit
    }
  }
}

/// A column of items, sample by sample.
private struct Slices {
  let values: [Int]
  let offsets: [Int]

  init(_ table: Table, _ column: String) {
    values = table.integers(column)
    offsets = table.integers("offsets")
  }

  func tokens(_ sample: Int) -> [Token] { values[offsets[sample]..<offsets[sample + 1]].map { Token(clamping: $0) } }
}

/// The columns of `/beliefs`.
private struct BeliefColumns {
  let k: Int
  let round: [Int]
  let position: [Int]
  let logSumExp: [Double]
  let entropy: [Double]
  let tokens: [Token]
  let logits: [Float]
  /// Empty where the file has none.
  let mass, moment: [Double]

  init?(_ trace: Trace) {
    guard let table = trace[TraceSchema.beliefs], case .int32(let tokens) = table["top_tokens"], case .float32(let logits) = table["top_logits"] else {
      return nil
    }
    k = trace.candidates
    round = table.integers("round")
    position = table.integers("position")
    logSumExp = table.doubles("log_sum_exp")
    entropy = table.doubles("entropy")
    (self.tokens, self.logits) = (tokens, logits)
    (mass, moment) = (table.doubles("mass"), table.doubles("moment"))
  }

  func take(from row: inout Int, rounds: Range<Int>) -> RecordedBeliefs {
    let start = row
    while row < round.count, round[row] < rounds.upperBound { row += 1 }
    var beliefs = RecordedBeliefs(candidates: k)
    beliefs.round = round[start..<row].map { $0 - rounds.lowerBound }
    beliefs.position = Array(position[start..<row])
    beliefs.logSumExp = Array(logSumExp[start..<row])
    beliefs.entropy = Array(entropy[start..<row])
    beliefs.topTokens = Array(tokens[start * k..<row * k])
    beliefs.topLogits = Array(logits[start * k..<row * k])
    if !mass.isEmpty, !moment.isEmpty { (beliefs.mass, beliefs.moment) = (Array(mass[start..<row]), Array(moment[start..<row])) }
    return beliefs
  }
}

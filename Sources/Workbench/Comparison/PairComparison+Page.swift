extension PairComparison {
  /// What a person reads of one comparison.
  ///
  /// - Parameter canReplay: whether the traces hold decisions, so that a changed problem can be watched.
  public func page(canReplay: Bool = true) -> String {
    var lines = ["\(pairing.title): \(candidate) against \(baseline), \(extent)"]
    for (label, side) in [("baseline ", pairing.baseline), ("candidate", pairing.candidate)] {
      for (_, directory) in side.directories.sorted(by: { $0.key < $1.key }) { lines.append("  \(label)  \(directory)") }
    }
    lines += ["", figures, ""]
    lines.append(
      "answers: \(Self.counted(lost.count, "problem")) right before and wrong now, \(won.count) wrong before and right now; "
        + "\(Self.percent(agreement.value)) ± \(Self.percent(agreement.error)) percent of the final answers are the same")
    for place in kept.indices { lines.append(keeping(place)) }
    let changing = Self.percent(max(table.discordant, lookedFor))
    lines.append(
      "a difference of \(Self.percent(lookedFor)) points: about \(Self.estimated(problemsToSee)) problems show it, if \(changing) percent of them change")
    if !pairing.isTimed { lines.append("no speed is compared: samples of at least one of the two were decoded beside others, or resumed after a stop") }
    for (title, changes) in [("right before, wrong now", lost), ("wrong before, right now", won)] where !changes.isEmpty {
      let more = changes.count > 10 ? " and \(changes.count - 10) more" : ""
      lines.append("\(title): " + changes.prefix(10).map(\.problem).joined(separator: ", ") + more)
    }
    if canReplay, let change = lost.first ?? won.first { lines.append("  " + replay(change)) }
    return (lines + pairing.remarks.map { "note: \($0)" } + ["", verdict]).joined(separator: "\n")
  }

  /// The closing sentence: what is shown, and what is not.
  public var verdict: String {
    let points = Self.percent(abs(table.difference)) + " points"
    let rounds = costs.first { $0.kind == .rounds }?.effect.value ?? .nan
    let ratio = fixed(max(rounds, 1 / rounds), 2)
    let cost = ratio == "1.00" ? "as many rounds" : "\(ratio) times \(rounds > 1 ? "fewer" : "more") rounds"
    let shown = kept.indices.last { isKept($0) }.map { "at least \(kept[$0].name) percent of the accuracy is kept" }
    if isWorse { return "\(candidate) is worse than \(baseline): \(points) less accurate, for \(cost)." }
    if isBetter { return "\(candidate) is better than \(baseline): \(points) more accurate, with \(cost)." }
    if let shown { return "No difference in accuracy is shown, and \(shown), with \(cost)." }
    let smallest = min(problemsToSee, problemsToShow(0))
    let advice = smallest > Double(pairing.count) ? ": \(Self.counted(pairing.count, "problem")) \(pairing.count == 1 ? "is" : "are") too few" : ""
    return "Neither a difference in accuracy nor the lack of one is shown\(advice); \(candidate) takes \(cost)."
  }

  private var candidate: String { pairing.candidate.label }
  private var baseline: String { pairing.baseline.label }

  private var extent: String { Self.counted(pairing.count, "problem") + (pairing.seeds > 1 ? " with \(pairing.seeds) seeds each" : "") }

  private var figures: String {
    let accuracy = [
      "accuracy %", "\(Self.percent(baselineAccuracy.value)) ± \(Self.percent(baselineAccuracy.error))",
      "\(Self.percent(candidateAccuracy.value)) ± \(Self.percent(candidateAccuracy.error))", Self.signed(table.difference),
      "\(Self.signed(difference.low)) to \(Self.signed(difference.high))", probability(p) + corrected(p, adjusted),
    ]
    let rows = costs.map { cost in
      let decimals = cost.kind.decimals
      let scale = cost.kind == .seconds ? 1000.0 : 1
      let own = [cost.baseline, cost.candidate].map { $0.isNaN ? "" : fixed($0 * scale, decimals) }
      let effect = cost.effect
      return [cost.kind.title] + own + [cost.kind.sign + fixed(effect.value, 2), "\(fixed(effect.low, 2)) to \(fixed(effect.high, 2))", probability(effect.p)]
    }
    return TextTable([accuracy] + rows, header: ["", baseline, candidate, "effect", "95 % interval", "p"], numeric: [1, 2, 3, 4, 5]).text
  }

  private func keeping(_ place: Int) -> String {
    let test = kept[place]
    let p = "p \(probability(test.p))\(corrected(test.p, keptAdjusted[place]))"
    if isKept(place) { return "\(test.name) percent of the accuracy kept: shown, \(p)" }
    let needed = problemsToShow(place)
    let size = needed.isFinite ? "about \(Self.estimated(needed)) problems show it, if both are equally accurate" : "no number of problems shows it"
    return "\(test.name) percent of the accuracy kept: not shown, \(p); \(size)"
  }

  /// A p after Holm's correction, where that changes it.
  private func corrected(_ p: Double, _ adjusted: Double) -> String { p == adjusted ? "" : ", Holm \(probability(adjusted))" }

  /// The command that shows a problem decoded both ways.
  public func replay(_ change: Change) -> String {
    let traces = [pairing.baseline, pairing.candidate].map { Self.quoted(($0.directories[change.seed] ?? "?") + "/trace.h5") }
    return "unmask replay \(traces[0]) --against \(traces[1]) --sample \(Self.quoted(change.problem))"
  }

  /// A word as a shell reads it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "/._-=".utf8.contains(byte)
    }
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

extension PairComparison.Cost.Kind {
  /// Its name in a table.
  var title: String {
    switch self {
    case .rounds: "rounds"
    case .positions: "positions"
    case .seconds: "ms"
    case .tokensPerRound: "tokens/round"
    case .qualityPerRounds: "QPS, rounds"
    case .qualityPerSeconds: "QPS, time"
    }
  }

  /// How its effect is made of the two: `÷` is the baseline's over the candidate's.
  fileprivate var sign: String {
    switch self {
    case .rounds, .positions, .seconds: "÷ "
    case .tokensPerRound, .qualityPerRounds, .qualityPerSeconds: "× "
    }
  }

  fileprivate var decimals: Int {
    switch self {
    case .positions: 0
    case .rounds, .seconds: 1
    default: 2
    }
  }
}

extension PairComparison {
  /// A share in percent, with one decimal.
  static func percent(_ share: Double) -> String { fixed(share * 100, 1) }

  /// A difference of shares in points, its sign always shown.
  static func signed(_ share: Double) -> String {
    let text = percent(share)
    return share > 0 && text != "0.0" ? "+" + text : text
  }

  /// A count with its noun.
  static func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// An estimated number of problems, rounded up to three figures.
  static func estimated(_ number: Double) -> String {
    guard number.isFinite, number < 1e15 else { return "∞" }
    var unit = 1
    while number / Double(unit) > 1000 { unit *= 10 }
    let digits = Array("\(Int((number / Double(unit)).rounded(.up)) * unit)")
    return String(digits.enumerated().flatMap { place, digit in place > 0 && (digits.count - place) % 3 == 0 ? [",", digit] : [digit] })
  }
}

extension NonInferiority {
  /// The share in percent: 99, 99.9.
  var name: String {
    let text = fixed(share * 100, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

internal import Diffusion
internal import Traces

/// A sample decoded again, held against its golden: decisions and costs exactly, beliefs within a tolerance.
struct GoldenComparison {
  /// The first round that differs, or nil.
  private(set) var difference: GoldenDifference?
  /// Whether every number is the recorded one, bit for bit.
  private(set) var isBitEqual = true
  /// The belief that is furthest from the recorded one.
  private(set) var furthest: GoldenDistance?

  private let golden: SampleTrace
  private let now: SampleTrace
  private let asked: [[Comparison]]
  private let tolerance: GoldenSuite.Tolerance
  private let names: (golden: BeliefRows, now: BeliefRows)

  /// - Parameter asked: what the rules held against their bars now, by round.
  init(_ golden: SampleTrace, _ now: SampleTrace, asked: [[Comparison]] = [], tolerance: GoldenSuite.Tolerance) {
    (self.golden, self.now, self.asked, self.tolerance) = (golden, now, asked, tolerance)
    names = (BeliefRows(golden), BeliefRows(now))
    for round in 0..<max(golden.rounds.count, now.rounds.count) where difference == nil { compare(round) }
    if difference == nil, golden.response != now.response { difference = GoldenDifference(golden, now, round: nil, what: ["the responses differ"]) }
  }

  private mutating func compare(_ round: Int) {
    guard golden.rounds.indices.contains(round), now.rounds.indices.contains(round) else {
      let counts = "the golden has \(golden.rounds.count) rounds, now there are \(now.rounds.count)"
      difference = GoldenDifference(golden, now, round: round, what: [counts])
      return
    }
    let beliefs = beliefFaults(round)
    let edits = (golden.edits.filter { $0.round == round }, now.edits.filter { $0.round == round })
    let areEqual = edits.0.map(GoldenDecision.init) == edits.1.map(GoldenDecision.init)
    var what = costFaults(golden.rounds[round], now.rounds[round])
    guard areEqual, what.isEmpty else {
      difference = GoldenDifference(
        golden, now, round: round, what: what, cause: cause(beliefs), asked: asked.indices.contains(round) ? asked[round] : [])
      return
    }
    for (old, new) in zip(edits.0, edits.1) {
      let place = "position \(old.edit.position)"
      for (name, a, b) in [
        ("confidence", old.edit.confidence, new.edit.confidence), ("margin", old.edit.margin, new.edit.margin), ("entropy", old.edit.entropy, new.edit.entropy),
      ] where !holds(b, recorded: a, "\(name) of the edit at \(place)", round) { what.append(Self.words(name, place, b, a)) }
    }
    what = beliefs.faults + what
    if !what.isEmpty { difference = GoldenDifference(golden, now, round: round, what: what, cause: .decisionsEqual) }
  }

  private func cause(_ beliefs: (faults: [String], isBitEqual: Bool)) -> GoldenDifference.Cause {
    if golden.beliefs == nil || now.beliefs == nil { return .exactModel }
    if let first = beliefs.faults.first { return .otherBeliefs(first) }
    return beliefs.isBitEqual ? .equalBeliefs : .nearBeliefs
  }

  private func costFaults(_ old: RecordedRound, _ new: RecordedRound) -> [String] {
    let pairs: [(String, String, String)] = [
      ("kind", "\(old.kind)", "\(new.kind)"), ("canvases", "\(old.cost.canvases)", "\(new.cost.canvases)"),
      ("positions", "\(old.cost.positions)", "\(new.cost.positions)"), ("logit rows", "\(old.cost.logitRows)", "\(new.cost.logitRows)"),
      ("block", "\(old.window)", "\(new.window)"), ("masked", "\(old.masked)", "\(new.masked)"), ("last round", "\(old.isFinal)", "\(new.isFinal)"),
    ]
    return pairs.filter { $0.1 != $0.2 }.map { "\($0.0): golden \($0.1), now \($0.2)" }
  }

  // MARK: Beliefs

  private mutating func beliefFaults(_ round: Int) -> (faults: [String], isBitEqual: Bool) {
    guard let old = golden.beliefs, let new = now.beliefs else { return ([], true) }
    let wasEqual = isBitEqual
    isBitEqual = true
    defer { isBitEqual = isBitEqual && wasEqual }
    let (mine, theirs) = (names.golden.rows(round), names.now.rows(round))
    guard mine.map({ old.position[$0] }) == theirs.map({ new.position[$0] }) else {
      isBitEqual = false
      return (["beliefs are recorded of other positions"], false)
    }
    var faults: [String] = []
    let candidates = min(old.candidates, new.candidates)
    for (a, b) in zip(mine, theirs) {
      let place = "position \(old.position[a])"
      var pairs = [("log_sum_exp", old.logSumExp[a], new.logSumExp[b]), ("entropy", old.entropy[a], new.entropy[b])]
      for rank in 0..<candidates {
        let (x, y) = (a * old.candidates + rank, b * new.candidates + rank)
        pairs.append(("logit \(rank + 1)", Double(old.topLogits[x]), Double(new.topLogits[y])))
        // Tokens of two logits that are as good as equal may change places.
        if old.topTokens[x] != new.topTokens[y] { isBitEqual = false }
      }
      for (name, recorded, value) in pairs where !holds(value, recorded: recorded, "\(name) of \(place)", round) {
        faults.append(Self.words(name, place, value, recorded))
      }
    }
    return (faults, isBitEqual)
  }

  /// Whether a number is near enough; the furthest one is remembered.
  private mutating func holds(_ value: Double, recorded: Double, _ name: @autoclosure () -> String, _ round: Int) -> Bool {
    if value.bitPattern == recorded.bitPattern || value.isNaN && recorded.isNaN { return true }
    isBitEqual = false
    let distance = abs(value - recorded)
    if distance > furthest?.distance ?? -1 { furthest = GoldenDistance(distance: distance, place: "\(name()), round \(round), \(golden.problem)") }
    return tolerance.allows(value, recorded: recorded)
  }

  private static func words(_ name: String, _ place: String, _ value: Double, _ recorded: Double) -> String {
    "\(name) at \(place): golden \(recorded), now \(value)"
  }
}

/// How far a belief is from the recorded one, and where.
package struct GoldenDistance: Sendable, Hashable {
  /// The absolute difference.
  package let distance: Double
  /// Which number.
  package let place: String
}

/// Where the rows of each round begin; rounds ascend.
private struct BeliefRows {
  private var places: [Int: Range<Int>] = [:]

  init(_ sample: SampleTrace) {
    for (row, round) in (sample.beliefs?.round ?? []).enumerated() { places[round] = (places[round]?.lowerBound ?? row)..<row + 1 }
  }

  func rows(_ round: Int) -> Range<Int> { places[round] ?? 0..<0 }
}

public import Diffusion
internal import Traces

/// What another list of rules would have done on one sample of a trace, in two parts that are kept apart.
///
/// `own` is exact: the list decodes by itself, from the first canvas on, for as long as every canvas it reaches is one that the trace's denoiser answers for.
/// `along` is not a decode: on each recorded canvas it says what the list would have revealed there, its memory being that of its own decisions while the
/// canvas follows the recorded ones.
public struct WhatIf: Sendable {
  /// What both did with one canvas.
  public struct Decision: Sendable {
    /// The round's index in the sample.
    public let index: Int
    /// The canvas that was shown.
    public let shown: Canvas
    /// The canvas after the recorded decision; nil after the last recorded round.
    public let recorded: Canvas?
    /// The canvas after the other list's decision.
    public let other: Canvas
    /// The other list's edits.
    public let edits: [Edit]

    /// Whether both decided the same.
    public var agrees: Bool { recorded.map { $0.response == other.response && $0.slots == other.slots } ?? false }

    /// What became of the shown canvas: positions with a new token, and those masked again.
    public func changes(_ after: Canvas) -> (revealed: [Int: Token], remasked: [Int]) {
      var tokens: [Slot: Token] = [:]
      for (slot, token) in zip(after.slots, after.response) { tokens[slot] = token }
      var changes = (revealed: [Int: Token](), remasked: [Int]())
      for (position, before) in shown.response.enumerated() {
        guard let token = tokens[shown.slots[position]], token != before else { continue }
        if token == shown.vocabulary.mask { changes.remasked.append(position) } else { changes.revealed[position] = token }
      }
      return changes
    }
  }

  /// Why the exact part ends.
  public enum Ending: Sendable, Hashable {
    /// Its response is complete.
    case complete
    /// Its next canvas was never shown to the model.
    case unseen
    /// A rule wants to know what the trace does not record, or made a mistake; in words.
    case failed(String)
    /// It was told to stop.
    case stopped
  }

  /// How many positions were revealed by whom, over the rounds along the record.
  public struct Counts: Sendable, Hashable {
    /// Rounds in which both decided the same.
    public var rounds = 0
    /// Positions that both revealed with the same token.
    public var both = 0
    /// Positions that both revealed, with different tokens.
    public var otherToken = 0
    /// Positions that only the record revealed.
    public var onlyRecorded = 0
    /// Positions that only the other list revealed.
    public var onlyOther = 0
  }

  /// The sample's problem.
  public let problem: String
  /// Rounds that the trace records.
  public let rounds: Int
  /// Rounds that the list decided by itself: exact.
  public private(set) var own: [Decision] = []
  /// Why the exact part ends.
  public private(set) var ending = Ending.stopped
  /// Its decisions on the recorded canvases: not a decode.
  public private(set) var along: [Decision] = []
  /// Why `along` ends before the last recorded round; nil if it does not.
  public private(set) var alongFault: String?

  /// The round in which the two first decided differently; nil if they never did.
  public var parting: Decision? { own.first { !$0.agrees } }

  /// What a rule wanted to know and was not told, or its mistake; nil if there was none.
  public var fault: String? { if case .failed(let reason) = ending { reason } else { alongFault } }

  /// Agreement along the record.
  public var counts: Counts {
    var counts = Counts()
    for decision in along {
      if decision.agrees { counts.rounds += 1 }
      guard let recorded = decision.recorded else { continue }
      let (mine, theirs) = (decision.changes(recorded).revealed, decision.changes(decision.other).revealed)
      for position in Set(mine.keys).union(theirs.keys) {
        switch (mine[position], theirs[position]) {
        case (let a?, let b?): if a == b { counts.both += 1 } else { counts.otherToken += 1 }
        case (nil, _): counts.onlyOther += 1
        case (_, nil): counts.onlyRecorded += 1
        }
      }
    }
    return counts
  }

  /// Asks a list of rules.
  ///
  /// - Parameters:
  ///   - denoiser: a tape of the sample, or the model that made the trace.
  ///   - holds: whether the denoiser answers for a canvas.
  ///   - shouldContinue: asked before every round.
  public init(
    _ session: TraceSession, _ index: Int, _ pipeline: Pipeline, canvases: [Canvas], on denoiser: any Denoiser, holds: (Canvas) -> Bool,
    while shouldContinue: () -> Bool = { true }
  ) throws(ConfigurationError) {
    problem = session.samples[index].problem
    rounds = session.samples[index].rounds.count
    let start = try session.session(index, pipeline)
    decide(start, canvases, denoiser, holds, shouldContinue)
    follow(start, canvases, denoiser, shouldContinue)
  }

  private mutating func decide(_ start: Session, _ canvases: [Canvas], _ denoiser: any Denoiser, _ holds: (Canvas) -> Bool, _ go: () -> Bool) {
    var canvas = start.canvas
    var isStopped = false
    let outcome = Decoder(denoiser).decode(
      [start],
      record: { _, round in
        // Compared while both are on the same canvas; afterwards there is nothing to compare with.
        let isShared = canvases.indices.contains(round.index + 1) && canvases[round.index].response == round.shown.response
        let recorded = isShared ? canvases[round.index + 1] : nil
        own.append(Decision(index: round.index, shown: round.shown, recorded: recorded, other: round.canvas, edits: round.edits))
        canvas = round.canvas
      },
      while: {
        isStopped = !go()
        return !isStopped && holds(canvas)
      })[0]
    switch outcome {
    case .finished: ending = .complete
    case .failed(_, let error): ending = .failed(error.description)
    case nil: ending = isStopped ? .stopped : .unseen
    }
  }

  private mutating func follow(_ start: Session, _ canvases: [Canvas], _ denoiser: any Denoiser, _ go: () -> Bool) {
    var session = start
    // A decode ends with every round here; what a cache holds goes along.
    let model = Unforgetting(base: denoiser)
    defer { denoiser.forget(session: start.id) }
    for round in 0..<rounds where go() {
      session.move(to: canvases[round])
      var decided: (Session, Round)?
      let outcome = Decoder(model).decode([session], record: { decided = ($0, $1) }, while: { decided == nil })[0]
      guard let (next, made) = decided else {
        if case .failed(_, let error)? = outcome { alongFault = error.description }
        return
      }
      along.append(Decision(index: round, shown: canvases[round], recorded: canvases[round + 1], other: made.canvas, edits: made.edits))
      session = next
    }
  }
}

/// A denoiser whose states outlive a decode.
private struct Unforgetting: Denoiser {
  let base: any Denoiser
  var vocabulary: Vocabulary { base.vocabulary }
  var abilities: Abilities { base.abilities }
  var maxLength: Int { base.maxLength }
  func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] { try base.believe(queries) }
  func settle(_ survivals: [Survival]) { base.settle(survivals) }
  func forget(session: Int) {}
}

/// A run's own list of rules with something changed.
public enum StrategyChange {
  /// The list without rules, and with settings changed.
  ///
  /// - Parameters:
  ///   - without: names of rules.
  ///   - set: changes as `rule.key=value`.
  public static func apply(to list: Setting, without: [String], set: [String]) throws(ConfigurationError) -> Setting {
    guard case .list(var rules) = list.value else { throw .wrongKind(key: "strategy", found: list.kind, expected: "a list of rules") }
    for name in without {
      let place = try place(of: name, in: rules)
      rules.remove(at: place)
    }
    guard !rules.isEmpty else { throw .composition("without \(without.joined(separator: ", ")) no rule is left") }
    for change in set {
      guard let equals = change.firstIndex(of: "="), let dot = change[..<equals].firstIndex(of: ".") else {
        throw .outOfRange(key: "--set", value: change, expected: "rule.key=value, as threshold.confidence=0.8")
      }
      let (name, key) = (String(change[..<dot]), String(change[change.index(after: dot)..<equals]))
      let value: Setting
      // Its line would be one of the command line.
      do { value = Setting(try YAML.parse(String(change[change.index(after: equals)...])).value) } catch { throw error.at(path: "--set \(change)") }
      let place = try place(of: name, in: rules)
      guard case .map(let entries)? = rules[place][name]?.value, entries.contains(where: { $0.key == key }) else {
        guard case .map(let entries)? = rules[place][name]?.value else { throw .unknownKey(key: key, owner: name, known: []) }
        throw .unknownKey(key: key, owner: name, known: entries.map(\.key))
      }
      rules[place] = Setting(.map([Setting.Entry(name, Setting(.map(entries.map { $0.key == key ? Setting.Entry(key, value) : $0 })))]))
    }
    return Setting(.list(rules))
  }

  private static func place(of name: String, in rules: [Setting]) throws(ConfigurationError) -> Int {
    let places = rules.indices.filter { rules[$0][name] != nil }
    guard let place = places.first else {
      let known = rules.flatMap { rule in if case .map(let entries) = rule.value { entries.map(\.key) } else { [String]() } }
      throw .unknownName(name: name, kind: "rule in the run's list", known: known)
    }
    guard places.count == 1 else { throw .composition("the run's list has \(name) \(places.count) times; give the whole list with --what-if") }
    return place
  }
}

internal import Diffusion

/// What is worth knowing before a trace is relied on: none of it is a fault, all of it limits what may be said with the trace.
struct TraceAdvice {
  /// One sentence each, the gravest first.
  let lines: [String]

  init(_ trace: Trace) {
    var lines: [String] = []
    func say(_ line: String, if applies: Bool = true) { if applies { lines.append(line) } }
    let own = trace.attributes
    if let fault = trace.validate(limit: 1).first { lines.append("not valid (`trace validate` lists everything): \(fault)") }
    say("the run was not at its end: samples may be missing", if: own.status == .started)
    switch own.timing {
    case .exclusive: break
    case .shared: say("samples shared the machine, or the run was resumed: its seconds are no speed")
    case nil: say("nobody said whether samples shared the machine: its seconds are no speed")
    }
    say("level none: costs and responses only; nothing can be replayed", if: own.level == TraceLevel.none.name)
    say("level edits: another strategy can be tried on it only with the model; `trace: beliefs` records what that needs", if: own.level == "edits")
    say("no vocabulary is named: tokens are not checked, and end tokens are not told apart", if: own.vocabulary == nil)
    let samples: [SampleTrace]
    do { samples = try trace.samples() } catch {
      self.lines = lines
      return
    }
    let repeated = samples.count - Set(samples.map { "\($0.problem) \($0.seed)" }).count
    say("\(repeated) samples repeat a problem and seed that came before", if: repeated > 0)
    let unfinished = samples.count { !$0.isComplete }
    say("\(unfinished) of \(samples.count) samples reached max_rounds before their end: they count as wrong", if: unfinished > 0)
    lines += Self.rounds(samples) + Self.edits(samples)
    if let end = own.vocabulary?.end { lines += Self.ends(samples, end) }
    self.lines = lines
  }

  private static func rounds(_ samples: [SampleTrace]) -> [String] {
    let rounds = samples.flatMap(\.rounds)
    var lines: [String] = []
    let passed = rounds.count { $0.kind == .passed }
    if passed > 0 { lines.append("\(passed) of \(rounds.count) rounds changed nothing on purpose (passes)") }
    let refreshed = rounds.count { $0.kind == .refresh }
    if refreshed > 0 { lines.append("\(refreshed) of \(rounds.count) rounds refreshed a cache") }
    if !rounds.isEmpty, rounds.allSatisfy({ $0.cost.positions == 0 }) { lines.append("positions were not counted: rounds are the only cost") }
    return lines
  }

  private static func edits(_ samples: [SampleTrace]) -> [String] {
    let edits = samples.flatMap { $0.edits.map(\.edit) }.filter { $0.branch == Edit.main }
    var lines: [String] = []
    func count(_ what: String, _ matches: (Edit) -> Bool) {
      let number = edits.count(where: matches)
      if number > 0 { lines.append("\(number) of \(edits.count) edits \(what)") }
    }
    count("took a token back (remasks)") { $0.kind == .remask }
    count("put a token in another's place") { $0.kind == .replace }
    count("changed the length of a response") { $0.kind == .insertMask || $0.kind == .delete }
    count("are the progress clause's: no rule revealed anything in that round") { $0.author == "progress" }
    count("have no confidence: the row was not read, or the trace was imported") { $0.confidence.isNaN }
    return lines
  }

  /// End tokens that overflow: responses that are nothing else, and rounds spent on them.
  private static func ends(_ samples: [SampleTrace], _ end: Token) -> [String] {
    var lines: [String] = []
    let positions = samples.reduce(0) { $0 + $1.response.count }
    let ends = samples.reduce(0) { $0 + $1.response.count { $0 == end } }
    if ends * 2 > positions { lines.append("\(ends) of \(positions) response positions are end tokens: a shorter gen_length would cost less") }
    let empty = samples.count { $0.response.first == end && !$0.pinned.contains(true) }
    if empty > 0 { lines.append("\(empty) of \(samples.count) responses begin with an end token: the answer is empty") }
    let open = samples.count { $0.isComplete && !$0.response.contains(end) }
    if open > 0 { lines.append("\(open) of \(samples.count) responses have no end token: the answer may be cut off") }
    let late = samples.count { sample in
      guard let first = sample.response.firstIndex(of: end) else { return false }
      return sample.response[first...].contains { $0 != end }
    }
    if late > 0 { lines.append("\(late) of \(samples.count) responses go on after their first end token; answers stop there") }
    let (spent, all) = samples.reduce((0, 0)) { sum, sample in
      var onlyEnds: [Int: Bool] = [:]
      for recorded in sample.edits where recorded.edit.branch == Edit.main {
        onlyEnds[recorded.round] = onlyEnds[recorded.round] != false && recorded.edit.token == end
      }
      return (sum.0 + onlyEnds.values.count(where: \.self), sum.1 + sample.rounds.count)
    }
    if spent > 0 { lines.append("\(spent) of \(all) rounds revealed nothing but end tokens") }
    return lines
  }
}

internal import Diffusion

/// Where the time went, in the trace-event form of Chrome: opens in ui.perfetto.dev and about:tracing.
///
/// A bar per sample, in it one per round, in that the model (`forward`) and the rules (`decide`); and the number of masks left as a curve. A trace holds
/// durations and no starting times, so the bars are laid end to end; what lies between rounds is not shown.
package enum TimelineFormat: TraceFormat {
  package static let name = "chrome"
  package static let summary = "where time went, for ui.perfetto.dev and about:tracing"

  package static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError) {
    let own = trace.attributes
    let about: Setting = [
      "run": Setting(.text(own.runDigest)), "model": Setting(.text(own.modelDigest)), "timing": Setting(own.timing.map { .text($0.rawValue) } ?? .null),
      "note": "durations as measured, laid end to end: a trace holds no starting times",
    ]
    try out("{\"displayTimeUnit\":\"ms\",\"otherData\":\(about.json),\"traceEvents\":[\n")
    try out(#"{"ph":"M","pid":1,"tid":1,"name":"process_name","args":{"name":"unmask"}}"#)
    var now = 0
    for sample in try trace.samples(of: request.sample) {
      let start = now
      for (index, round) in sample.rounds.enumerated() {
        let (forward, decide) = (nanoseconds(round.forwardSeconds), nanoseconds(round.decideSeconds))
        let about: Setting = [
          "kind": Setting(.integer(Int(round.kind.rawValue))), "masked": Setting(.integer(round.masked)), "canvases": Setting(.integer(round.cost.canvases)),
          "positions": Setting(.integer(round.cost.positions)), "logit_rows": Setting(.integer(round.cost.logitRows)),
        ]
        try out(bar("round \(index)", now, forward + decide, about))
        try out(bar("forward", now, forward))
        try out(bar("decide", now + forward, decide))
        try out(",\n{\"ph\":\"C\",\"pid\":1,\"name\":\"masked\",\"ts\":\(microseconds(now)),\"args\":{\"masked\":\(round.masked)}}")
        now += forward + decide
      }
      if sample.rounds.isEmpty { now += nanoseconds(sample.seconds) }
      let about: Setting = [
        "seed": Setting(.integer(sample.seed)), "correct": Setting(.integer(sample.correct)), "rounds": Setting(.integer(sample.roundCount)),
        "answer_tokens": Setting(.integer(sample.answerTokens)),
      ]
      try out(bar(sample.problem, start, now - start, about))
    }
    try out("\n]}\n")
  }

  private static func bar(_ name: String, _ start: Int, _ duration: Int, _ about: Setting? = nil) -> String {
    ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\(Setting.quoted(name)),\"ts\":\(microseconds(start)),\"dur\":\(microseconds(duration))"
      + (about.map { ",\"args\":\($0.json)" } ?? "") + "}"
  }

  /// A time in whole nanoseconds, so that bars end exactly where others begin; 0 where it is none, and an hour at most.
  private static func nanoseconds(_ seconds: Double) -> Int { seconds > 0 ? Int(min(seconds, 3600) * 1e9) : 0 }

  /// The unit of the form, with three decimals.
  private static func microseconds(_ nanoseconds: Int) -> String {
    let rest = "\(nanoseconds % 1000)"
    return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }
}

internal import Diffusion

extension SampleTrace {
  /// For every position of the response, the round at which the token that stayed there was written; -1 where it was given with the problem.
  ///
  /// - Throws: `.missing` where no rounds were recorded, `.damaged` if an edit does not fit the canvas it meets.
  package func stepMap() throws(TraceError) -> [Int] {
    try checkRounds()
    var cells = ReplayCanvas(self)
    var steps = Array(repeating: -1, count: initial.count)
    for recorded in edits where recorded.edit.branch == Edit.main {
      let edit = recorded.edit
      if let fault = cells.apply(edit) {
        throw .damaged(path: "sample `\(problem)`", place: "round \(recorded.round + 1), position \(edit.position)", reason: fault)
      }
      switch edit.kind {
      case .reveal, .replace: steps[edit.position] = recorded.round
      case .remask: steps[edit.position] = -1
      case .insertMask: steps.insert(-1, at: edit.position)
      case .delete: steps.remove(at: edit.position)
      }
    }
    return steps
  }
}

/// Step maps: for every token of a response the round that wrote it, as TraceRL trains on them and others' servers return them.
///
/// A JSON array with one sample per line: `token_ids` and `step_map` of equal length, rounds counted from 0 and -1 for tokens given with the problem, `prompt_ids`,
/// `rounds`, `reward` (1, 0, or null if not graded), and with a tokenizer `prompt` and `response` as text. A position that was revoked has its last round.
package enum StepMapFormat: TraceFormat {
  package static let name = "step-map"
  package static let summary = "JSON, for every token the round that wrote it"

  package static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError) {
    try out("[")
    for (index, sample) in try trace.samples(of: request.sample).enumerated() {
      try out((index == 0 ? "\n" : ",\n") + record(sample, request).json)
    }
    try out("\n]\n")
  }

  private static func record(_ sample: SampleTrace, _ request: TraceExport.Request) throws(TraceError) -> Setting {
    var entries = [Setting.Entry("problem", Setting(.text(sample.problem))), Setting.Entry("seed", Setting(.integer(sample.seed)))]
    if let text = request.text {
      entries.append(Setting.Entry("prompt", Setting(.text(text(sample.prompt)))))
      entries.append(Setting.Entry("response", Setting(.text(text(sample.response.filter { $0 >= 0 })))))
    }
    entries.append(Setting.Entry("prompt_ids", list(sample.prompt.map(Int.init))))
    entries.append(Setting.Entry("token_ids", list(sample.response.map(Int.init))))
    entries.append(Setting.Entry("step_map", list(try sample.stepMap())))
    entries.append(Setting.Entry("rounds", Setting(.integer(sample.roundCount))))
    entries.append(Setting.Entry("reward", Setting(sample.correct < 0 ? .null : .integer(sample.correct))))
    return Setting(.map(entries))
  }

  private static func list(_ values: [Int]) -> Setting { Setting(.list(values.map { Setting(.integer($0)) })) }
}

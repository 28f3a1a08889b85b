internal import Diffusion
internal import Foundation
internal import Traces

/// A finished sample as a run keeps it.
struct KeptSample: Sendable {
  let outcome: Outcome
  var trace: SampleTrace
  /// Place of the problem in its split.
  let number: Int
  let level: TraceLevel
  /// Whether nothing else was in flight, so that its seconds are a speed.
  let isAlone: Bool

  /// What the journal holds beside the trace.
  private struct Note: Codable {
    let outcome: Outcome
    let number: Int
    let level: String
    let isAlone: Bool
  }

  func note() throws(RunError) -> [UInt8] {
    do { return Array(try JSONEncoder().encode(Note(outcome: outcome, number: number, level: level.name, isAlone: isAlone))) } catch {
      throw .encoding("\(error)")
    }
  }

  /// A journal's entry; nil if it is not one of this program's.
  init?(_ entry: Journal.Entry) {
    let note: Note
    do { note = try JSONDecoder().decode(Note.self, from: Data(entry.outcome)) } catch { return nil }
    guard let level = TraceLevel(note.level) else { return nil }
    self.init(outcome: note.outcome, trace: entry.sample, number: note.number, level: level, isAlone: note.isAlone)
  }

  init(outcome: Outcome, trace: SampleTrace, number: Int, level: TraceLevel, isAlone: Bool) {
    self.outcome = outcome
    self.trace = trace
    self.number = number
    self.level = level
    self.isAlone = isAlone
  }

  /// Whether outcome and trace are of the same decode, as far as a trace's summary tells.
  var isConsistent: Bool {
    outcome.rounds == trace.roundCount && outcome.rounds >= 0 && outcome.answerTokens == trace.answerTokens && outcome.correct == (trace.correct == 1)
  }

  /// Whether it records at least what a level asks for.
  func covers(_ other: TraceLevel) -> Bool { level.rank >= other.rank }

  /// Whether it is one of those that a plan asks for, recorded as it asks.
  func isDone(of plan: RunPlan) -> Bool { number < plan.selection.limit && covers(plan.trace) }
}

extension [String: KeptSample] {
  /// Adds a sample, unless one that records more is there.
  mutating func keep(_ sample: KeptSample) {
    if let old = self[sample.outcome.problem], old.level.rank > sample.level.rank { return }
    self[sample.outcome.problem] = sample
  }

  /// What new samples record: what the plan asks for, or what is there where that is more, so that nothing has to be thrown away.
  func level(for plan: RunPlan) -> TraceLevel {
    values.map(\.level).filter { $0.rank >= plan.trace.rank }.min { $0.rank < $1.rank } ?? plan.trace
  }
}

extension TraceLevel {
  /// Levels in order of how much they record.
  var rank: Int {
    switch self {
    case .none: 0
    case .edits: 1
    case .beliefs(let candidates): 1 + candidates
    case .fidelity(let candidates): 1 << 32 + candidates
    }
  }
}

extension SampleTrace {
  /// The sample with no more than a level records.
  func limited(to level: TraceLevel) -> SampleTrace {
    var copy = self
    if !level.isMetered { for index in copy.rounds.indices { copy.rounds[index].divergence = nil } }
    if level.candidates > 0 { return copy }
    copy.beliefs = nil
    if level == .none {
      copy.rounds = []
      copy.edits = []
    }
    return copy
  }
}

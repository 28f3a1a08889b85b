internal import Diffusion
internal import Foundation
internal import Models
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

  /// Whether it records at least what a level asks for.
  func covers(_ other: TraceLevel) -> Bool { level.rank >= other.rank }

  /// Whether it is one of those that a plan asks for, recorded as it asks.
  func isDone(of plan: RunPlan) -> Bool { number < plan.selection.limit && covers(plan.trace) }
}

extension TraceLevel {
  /// Levels in order of how much they record.
  var rank: Int {
    switch self {
    case .none: 0
    case .edits: 1
    case .beliefs(let candidates): 1 + candidates
    }
  }
}

/// The files of one run: `run.yaml`, `outcomes.jsonl`, `trace.h5`, and a journal while it is at work.
struct RunFiles {
  let directory: String
  private let digest: String

  init(_ directory: String, digest: String) {
    self.directory = directory
    self.digest = digest
  }

  private var configFile: String { directory + "/run.yaml" }
  private var outcomesFile: String { directory + "/outcomes.jsonl" }
  private var traceFile: String { directory + "/trace.h5" }
  private var journalFile: String { directory + "/journal" }

  /// Whether both results are there.
  var areComplete: Bool { exists(outcomesFile) && exists(traceFile) }

  /// Makes the folder and writes `run.yaml`, or refuses a folder that holds another run.
  func prepare(_ config: Setting) throws(RunError) {
    do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
      throw .file(path: directory, reason: "cannot be made: " + YAML.reason(error))
    }
    if exists(configFile) {
      let found: Setting
      do { found = try YAML.read(file: configFile) } catch { throw .configuration(error) }
      if let difference = Self.difference(config, found) { throw .mismatch(run: configFile, difference: difference) }
    } else {
      let text: String
      do { text = try YAML.write(config) } catch { throw .configuration(error) }
      try write(Array(text.utf8), to: configFile)
    }
  }

  /// Holds the run for this process, and clears away what a killed one left half-written.
  func openJournal() throws(RunError) -> Journal {
    let journal: Journal
    do { journal = try Journal(journalFile, runDigest: digest) } catch { throw .trace(error) }
    DurableFile.sweep(directory, of: ["run.yaml", "outcomes.jsonl", "trace.h5"])
    return journal
  }

  func append(_ sample: KeptSample, to journal: Journal) throws(RunError) {
    let note = try sample.note()
    do { try journal.append(sample.trace, outcome: note) } catch { throw .trace(error) }
  }

  /// How much of the samples in `trace.h5` is read.
  enum Extent {
    /// What tells which samples are done, with their outcomes and seconds.
    case summary
    /// Everything: files can be written anew from it.
    case whole
  }

  /// Every finished sample by problem: those of the finished files, and over them those of the journal.
  ///
  /// - Parameter journal: the journal if this process holds it; else whatever it holds at the moment.
  func kept(_ extent: Extent, _ journal: Journal? = nil) throws(RunError) -> [String: KeptSample] {
    var kept: [String: KeptSample] = [:]
    do throws(TraceError) {
      if areComplete { for sample in try finished(extent) { kept[sample.outcome.problem] = sample } }
      let entries: [Journal.Entry]
      if let journal { entries = journal.entries } else { entries = try Journal.peek(journalFile, runDigest: digest) }
      for sample in entries.compactMap(KeptSample.init) { kept[sample.outcome.problem] = sample }
    } catch { throw .trace(error) }
    return kept
  }

  /// What a person should know of a journal, one sentence each: finished samples that are lost and will be decoded again.
  func remarks(on journal: Journal, missing: [String]) -> [String] {
    var remarks: [String] = []
    if !journal.damage.isEmpty {
      let places = journal.damage.map { "\($0.lowerBound) to \($0.upperBound)" }.joined(separator: ", ")
      let named = missing.filter(Set(journal.damagedProblems).contains)
      let what = named.isEmpty ? "the samples it held there are" : named.joined(separator: ", ") + (named.count == 1 ? " is" : " are")
      remarks.append("\(journalFile): damaged at bytes \(places); \(what) decoded again")
    }
    let foreign = journal.entries.count { KeptSample($0) == nil }
    if foreign > 0 { remarks.append("\(journalFile): \(foreign) samples of another version of this program are decoded again") }
    return remarks
  }

  /// The samples of `trace.h5`, each with its line of `outcomes.jsonl`; a sample without its line is decoded again.
  private func finished(_ extent: Extent) throws(TraceError) -> [KeptSample] {
    var trace = try extent == .whole ? TraceFile.read(traceFile) : TraceFile.summary(traceFile)
    let samples: [SampleTrace]
    if extent == .summary, trace.seal == .whole {
      samples = try trace.summaries()
    } else {
      // A file that is not as it was written may be damaged anywhere.
      if extent == .summary { trace = try TraceFile.read(traceFile) }
      if let fault = trace.validate(limit: 1).first { throw .damaged(path: traceFile, place: "/\(fault.table)", reason: fault.message) }
      samples = try trace.samples()
    }
    guard trace.attributes.runDigest == digest else { throw .otherRun(path: traceFile, expected: digest, found: trace.attributes.runDigest) }
    let outcomes = try outcomes()
    let level = TraceLevel(trace.attributes.level, candidates: trace.candidates) ?? .none
    return samples.enumerated().compactMap { index, sample in
      outcomes[sample.problem].map {
        KeptSample(outcome: $0, trace: sample, number: index, level: level, isAlone: trace.attributes.timing == .exclusive)
      }
    }
  }

  /// The lines of `outcomes.jsonl` by problem.
  private func outcomes() throws(TraceError) -> [String: Outcome] {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(fileURLWithPath: outcomesFile)) } catch { throw .unreadable(path: outcomesFile, reason: YAML.reason(error)) }
    var outcomes: [String: Outcome] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let outcome = Outcome(line: line) else { continue }
      outcomes[outcome.problem] = outcome
    }
    return outcomes
  }

  /// Turns samples, in order, into the finished files. Each file is replaced as a whole, and the journal stays until both are there.
  func seal(_ samples: [KeptSample], plan: RunPlan) throws(RunError) {
    // One level for the file: the least that all its samples have.
    let level = samples.map(\.level).min { $0.rank < $1.rank } ?? plan.trace
    let attributes = Trace.Attributes(
      config: plan.config.json, runDigest: digest, modelDigest: plan.model.digest, level: level, vocabulary: plan.model.denoiser.vocabulary,
      timing: samples.allSatisfy(\.isAlone) ? .exclusive : .shared)
    do throws(TraceError) {
      try TraceFile.write(try Trace(attributes: attributes, samples: samples.map { $0.trace.limited(to: level) }), to: traceFile)
    } catch { throw Self.resumable(error) }
    var lines: [UInt8] = []
    for sample in samples { lines += try sample.outcome.line() + [UInt8(ascii: "\n")] }
    try write(lines, to: outcomesFile)
  }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  private func write(_ bytes: [UInt8], to path: String) throws(RunError) {
    do { try DurableFile.replace(path, with: bytes) } catch { throw Self.resumable(error) }
  }

  /// A file that could not be written: the journal still has everything, so the same command goes on.
  private static func resumable(_ error: TraceError) -> RunError {
    if case .unwritable(let path, let reason, _) = error { return .trace(.unwritable(path: path, reason: reason, isResumable: true)) }
    return .trace(error)
  }

  /// The first key in which two configurations differ, in words.
  static func difference(_ wanted: Setting, _ found: Setting, path: String = "") -> String? {
    guard wanted.sorted != found.sorted else { return nil }
    guard case .map(let mine) = wanted.value, case .map(let theirs) = found.value else {
      return "\(path) is \(found.description) there and \(wanted.description) here"
    }
    for key in mine.map(\.key) + theirs.map(\.key) {
      let inner = path.isEmpty ? key : "\(path).\(key)"
      switch (wanted[key], found[key]) {
      case (let a?, let b?): if let difference = difference(a, b, path: inner) { return difference }
      case (nil, let b?): return "\(inner) is \(b.description) there and absent here"
      case (let a?, nil): return "\(inner) is absent there and \(a.description) here"
      case (nil, nil): break
      }
    }
    return nil
  }
}

extension SampleTrace {
  /// The sample with no more than a level records.
  func limited(to level: TraceLevel) -> SampleTrace {
    var copy = self
    if case .beliefs = level { return copy }
    copy.beliefs = nil
    if level == .none {
      copy.rounds = []
      copy.edits = []
    }
    return copy
  }
}

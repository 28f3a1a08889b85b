internal import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// The files of one run: `run.yaml`, `outcomes.jsonl`, `trace.h5`, and journals while it is at work: its own, and one for each part of it that another
/// process or machine decodes.
struct RunFiles: Sendable {
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

  /// The journals of parts, in order of their names.
  private var shardFiles: [String] { names(in: directory).filter { Shard(journal: $0) != nil }.sorted().map { directory + "/" + $0 } }

  /// Whether both results are there.
  var areComplete: Bool { exists(outcomesFile) && exists(traceFile) }

  /// Makes the folder and writes `run.yaml`, or refuses a folder that holds another run.
  func prepare(_ config: Setting) throws(RunError) {
    do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
      throw .file(path: directory, reason: "cannot be made: " + YAML.reason(error))
    }
    if !exists(configFile) {
      let text: String
      do { text = try YAML.write(config) } catch { throw .configuration(error) }
      do throws(RunError) { try write(Array(text.utf8), to: configFile) } catch {
        // Another process may have been quicker.
        if !exists(configFile) { throw error }
      }
    } else {
      let found: Setting
      do { found = try YAML.read(file: configFile) } catch { throw .configuration(error) }
      if let difference = Self.difference(config, found) { throw .mismatch(run: configFile, difference: difference) }
    }
  }

  /// Holds the run for this process, with all that its parts decoded, and clears away what a killed one left half-written.
  ///
  /// - Returns: the run's own journal, and after it those of parts.
  /// - Throws: `.trace(.locked)` if another process holds one of them; then none is held.
  func openJournals() throws(RunError) -> [Journal] {
    do throws(TraceError) {
      var journals = [try Journal(journalFile, runDigest: digest)]
      for file in shardFiles { journals.append(try Journal(file, runDigest: digest)) }
      DurableFile.sweep(directory, of: ["run.yaml", "outcomes.jsonl", "trace.h5"])
      return journals
    } catch { throw .trace(error) }
  }

  /// Holds a part of the run for this process.
  func openJournal(of shard: Shard) throws(RunError) -> Journal {
    do { return try Journal(directory + "/" + shard.journal, runDigest: digest) } catch { throw .trace(error) }
  }

  /// Whether some process is at work on another run of the same experiment.
  var hasCompany: Bool {
    let run = URL(fileURLWithPath: directory)
    return isHeld(anyIn: run.deletingLastPathComponent().path, but: run.lastPathComponent)
  }

  /// Whether some process is at work on another experiment of the same output folder.
  var hasNeighbours: Bool {
    let experiment = URL(fileURLWithPath: directory).deletingLastPathComponent()
    let output = experiment.deletingLastPathComponent().path
    return names(in: output).contains { $0 != experiment.lastPathComponent && isHeld(anyIn: output + "/" + $0, but: nil) }
  }

  /// Whether some process holds a journal of a run in an experiment's folder.
  private func isHeld(anyIn experiment: String, but own: String?) -> Bool {
    names(in: experiment).contains { name in
      guard name != own else { return false }
      let folder = experiment + "/" + name
      return names(in: folder).contains { ($0 == "journal" || Shard(journal: $0) != nil) && Journal.isHeld(folder + "/" + $0) }
    }
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

  /// Every finished sample by problem: those of the finished files, and over them those of the journals.
  ///
  /// - Parameter journals: the journals if this process holds them; else whatever they hold at the moment.
  func kept(_ extent: Extent, _ journals: [Journal]? = nil) throws(RunError) -> [String: KeptSample] {
    var kept: [String: KeptSample] = [:]
    do throws(TraceError) {
      // Journals first: what leaves them meanwhile is in the files by then.
      var entries: [Journal.Entry] = []
      if let journals {
        entries = journals.flatMap(\.entries)
      } else {
        for file in shardFiles + [journalFile] { entries += try Journal.peek(file, runDigest: digest) }
      }
      if areComplete { for sample in try finished(extent) { kept.keep(sample) } }
      for sample in entries.compactMap(KeptSample.init) { kept.keep(sample) }
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
      remarks.append("\(journal.path): damaged at bytes \(places); \(what) decoded again")
    }
    let foreign = journal.entries.count { KeptSample($0) == nil }
    if foreign > 0 { remarks.append("\(journal.path): \(foreign) samples of another version of this program are decoded again") }
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

  /// What a folder holds; nothing where it cannot be read.
  private func names(in folder: String) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { return [] }
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

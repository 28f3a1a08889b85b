public import Diffusion
internal import Foundation
internal import Traces

/// A finished run as its files tell it: what was run, and what came of each problem. Neither model nor catalog is needed to read it.
public struct StoredRun: Sendable {
  /// Where its files are.
  public let directory: String
  /// The experiment's name, which is that of the folder around it.
  public let experiment: String
  /// Its names in the experiment's file, and how many problems were asked for.
  public let entry: RunIndex.Entry
  /// Whether its strategy is the experiment's baseline.
  public let isBaseline: Bool
  /// Every setting that can change the result, as in `run.yaml`.
  public let config: Setting
  /// One outcome per problem, in the order of the problems.
  public let outcomes: [Outcome]
  /// Decoding seconds, one entry per outcome.
  public let seconds: [Double]
  /// Whether every sample was decoded with nothing else in flight, so that its seconds are a speed.
  public let isTimed: Bool

  /// What was found in folders.
  public struct Search: Sendable {
    /// Finished runs, in the order of their experiments' files.
    public var runs: [StoredRun] = []
    /// What a person should know, one sentence each: runs that are not finished, or not part of the experiment any more.
    public var remarks: [String] = []
    /// Runs of an experiment that are left out because a file of theirs is damaged, one sentence each.
    public var damages: [String] = []

    /// What a command that used the others ends with; nil where nothing is damaged.
    public var damage: String? {
      damages.isEmpty ? nil : "\(damages.count) damaged \(damages.count == 1 ? "run is" : "runs are") left out of what is shown"
    }
  }

  /// The runs of experiments' folders, or single runs' folders.
  ///
  /// - Throws: for a folder that holds neither, and for a damaged file of a run that was named. Damaged runs of an experiment are left out and said.
  public static func find(in folders: [String]) throws(RunError) -> Search {
    var search = Search()
    for folder in folders {
      if exists(folder + "/run.yaml") {
        let parent = URL(fileURLWithPath: folder).standardizedFileURL.deletingLastPathComponent().path
        let digest = URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
        let index = try RunIndex.read(from: parent)
        let entry = index?.runs.first { $0.digest == digest }
        guard let run = try StoredRun(folder, digest: digest, entry: entry, index: index) else {
          throw .file(path: folder, reason: "this run is not finished; `unmask run` finishes it")
        }
        search.runs.append(run)
      } else {
        try search.add(experiment: folder)
      }
    }
    return search
  }

  /// Reads a run's folder; nil where it is not finished.
  init?(_ directory: String, digest: String, entry: RunIndex.Entry?, index: RunIndex?) throws(RunError) {
    let files = RunFiles(directory, digest: digest)
    guard files.areComplete else { return nil }
    self.directory = directory
    experiment = index?.experiment ?? URL(fileURLWithPath: directory).standardizedFileURL.deletingLastPathComponent().lastPathComponent
    do { config = try YAML.read(file: directory + "/run.yaml") } catch { throw .configuration(error) }
    guard RunPlan.digest(of: config.sorted.json) == digest else {
      throw .configuration(.damaged("\(directory)/run.yaml: it is not the configuration that the folder is named after; restore it, or remove the folder"))
    }
    let samples = try files.kept(.summary).values.sorted { $0.number < $1.number }
    let names = Self.names(config)
    self.entry =
      entry
      ?? RunIndex.Entry(digest: digest, strategy: names.strategy, setting: "", model: names.model, limit: samples.count)
    isBaseline = entry != nil && entry?.strategy == index?.baseline
    let limit = self.entry.limit
    let mine = samples.filter { $0.number < limit }
    guard mine.count == limit, limit > 0 else { return nil }
    for sample in mine where !sample.isConsistent {
      throw .configuration(
        .damaged("\(directory): outcomes.jsonl and trace.h5 differ on \(sample.outcome.problem); remove the folder and run the experiment again"))
    }
    outcomes = mine.map(\.outcome)
    seconds = mine.map(\.trace.seconds)
    isTimed = mine.allSatisfy(\.isAlone)
  }

  /// Names for a run that no index names: its rules, and the beginning of its model's digest.
  private static func names(_ config: Setting) -> (strategy: String, model: String) {
    var rules: [String] = []
    if case .list(let items)? = config["strategy"]?.value {
      for case .map(let entries) in items.map(\.value) { rules += entries.map(\.key) }
    }
    let model = if case .text(let digest)? = config["model"]?["digest"]?.value { String(digest.prefix(12)) } else { "unknown" }
    return (rules.isEmpty ? "unknown" : rules.joined(separator: "+"), model)
  }

  private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

extension StoredRun.Search {
  /// Adds the runs of an experiment's folder: those its index lists, or all where it has none.
  fileprivate mutating func add(experiment folder: String) throws(RunError) {
    let names: [String]
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .configuration(.unreadable(file: folder, reason: "there is no such folder; expected an experiment's, as results/NAME, or a run's in it"))
    }
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
      throw .configuration(.unreadable(file: folder, reason: YAML.reason(error)))
    }
    let digests = names.filter { $0.utf8.count == 16 && $0.utf8.allSatisfy(RunIndex.isHexadecimal) }
    let index = try RunIndex.read(from: folder)
    let wanted = index?.runs.map(\.digest) ?? digests
    guard !wanted.isEmpty else {
      throw .configuration(.unsupported("\(folder) holds no runs; expected an experiment's folder, as results/NAME, or a run's folder in it"))
    }
    var unfinished = 0
    let entries = index?.runs.map(Optional.some) ?? digests.map { _ in nil }
    for (digest, entry) in zip(wanted, entries) {
      do throws(RunError) {
        if let run = try StoredRun(folder + "/" + digest, digest: digest, entry: entry, index: index) { runs.append(run) } else { unfinished += 1 }
      } catch {
        guard error.isDamage else { throw error }
        damages.append("\(error)")
      }
    }
    if unfinished > 0 { remarks.append("\(folder): \(unfinished) of \(wanted.count) runs are not finished and left out; `unmask run` finishes them") }
    let others = Set(digests).subtracting(wanted).count
    if others > 0 { remarks.append("\(folder): \(others) runs are not part of the experiment as it was last run, and left out") }
  }
}

internal import Diffusion
internal import Foundation
internal import Traces

/// What accepting a check's outcome would change in its suite: to be shown first, then applied.
package struct GoldenRevision: Sendable {
  /// One file of the suite.
  package struct Change: Sendable {
    /// What happens to a file.
    package enum Kind: String, Sendable { case new, changed, removed }

    /// What happens.
    package let kind: Kind
    /// The golden.
    package let golden: Golden
    /// Why, where it is not that it holds no more.
    package let reason: String?
    /// What came of the golden; nil for an edge that was not there.
    package let result: GoldenReport.Result?
    fileprivate let trace: Trace?
    fileprivate let settings: Setting
  }

  /// The changes, in order.
  package private(set) var changes: [Change] = []
  /// Goldens that do not hold and for which there is nothing to put in their place.
  package private(set) var unresolved: [GoldenReport.Result] = []
  /// Goldens whose decisions hang on less than another processor's last digits.
  package private(set) var unsteady: [String] = []

  /// Whether decisions changed that runs of this engine version were made with.
  package private(set) var needsNewEngine = false

  private let check: GoldenCheck

  /// How far logits are moved to see whether decisions hold: several times what another processor's order of sums makes of them.
  private static let unsteadiness: Float = 2e-5

  /// Works out the changes; strategies that changed on the exact model are searched for edges again, which takes a second or two.
  package init(_ report: GoldenReport, _ check: GoldenCheck) throws(RunError) {
    self.check = check
    let manifest = try check.manifest()
    needsNewEngine = report.results.contains { result in
      guard case .different = result.verdict else { return false }
      return manifest.record(result.golden.file)?.engine == RunPlan.engineVersion
    }
    for result in report.results where !result.verdict.isFine {
      if case .extra(let reason) = result.verdict {
        changes.append(Change(kind: .removed, golden: result.golden, reason: reason, result: result, trace: nil, settings: Setting(.null)))
      } else if result.golden.edge != nil {
        continue
      } else if let trace = result.pending {
        var kind = Change.Kind.changed
        if case .missing = result.verdict { kind = .new }
        let settings = try Self.settings(of: trace)
        changes.append(Change(kind: kind, golden: result.golden, reason: nil, result: result, trace: trace, settings: settings))
        if let fault = try steadinessFault(trace, result.golden) { unsteady.append(fault) }
      } else {
        unresolved.append(result)
      }
    }
    try addEdges(report, manifest)
    // What a killed acceptance wrote is in no manifest, and belongs to the suite if it is made again.
    let made = Set(changes.filter { $0.kind != .removed }.map(\.golden.file))
    changes.removeAll { $0.kind == .removed && made.contains($0.golden.file) }
  }

  private static func settings(of trace: Trace) throws(RunError) -> Setting {
    do { return try trace.configuration()["strategy"] ?? Setting(.null) } catch { throw .configuration(error) }
  }

  /// The edges of every strategy that changed on an exact model, against those that are there.
  private mutating func addEdges(_ report: GoldenReport, _ manifest: GoldenManifest) throws(RunError) {
    for model in check.models where model.isExact {
      for strategy in report.strategies {
        if check.suite.bars.contains(where: { $0.name == strategy.name }) { continue }
        // What the suite has no place for any more is removed, whatever it decides.
        let mine = strategy.results.filter { result in
          if case .extra = result.verdict { return false }
          return result.golden.model == model.name
        }
        guard mine.contains(where: { !$0.verdict.isFine }), let standing = mine.first(where: { $0.golden.edge == nil }) else { continue }
        // A strategy that cannot be decoded keeps what it has.
        if unresolved.contains(where: { $0.golden == standing.golden }) { continue }
        let old = manifest.records.filter { $0.strategy == strategy.name && $0.model == model.name && $0.edge != nil }
        let fresh = try edges(of: standing.golden, model)
        for (golden, trace, settings) in fresh {
          let result = mine.first { $0.golden.file == golden.file }
          if let result, result.verdict.isFine { continue }
          let reason = "where decisions change: \(golden.edge ?? "")"
          changes.append(Change(kind: result == nil ? .new : .changed, golden: golden, reason: reason, result: result, trace: trace, settings: settings))
        }
        let files = Set(fresh.map(\.golden.file))
        for record in old where !files.contains(record.file) {
          let reason = "decisions change elsewhere now"
          changes.append(Change(kind: .removed, golden: Golden(record), reason: reason, result: nil, trace: nil, settings: Setting(.null)))
        }
      }
    }
  }

  /// Edges with their decodes. Transforms get none, as what they add to logits differs in the last digit between machines; wrappers' numbers are their bases'.
  private func edges(of golden: Golden, _ model: GoldenModel) throws(RunError) -> [(golden: Golden, trace: Trace, settings: Setting)] {
    let blank = try check.decoder.blank(golden, model, level: .edits)
    guard let standing = try check.decoder.decode(blank, golden.rules, model), case .list(let rules) = standing.settings.value else { return [] }
    let roles = rules.compactMap { rule -> Role? in
      guard case .map(let entries) = rule.value, let name = entries.first?.key else { return nil }
      return check.decoder.catalog.entries.first { $0.name == name }?.role
    }
    guard roles.allSatisfy({ $0 != .transform && $0 != .wrapper }) else { return [] }
    let decode = { (rules: Setting) -> GoldenDecoder.Decoded? in
      do throws(RunError) { return try check.decoder.decode(blank, rules, model) } catch { return nil }
    }
    return GoldenEdgeFinder(decode: decode).edges(of: standing.settings).compactMap { edge in
      decode(edge.rules).map { (Golden(golden, edge: edge), $0.trace, $0.settings) }
    }
  }

  /// Which sample decides otherwise when logits move a little; nil if none does.
  private func steadinessFault(_ trace: Trace, _ golden: Golden) throws(RunError) -> String? {
    guard let model = check.models.first(where: { $0.name == golden.model }), !model.isExact, model.denoiser.abilities.contains(.fullRows) else { return nil }
    let recorded: [SampleTrace]
    do { recorded = try trace.samples() } catch { throw .trace(error) }
    for seed in 0..<UInt64(2) {
      let other = GoldenModel(model) { UnsteadyDenoiser($0, amplitude: Self.unsteadiness, seed: seed) }
      guard let fresh = try check.decoder.decode(trace, golden.rules, other) else { return nil }
      for (old, new) in zip(recorded, fresh.samples) {
        guard let place = zip(old.edits, new.edits).first(where: { GoldenDecision($0) != GoldenDecision($1) }) else { continue }
        return "\(golden.file): a decision hangs on less than \(Self.unsteadiness) of a logit (\(old.problem), round \(place.0.round + 1)); "
          + "another processor may decide otherwise"
      }
    }
    return nil
  }

  /// Applies the changes. Each file is replaced as a whole and the manifest last: killed in between, a suite has files that its manifest does not know, which
  /// the next check names.
  package func apply() throws(RunError) {
    let suite = check.suite
    var records = try check.manifest().records
    for change in changes {
      records.removeAll { $0.file == change.golden.file }
      guard let trace = change.trace, let model = check.models.first(where: { $0.name == change.golden.model }) else { continue }
      let path = suite.folder + "/" + change.golden.file
      try GoldenFile.write(trace, to: path)
      let digest: String
      do { digest = GoldenManifest.digest(of: try GoldenFile.read(path)) } catch { throw .trace(error) }
      records.append(
        GoldenManifest.Record(
          file: change.golden.file, digest: digest, strategy: change.golden.strategy, model: model.name, modelDigest: model.digest,
          engine: RunPlan.engineVersion, settings: change.settings, edge: change.golden.edge))
    }
    do { try GoldenManifest(records).write(to: suite.folder) } catch { throw .trace(error) }
    for change in changes where change.kind == .removed { try remove(suite.folder + "/" + change.golden.file) }
    try remove(suite.folder + "/" + GoldenCheck.pending)
    try tidy()
  }

  /// Removes what acceptances that were killed left half written, and folders that became empty.
  private func tidy() throws(RunError) {
    let folder = check.suite.folder
    DurableFile.sweep(folder, of: [GoldenManifest.fileName])
    for (name, goldens) in Dictionary(grouping: changes.map { $0.golden.file.split(separator: "/").map(String.init) }, by: \.[0]) {
      let path = folder + "/" + name
      DurableFile.sweep(path, of: goldens.compactMap(\.last))
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { continue }
      do {
        if try FileManager.default.contentsOfDirectory(atPath: path).isEmpty { try FileManager.default.removeItem(atPath: path) }
      } catch { throw .file(path: path, reason: YAML.reason(error)) }
    }
  }

  private func remove(_ path: String) throws(RunError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch { throw .file(path: path, reason: "cannot be removed: " + YAML.reason(error)) }
  }
}

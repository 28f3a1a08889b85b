package import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// Decodes a suite's goldens again and says which still hold. A check needs the goldens and the models, and no generator of problems.
package struct GoldenCheck: Sendable {
  /// The folder, inside the suite's, that keeps what would take the place of a golden that does not hold.
  package static let pending = "pending"

  /// The suite's folder.
  package var folder: String { suite.folder }

  let suite: GoldenSuite
  let decoder: GoldenDecoder
  let models: [GoldenModel]
  private let entries: [GoldenSuite.Entry]
  private let only: String?
  private let model: String?

  /// Loads a suite's models.
  ///
  /// - Parameters:
  ///   - only: a strategy of the suite; nil for all.
  ///   - model: a model of the suite; nil for all.
  package init(_ suite: GoldenSuite, catalog: Catalog, benchmarks: BenchmarkCatalog, only: String? = nil, model: String? = nil) throws(ConfigurationError) {
    self.suite = suite
    decoder = GoldenDecoder(suite: suite, catalog: catalog, benchmarks: benchmarks)
    let all = suite.entries(catalog)
    if let twice = (suite.cached + suite.bars).first(where: { entry in all.count { $0.name == entry.name } > 1 }) {
      throw .composition("two strategies of the suite are called `\(twice.name)`, and their goldens would have one name")
    }
    if let only, !all.contains(where: { $0.name == only }) {
      throw .unknownName(name: only, kind: "strategy in the suite", known: all.map(\.name))
    }
    if let model, !suite.models.contains(model) { throw .unknownName(name: model, kind: "model in the suite", known: suite.models) }
    entries = all.filter { only == nil || $0.name == only }
    models = try suite.models.filter { model == nil || $0 == model }.map { (name) throws(ConfigurationError) in try GoldenModel(name) }
    (self.only, self.model) = (only, model)
    if let twice = models.map(\.label).first(where: { label in models.count { $0.label == label } > 1 }) {
      throw .composition("two models of the suite are called `\(twice)`, and their goldens would have one name")
    }
  }

  /// Checks the goldens one by one.
  ///
  /// - Parameters:
  ///   - keepsPending: whether what would take a golden's place is left in the suite's folder.
  ///   - begin: told how many there are.
  ///   - advance: called after each.
  ///   - shouldContinue: asked before every model call; false stops in good order.
  /// - Throws: what concerns the suite as a whole: a manifest that cannot be read.
  package func run(
    keepsPending: Bool = true, begin: (Int) -> Void = { _ in }, advance: () -> Void = {}, while shouldContinue: () -> Bool = { true }
  ) throws(RunError) -> GoldenReport {
    let manifest = try manifest()
    let wanted = wanted(manifest)
    begin(wanted.count)
    // A folder that takes nothing keeps nobody from seeing what is different.
    var refusal: RunError?
    if keepsPending { do throws(RunError) { try clearPending() } catch { refusal = error } }
    var results: [GoldenReport.Result] = []
    var isStopped = false
    for golden in wanted {
      guard let model = models.first(where: { $0.name == golden.model }) else { continue }
      let clock = ContinuousClock()
      let started = clock.now
      guard let (verdict, pending) = try judge(golden, manifest, model, while: shouldContinue) else {
        isStopped = true
        break
      }
      let seconds = (clock.now - started) / .seconds(1)
      results.append(GoldenReport.Result(golden: golden, verdict: verdict, seconds: seconds, text: text(model), pending: pending))
      if let pending, keepsPending, refusal == nil { do throws(RunError) { try write(pending, golden) } catch { refusal = error } }
      advance()
    }
    if !isStopped { results += extras(manifest, wanted) }
    return GoldenReport(
      suite: suite, models: models.map { ($0.name, $0.digest) }, results: results, modelChanges: changes(manifest, wanted),
      lostManifest: lostManifest(), pendingFault: refusal.map { "\($0)" }, isStopped: isStopped)
  }

  /// What is to be said of goldens whose manifest is gone.
  private func lostManifest() -> String? {
    let (path, count) = (suite.folder + "/" + GoldenManifest.fileName, onDisk().count)
    guard count > 0, !FileManager.default.fileExists(atPath: path) else { return nil }
    return "\(path) is missing, and no golden holds without it: \(count) are there, and nothing says that they are those that were recorded"
  }

  /// What the suite's folder lists; empty where nothing was recorded yet.
  func manifest() throws(RunError) -> GoldenManifest {
    do { return try GoldenManifest(folder: suite.folder) ?? GoldenManifest() } catch { throw .configuration(error) }
  }

  // MARK: What belongs to the suite

  /// Every strategy on every model and benchmark, and the edges that were found when these were recorded.
  private func wanted(_ manifest: GoldenManifest) -> [Golden] {
    entries.flatMap { entry in
      let isBar = suite.bars.contains(entry)
      return models.filter { $0.isExact ? entry.cache == nil : !isBar }.flatMap { model in
        let standing = groups(model).map { Golden(entry, model: model, benchmark: $0) }
          .filter { manifest.record($0.file) != nil || isDecodable($0, model) }
        let edges = manifest.records.filter { !isBar && $0.edge != nil && $0.strategy == entry.name && $0.model == model.name }
        return standing + edges.map(Golden.init)
      }
    }
  }

  /// The benchmarks of the suite's problems, in order; for a model with problems of its own, those.
  private func groups(_ model: GoldenModel) -> [String?] {
    if model.isExact { return [nil] }
    return suite.benchmarks
  }

  /// Whether the exact model can serve a strategy. It gives neither hidden states nor extra rows; what else is wrong with a strategy is said when it is decoded.
  private func isDecodable(_ golden: Golden, _ model: GoldenModel) -> Bool {
    guard model.isExact else { return true }
    do {
      let context = Parameters.Context(
        genLength: TieDenoiser.geometry.genLength, blockLength: TieDenoiser.geometry.blockLength, vocabulary: model.denoiser.vocabulary)
      let pipeline = try decoder.catalog.build(golden.rules, context: context).pipeline
      do { try model.denoiser.check(pipeline.needs) } catch { return false }
      return true
    } catch { return true }
  }

  /// What the manifest or the folder has beyond that, of the strategy and model asked for. A file that nothing speaks of is no model's.
  private func extras(_ manifest: GoldenManifest, _ wanted: [Golden]) -> [GoldenReport.Result] {
    let files = Set(wanted.map(\.file))
    let isAsked = { (record: GoldenManifest.Record) in (only == nil || record.strategy == only) && (model == nil || record.model == model) }
    let gone = manifest.records.filter { !files.contains($0.file) && isAsked($0) }
    let listed = gone.map { (Golden($0), "the suite has no such golden any more") }
    let known = files.union(manifest.records.map(\.file))
    let folder = only.map { $0 + "/" } ?? ""
    let unlisted = onDisk().filter { !known.contains($0) && model == nil && $0.hasPrefix(folder) }
    let strays = unlisted.map { (Golden(stray: $0), "the manifest does not list this file") }
    return (listed + strays).map { GoldenReport.Result(golden: $0, verdict: .extra($1), seconds: 0, text: text(nil), pending: nil) }
  }

  /// Every HDF5 file of the suite, pending ones left out.
  private func onDisk() -> [String] {
    do {
      return try FileManager.default.subpathsOfDirectory(atPath: suite.folder)
        .filter { $0.hasSuffix(".h5") && !$0.hasPrefix(Self.pending + "/") }.sorted()
    } catch { return [] }
  }

  private func changes(_ manifest: GoldenManifest, _ wanted: [Golden]) -> [GoldenReport.ModelChange] {
    let files = Set(wanted.map(\.file))
    return models.compactMap { model in
      let old = manifest.records.filter { $0.model == model.name && $0.modelDigest != model.digest && files.contains($0.file) }
      let counts = old.reduce(into: [String: Int]()) { $0[$1.modelDigest, default: 0] += 1 }
      return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }.map {
        GoldenReport.ModelChange(name: model.name, goldens: old.count, recorded: $0.key, now: model.digest)
      }
    }
  }

  // MARK: One golden

  /// What came of a golden, and what would take its place; nil if told to stop.
  private func judge(
    _ golden: Golden, _ manifest: GoldenManifest, _ model: GoldenModel, while shouldContinue: () -> Bool
  ) throws(RunError) -> (GoldenReport.Verdict, Trace?)? {
    let (found, fault) = find(golden, manifest, model)
    do throws(RunError) {
      guard let trace = found else {
        // An edge is where it was found: without its golden it is looked for anew when the strategy is accepted.
        guard golden.edge == nil else { return (fault, nil) }
        guard let fresh = try decoder.decode(try decoder.blank(golden, model), golden.rules, model, while: shouldContinue) else { return nil }
        return (fault, fresh.trace)
      }
      guard let fresh = try decoder.decode(trace, golden.rules, model, while: shouldContinue) else { return nil }
      let verdict = try compare(trace, fresh, golden)
      if verdict.isFine { return (verdict, nil) }
      guard try otherwise(golden, trace) != nil else { return (verdict, fresh.trace) }
      // Other canvases, or another cache: what takes its place is not decoded from what it holds.
      guard let anew = try decoder.decode(try decoder.blank(golden, model), golden.rules, model, while: shouldContinue) else { return nil }
      return (verdict, anew.trace)
    } catch {
      if found == nil, case .missing = fault { return (.missing("there is no golden yet, and none can be made: \(error)"), nil) }
      return found == nil ? (fault, nil) : (.failed("\(error)"), nil)
    }
  }

  /// The golden's trace where it can be compared; else what keeps it from that.
  private func find(_ golden: Golden, _ manifest: GoldenManifest, _ model: GoldenModel) -> (Trace?, GoldenReport.Verdict) {
    let path = suite.folder + "/" + golden.file
    guard let record = manifest.record(golden.file) else {
      let isThere = FileManager.default.fileExists(atPath: path)
      return (nil, .missing(isThere ? "its file is there, but no manifest lists it" : "there is no golden yet; `unmask check --accept` records one"))
    }
    guard FileManager.default.fileExists(atPath: path) else { return (nil, .missing("its file is gone")) }
    do throws(TraceError) {
      let bytes = try GoldenFile.read(path)
      guard GoldenManifest.digest(of: bytes) == record.digest else {
        return (nil, .edited("its file is not the one that was recorded; \(state(path))"))
      }
      let trace = try TraceFile.read(path)
      if let fault = trace.validate(limit: 1).first { return (nil, .damaged("\(path): \(fault)")) }
      guard record.modelDigest == model.digest, trace.attributes.modelDigest == model.digest else {
        return (nil, .otherModel("recorded with another \(model.name), digest \(record.modelDigest.prefix(12))…"))
      }
      return (trace, .equal)
    } catch { return (nil, .damaged("\(error)")) }
  }

  /// What is to be said of a file that was not recorded here.
  private func state(_ path: String) -> String {
    do { return try TraceFile.read(path).validate(limit: 1).first.map { "\($0)" } ?? "it is a sound trace" } catch { return "\(error)" }
  }

  private func compare(_ trace: Trace, _ fresh: GoldenDecoder.Decoded, _ golden: Golden) throws(RunError) -> GoldenReport.Verdict {
    let recorded: [SampleTrace]
    do { recorded = try trace.samples() } catch { throw .trace(error) }
    let comparisons = zip(zip(recorded, fresh.samples), fresh.comparisons).map { GoldenComparison($0.0, $0.1, asked: $1, tolerance: suite.tolerance) }
    let first = comparisons.compactMap(\.difference).first
    if let what = try change(of: golden, trace, fresh) { return .settings(what, first) }
    if let first { return .different(first) }
    if comparisons.allSatisfy(\.isBitEqual) { return .equal }
    let furthest = comparisons.compactMap(\.furthest).max { $0.distance < $1.distance }
    return .near(furthest ?? GoldenDistance(distance: 0, place: "the order of candidates whose logits are equal"))
  }

  /// How what is decoded differs from what was recorded, apart from what came of it; nil if it does not.
  private func change(of golden: Golden, _ trace: Trace, _ fresh: GoldenDecoder.Decoded) throws(RunError) -> String? {
    do throws(ConfigurationError) {
      let config = try trace.configuration()
      if let difference = fresh.settings.difference(from: config["strategy"] ?? Setting(.null)) { return difference }
    } catch { throw .configuration(error) }
    return try otherwise(golden, trace)
  }

  /// How what the suite asks for differs from what a golden was made with, its rules aside; nil if it does not.
  private func otherwise(_ golden: Golden, _ trace: Trace) throws(RunError) -> String? {
    guard golden.edge == nil else { return nil }
    do throws(ConfigurationError) {
      let recorded = try trace.configuration()["cache"] ?? Setting(.null)
      if let difference = (golden.cache ?? Setting(.null)).difference(from: recorded, at: "cache") { return difference }
      return try decoder.difference(from: trace, golden.benchmark)
    } catch { throw .configuration(error) }
  }

  /// How pictures spell a model's tokens.
  private func text(_ model: GoldenModel?) -> CanvasText {
    let tokenizer = model?.tokenizer
    return CanvasText(end: model?.denoiser.vocabulary.end) { tokenizer?.token($0) }
  }

  // MARK: Pending goldens

  private func clearPending() throws(RunError) {
    let folder = suite.folder + "/" + Self.pending
    guard FileManager.default.fileExists(atPath: folder) else { return }
    do { try FileManager.default.removeItem(atPath: folder) } catch { throw .file(path: folder, reason: "cannot be removed: " + YAML.reason(error)) }
  }

  private func write(_ trace: Trace, _ golden: Golden) throws(RunError) {
    try GoldenFile.write(trace, to: suite.folder + "/" + Self.pending + "/" + golden.file)
  }
}

/// Goldens on disk.
enum GoldenFile {
  /// Every byte of a file.
  static func read(_ path: String) throws(TraceError) -> Data {
    do { return try Data(contentsOf: URL(fileURLWithPath: path)) } catch { throw .unreadable(path: path, reason: YAML.reason(error)) }
  }

  /// Writes a trace as a whole, and the folders that lead to it.
  static func write(_ trace: Trace, to path: String) throws(RunError) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw .file(path: folder, reason: "cannot be made: " + YAML.reason(error))
    }
    do { try TraceFile.write(trace, to: path) } catch { throw .trace(error) }
  }
}

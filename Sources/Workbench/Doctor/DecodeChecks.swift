internal import Diffusion
internal import Models
internal import Traces

/// Whether a decode depends on its own canvas alone: the same trace with one worker, with several, and in a batch with others.
struct DecodeChecks {
  private let subject: DoctorSubject
  private let catalog: Catalog
  private let cores: Int
  private let canvases: [(name: String, canvas: Canvas)]
  /// The strategies, each with what stands under its name.
  let entries: [GoldenSuite.Entry]

  init(_ subject: DoctorSubject, catalog: Catalog, cores: Int) throws(ConfigurationError) {
    (self.subject, self.catalog, self.cores) = (subject, catalog, cores)
    canvases = try subject.canvases()
    let context = Self.context(subject)
    // Lists that the goldens add may name rules that this catalog does not have; that is the goldens' to say.
    let all = Self.entries(of: catalog).filter { entry in
      do throws(ConfigurationError) { _ = try catalog.build(entry.rules, context: context) } catch { return catalog.names.contains(entry.name) }
      return true
    }
    // Two that ask differently of a model: one canvas a round, and drafts beside it.
    entries = subject.isSmall ? all : all.filter { ["threshold", "freedave"].contains($0.name) }
  }

  /// Every strategy of the catalog, and the lists that the goldens add; settings are those of the goldens where they have some.
  private static func entries(of catalog: Catalog) -> [GoldenSuite.Entry] {
    do throws(ConfigurationError) {
      let suite = try GoldenSuite(folder: try GoldenSuite.shipped())
      // Bars are the exact model's, and caches are variants of the subject.
      return suite.entries(catalog).filter { !suite.bars.contains($0) && $0.cache == nil }
    } catch {
      // Without goldens, which are a check of their own: every strategy as it is by itself.
      return catalog.names.map { GoldenSuite.Entry(name: $0, rules: Setting(.map([Setting.Entry($0, Setting(.null))]))) }
    }
  }

  /// A check for every strategy; in brief for four that ask differently of a model: one canvas a round, drafts, members, and revisions.
  func steps(_ denoiser: any Denoiser, _ name: String = "", isBrief: Bool = false) -> [DoctorStep] {
    entries.filter { !isBrief || ["threshold", "freedave", "hex", "saber"].contains($0.name) }.map { entry in
      DoctorStep(.decodes, (name.isEmpty ? "" : name + ": ") + entry.name) { check(entry, denoiser) }
    }
  }

  private func check(_ entry: GoldenSuite.Entry, _ denoiser: any Denoiser) -> (tried: String, verdict: DoctorReport.Verdict) {
    do throws(ConfigurationError) {
      let pipeline = try pipeline(entry)
      do { try denoiser.check(pipeline.needs) } catch { return ("", .skipped("\(error)")) }
      let expected = try decode(denoiser, pipeline, jobs: 1)
      let jobs = max(3, cores)
      let rounds = expected.reduce(0) { $0 + $1.roundCount }
      var lines = Self.differences(try decode(denoiser, pipeline, jobs: jobs), expected, "\(jobs) workers")
      lines += Self.differences(try together(denoiser, pipeline, Array(canvases.indices.reversed())), expected, "one batch")
      lines += Self.differences(try together(denoiser, pipeline, canvases.indices.filter { $0 % 2 == 0 }), expected, "a batch of some")
      return (
        "\(canvases.count) canvases, \(rounds) rounds; 1 worker, \(jobs) workers, one batch in reverse, a batch of some",
        lines.isEmpty ? .holds : .differs(DoctorStep.cut(lines))
      )
    } catch { return ("", .failed("\(error)")) }
  }

  /// Decodes of every canvas by itself.
  func decode(_ denoiser: any Denoiser, _ pipeline: Pipeline, jobs: Int) throws(ConfigurationError) -> [SampleTrace] {
    let sessions = try canvases.indices.map { (index) throws(ConfigurationError) in try session(index, pipeline, id: index) }
    let results = DecodedSamples(count: sessions.count)
    Workers.run(jobs: jobs, count: sessions.count) { index in
      results.add(index, Self.decode([sessions[index]], [canvases[index].name], denoiser)[0])
      return true
    }
    return try results.all()
  }

  /// Decodes of some canvases in one batch, in that order; nil in the place of the others.
  private func together(_ denoiser: any Denoiser, _ pipeline: Pipeline, _ order: [Int]) throws(ConfigurationError) -> [SampleTrace?] {
    // Another identity in the decoder, which must not matter.
    let sessions = try order.map { (index) throws(ConfigurationError) in try session(index, pipeline, id: 100 + index) }
    let found = Self.decode(sessions, order.map { canvases[$0].name }, denoiser)
    var samples = [SampleTrace?](repeating: nil, count: canvases.count)
    for (index, result) in zip(order, found) { samples[index] = try result.get() }
    return samples
  }

  private func session(_ index: Int, _ pipeline: Pipeline, id: Int) throws(ConfigurationError) -> Session {
    try Session(id: id, canvas: canvases[index].canvas, pipeline: pipeline, sample: index, maxRounds: 512, observed: Self.level.needs)
  }

  private static let level = TraceLevel.beliefs(4)

  private static func decode(_ sessions: [Session], _ names: [String], _ denoiser: any Denoiser) -> [Result<SampleTrace, ConfigurationError>] {
    var builders: [Int: TraceBuilder] = [:]
    for (session, name) in zip(sessions, names) { builders[session.id] = TraceBuilder(canvas: session.canvas, problem: name, seed: 0, level: level) }
    let outcomes = Decoder(denoiser).decode(sessions, record: { session, round in builders[session.id]?.record(round) })
    return zip(sessions, outcomes).map { session, outcome in
      if case .failed(_, let error)? = outcome { return .failure(.unsupported("\(error)")) }
      guard let builder = builders[session.id] else { return .failure(.unsupported("a session was not decoded")) }
      return .success(builder.finish(seconds: 0))
    }
  }

  func pipeline(_ entry: GoldenSuite.Entry) throws(ConfigurationError) -> Pipeline {
    try catalog.build(entry.rules, context: Self.context(subject)).pipeline
  }

  private static func context(_ subject: DoctorSubject) -> Parameters.Context {
    let geometry = DoctorSubject.geometry
    var context = Parameters.Context(genLength: geometry.genLength, blockLength: geometry.blockLength, vocabulary: subject.denoiser.vocabulary)
    if let tokenizer = subject.tokenizer {
      context.encode = { tokenizer.encode($0) }
      context.decode = { tokenizer.decode($0) }
    }
    return context
  }

  /// What differs between traces, a line for each sample.
  private static func differences(_ found: [SampleTrace?], _ expected: [SampleTrace], _ what: String) -> [String] {
    zip(found, expected).compactMap { found, expected in
      guard let found else { return nil }
      do throws(TraceError) {
        let attributes = Trace.Attributes(config: "{}", runDigest: "", modelDigest: "", level: level)
        let (a, b) = (try Trace(attributes: attributes, samples: [found]), try Trace(attributes: attributes, samples: [expected]))
        return a.differences(from: b, limit: 1).first.map { "\(what), \(expected.problem): \($0)" }
      } catch { return "\(what), \(expected.problem): \(error)" }
    }
  }
}

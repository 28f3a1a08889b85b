package import Diffusion
internal import Foundation
internal import Models

/// Examines an installation: what it is, and whether it computes the same bits however it is asked.
///
/// Nothing is taken on trust: every promise of determinism is tried on a model, and the report says on what. Checks run one after the other, as kernel paths
/// are the process's own.
package struct Doctor {
  private let subject: DoctorSubject
  private let catalog: Catalog
  private let benchmarks: BenchmarkCatalog
  private let groups: Set<DoctorReport.Group>
  private let cores: Int
  private let machine: [DoctorReport.Fact]
  private let parts: [OptionalPart]

  /// - Parameters:
  ///   - groups: what to check; nil: everything.
  ///   - machine: facts for the report.
  ///   - parts: optional parts for the report.
  package init(
    _ subject: DoctorSubject, catalog: Catalog, benchmarks: BenchmarkCatalog = .standard, groups: Set<DoctorReport.Group>? = nil,
    machine: [DoctorReport.Fact] = [], parts: [OptionalPart] = [], cores: Int = ProcessInfo.processInfo.activeProcessorCount
  ) {
    (self.subject, self.catalog, self.benchmarks) = (subject, catalog, benchmarks)
    (self.machine, self.parts, self.cores) = (machine, parts, cores)
    self.groups = groups ?? Set(DoctorReport.Group.allCases)
  }

  /// Carries out every check.
  ///
  /// - Parameters:
  ///   - restart: gives the fingerprint that another process came to; nil: no other process is asked.
  ///   - begin: told how many checks there are.
  ///   - advance: called after each.
  ///   - shouldContinue: asked before each.
  package func run(
    restart: (() throws -> DoctorFingerprint)? = nil, begin: (Int) -> Void = { _ in }, advance: () -> Void = {}, while shouldContinue: () -> Bool = { true }
  ) throws(ConfigurationError) -> DoctorReport {
    let clock = ContinuousClock()
    let started = clock.now
    let steps = try steps(restart)
    begin(steps.count)
    var findings: [DoctorReport.Finding] = []
    for step in steps {
      guard shouldContinue() else { break }
      findings.append(step.run())
      advance()
    }
    return DoctorReport(
      machine: machine, model: subject.facts, parts: parts, findings: findings, seconds: (clock.now - started) / .seconds(1),
      isStopped: findings.count < steps.count)
  }

  /// What another process is held against, computed in this one.
  package func fingerprint() throws(ConfigurationError) -> DoctorFingerprint {
    var fingerprint = DoctorFingerprint()
    if groups.contains(.logits) {
      let checks = LogitChecks(subject, cores: cores)
      do throws(DenoiserError) {
        for (rows, tokens) in zip(try checks.alone(subject.denoiser), subject.sequences) { fingerprint.add(rows, length: tokens.count) }
      } catch { throw .unsupported("\(error)") }
    }
    if groups.contains(.decodes) {
      let checks = try DecodeChecks(subject, catalog: catalog, cores: cores)
      for entry in checks.entries {
        let pipeline = try checks.pipeline(entry)
        do { try subject.denoiser.check(pipeline.needs) } catch { continue }
        fingerprint.add(try checks.decode(subject.denoiser, pipeline, jobs: 1), strategy: entry.name)
      }
    }
    return fingerprint
  }

  private func steps(_ restart: (() throws -> DoctorFingerprint)?) throws(ConfigurationError) -> [DoctorStep] {
    var steps: [DoctorStep] = []
    if groups.contains(.numbers) { steps += KernelChecks(subject).steps }
    if groups.contains(.logits) { steps += logitSteps() }
    if groups.contains(.decodes) { steps += try decodeSteps() }
    if let restart, !groups.isDisjoint(with: [.logits, .decodes]) {
      let group = groups.contains(.decodes) ? DoctorReport.Group.decodes : .logits
      steps.append(
        DoctorStep(group, "restart", "another process, its memory filled with other bytes: the digests of rows and decodes") { () throws(ConfigurationError) in
          let own = try fingerprint()
          do { return own.differences(from: try restart()) } catch { throw .unsupported("\(error)") }
        })
    }
    if groups.contains(.goldens) { steps.append(GoldenStep.step(subject, catalog, benchmarks)) }
    return steps
  }

  private func logitSteps() -> [DoctorStep] {
    let checks = LogitChecks(subject, cores: cores)
    var steps = checks.steps(subject.denoiser)
    for variant in subject.variants {
      switch variant.answers {
      case .same:
        steps.append(
          DoctorStep(.logits, variant.name, "every row, by itself, in a batch and in brief, against one thread's") { () throws(ConfigurationError) in
            let denoiser = try variant.make()
            do throws(DenoiserError) { return try checks.variant(denoiser, against: subject.denoiser) } catch { throw .unsupported("\(error)") }
          })
      case .own where variant.isStateful: break
      case .own: steps += made(variant, .logits) { ownSteps(checks, variant, $0) }
      }
    }
    if subject.isNative {
      let isPlain = subject.options.precision == .float32
      steps.append(pathStep(checks, subject.denoiser, isPlain ? Kernels.floatPaths : Kernels.paths))
    }
    return steps
  }

  /// The steps of a variant whose answers are its own: by itself, against its twins, and on every kernel path.
  private func ownSteps(_ checks: LogitChecks, _ variant: DoctorVariant, _ denoiser: any Denoiser) -> [DoctorStep] {
    var steps = checks.steps(denoiser, variant.name)
    for twin in variant.twins {
      steps.append(
        DoctorStep(.logits, twin.name, "every row, by itself, in a batch and in brief, against \(variant.name)") { () throws(ConfigurationError) in
          let other = try twin.make()
          do throws(DenoiserError) { return try checks.variant(other, against: denoiser) } catch { throw .unsupported("\(error)") }
        })
    }
    return steps + (subject.isNative ? [pathStep(checks, denoiser, Kernels.paths, variant.name + ": ")] : [])
  }

  private func pathStep(_ checks: LogitChecks, _ denoiser: any Denoiser, _ paths: [String], _ prefix: String = "") -> DoctorStep {
    let short = subject.isSmall ? "33 tokens" : "one token"
    let words = paths.joined(separator: ", ") + "; every row of every sequence, with portable those up to \(short)"
    return DoctorStep(.logits, prefix + "kernel paths", words) { () throws(DenoiserError) in try checks.paths(paths, of: denoiser) }
  }

  private func decodeSteps() throws(ConfigurationError) -> [DoctorStep] {
    let checks = try DecodeChecks(subject, catalog: catalog, cores: cores)
    var steps = checks.steps(subject.denoiser)
    for variant in subject.variants where variant.answers == .own {
      steps += made(variant, .decodes) { checks.steps($0, variant.name, isBrief: variant.isStateful) }
    }
    return steps
  }

  /// The steps of a variant, or one that says why there are none.
  private func made(_ variant: DoctorVariant, _ group: DoctorReport.Group, _ steps: (any Denoiser) -> [DoctorStep]) -> [DoctorStep] {
    do throws(ConfigurationError) { return steps(try variant.make()) } catch {
      return [DoctorStep(group, variant.name) { ("", .failed("\(error)")) }]
    }
  }
}

internal import Diffusion
internal import Models
internal import Synchronization
internal import Traces

/// Carries out runs: decodes what is missing, grades it, and leaves one trace and one list of outcomes per run.
///
/// A finished sample goes to the run's journal at once. When every problem is done, journal and earlier files become one `trace.h5` and one
/// `outcomes.jsonl` with samples in problem order, and the journal goes. Killed at any moment, the next run loses at most the samples in flight.
public struct Runner: Sendable {
  private let output: String
  private let jobs: Int

  /// - Parameters:
  ///   - output: the folder that experiments' folders lie in.
  ///   - jobs: samples decoded side by side. Seconds are a speed only with 1.
  public init(output: String, jobs: Int = 1) {
    self.output = output
    self.jobs = jobs
  }

  /// Where an experiment's runs lie.
  public func directory(of experiment: String) -> String { output + "/" + experiment }

  /// Where a run's files lie.
  public func directory(of plan: RunPlan) -> String { directory(of: plan.experiment) + "/" + plan.digest }

  /// How a run ended.
  public enum Ending: Sendable {
    /// Every problem is done and the files are complete.
    case finished(RunResult)
    /// It was told to stop; finished samples are kept.
    case stopped
    /// Some samples could not be decoded; all the others are kept.
    case incomplete([RunError])
  }

  /// How many of a run's problems are done.
  public func finished(_ plan: RunPlan) throws(RunError) -> Int {
    try RunFiles(directory(of: plan), digest: plan.digest).kept(.summary).values.count { $0.isDone(of: plan) }
  }

  /// What is known of a run before it goes on.
  public struct Start: Sendable {
    /// Problems that are done already.
    public let kept: Int
    /// What a person should know, one sentence each.
    public let remarks: [String]
  }

  /// Carries out a run, or what is left of it. A sample that fails does not keep the others from being decoded.
  ///
  /// - Parameters:
  ///   - begin: called once, before anything is decoded.
  ///   - advance: called after every newly finished sample, from any thread.
  ///   - shouldContinue: asked before every model call; false stops in good order.
  /// - Throws: what concerns the run as a whole: its folder, its journal, its files.
  public func run(
    _ plan: RunPlan, begin: (Start) -> Void = { _ in }, advance: @escaping @Sendable () -> Void = {},
    while shouldContinue: @escaping @Sendable () -> Bool = { true }
  ) throws(RunError) -> Ending {
    let files = RunFiles(directory(of: plan), digest: plan.digest)
    try files.prepare(plan.config)
    // Held until this run is over: two processes on one folder would each undo the other's work.
    let journal = try files.openJournal()
    var kept = try files.kept(.summary, journal)
    // What is there may record more than was asked for; new samples then do so too, so that nothing has to be thrown away.
    let level = kept.values.map(\.level).filter { $0.rank >= plan.trace.rank }.min { $0.rank < $1.rank } ?? plan.trace
    // Samples beyond this limit were asked for once and may be again. If they record too little they are decoded again like the others.
    let count = max(plan.selection.limit, (kept.values.map(\.number).max() ?? -1) + 1)
    let problems = plan.benchmark.problems(0..<count, of: plan.selection.split)
    let missing = problems.enumerated().filter { number, problem in
      guard let sample = kept[problem.id] else { return number < plan.selection.limit }
      return !sample.covers(plan.trace)
    }
    begin(Start(kept: kept.values.count { $0.isDone(of: plan) }, remarks: files.remarks(on: journal, missing: missing.map(\.element.id))))
    let isComplete = missing.isEmpty && journal.entries.isEmpty && files.areComplete
    // Files that are written anew are written from everything.
    if !isComplete, files.areComplete { kept = try files.kept(.whole, journal) }
    let failures = Mutex<[RunError]>([])
    let broken = Mutex<RunError?>(nil)
    let fresh = Mutex<[KeptSample]>([])
    // A run that goes on after a stop mixes the machine's states; its seconds are kept, and not quoted as a speed.
    let isAlone = jobs == 1 && kept.isEmpty
    Workers.run(jobs: jobs, count: missing.count) { index in
      let (number, problem) = missing[index]
      let sample: KeptSample
      do throws(RunError) {
        guard let decoded = try decode(problem, number, plan, level, isAlone: isAlone, while: shouldContinue) else { return false }
        sample = decoded
      } catch {
        failures.withLock { $0.append(error) }
        return true
      }
      do throws(RunError) {
        try files.append(sample, to: journal)
      } catch {
        // A disk that takes no more would refuse every further sample too.
        broken.withLock { $0 = $0 ?? error }
        return false
      }
      fresh.withLock { $0.append(sample) }
      advance()
      return true
    }
    if let error = broken.withLock({ $0 }) { throw error }
    let added = fresh.withLock { $0 }
    for sample in added { kept[sample.outcome.problem] = sample }
    let failed = failures.withLock { $0 }
    guard failed.isEmpty else { return .incomplete(failed) }
    let mine = problems.prefix(plan.selection.limit).compactMap { kept[$0.id] }
    guard mine.count == plan.selection.limit else { return .stopped }
    if !isComplete {
      let all = problems.compactMap { kept[$0.id] }
      guard all.allSatisfy({ $0.covers(plan.trace) }) else { return .stopped }
      try files.seal(all, plan: plan)
    }
    do { try journal.remove() } catch { throw .trace(error) }
    return .finished(
      RunResult(
        plan: plan, outcomes: mine.map(\.outcome), seconds: mine.map(\.trace.seconds), isTimed: mine.allSatisfy(\.isAlone), directory: files.directory))
  }

  /// Decodes and grades one problem; nil if told to stop.
  private func decode(
    _ problem: Problem, _ number: Int, _ plan: RunPlan, _ level: TraceLevel, isAlone: Bool, while shouldContinue: () -> Bool
  ) throws(RunError) -> KeptSample? {
    let session: Session
    do throws(ConfigurationError) {
      session = try Session(
        id: number, canvas: try plan.canvas(problem), pipeline: plan.pipeline, sampling: plan.sampling,
        random: SeededRandom(seed: UInt64(bitPattern: Int64(plan.seed)))[problem.id], maxRounds: plan.maxRounds, observed: level.needs)
    } catch { throw .configuration(error) }
    var builder = TraceBuilder(canvas: session.canvas, problem: problem.id, seed: plan.seed, level: level)
    var seconds = 0.0
    let outcome = Decoder(plan.model.denoiser).decode(
      [session],
      record: { _, round in
        builder.record(round)
        seconds += round.forwardSeconds + round.decideSeconds
      }, while: shouldContinue)[0]
    switch outcome {
    case nil: return nil
    case .failed(_, let error): throw .decoding(error, problem: problem.id)
    case .finished(let session):
      let answer = session.canvas.response.prefix { $0 != session.canvas.vocabulary.end }
      let text = plan.tokenizer.decode(Array(answer))
      let grade = plan.benchmark.grade(text, problem)
      return KeptSample(
        outcome: Outcome(problem, seed: plan.seed, session: session, text: text, grade: grade),
        trace: builder.finish(correct: grade.isCorrect ? 1 : 0, seconds: seconds), number: number, level: level, isAlone: isAlone)
    }
  }
}

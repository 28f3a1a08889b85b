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

  /// How many of a run's problems are done.
  public func finished(_ plan: RunPlan) throws(RunError) -> Int {
    let kept = try RunFiles(directory(of: plan), digest: plan.digest).kept()
    return plan.problems.count { kept[$0.id]?.covers(plan.trace) == true }
  }

  /// Carries out a run, or what is left of it.
  ///
  /// - Parameters:
  ///   - advance: called after every newly finished sample, from any thread.
  ///   - shouldContinue: asked before every model call; false stops in good order.
  /// - Returns: the result, or nil if it was stopped before the end.
  public func run(
    _ plan: RunPlan, advance: @escaping @Sendable () -> Void = {}, while shouldContinue: @escaping @Sendable () -> Bool = { true }
  ) throws(RunError) -> RunResult? {
    let files = RunFiles(directory(of: plan), digest: plan.digest)
    try files.prepare(plan.config)
    // Held until this run is over: two processes on one folder would each undo the other's work.
    let journal = try files.openJournal()
    var kept = try files.kept(journal)
    // What is there may record more than was asked for; new samples then do so too, so that nothing has to be thrown away.
    let level = kept.values.map(\.level).filter { $0.rank >= plan.trace.rank }.min { $0.rank < $1.rank } ?? plan.trace
    let missing = plan.problems.enumerated().filter { kept[$0.element.id]?.covers(plan.trace) != true }
    let failure = Mutex<RunError?>(nil)
    let fresh = Mutex<[KeptSample]>([])
    // A run that goes on after a stop mixes the machine's states; its seconds are kept, and not quoted as a speed.
    let isAlone = jobs == 1 && kept.isEmpty
    Workers.run(jobs: jobs, count: missing.count) { index in
      let (number, problem) = missing[index]
      do throws(RunError) {
        guard let sample = try decode(problem, number, plan, level, isAlone: isAlone, while: shouldContinue) else { return false }
        try files.append(sample, to: journal)
        fresh.withLock { $0.append(sample) }
        advance()
        return true
      } catch {
        failure.withLock { $0 = $0 ?? error }
        return false
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    let added = fresh.withLock { $0 }
    for sample in added { kept[sample.outcome.problem] = sample }
    let mine = plan.problems.compactMap { kept[$0.id] }
    guard mine.count == plan.problems.count else { return nil }
    if !added.isEmpty || !journal.entries.isEmpty || !files.areComplete {
      // Samples beyond this limit were asked for once and may be again; they come after, in their own order.
      let ids = Set(plan.problems.map(\.id))
      let others = kept.values.filter { !ids.contains($0.outcome.problem) }.sorted { $0.number < $1.number }
      try files.seal(mine + others, plan: plan)
    }
    do { try journal.remove() } catch { throw .trace(error) }
    return RunResult(
      plan: plan, outcomes: mine.map(\.outcome), seconds: mine.map(\.trace.seconds), isTimed: mine.allSatisfy(\.isAlone), directory: files.directory)
  }

  /// Decodes and grades one problem; nil if told to stop.
  private func decode(
    _ problem: Problem, _ number: Int, _ plan: RunPlan, _ level: TraceLevel, isAlone: Bool, while shouldContinue: () -> Bool
  ) throws(RunError) -> KeptSample? {
    let session: Session
    do throws(ConfigurationError) {
      session = try Session(
        id: number, canvas: try plan.canvas(problem.prompt), pipeline: plan.pipeline, sampling: plan.sampling,
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
      let text = plan.model.tokenizer.decode(Array(answer))
      let grade = plan.benchmark.grade(text, problem)
      return KeptSample(
        outcome: Outcome(problem, seed: plan.seed, session: session, text: text, grade: grade),
        trace: builder.finish(correct: grade.isCorrect ? 1 : 0, seconds: seconds), number: number, level: level, isAlone: isAlone)
    }
  }
}

extension RunPlan {
  /// The problems, in order.
  var problems: [Problem] { benchmark.problems(0..<selection.limit, of: selection.split) }
}

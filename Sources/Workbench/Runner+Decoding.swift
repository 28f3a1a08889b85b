internal import Diffusion
internal import Models
internal import Synchronization
internal import Traces

extension Runner {
  /// What samples are decoded for: a run or a part of one.
  struct Work: Sendable {
    let plan: RunPlan
    /// What new samples record.
    let level: TraceLevel
    /// Where they go at once.
    let journal: Journal
    let files: RunFiles
    /// Asked as soon as a sample is decoded: whether nothing else was in flight.
    let isAlone: @Sendable () -> Bool
  }

  /// What came of it: samples newly finished, and why others failed. Where nothing failed and samples are missing, it was told to stop.
  struct Results {
    var samples: [KeptSample] = []
    var failures: [RunError] = []
  }

  /// Decodes problems, each with its place in its split, side by side.
  ///
  /// - Throws: if the journal takes no more.
  func decode(
    _ missing: [(offset: Int, element: Problem)], _ work: Work, advance: @escaping @Sendable () -> Void,
    while shouldContinue: @escaping @Sendable () -> Bool
  ) throws(RunError) -> Results {
    let results = Mutex(Results())
    let broken = Mutex<RunError?>(nil)
    Workers.run(jobs: workers, count: missing.count) { index in
      let (number, problem) = missing[index]
      let sample: KeptSample
      do throws(RunError) {
        guard let decoded = try decode(problem, number, work.plan, work.level, isAlone: work.isAlone, while: shouldContinue) else { return false }
        sample = decoded
      } catch {
        results.withLock { $0.failures.append(error) }
        return true
      }
      do throws(RunError) {
        try work.files.append(sample, to: work.journal)
      } catch {
        // A disk that takes no more would refuse every further sample too.
        broken.withLock { $0 = $0 ?? error }
        return false
      }
      results.withLock { $0.samples.append(sample) }
      advance()
      return true
    }
    if let error = broken.withLock({ $0 }) { throw error }
    return results.withLock { $0 }
  }

  /// Decodes and grades one problem; nil if told to stop.
  func decode(
    _ problem: Problem, _ number: Int, _ plan: RunPlan, _ level: TraceLevel, isAlone: () -> Bool, while shouldContinue: () -> Bool
  ) throws(RunError) -> KeptSample? {
    let session: Session
    let denoiser: any Denoiser
    do throws(ConfigurationError) {
      denoiser = try plan.denoiser(level)
      session = try Session(
        id: number, canvas: try plan.canvas(problem), pipeline: plan.pipeline, sampling: plan.sampling,
        random: SeededRandom(seed: UInt64(bitPattern: Int64(plan.seed)))[problem.id], maxRounds: plan.maxRounds, observed: level.needs)
    } catch { throw .configuration(error) }
    var builder = TraceBuilder(canvas: session.canvas, problem: problem.id, seed: plan.seed, level: level)
    var seconds = 0.0
    let ending = Decoder(denoiser).decode(
      [session],
      record: { _, round in
        builder.record(round)
        seconds += round.forwardSeconds + round.decideSeconds
      }, while: shouldContinue)[0]
    let (last, isComplete): (Session, Bool)
    switch ending {
    case nil: return nil
    case .failed(let session, let error) where error.isBound: (last, isComplete) = (session, false)
    case .failed(_, let error): throw .decoding(error, problem: problem.id)
    case .finished(let session): (last, isComplete) = (session, true)
    }
    let vocabulary = last.canvas.vocabulary
    let answer = last.canvas.response.prefix { $0 != vocabulary.end }.filter { $0 != vocabulary.mask }
    let text = plan.tokenizer.decode(answer)
    let grade: Grade?
    do throws(ConfigurationError) { grade = isComplete ? try plan.benchmark.grade(text, problem) : nil } catch { throw .configuration(error) }
    return KeptSample(
      outcome: Outcome(problem, seed: plan.seed, session: last, text: text, grade: grade),
      trace: builder.finish(correct: grade?.isCorrect == true ? 1 : 0, isComplete: isComplete, seconds: seconds), number: number, level: level,
      isAlone: isAlone())
  }
}

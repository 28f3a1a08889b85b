internal import Traces

/// Carries out runs: decodes what is missing, grades it, and leaves one trace and one list of outcomes per run.
///
/// A finished sample goes to the run's journal at once. When every problem is done, journals and earlier files become one `trace.h5` and one
/// `outcomes.jsonl` with samples in problem order, and the journals go. Killed at any moment, the next run loses at most the samples in flight.
///
/// Several processes, on one machine or many, may work on one folder: each run is one process's at a time (`inTurn`), and each part of a run (`Shard`) too.
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

  /// Carries out a run, or what is left of it, with what its parts have decoded. A sample that fails does not keep the others from being decoded.
  ///
  /// - Parameters:
  ///   - begin: called once, before anything is decoded.
  ///   - advance: called after every newly finished sample, from any thread.
  ///   - shouldContinue: asked before every model call; false stops in good order.
  /// - Throws: what concerns the run as a whole: `.trace(.locked)` where another process works on it or a part of it, its folder, its journals, its files.
  public func run(
    _ plan: RunPlan, begin: (Start) -> Void = { _ in }, advance: @escaping @Sendable () -> Void = {},
    while shouldContinue: @escaping @Sendable () -> Bool = { true }
  ) throws(RunError) -> Ending {
    let files = RunFiles(directory(of: plan), digest: plan.digest)
    try files.prepare(plan.config)
    // Held until this run is over: two processes on one folder would each undo the other's work.
    let journals = try files.openJournals()
    var kept = try files.kept(.summary, journals)
    // Samples beyond this limit were asked for once and may be again. If they record too little they are decoded again like the others.
    let count = max(plan.selection.limit, (kept.values.map(\.number).max() ?? -1) + 1)
    let problems = plan.benchmark.problems(0..<count, of: plan.selection.split)
    let missing = problems.enumerated().filter { number, problem in
      guard let sample = kept[problem.id] else { return number < plan.selection.limit }
      return !sample.covers(plan.trace)
    }
    let names = missing.map(\.element.id)
    begin(Start(kept: kept.values.count { $0.isDone(of: plan) }, remarks: journals.flatMap { files.remarks(on: $0, missing: names) }))
    let isComplete = missing.isEmpty && journals.allSatisfy(\.entries.isEmpty) && files.areComplete
    // Files that are written anew are written from everything.
    if !isComplete, files.areComplete { kept = try files.kept(.whole, journals) }
    // A run that goes on after a stop mixes the machine's states; its seconds are kept, and not quoted as a speed. Nor are they beside another process.
    let company = Company(files)
    let mayBeAlone = jobs == 1 && kept.isEmpty
    let work = Work(plan: plan, level: kept.level(for: plan), journal: journals[0], files: files, isAlone: { mayBeAlone && !company.isThere })
    let results = try decode(missing, work, advance: advance, while: shouldContinue)
    for sample in results.samples { kept.keep(sample) }
    guard results.failures.isEmpty else { return .incomplete(results.failures) }
    let mine = problems.prefix(plan.selection.limit).compactMap { kept[$0.id] }
    guard mine.count == plan.selection.limit else { return .stopped }
    if !isComplete {
      let all = problems.compactMap { kept[$0.id] }
      guard all.allSatisfy({ $0.covers(plan.trace) }) else { return .stopped }
      try files.seal(all, plan: plan)
    }
    // The run's own journal last: as long as it is there, others are told that somebody is at work.
    for journal in journals.reversed() { do { try journal.remove() } catch { throw .trace(error) } }
    var result = RunResult(
      plan: plan, outcomes: mine.map(\.outcome), seconds: mine.map(\.trace.seconds), isTimed: mine.allSatisfy(\.isAlone), directory: files.directory)
    if plan.trace.isMetered { do { result.divergence = try TraceFile.read(files.directory + "/trace.h5").divergence } catch { throw .trace(error) } }
    return .finished(result)
  }

  /// Samples decoded side by side.
  var workers: Int { jobs }
}

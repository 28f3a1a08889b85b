internal import Synchronization
internal import Traces

extension Runner {
  /// How a part of a run ended.
  public enum ShardEnding: Sendable {
    /// Its samples are all there, decoded by this process or before; the next whole run puts them together.
    case done
    /// It was told to stop; finished samples are kept.
    case stopped
    /// Some samples could not be decoded; all the others are kept.
    case incomplete([RunError])
  }

  /// Samples of a run's part that nobody has decoded yet, and how many it has in all.
  public func missing(_ shard: Shard, of plan: RunPlan) throws(RunError) -> (missing: Int, total: Int) {
    let kept = try RunFiles(directory(of: plan), digest: plan.digest).kept(.summary)
    return (missing(shard, of: plan, kept).count, (0..<plan.selection.limit).count { shard.holds($0, of: plan) })
  }

  /// For each of several parts, how many of their samples nobody has decoded yet.
  public func missing(shards: Int, of plans: [RunPlan]) throws(RunError) -> [Int] {
    var counts = [Int](repeating: 0, count: shards)
    for plan in plans {
      let kept = try RunFiles(directory(of: plan), digest: plan.digest).kept(.summary)
      for index in 0..<shards {
        if let shard = Shard(index, of: shards) { counts[index] += missing(shard, of: plan, kept).count }
      }
    }
    return counts
  }

  private func missing(_ shard: Shard, of plan: RunPlan, _ kept: [String: KeptSample]) -> [(offset: Int, element: Problem)] {
    // Many samples of a large split are cheaper to count than to make.
    let done = Set(kept.values.filter { $0.isDone(of: plan) }.map(\.number))
    return (0..<plan.selection.limit).filter { shard.holds($0, of: plan) && !done.contains($0) }.map {
      ($0, plan.benchmark.problem($0, of: plan.selection.split))
    }
  }

  /// Decodes what is missing of one part of a run into a journal of the part's own. Nothing is put together: `run` does that, once, with what all parts hold.
  ///
  /// Samples that the finished files, the run's journal or another part's hold are not decoded again, whatever number of parts they were made with.
  ///
  /// - Parameters:
  ///   - begin: called once, before anything is decoded.
  ///   - advance: called after every newly finished sample, from any thread.
  ///   - shouldContinue: asked before every model call; false stops in good order.
  /// - Throws: what concerns the part as a whole: `.trace(.locked)` where another process works on it, its folder, its journal.
  public func run(
    _ shard: Shard, of plan: RunPlan, begin: (Start) -> Void = { _ in }, advance: @escaping @Sendable () -> Void = {},
    while shouldContinue: @escaping @Sendable () -> Bool = { true }
  ) throws(RunError) -> ShardEnding {
    let files = RunFiles(directory(of: plan), digest: plan.digest)
    try files.prepare(plan.config)
    let total = (0..<plan.selection.limit).count { shard.holds($0, of: plan) }
    guard missing(shard, of: plan, try files.kept(.summary)).count > 0 else {
      begin(Start(kept: total, remarks: []))
      return .done
    }
    let journal = try files.openJournal(of: shard)
    // Once more: what was there may have been put together before this process held the journal.
    let kept = try files.kept(.summary)
    let missing = missing(shard, of: plan, kept)
    begin(Start(kept: total - missing.count, remarks: files.remarks(on: journal, missing: missing.map(\.element.id))))
    let work = Work(plan: plan, level: kept.level(for: plan), journal: journal, files: files, isAlone: { false })
    let results = try decode(missing, work, advance: advance, while: shouldContinue)
    if journal.entries.isEmpty, results.samples.isEmpty { do { try journal.remove() } catch { throw .trace(error) } }
    if !results.failures.isEmpty { return .incomplete(results.failures) }
    return results.samples.count == missing.count ? .done : .stopped
  }
}

public import Diffusion
internal import Synchronization

/// A transformer that computes what a cache policy says and takes the rest from earlier rounds.
///
/// Every trajectory has a state of its own, named by session and branch: the policy's memory, keys and values of every row, and what was last said of every
/// row asked for. A branch that goes on from another one takes its state along; memory is shared until one of them writes. A row that was computed has the bits
/// that the plan and the state give it, whatever else is in the batch.
public final class CachedDenoiser: Denoiser {
  private let base: TransformerDenoiser
  private let cache: Cache
  private let states = Mutex<[Key: State]>([:])

  /// A model behind a cache, with no state.
  public init(_ base: TransformerDenoiser, _ cache: Cache) {
    self.base = base
    self.cache = cache
  }

  /// The vocabulary of every row.
  public var vocabulary: Vocabulary { base.vocabulary }
  /// Hidden states and whole rows; rows are not always fresh.
  public var abilities: Abilities { [.hiddenStates, .fullRows] }
  /// The longest sequence.
  public var maxLength: Int { base.maxLength }

  struct Key: Hashable {
    let session: Int
    let branch: Int
  }

  /// What is held of one trajectory.
  struct State: @unchecked Sendable {
    var policy: any CachePolicy
    let length: Int
    let promptLength: Int
    /// Written by one call at a time, and copied where two states would share it.
    var held: Held
    /// What was last said of rows, by position.
    var said: [Int: Said] = [:]
  }

  /// A row as it was last computed.
  struct Said {
    let row: TransformerDenoiser.Row
    let reading: Reading
    /// Whether it was before the end of the block then. What rules ask for beyond it is theirs to know and opens nothing to the policy.
    let isReached: Bool
  }

  /// A query on its way through the model.
  private struct Task {
    let query: Query
    var state: State
    let plan: CachePlan
    /// The rows computed; nil: all.
    var active: [Int]?
    /// The earlier task whose state this one goes on from.
    let parent: Int?
    /// Tasks of a wave are computed together.
    let wave: Int
    /// Positions of which something has been said before this round and, once it is planned, in it; and those of them that were within reach then.
    var known: Set<Int> = []
    var reached: Set<Int> = []
    var response: Response?
  }

  /// Evaluates a batch of sequences: those that go on from others of the batch after them.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    var tasks = try planned(queries)
    for wave in 0...(tasks.map(\.wave).max() ?? 0) {
      try compute(&tasks, tasks.indices.filter { tasks[$0].wave == wave })
    }
    states.withLock { states in
      for task in tasks { states[Key(session: task.query.lineage.session, branch: task.query.lineage.branch)] = task.state }
    }
    return tasks.compactMap(\.response)
  }

  /// Keeps the named states of a session and drops its others.
  public func settle(_ survivals: [Survival]) {
    states.withLock { states in
      var kept: [Key: State] = [:]
      for survival in survivals {
        if let state = states[Key(session: survival.session, branch: survival.from)] { kept[Key(session: survival.session, branch: survival.to)] = state }
      }
      let sessions = Set(survivals.map(\.session))
      states = states.filter { !sessions.contains($0.key.session) }
      states.merge(kept) { $1 }
    }
  }

  /// Drops the states of a session.
  public func forget(session: Int) {
    states.withLock { states in states = states.filter { $0.key.session != session } }
  }

  /// Bytes held for trajectories, shared memory counted once.
  package var bytes: Int {
    states.withLock { states in
      var seen: Set<ObjectIdentifier> = []
      return states.values.reduce(0) { $0 + (seen.insert(ObjectIdentifier($1.held)).inserted ? $1.held.bytes : 0) }
    }
  }

  // MARK: Plans

  private func planned(_ queries: [Query]) throws(DenoiserError) -> [Task] {
    let known = states.withLock { $0 }
    var tasks: [Task] = []
    for query in queries {
      guard query.positionIDs == nil, query.visibility == nil, query.soft.isEmpty else {
        throw .unsupported("extra rows and soft inputs do not go with the cache `\(cache.name)`")
      }
      let lineage = query.lineage
      let parent =
        lineage.parent == lineage.branch
        ? nil : tasks.lastIndex { $0.query.lineage.session == lineage.session && $0.query.lineage.branch == lineage.parent }
      let start = parent.map { tasks[$0].state } ?? known[Key(session: lineage.session, branch: lineage.parent)]
      let fitting = start.flatMap { $0.length == query.tokens.count && $0.promptLength == query.promptLength ? $0 : nil }
      var policy = fitting?.policy ?? cache.policy
      var plan = policy.plan(
        CacheView(tokens: query.tokens, promptLength: query.promptLength, window: query.window, mask: vocabulary.mask))
      // What lives on nothing is computed in full.
      if fitting == nil, case .part = plan { plan = .full }
      var state = fitting ?? State(policy: policy, length: query.tokens.count, promptLength: query.promptLength, held: Held(nothing: query.tokens.count))
      state.policy = policy
      // Only where the parent writes does this one have to wait for it.
      let wave = parent.map { tasks[$0].wave + (tasks[$0].plan.writes ? 1 : 0) } ?? 0
      tasks.append(Task(query: query, state: state, plan: plan, active: nil, parent: parent, wave: wave))
    }
    return tasks
  }

  // MARK: Computing

  private func compute(_ tasks: inout [Task], _ wave: [Int]) throws(DenoiserError) {
    var lanes: [Lane] = []
    var fresh: [[Int]] = []
    for index in wave {
      if let parent = tasks[index].parent {
        tasks[index].state.held = tasks[parent].state.held
      }
      tasks[index].known = tasks[index].parent.map { tasks[$0].known } ?? Set(tasks[index].state.said.keys)
      tasks[index].reached = tasks[index].parent.map { tasks[$0].reached } ?? Set(tasks[index].state.said.filter { $0.value.isReached }.keys)
      if case .features(let prompt, let response, let ratio) = tasks[index].plan {
        // A sequence that fails takes its session with it; the others of the batch are tried again and must find what they started from.
        let isAlone = Set(tasks.map(\.query.lineage.session)).count == 1 && !isShared(tasks[index], among: tasks)
        try answer(&tasks[index], features: (prompt, response, ratio), inPlace: isAlone)
        continue
      }
      tasks[index].active = active(tasks[index])
      if case .full = tasks[index].plan { (tasks[index].known, tasks[index].reached) = ([], []) }
      let query = tasks[index].query
      tasks[index].known.formUnion(query.rows)
      tasks[index].reached.formUnion(query.rows.filter { $0 < query.window.upperBound })
      let (lane, asked) = lane(&tasks[index], among: tasks)
      lanes.append(lane)
      fresh.append(asked)
    }
    guard !lanes.isEmpty else { return }
    let rows: [[TransformerDenoiser.Row]]
    do { rows = try base.evaluate(lanes, hiddens: true) } catch {
      if case .nonFinite(let row, let sequence) = error { throw .nonFinite(row: row, sequence: wave[sequence]) }
      throw error
    }
    for (place, index) in wave.enumerated() {
      if let parent = tasks[index].parent { tasks[index].state.said = tasks[parent].state.said }
      try answer(&tasks[index], fresh[place], rows[place])
    }
  }

  /// The rows computed: the plan's, those that hold the beliefs of its masked rows, and those asked for of which nothing is known.
  private func active(_ task: Task) -> [Int]? {
    guard case .part(let rows, _, _) = task.plan else { return nil }
    let query = task.query
    var all = Set(rows)
    for row in rows where query.tokens[row] == vocabulary.mask { all.insert(base.row(of: row)) }
    for position in query.rows where !(position < query.window.upperBound ? task.reached : task.known).contains(position) { all.insert(base.row(of: position)) }
    // Whatever a policy leaves out, something can be decided.
    let eligible = query.rows.filter { query.tokens[$0] == vocabulary.mask && $0 < query.window.upperBound }
    if !eligible.contains(where: { all.contains(base.row(of: $0)) }) { all.formUnion(eligible.map { base.row(of: $0) }) }
    return all.count == query.tokens.count ? nil : all.sorted()
  }

  private func lane(_ task: inout Task, among tasks: [Task]) -> (lane: Lane, fresh: [Int]) {
    let query = task.query
    guard case .part(_, let seen, let kept) = task.plan else {
      // A full pass writes every row: memory that nobody else reads is used again.
      let own = isShared(task, among: tasks) ? nil : task.state.held.keysValues
      let keysValues = own ?? KeyValues(base.model, rows: query.tokens.count)
      if own == nil { task.state.held = Held(keysValues) }
      let lane = Lane(query.asking(for: unique(query.rows)), active: nil, seen: nil, held: keysValues, kept: Array(query.tokens.indices))
      return (lane, query.rows)
    }
    let active = task.active.map(Set.init)
    let fresh = query.rows.filter { active?.contains(base.row(of: $0)) ?? true }
    if !kept.isEmpty, isShared(task, among: tasks) { task.state.held = task.state.held.copy() }
    let held = task.state.held.keysValues ?? KeyValues(base.model, rows: query.tokens.count)
    // What is computed is seen, at least by itself.
    let visible = seen.map { Set($0).union(task.active ?? Array(query.tokens.indices)).sorted() }
    return (Lane(query.asking(for: unique(fresh)), active: task.active, seen: visible, held: held, kept: kept), fresh)
  }

  /// The rows that hold the beliefs in positions, each once: two positions share one where the first has none before it.
  private func unique(_ positions: [Int]) -> [Int] { Array(Set(positions.map { base.row(of: $0) })).sorted() }

  /// Whether another trajectory, or another task that is under way, reads the same memory.
  private func isShared(_ task: Task, among tasks: [Task]) -> Bool {
    let (held, own) = (task.state.held, Key(session: task.query.lineage.session, branch: task.query.lineage.branch))
    if states.withLock({ $0.contains { $0.key != own && $0.value.held === held } }) { return true }
    return tasks.count { $0.state.held === held && ($0.parent == nil || $0.wave <= task.wave) } > 1
  }

  // MARK: Answers

  private func answer(_ task: inout Task, _ fresh: [Int], _ rows: [TransformerDenoiser.Row]) throws(DenoiserError) {
    let query = task.query
    let byRow = Dictionary(uniqueKeysWithValues: zip(unique(fresh), rows))
    if case .full = task.plan { task.state.said = [:] }
    for position in fresh {
      if let row = byRow[base.row(of: position)] {
        task.state.said[position] = Said(row: row, reading: query.reading, isReached: position < query.window.upperBound)
      }
    }
    let stale = Set(query.rows).subtracting(fresh)
    let reread = try refreshed(&task.state, stale.sorted(), query.reading)
    var isFull = false
    if case .full = task.plan { isFull = true }
    let isWithheld = type(of: task.state.policy).withholds
    let withheld = isWithheld ? stale.filter { query.tokens[$0] == vocabulary.mask && $0 < query.window.upperBound } : []
    let cost = Cost(canvases: 1, positions: task.active?.count ?? query.tokens.count, logitRows: rows.count + reread)
    task.response = Response(rows: query.rows.compactMap { task.state.said[$0]?.row.summary }, cost: cost, isRefresh: isFull, withheld: Set(withheld))
  }

  /// Reads rows of earlier rounds as they are asked for now. How many had to go through the head again.
  private func refreshed(_ state: inout State, _ positions: [Int], _ reading: Reading) throws(DenoiserError) -> Int {
    let other = positions.filter { state.said[$0].map { $0.reading != reading } ?? false }
    guard !other.isEmpty else { return 0 }
    let hiddens = other.compactMap { state.said[$0]?.row.hidden }
    let summaries = try base.reread(hiddens, reading)
    for (position, (hidden, summary)) in zip(other, zip(hiddens, summaries)) {
      let isReached = state.said[position]?.isReached ?? false
      state.said[position] = Said(row: TransformerDenoiser.Row(summary: summary, hidden: hidden), reading: reading, isReached: isReached)
    }
    return other.count
  }

  private func answer(
    _ task: inout Task, features: (prompt: Bool, response: Bool, ratio: Double), inPlace: Bool
  ) throws(DenoiserError) {
    let query = task.query
    let held = task.state.held.features.map { inPlace ? $0 : $0.copy() } ?? Features(base.model, rows: query.tokens.count)
    task.state.held = Held(held)
    // The response begins with the row that holds the belief in its first position.
    let split = query.tokens.count > query.promptLength ? base.row(of: query.promptLength) : query.promptLength
    let (rows, positions) = try base.evaluate(
      query.asking(for: unique(query.rows)), held, split: split, prompt: features.prompt, response: features.response, ratio: features.ratio)
    let byRow = Dictionary(uniqueKeysWithValues: zip(unique(query.rows), rows))
    task.response = Response(
      rows: query.rows.compactMap { byRow[base.row(of: $0)]?.summary }, cost: Cost(canvases: 1, positions: positions, logitRows: rows.count),
      isRefresh: features.prompt && features.response)
  }
}

extension CachePlan {
  /// Whether what is held changes.
  fileprivate var writes: Bool {
    switch self {
    case .full, .features: true
    case .part(_, _, let kept): !kept.isEmpty
    }
  }
}

/// What is held of the rows of a trajectory.
final class Held {
  let rows: Int
  let keysValues: KeyValues?
  let features: Features?

  init(nothing rows: Int) { (self.rows, keysValues, features) = (rows, nil, nil) }
  init(_ keysValues: KeyValues) { (rows, self.keysValues, features) = (keysValues.rows, keysValues, nil) }
  init(_ features: Features) { (rows, keysValues, self.features) = (features.rows, nil, features) }

  func copy() -> Held {
    if let features { return Held(features.copy()) }
    return keysValues.map { Held($0.copy()) } ?? Held(nothing: rows)
  }

  var bytes: Int { (keysValues?.bytes ?? 0) + (features?.bytes ?? 0) }
}

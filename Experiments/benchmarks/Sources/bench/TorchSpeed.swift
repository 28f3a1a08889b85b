import Diffusion
import Foundation
import Models
import Synchronization
import Workbench

/// The native engine against PyTorch in float32 on the same processor: the same weights, canvas, strategy and threads, in turn.
///
/// Whole decodes of the reference model, whose decisions must be the same, commit by commit; and one forward pass of the larger sizes.
enum TorchSpeed {
  private static let problems = 6
  private static let strategies: [(name: String, rules: Setting)] = [
    ("one-by-one", ["quota"]), ("threshold", [["threshold": ["confidence": 0.9]]]),
  ]

  static func measure(_ checkpoints: Checkpoints) throws -> Report.Part {
    var part = Report.Part(name: "torch", measure: "PyTorch's seconds over ours, same weights, canvas, strategy and threads", rows: [])
    do {
      let cases = try ForwardSpeed.cases(checkpoints)
      let torch = try TorchProcess(model: cases[0].directory)
      part.remarks = [
        "PyTorch \(torch.version), float32, inference_mode, scaled_dot_product_attention; `all rows`: every position goes through the head, as in the papers' code.",
        "\(problems) problems each; decisions were compared commit by commit.",
        "One thread: processor time of the process that computes; two: time that passes.",
        "`whole machine`: ours decodes problems side by side, one thread each; PyTorch one problem after the other, each pass on all processors.",
      ]
      for rows in ["needed", "all"] {
        for (name, rules) in strategies {
          for benchmark in ["arithmetic", "lists"] where rows == "needed" || benchmark == "arithmetic" {
            let work = Work(benchmark: benchmark, strategy: name, rules: rules, limit: problems)
            for threads in rows == "needed" ? ForwardSpeed.threadCounts : [1] { part.rows.append(try decode(work, cases[0], torch, threads, rows)) }
          }
        }
      }
    }
    for (name, rules) in strategies {
      for benchmark in ["arithmetic", "lists"] {
        let limit = name == "one-by-one" ? 8 : 24
        part.rows.append(try machine(Work(benchmark: benchmark, strategy: name, rules: rules, limit: limit), checkpoints))
      }
    }
    let differing = part.rows.flatMap(\.figures).filter { $0.name == "decodes that differ" }.reduce(0) { $0 + $1.value }
    part.rows.append(Report.Row("decodes whose decisions differ", [differing], goal: "torch.differing"))
    var agreeing: [Double] = []
    for work in try ForwardSpeed.cases(checkpoints).dropFirst() { part.rows += try forward(work, &agreeing) }
    part.rows.append(Report.Row("larger sizes: rows whose best token is the same, percent, the fewest", [agreeing.min() ?? .nan], goal: "torch.same"))
    return part
  }

  private static func decode(_ work: Work, _ model: ForwardSpeed.Case, _ torch: TorchProcess, _ threads: Int, _ rows: String) throws -> Report.Row {
    let plan = try work.plan()
    let denoiser = try TransformerDenoiser(directory: model.directory, threads: threads)
    var ratios: [Double] = []
    var (own, theirs, rounds, differing) = (0.0, 0.0, 0, 0)
    for (index, problem) in plan.problems.enumerated() {
      let session = try plan.session(problem)
      let canvas = session.canvas
      var commits: [[[Int32]]] = []
      var seconds = 0.0
      func native() {
        commits = []
        seconds = Timing.seconds(Timing.clock(threads)) {
          _ = Decoder(denoiser).decode(
            [session], record: { _, round in commits.append(round.edits.map { [Int32($0.position), $0.token] }.sorted { $0[0] < $1[0] }) })
        }
      }
      let request = TorchProcess.Request(
        op: "decode", threads: threads, tokens: canvas.prompt + canvas.response, rows: rows, prompt: canvas.prompt.count, block: plan.geometry.blockLength,
        strategy: work.strategy, confidence: 0.9)
      // A first problem for caches, then each side first in turn.
      if index == 0 {
        native()
        _ = try torch.ask(request)
      }
      let turns = try Timing.calm(least: 1, most: 1, budget: 1) { _ in
        if index % 2 == 0 { native() }
        Thread.sleep(forTimeInterval: 0.02)
        let answer = try torch.ask(request)
        Thread.sleep(forTimeInterval: 0.02)
        if index % 2 == 1 { native() }
        return (own: seconds, theirs: answer.seconds ?? .nan, isSame: answer.commits == commits)
      }
      for turn in turns {
        if !turn.isSame { differing += 1 }
        ratios.append(turn.theirs / turn.own)
        (own, theirs, rounds) = (own + turn.own, theirs + turn.theirs, rounds + commits.count)
      }
    }
    return Report.Row(
      "\(work.label), \(threads) thread\(threads > 1 ? "s" : "")\(rows == "all" ? ", all rows" : "")", ratios, goal: rows == "needed" ? "torch.decode" : nil,
      figures: [
        .init("ours ms a round", own / Double(rounds) * 1000), .init("PyTorch ms a round", theirs / Double(rounds) * 1000),
        .init("rounds", Double(rounds)), .init("decodes that differ", Double(differing)),
      ])
  }

  /// Many problems on the whole machine: ours side by side, a worker with one thread each, as `unmask run` decodes them; PyTorch one after the other, each pass
  /// on all processors, as the papers' scripts do.
  private static func machine(_ work: Work, _ checkpoints: Checkpoints) throws -> Report.Row {
    let workers = ProcessInfo.processInfo.activeProcessorCount
    let model = try ForwardSpeed.cases(checkpoints)[0]
    let torch = try TorchProcess(model: model.directory)
    let plan = try work.plan()
    let denoiser = try TransformerDenoiser(directory: model.directory, threads: 1)
    let sessions = { try plan.problems.map { try plan.session($0) } }
    let requests = try sessions().map { session in
      TorchProcess.Request(
        op: "decode", threads: workers, tokens: session.canvas.prompt + session.canvas.response, rows: "needed", prompt: session.canvas.prompt.count,
        block: plan.geometry.blockLength, strategy: work.strategy, confidence: 0.9)
    }
    var (rounds, differing) = (0, 0)
    func turn(_ repetition: Int) throws -> (own: Double, theirs: Double) {
      let commits = Commits(try sessions())
      var own = 0.0
      func native() {
        own = Timing.seconds(Timing.clock(workers)) {
          DispatchQueue.concurrentPerform(iterations: workers) { _ in
            while let (index, session) = commits.next() {
              _ = Decoder(denoiser).decode(
                [session], record: { _, round in commits.add(round.edits.map { [Int32($0.position), $0.token] }.sorted { $0[0] < $1[0] }, index) })
            }
          }
        }
      }
      if repetition % 2 == 0 { native() }
      Thread.sleep(forTimeInterval: 0.04)
      let answers = try requests.map { try torch.ask($0) }
      Thread.sleep(forTimeInterval: 0.04)
      if repetition % 2 == 1 { native() }
      let found = commits.all
      rounds = found.reduce(0) { $0 + $1.count }
      differing = max(differing, zip(found, answers).count { $0 != $1.commits })
      return (own, answers.reduce(0) { $0 + ($1.seconds ?? .nan) })
    }
    _ = try turn(0)
    let turns = try Timing.calm(least: 3, most: 7, budget: 15, turn)
    return Report.Row(
      "\(work.label), \(work.limit) problems, whole machine", turns.map { $0.theirs / $0.own }, goal: "torch.machine",
      figures: [
        .init("ours ms a round", Spread(turns.map(\.own)).median / Double(rounds) * 1000),
        .init("PyTorch ms a round", Spread(turns.map(\.theirs)).median / Double(rounds) * 1000), .init("rounds", Double(rounds)),
        .init("decodes that differ", Double(differing)),
      ])
  }

  /// Sessions handed out one by one, and what is committed in each of their rounds.
  private final class Commits: Sendable {
    private let state: Mutex<(next: Int, all: [[[[Int32]]]])>
    private let sessions: [Session]

    init(_ sessions: [Session]) {
      self.sessions = sessions
      state = Mutex((0, Array(repeating: [], count: sessions.count)))
    }

    func next() -> (Int, Session)? {
      state.withLock { state in
        guard state.next < sessions.count else { return nil }
        defer { state.next += 1 }
        return (state.next, sessions[state.next])
      }
    }

    func add(_ round: [[Int32]], _ index: Int) { state.withLock { $0.all[index].append(round) } }

    var all: [[[[Int32]]]] { state.withLock(\.all) }
  }

  /// - Parameter agreeing: takes the share of rows with the same best token, percent, of each comparison.
  private static func forward(_ work: ForwardSpeed.Case, _ agreeing: inout [Double]) throws -> [Report.Row] {
    let torch = try TorchProcess(model: work.directory)
    var result: [Report.Row] = []
    for threads in ForwardSpeed.threadCounts {
      let model = try TransformerDenoiser(directory: work.directory, threads: threads)
      for asked in [work.positions, ForwardSpeed.block] {
        let query = ForwardSpeed.query(model, positions: work.positions, asked: asked)
        let request = TorchProcess.Request(op: "forward", threads: threads, tokens: query.tokens, asked: asked, repeat: 1)
        var theirs: [Double] = []
        var (own, best): ([Int32], [Int32]) = ([], [])
        let times = try Timing.alternating(
          [
            { own = try model.believe([query]).flatMap { $0.rows.map { $0.top.first { $0.token != model.vocabulary.mask }?.token ?? -1 } } },
            {
              let answer = try torch.ask(request)
              theirs.append(answer.seconds ?? .nan)
              best = answer.best ?? []
            },
          ], least: 3, most: 15, budget: work.budget / 2, burst: 0, clock: Timing.clock(threads))
        let same = own.count == best.count ? zip(own, best).count { $0 == $1 } : 0
        agreeing.append(Double(same) / Double(own.count) * 100)
        // The clock of the process that computes: no time of the pipe between.
        let seconds = Array(theirs.suffix(times.count))
        result.append(
          Report.Row(
            "\(work.name), one pass, \(asked == work.positions ? "all" : "\(asked)") rows, \(threads) thread\(threads > 1 ? "s" : "")",
            zip(seconds, times).map { $0 / $1[0] }, goal: "torch.pass",
            figures: [.init("ours ms a round", Spread(times.map { $0[0] }).median * 1000), .init("PyTorch ms a round", Spread(seconds).median * 1000)]))
      }
    }
    return result
  }
}

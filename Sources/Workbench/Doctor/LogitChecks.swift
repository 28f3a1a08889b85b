internal import Diffusion
internal import Models
internal import Synchronization

/// Whether a row's bits depend on its own sequence alone.
struct LogitChecks {
  private let subject: DoctorSubject
  private let sequences: [[Token]]
  private let cores: Int

  init(_ subject: DoctorSubject, cores: Int) {
    self.subject = subject
    self.cores = cores
    sequences = subject.sequences
  }

  /// What every other answer is held against: each sequence by itself, all its rows, 40 candidates of each; in brief, without its logits.
  func alone(_ denoiser: any Denoiser, _ indices: [Int]? = nil, inBrief: Bool = false) throws(DenoiserError) -> [[RowSummary]] {
    let reading = inBrief ? Reading(topK: Self.candidates) : nil
    return try (indices ?? Array(sequences.indices)).map { (index) throws(DenoiserError) in try ask(denoiser, [index], reading: reading)[0] }
  }

  private static let candidates = 40

  /// The checks of one denoiser, which need no other.
  func steps(_ denoiser: any Denoiser, _ name: String = "") -> [DoctorStep] {
    let lengths = sequences.map { "\($0.count)" }.joined(separator: ", ")
    let prefix = name.isEmpty ? "" : name + ": "
    let all = Array(sequences.indices)
    let orders = [all, all.reversed(), Array(all.dropFirst(2) + all.prefix(2)), all + all.reversed()]
    return [
      DoctorStep(.logits, prefix + "repeated", "twice, sequences of \(lengths) tokens, half of them masked") { () throws(DenoiserError) in
        compare(try alone(denoiser), try alone(denoiser), "the second time")
      },
      DoctorStep(.logits, prefix + "batch", "by itself, with all others, in reverse, in turn, and each twice") { () throws(DenoiserError) in
        try batches(denoiser, orders)
      },
      DoctorStep(.logits, prefix + "rows", "all rows, every second, every third, the last, the first; 1 to 40 candidates, whole rows and brief ones") {
        () throws(DenoiserError) in try rows(denoiser)
      },
      DoctorStep(.logits, prefix + "callers", "\(max(4, cores)) callers at once, each in an order of its own") { () throws(DenoiserError) in
        try callers(denoiser)
      },
    ]
  }

  /// A variant's rows against those of another denoiser: whole and in brief, which long vocabularies take another way.
  func variant(_ denoiser: any Denoiser, against other: any Denoiser) throws(DenoiserError) -> [String] {
    let expected = try alone(other)
    let batch = try ask(denoiser, Array(sequences.indices))
    return compare(try alone(denoiser), expected, "by itself") + compare(batch, expected, "in a batch")
      + compare(try alone(denoiser, inBrief: true), expected, "in brief")
  }

  /// Kernel paths of this machine. The portable one is slow, so that it gets the shorter sequences alone.
  func paths(_ paths: [String], of denoiser: any Denoiser) throws(DenoiserError) -> [String] {
    let now = Kernels.path
    defer { Kernels.reset() }
    let expected = try alone(denoiser)
    var lines: [String] = []
    for path in paths where path != now && Kernels.select(path) {
      let indices = path == "portable" ? Array(sequences.indices.prefix(subject.isSmall ? 5 : 1)) : Array(sequences.indices)
      for inBrief in [false, true] {
        let found = try alone(denoiser, indices, inBrief: inBrief)
        lines += compare(found, indices.map { expected[$0] }, "\(path) against \(now)" + (inBrief ? ", in brief" : ""))
      }
    }
    return lines
  }

  // MARK: One denoiser

  private func batches(_ denoiser: any Denoiser, _ orders: [[Int]]) throws(DenoiserError) -> [String] {
    let expected = try alone(denoiser)
    var lines: [String] = []
    for order in orders {
      let found = try ask(denoiser, order)
      var comparison = AnswerComparison()
      for (answer, index) in zip(found, order) { comparison.compare(answer, to: expected[index], place(index), rows: Array(sequences[index].indices)) }
      lines += comparison.lines("in the batch of lengths \(order.map { "\(sequences[$0].count)" }.joined(separator: ", "))")
    }
    return lines
  }

  private func rows(_ denoiser: any Denoiser) throws(DenoiserError) -> [String] {
    let expected = try alone(denoiser)
    let choices: [(String, (Int, Int) -> Bool)] = [
      ("every second row", { row, _ in row % 2 == 0 }), ("every third row", { row, _ in row % 3 == 0 }), ("the last row", { $0 == $1 - 1 }),
      ("the first row", { row, _ in row == 0 }),
    ]
    var lines: [String] = []
    for (number, (name, isWanted)) in choices.enumerated() {
      let wanted = sequences.map { tokens in tokens.indices.filter { isWanted($0, tokens.count) } }
      // Where whole rows are not asked for, candidates and sums are taken another way.
      for isFull in [true, false] {
        let top = [3, 1, Self.candidates, 8][number]
        let found = try ask(denoiser, Array(sequences.indices), rows: wanted, reading: Reading(topK: top, fullRows: isFull && hasRows(denoiser)))
        var comparison = AnswerComparison()
        for index in sequences.indices {
          comparison.compare(found[index], to: wanted[index].map { expected[index][$0] }, place(index), rows: wanted[index], top: top)
        }
        lines += comparison.lines("asked for \(name)" + (isFull ? "" : " in brief"))
      }
    }
    return lines
  }

  private func callers(_ denoiser: any Denoiser) throws(DenoiserError) -> [String] {
    let expected = try alone(denoiser)
    let lines = Mutex<[String]>([])
    let fault = Mutex<DenoiserError?>(nil)
    let crew = max(4, cores)
    Workers.run(jobs: crew, count: crew) { caller in
      do throws(DenoiserError) {
        for turn in sequences.indices {
          let index = (turn + caller) % sequences.count
          let found = try ask(denoiser, [index], session: 1000 * (caller + 1))
          var comparison = AnswerComparison()
          comparison.compare(found[0], to: expected[index], place(index), rows: Array(sequences[index].indices))
          let own = comparison.lines("caller \(caller)")
          lines.withLock { $0 += own }
        }
      } catch { fault.withLock { $0 = error } }
      return true
    }
    if let error = fault.withLock({ $0 }) { throw error }
    return lines.withLock { $0.sorted() }
  }

  // MARK: Asking

  private func place(_ index: Int) -> String { "sequence of \(sequences[index].count)" }

  private func hasRows(_ denoiser: any Denoiser) -> Bool { denoiser.abilities.contains(.fullRows) }

  /// Rows of some sequences in one batch, each in a session of its own that ends with it.
  private func ask(
    _ denoiser: any Denoiser, _ indices: [Int], rows: [[Int]]? = nil, reading: Reading? = nil, session: Int = 0
  ) throws(DenoiserError) -> [[RowSummary]] {
    let queries = indices.enumerated().map { place, index in
      Query(
        tokens: sequences[index], rows: rows?[index] ?? Array(sequences[index].indices),
        reading: reading ?? Reading(topK: Self.candidates, fullRows: hasRows(denoiser)),
        lineage: Lineage(session: session + place))
    }
    defer { for query in queries { denoiser.forget(session: query.lineage.session) } }
    let responses = try denoiser.believe(queries)
    guard responses.count == queries.count else { throw .failed("\(responses.count) answers to \(queries.count) sequences") }
    return responses.map(\.rows)
  }

  private func compare(_ found: [[RowSummary]], _ expected: [[RowSummary]], _ what: String) -> [String] {
    var comparison = AnswerComparison()
    for index in found.indices { comparison.compare(found[index], to: expected[index], place(index), rows: Array(sequences[index].indices)) }
    return comparison.lines(what)
  }
}

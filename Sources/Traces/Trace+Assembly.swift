internal import Diffusion

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Trace.Attributes {
  /// The present time as the attribute `created` has it.
  public static var now: String { Date().formatted(.iso8601) }
}

extension Trace {
  /// Puts samples together, in the order given: rows, offsets and author numbers become those of the file.
  ///
  /// Authors are numbered in order of first appearance, so that equal samples in equal order make equal files.
  public init(attributes: Attributes, samples: [SampleTrace]) throws(TraceError) {
    let candidates = samples.reduce(0) { max($0, $1.beliefs?.candidates ?? 0) }
    for sample in samples where (sample.beliefs?.candidates ?? candidates) != candidates {
      throw .unstorable(what: "sample `\(sample.problem)`", reason: "its beliefs hold \(sample.beliefs?.candidates ?? 0) candidates, others \(candidates)")
    }
    var tables = [
      try Self.samplesTable(samples), try Self.tokensTable("prompts", samples.map(\.prompt)), try Self.tokensTable("initial", samples.map(\.initial)),
      try Self.tokensTable("responses", samples.map(\.response)), try Self.roundsTable(samples),
    ]
    tables[2]["pinned"] = .uint8(samples.flatMap { $0.pinned.map { $0 ? 1 : 0 } })
    // The order of the schema puts `offsets` last.
    let offsets = tables[2]["offsets"]
    tables[2]["offsets"] = nil
    tables[2]["offsets"] = offsets
    tables += try Self.editsTables(samples)
    let hasBeliefs = TraceLevel(attributes.level).map { $0.candidates > 0 } ?? false
    if hasBeliefs { tables.append(try Self.beliefsTable(samples)) }
    self.init(attributes: attributes, tables: tables, candidates: hasBeliefs ? max(candidates, 1) : 0)
  }

  private static func samplesTable(_ samples: [SampleTrace]) throws(TraceError) -> Table {
    var table = Table("samples")
    var first = 0
    var firsts: [Int64] = []
    for sample in samples {
      firsts.append(Int64(first))
      first += sample.rounds.count
    }
    table["problem"] = .string(samples.map(\.problem))
    table["seed"] = .int64(samples.map { Int64($0.seed) })
    table["block_length"] = try int32(samples.map(\.blockLength), "block_length")
    table["correct"] = .int8(samples.map { Int8(clamping: $0.correct) })
    table["answer_tokens"] = try int32(samples.map(\.answerTokens), "answer_tokens")
    table["rounds"] = try int32(samples.map(\.roundCount), "rounds")
    table["canvases"] = .int64(samples.map { Int64($0.cost.canvases) })
    table["positions"] = .int64(samples.map { Int64($0.cost.positions) })
    table["logit_rows"] = .int64(samples.map { Int64($0.cost.logitRows) })
    table["seconds"] = .float64(samples.map(\.seconds))
    table["first_round"] = .int64(firsts)
    // Only where it says something: a file without it holds complete samples.
    if samples.contains(where: { !$0.isComplete }) { table["complete"] = .int8(samples.map { $0.isComplete ? 1 : 0 }) }
    return table
  }

  private static func tokensTable(_ name: String, _ rows: [[Token]]) throws(TraceError) -> Table {
    var table = Table(name)
    var offsets: [Int64] = [0]
    var end = 0
    for row in rows {
      end += row.count
      offsets.append(Int64(end))
    }
    table["tokens"] = .int32(rows.flatMap { $0 })
    table["offsets"] = .int64(offsets)
    return table
  }

  private static func roundsTable(_ samples: [SampleTrace]) throws(TraceError) -> Table {
    var table = Table("rounds")
    let rounds = samples.flatMap(\.rounds)
    var owners: [Int] = []
    owners.reserveCapacity(rounds.count)
    for (index, sample) in samples.enumerated() { owners += Array(repeating: index, count: sample.rounds.count) }
    table["sample"] = try int32(owners, "sample")
    table["index"] = try int32(rounds.map(\.index), "index")
    table["kind"] = .uint8(rounds.map(\.kind.rawValue))
    table["canvases"] = try int32(rounds.map(\.cost.canvases), "canvases")
    table["positions"] = .int64(rounds.map { Int64($0.cost.positions) })
    table["logit_rows"] = .int64(rounds.map { Int64($0.cost.logitRows) })
    table["window_start"] = try int32(rounds.map(\.window.lowerBound), "window_start")
    table["window_end"] = try int32(rounds.map(\.window.upperBound), "window_end")
    table["masked"] = try int32(rounds.map(\.masked), "masked")
    table["forward_seconds"] = .float64(rounds.map(\.forwardSeconds))
    table["decide_seconds"] = .float64(rounds.map(\.decideSeconds))
    table["final"] = .uint8(rounds.map { $0.isFinal ? 1 : 0 })
    // Only where something was compared; NaN in the rounds in which nothing was.
    if rounds.contains(where: { $0.divergence != nil }) {
      table["fidelity_kl"] = .float64(rounds.map { $0.divergence?.kl ?? .nan })
      table["fidelity_top1"] = .float64(rounds.map { $0.divergence?.top1 ?? .nan })
      table["fidelity_decisions"] = .float64(rounds.map { $0.divergence?.decisions ?? .nan })
    }
    return table
  }

  private static func editsTables(_ samples: [SampleTrace]) throws(TraceError) -> [Table] {
    var table = Table("edits")
    var authors = Table("authors")
    var names: [String] = []
    var numbers: [String: Int] = [:]
    var rounds: [Int64] = []
    var author: [Int] = []
    var first = 0
    for sample in samples {
      for edit in sample.edits {
        rounds.append(Int64(first + edit.round))
        if numbers[edit.edit.author] == nil {
          numbers[edit.edit.author] = names.count
          names.append(edit.edit.author)
        }
        author.append(numbers[edit.edit.author] ?? 0)
      }
      first += sample.rounds.count
    }
    let edits = samples.flatMap { $0.edits.map(\.edit) }
    table["round"] = .int64(rounds)
    table["branch"] = try int32(edits.map(\.branch), "branch")
    table["kind"] = .uint8(edits.map(\.kind.rawValue))
    table["position"] = try int32(edits.map(\.position), "position")
    table["token"] = .int32(edits.map(\.token))
    table["confidence"] = .float64(edits.map(\.confidence))
    table["margin"] = .float64(edits.map(\.margin))
    table["entropy"] = .float64(edits.map(\.entropy))
    table["author"] = try int32(author, "author")
    authors["name"] = .string(names)
    return [table, authors]
  }

  private static func beliefsTable(_ samples: [SampleTrace]) throws(TraceError) -> Table {
    var table = Table(TraceSchema.beliefs)
    var rounds: [Int64] = []
    var first = 0
    for sample in samples {
      rounds += (sample.beliefs?.round ?? []).map { Int64(first + $0) }
      first += sample.rounds.count
    }
    let beliefs = samples.compactMap(\.beliefs)
    table["round"] = .int64(rounds)
    table["position"] = try int32(beliefs.flatMap(\.position), "position")
    table["log_sum_exp"] = .float64(beliefs.flatMap(\.logSumExp))
    table["entropy"] = .float64(beliefs.flatMap(\.entropy))
    table["top_tokens"] = .int32(beliefs.flatMap(\.topTokens))
    table["top_logits"] = .float32(beliefs.flatMap(\.topLogits))
    // Samples of an earlier version have none, and a column has a value in every row.
    if beliefs.allSatisfy(\.isExact) {
      table["mass"] = .float64(beliefs.flatMap(\.mass))
      table["moment"] = .float64(beliefs.flatMap(\.moment))
    }
    return table
  }

  private static func int32(_ values: [Int], _ column: String) throws(TraceError) -> Column {
    var narrow: [Int32] = []
    narrow.reserveCapacity(values.count)
    for value in values {
      guard let small = Int32(exactly: value) else { throw .unstorable(what: "\(column) \(value)", reason: "it does not fit 32 bits") }
      narrow.append(small)
    }
    return .int32(narrow)
  }
}

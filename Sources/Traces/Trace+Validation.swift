internal import Diffusion

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Trace {
  /// The longest response a row may speak of.
  static let longestResponse = Canvas.lengthLimit

  /// Everything that is wrong with the trace; empty if nothing is.
  ///
  /// First the structure: lengths of columns, offsets, row numbers, ranges. If that holds, every sample is replayed: its edits with branch -1 over its initial
  /// response must give its response, with the counts, windows, costs and flags of its rounds.
  ///
  /// - Parameter limit: faults listed at most; a last one counts the rest.
  public func validate(limit: Int = 100) -> [TraceFault] {
    var list = FaultList(limit: limit)
    if seal == .broken { list.add("file", nil, "bytes changed since it was written: the checksum at its end does not hold") }
    checkStructure(&list)
    let keys = ConfigKeys(attributes.config)
    if keys == nil { list.add("file", nil, "the attribute `config` is not a JSON object") }
    guard list.isSound else { return list.all }
    // Only a run decodes each problem once: of `decode` and of other programs a problem may be asked for again.
    if keys?.names.contains("benchmark") == true { checkProblems(&list) }
    var first = (round: 0, edit: 0, belief: 0)
    for (index, sample) in assembled().enumerated() {
      var checker = SampleChecker(sample, row: index, first: first, vocabulary: attributes.vocabulary, level: attributes.level)
      checker.check(&list)
      first.round += sample.rounds.count
      first.edit += sample.edits.count
      first.belief += sample.beliefs?.round.count ?? 0
    }
    return list.all
  }

  /// What would keep the tables from being read as samples.
  func checkStructure(_ list: inout FaultList) {
    if TraceLevel(attributes.level) == nil { list.add("file", nil, "level `\(attributes.level)` is none of none, edits, beliefs, fidelity") }
    checkLengths(&list)
    guard list.isSound else { return }
    checkSamples(&list)
    checkRounds(&list)
    checkEdits(&list)
    checkBeliefs(&list)
  }

  /// Whether the level asks for beliefs.
  private var holdsBeliefs: Bool { TraceLevel(attributes.level).map { $0.candidates > 0 } ?? false }

  private func checkLengths(_ list: inout FaultList) {
    let samples = sampleCount
    for group in TraceSchema.groups {
      guard let table = self[group.name] else {
        if group.name != TraceSchema.beliefs || holdsBeliefs { list.add(group.name, nil, "the group is missing") }
        continue
      }
      let rows = group.fields.first.flatMap { table[$0.name]?.count } ?? 0
      for field in group.fields {
        guard let column = table[field.name] else {
          if !field.isOptional { list.add(group.name, nil, "column `\(field.name)` is missing") }
          continue
        }
        if column.type != field.type { list.add(group.name, nil, "column `\(field.name)` is \(column.type.rawValue), not \(field.type.rawValue)") }
        let expected =
          switch field.extent {
          case .rows: rows
          case .items: table["tokens"]?.count ?? 0
          case .offsets: samples + 1
          case .candidates: rows.multipliedReportingOverflow(by: candidates).partialValue
          }
        if column.count != expected { list.add(group.name, nil, "column `\(field.name)` has \(column.count) values, not \(expected)") }
      }
      if group.fields.contains(where: { $0.extent == .offsets }) { checkOffsets(of: table, &list) }
    }
  }

  private func checkOffsets(of table: Table, _ list: inout FaultList) {
    let offsets = table.integers("offsets")
    if let first = offsets.first, first != 0 { list.add(table.name, 0, "offsets begin with \(first), not 0") }
    let count = table["tokens"]?.count ?? 0
    if let last = offsets.last, last != count { list.add(table.name, offsets.count - 1, "offsets end with \(last), but there are \(count) tokens") }
    for row in offsets.indices.dropFirst() where offsets[row] < offsets[row - 1] {
      list.add(table.name, row, "offset \(offsets[row]) is less than the one before, \(offsets[row - 1])")
    }
    for row in offsets.indices.dropFirst() where offsets[row] >= 0 && offsets[row - 1] >= 0 && offsets[row] - offsets[row - 1] > Self.longestResponse {
      list.add(table.name, row - 1, "a length of \(offsets[row] - offsets[row - 1]) is more than \(Self.longestResponse)")
    }
  }

  private func checkSamples(_ list: inout FaultList) {
    guard let table = self["samples"] else { return }
    let rounds = table.integers("rounds")
    var next = 0
    for (row, first) in table.integers("first_round").enumerated() {
      if first != next { list.add("samples", row, "first_round is \(first), not \(next): the rounds of samples follow each other") }
      if attributes.level != TraceLevel.none.name { next += max(rounds[row], 0) }
    }
    let total = self["rounds"]?["sample"]?.count ?? 0
    if next != total { list.add("samples", nil, "they have \(next) rounds, but /rounds has \(total) rows") }
    for (row, value) in table.integers("correct").enumerated() where !(-1...1).contains(value) {
      list.add("samples", row, "correct is \(value), not 1, 0 or -1")
    }
    for (row, value) in table.integers("complete").enumerated() where !(0...1).contains(value) {
      list.add("samples", row, "complete is \(value), not 1 or 0")
    }
    for name in ["rounds", "answer_tokens", "canvases", "positions", "logit_rows"] {
      for (row, value) in table.integers(name).enumerated() where value < 0 { list.add("samples", row, "\(name) is \(value), below 0") }
    }
    for (row, value) in table.integers("block_length").enumerated() where value < 1 { list.add("samples", row, "block_length is \(value), below 1") }
    for (row, value) in table.doubles("seconds").enumerated() where !(value >= 0 && value.isFinite) {
      list.add("samples", row, "seconds is \(value), not a time")
    }
    for (row, value) in (self["initial"]?.integers("pinned") ?? []).enumerated() where value > 1 { list.add("initial", row, "pinned is \(value), not 0 or 1") }
  }

  private func checkProblems(_ list: inout FaultList) {
    guard let table = self["samples"] else { return }
    var rows: [Problem: Int] = [:]
    for (row, (name, seed)) in zip(table.strings("problem"), table.integers("seed")).enumerated() {
      if let first = rows.updateValue(row, forKey: Problem(name: name, seed: seed)) {
        list.add("samples", row, "problem `\(name)` with seed \(seed) is that of row \(first) again")
      }
    }
  }

  private func checkRounds(_ list: inout FaultList) {
    guard let table = self["rounds"], list.isSound else { return }
    var owner = 0
    var index = 0
    let counts = self["samples"]?.integers("rounds") ?? []
    let (starts, ends) = (table.integers("window_start"), table.integers("window_end"))
    let indices = table.integers("index")
    for (row, sample) in table.integers("sample").enumerated() {
      while owner < counts.count, index >= counts[owner] { (owner, index) = (owner + 1, 0) }
      if sample != owner { list.add("rounds", row, "sample is \(sample), but by first_round the row belongs to sample \(owner)") }
      if indices[row] != index { list.add("rounds", row, "index is \(indices[row]), not \(index)") }
      if !(0 <= starts[row] && starts[row] <= ends[row] && ends[row] <= Self.longestResponse) {
        list.add("rounds", row, "the window \(starts[row])..<\(ends[row]) is no range of a response")
      }
      index += 1
    }
    for (row, kind) in table.integers("kind").enumerated() where Round.Kind(rawValue: UInt8(clamping: kind)) == nil {
      list.add("rounds", row, "kind is \(kind), not 0, 1 or 2")
    }
    for (row, final) in table.integers("final").enumerated() where final > 1 { list.add("rounds", row, "final is \(final), not 0 or 1") }
    for name in ["canvases", "positions", "logit_rows", "masked"] {
      for (row, value) in table.integers(name).enumerated() where value < 0 { list.add("rounds", row, "\(name) is \(value), below 0") }
    }
    for name in ["forward_seconds", "decide_seconds"] {
      for (row, value) in table.doubles(name).enumerated() where !(value >= 0 && value.isFinite) { list.add("rounds", row, "\(name) is \(value), not a time") }
    }
    // NaN stands in rounds in which nothing was compared.
    for (row, value) in table.doubles("fidelity_kl").enumerated() where value < 0 || value.isInfinite {
      list.add("rounds", row, "fidelity_kl is \(value), not a divergence")
    }
    for name in ["fidelity_top1", "fidelity_decisions"] {
      for (row, value) in table.doubles(name).enumerated() where value < 0 || value > 1 { list.add("rounds", row, "\(name) is \(value), not a share") }
    }
  }

  private func checkEdits(_ list: inout FaultList) {
    guard let table = self["edits"] else { return }
    checkRoundReferences(of: table, &list)
    let names = self["authors"]?["name"]?.count ?? 0
    for (row, author) in table.integers("author").enumerated() where !(0..<names).contains(author) {
      list.add("edits", row, "author is \(author), but /authors has \(names) names")
    }
    for (row, kind) in table.integers("kind").enumerated() where Edit.Kind(rawValue: UInt8(clamping: kind)) == nil {
      list.add("edits", row, "kind is \(kind), not 0 to 4")
    }
    for (row, branch) in table.integers("branch").enumerated() where branch < -1 { list.add("edits", row, "branch is \(branch), below -1") }
    for (row, position) in table.integers("position").enumerated() where !(0...Self.longestResponse).contains(position) {
      list.add("edits", row, "position is \(position), not in a response")
    }
    for (row, token) in table.integers("token").enumerated() where token < -1 { list.add("edits", row, "token is \(token), below -1") }
  }

  private func checkBeliefs(_ list: inout FaultList) {
    guard let table = self[TraceSchema.beliefs] else { return }
    if !(1...65_536).contains(candidates) { list.add(TraceSchema.beliefs, nil, "k is \(candidates), not 1 to 65536") }
    if !holdsBeliefs { list.add(TraceSchema.beliefs, nil, "the group is there, but the level is `\(attributes.level)`") }
    checkRoundReferences(of: table, &list)
    for (row, position) in table.integers("position").enumerated() where !(0..<Self.longestResponse).contains(position) {
      list.add(TraceSchema.beliefs, row, "position is \(position), not in a response")
    }
  }

  private func checkRoundReferences(of table: Table, _ list: inout FaultList) {
    let count = self["rounds"]?["sample"]?.count ?? 0
    var previous = 0
    for (row, round) in table.integers("round").enumerated() {
      if !(0..<count).contains(round) { list.add(table.name, row, "round is \(round), but /rounds has \(count) rows") }
      if round < previous { list.add(table.name, row, "round is \(round), after \(previous): rows are in order of application") }
      previous = round
    }
  }
}

/// What a sample of a run is known by.
private struct Problem: Hashable {
  let name: String
  let seed: Int
}

/// The outermost keys of a configuration.
private struct ConfigKeys: Decodable {
  let names: Set<String>

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Nil for what is no JSON object.
  init?(_ json: String) {
    do { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) } catch { return nil }
  }

  init(from decoder: any Swift.Decoder) throws { names = Set(try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)) }
}

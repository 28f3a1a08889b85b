internal import Diffusion
internal import Models
internal import Traces

/// Digests of what a model answers and of what strategies decide with it: what another process has to come to as well.
package struct DoctorFingerprint: Codable, Sendable, Hashable {
  /// SHA-256 over a sequence's rows, by the sequence's length.
  package var logits: [String: String] = [:]
  /// SHA-256 over a strategy's decodes, by its name.
  package var decodes: [String: String] = [:]

  /// How another process's differs, a line each.
  func differences(from other: DoctorFingerprint) -> [String] {
    func compare(_ a: [String: String], _ b: [String: String], _ what: String) -> [String] {
      Set(a.keys).union(b.keys).sorted().filter { a[$0] != b[$0] }.map {
        "\(what) \($0): \(a[$0]?.prefix(12) ?? "nothing") here, \(b[$0]?.prefix(12) ?? "nothing") there"
      }
    }
    return compare(logits, other.logits, "rows of the sequence of length") + compare(decodes, other.decodes, "decodes with")
  }

  mutating func add(_ rows: [RowSummary], length: Int) {
    var words = BitDigest()
    for row in rows {
      for logit in row.full ?? row.top.map(\.logit) { words.add(UInt64(logit.bitPattern)) }
      words.add(row.mass.sum.bitPattern)
      words.add(row.mass.weighted.bitPattern)
    }
    logits["\(length)"] = words.text
  }

  mutating func add(_ samples: [SampleTrace], strategy: String) {
    var words = BitDigest()
    for sample in samples {
      for token in sample.response { words.add(token) }
      for round in sample.rounds {
        for number in [round.cost.canvases, round.cost.positions, round.cost.logitRows, round.masked, round.window.lowerBound] { words.add(number) }
      }
      for entry in sample.edits {
        for number in [entry.round, Int(entry.edit.kind.rawValue), entry.edit.position, Int(entry.edit.token), entry.edit.branch] { words.add(number) }
        for number in [entry.edit.confidence, entry.edit.margin, entry.edit.entropy] { words.add(number.bitPattern) }
        words.add(entry.edit.author)
      }
      for logit in sample.beliefs?.topLogits ?? [] { words.add(UInt64(logit.bitPattern)) }
      for number in sample.beliefs?.mass ?? [] { words.add(number.bitPattern) }
    }
    decodes[strategy] = words.text
  }
}

/// A digest of bits.
private struct BitDigest {
  private var bytes: [UInt8] = []

  mutating func add(_ word: UInt64) { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }

  mutating func add(_ number: some BinaryInteger) { add(UInt64(truncatingIfNeeded: number)) }

  mutating func add(_ text: String) {
    add(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  var text: String {
    var digest = SHA256()
    digest.update(bytes)
    return digest.hexadecimal()
  }
}

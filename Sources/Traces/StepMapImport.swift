package import Diffusion

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Step maps that other programs made, as traces of the level `edits`: they validate, replay and draw like any other.
///
/// What a step map does not say stays unsaid: confidence, margin and entropy of an edit are NaN, positions, logit rows and seconds are 0, the author is `imported`.
/// A position has one edit, the one that stayed; what was revoked on the way is not there.
package struct StepMapImport {
  /// The author of every edit.
  package static let author = "imported"
  /// Rounds a sample may have per token of its response: most of them would do nothing.
  static let roundsPerToken = 16
  /// The largest file that is read, in bytes.
  static let largestFile = 1 << 30

  /// The vocabulary, where the model is known: tokens are checked against it, and end tokens told apart.
  package var vocabulary: Vocabulary?
  /// The digest of the model.
  package var modelDigest = "unknown"
  /// Block length; nil: the response is one block.
  package var blockLength: Int?
  /// Spells a text in tokens, for files that hold a response as text alone.
  package var encode: ((String) -> [Token])?

  /// An import without a model.
  package init() {}

  /// Reads a file: one JSON object, an array of them, or one per line.
  ///
  /// A sample has its tokens under `token_ids`, `tokens`, `output_ids` or `response_ids` (or as text under `response` or `text`), and the round of each under
  /// `step_map`, `step_maps` or `first_unmask_times`, -1 or null where it was given with the problem. Rounds count from 0 if any in the file is 0, else from 1.
  package func read(_ path: String) throws(TraceError) -> Trace {
    let bytes = try Files.read(path, limit: Self.largestFile)
    let records = try records(bytes, path)
    guard !records.isEmpty else { throw .notAStepMap(path: path, reason: "the list is empty") }
    let first = records.contains { $0.steps.contains(0) } ? 0 : 1
    var samples: [SampleTrace] = []
    for (index, record) in records.enumerated() { samples.append(try sample(record, index, first: first, path)) }
    let config: Setting = ["imported": ["form": "step map", "file": Setting(.text(path)), "first_round": Setting(.integer(first))]]
    let trace = try Trace(
      attributes: Trace.Attributes(config: config.json, runDigest: Self.author, modelDigest: modelDigest, vocabulary: vocabulary), samples: samples)
    if let fault = trace.validate(limit: 1).first { throw .notAStepMap(path: path, reason: fault.description) }
    return trace
  }

  private func records(_ bytes: [UInt8], _ path: String) throws(TraceError) -> [StepMapRecord] {
    func isShown(_ byte: UInt8) -> Bool { !" \n\r\t".utf8.contains(byte) }
    guard let first = bytes.first(where: isShown) else { throw .notAStepMap(path: path, reason: "the file is empty") }
    do throws(StepMapRecord.Mistake) {
      if first == UInt8(ascii: "[") { return try StepMapRecord.list(bytes) }
      var lines = bytes.split(separator: UInt8(ascii: "\n")).filter { $0.contains(where: isShown) }
      // One object may stand on several lines.
      if lines[0].last(where: isShown) != UInt8(ascii: "}") { lines = [bytes[...]] }
      var records: [StepMapRecord] = []
      for (index, line) in lines.enumerated() {
        do throws(StepMapRecord.Mistake) { records.append(try StepMapRecord.one(line)) } catch { throw error.at("line \(index + 1)") }
      }
      return records
    } catch { throw .notAStepMap(path: path, reason: error.reason) }
  }

  private func sample(_ record: StepMapRecord, _ index: Int, first: Int, _ path: String) throws(TraceError) -> SampleTrace {
    func refused(_ reason: String) -> TraceError { .notAStepMap(path: path, reason: "sample \(index + 1): \(reason)") }
    guard let tokens = record.tokens ?? record.text.flatMap({ encode?($0) }) else {
      throw refused("there are no `token_ids`" + (record.text == nil ? "" : "; its text needs a model's tokenizer"))
    }
    guard tokens.count == record.steps.count else { throw refused("it has \(tokens.count) tokens and \(record.steps.count) steps") }
    guard !tokens.isEmpty, tokens.count <= Trace.longestResponse else { throw refused("it has \(tokens.count) tokens, expected 1 to \(Trace.longestResponse)") }
    let block = blockLength ?? tokens.count
    guard block > 0, tokens.count % block == 0 else { throw refused("block length \(block) is no divisor of its \(tokens.count) tokens") }
    let limit = tokens.count * Self.roundsPerToken
    let steps = record.steps.map { $0 < 0 ? -1 : $0 - first }
    if let step = steps.first(where: { $0 >= limit }) { throw refused("round \(step) is more than \(Self.roundsPerToken) rounds per token") }
    let initial = zip(tokens, steps).map { $1 < 0 ? $0 : -1 }
    var sample = SampleTrace(
      problem: record.problem ?? "\(index)", seed: record.seed, blockLength: block, prompt: record.prompt, initial: initial, pinned: steps.map { $0 < 0 },
      response: tokens)
    sample.correct = record.correct
    let answer = vocabulary.flatMap { tokens.firstIndex(of: $0.end) } ?? tokens.count
    sample.answerTokens = steps.prefix(answer).count { $0 >= 0 }
    fill(&sample, steps)
    return sample
  }

  /// Rounds and edits, a round for every step up to the last.
  private func fill(_ sample: inout SampleTrace, _ steps: [Int]) {
    let last = steps.max() ?? -1
    guard last >= 0 else { return }
    var positions: [[Int]] = Array(repeating: [], count: last + 1)
    for (position, step) in steps.enumerated() where step >= 0 { positions[step].append(position) }
    var masked = steps.count { $0 >= 0 }
    var open = 0
    for (round, here) in positions.enumerated() {
      while open < steps.count, steps[open] < round { open += 1 }
      let start = open / sample.blockLength * sample.blockLength
      sample.rounds.append(
        RecordedRound(
          index: round, kind: here.isEmpty ? .passed : .ordinary, cost: Cost(canvases: 1, positions: 0, logitRows: 0),
          window: start..<start + sample.blockLength, masked: masked, forwardSeconds: 0, decideSeconds: 0, isFinal: round == last))
      for position in here {
        var edit = Edit(.reveal, at: position, token: sample.response[position])
        edit.author = Self.author
        sample.edits.append(RecordedEdit(round: round, edit: edit))
      }
      masked -= here.count
    }
    sample.roundCount = sample.rounds.count
    sample.cost = Cost(canvases: sample.rounds.count, positions: 0, logitRows: 0)
  }
}

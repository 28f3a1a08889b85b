internal import Diffusion
internal import Foundation
internal import Models
internal import Traces
internal import Workbench

/// `replay --verify`: runs the model again along a trace, or has the trace stand in for it, and compares every round with what was recorded.
enum ReplayVerify {
  /// - Parameters:
  ///   - path: the trace's file, for messages.
  ///   - sample: one sample's problem; nil for all.
  ///   - model: a model's name or directory.
  ///   - isTape: whether the recorded beliefs answer instead of the model.
  /// - Throws: `Failure` with code 1 where anything differs.
  static func run(trace: Trace, path: String, sample: String?, model: String, isTape: Bool, json: Bool) throws {
    let beside = TraceModel(model, beside: trace)
    let session = try TraceSession(trace, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, tokenizer: beside.tokenizer)
    let indices = try session.indices(of: sample)
    let loaded = isTape ? nil : try beside.load()
    if let loaded, loaded.denoiser.vocabulary != session.vocabulary {
      throw ConfigurationError.unsupported("\(beside.identity(loaded)) has another vocabulary than the trace's tokens; name its own with --model")
    }
    Terminal.catchInterrupts()
    let progress = Progress("verify", done: 0, total: indices.count)
    var checked: [Verification] = []
    for index in indices {
      let denoiser: any Denoiser = if let loaded { try loaded.denoiser(session.cache) } else { try tape(session, index) }
      guard let next = try Verification(session, index, on: denoiser, while: { !Terminal.isInterrupted }) else { break }
      if isTape, let first = next.first, first.column == Verification.failure { throw Self.lack(first.now) }
      checked.append(next)
      progress.advance()
    }
    progress.finish()
    let differing = checked.filter { $0.first != nil }
    if json {
      Terminal.out(self.json(checked, path: path, session: session, digest: loaded?.digest).json)
    } else {
      Terminal.out("\(path): \(indices.count) samples, recorded at the level \(session.level.name)")
      Terminal.out(loaded.map(beside.identity) ?? "the beliefs of the trace, without the model")
      if let engine = session.engine, engine != RunPlan.engineVersion {
        Terminal.out("recorded by engine version \(engine), this is \(RunPlan.engineVersion): some strategy decides differently by intent")
      }
      for line in lines(checked, beside.spelling) { Terminal.out(line) }
    }
    if checked.count < indices.count { throw Failure.interrupted("interrupted after \(checked.count) of \(indices.count) samples") }
    if !differing.isEmpty { throw Failure(code: 1, message: "") }
  }

  /// The trace of a sample in place of the model.
  private static func tape(_ session: TraceSession, _ index: Int) throws -> TapeDenoiser {
    let tape = try TapeDenoiser(session, index, canvases: session.canvases(of: index))
    if let refusal = tape.refusal(of: try session.pipeline(), sampling: session.sampling) { throw lack(refusal) }
    return tape
  }

  private static func lack(_ reason: String) -> ConfigurationError {
    .unsupported("the trace does not suffice: \(reason); leave --tape out to ask the model")
  }

  /// The findings in words.
  private static func lines(_ checked: [Verification], _ spelling: TokenSpelling) -> [String] {
    let rounds = checked.reduce(0) { $0 + $1.rounds }
    let reproduced = checked.reduce(0) { $0 + $1.reproduced }
    let differing = checked.filter { $0.first != nil }
    guard let sample = differing.first, let first = sample.first else {
      return rounds == 0
        ? ["no rounds are recorded; the responses and costs of all \(checked.count) samples come out again"]
        : ["reproduced bit for bit: all \(rounds) rounds of \(checked.count) samples"]
    }
    var place = sample.problem.printable
    if let round = first.round { place += ", round \(round + 1) of \(sample.rounds)" }
    if let position = first.position { place += ", position \(position)" }
    var lines = [
      "NOT reproduced: \(differing.count) of \(checked.count) samples differ; \(reproduced) of \(rounds) rounds come out bit for bit",
      "first difference: \(place): \(first.column)", "  recorded  \(first.recorded.printable)",
      "  now       \(first.now.printable)",
    ]
    if let size = first.size { lines.append("  size      \(size)") }
    if let beliefs = first.beliefs {
      lines.append("  belief recorded  \(words(beliefs.recorded, spelling))")
      lines.append("  belief now       \(words(beliefs.now, spelling))")
    }
    let parting = differing.count(where: \.parts)
    lines.append(
      "decisions came out differently in \(parting) samples; largest difference of a logit \(largest(checked, \.largestLogit)), "
        + "of a revealed token's confidence \(largest(checked, \.largestConfidence))")
    return lines
  }

  private static func largest(_ checked: [Verification], _ path: KeyPath<Verification, Double>) -> Double {
    checked.reduce(0) { max($0, $1[keyPath: path]) }
  }

  /// The three best candidates with their probabilities.
  private static func words(_ belief: Verification.Believed, _ spelling: TokenSpelling) -> String {
    belief.candidates.prefix(3).map { "\(spelling.exact($0.token)) \(exp(Double($0.logit) - belief.logSumExp))" }.joined(separator: "  ")
  }

  private static func json(_ checked: [Verification], path: String, session: TraceSession, digest: String?) -> Setting {
    let belief = { (belief: Verification.Believed) -> Setting in
      [
        "tokens": Setting(.list(belief.candidates.map { Setting(.integer(Int($0.token))) })),
        "logits": Setting(.list(belief.candidates.map { Setting(.number(Double($0.logit))) })), "log_sum_exp": Setting(.number(belief.logSumExp)),
      ]
    }
    let integer = { (number: Int?) -> Setting in Setting(number.map { .integer($0) } ?? .null) }
    let samples: [Setting] = checked.map { sample in
      let first: Setting =
        sample.first.map { first in
          [
            "round": integer(first.round), "position": integer(first.position), "column": Setting(.text(first.column)),
            "recorded": Setting(.text(first.recorded)), "now": Setting(.text(first.now)), "size": Setting(first.size.map { .number($0) } ?? .null),
            "belief_recorded": first.beliefs.map { belief($0.recorded) } ?? Setting(.null),
            "belief_now": first.beliefs.map { belief($0.now) } ?? Setting(.null),
          ]
        } ?? Setting(.null)
      return [
        "sample": Setting(.text(sample.problem)), "rounds": Setting(.integer(sample.rounds)), "compared": Setting(.integer(sample.compared)),
        "reproduced": Setting(.integer(sample.reproduced)), "same_decisions": Setting(.bool(!sample.parts)), "first_difference": first,
        "largest_logit_difference": Setting(.number(sample.largestLogit)), "largest_confidence_difference": Setting(.number(sample.largestConfidence)),
      ]
    }
    return [
      "trace": Setting(.text(path)), "level": Setting(.text(session.level.name)), "reproduced": Setting(.bool(checked.allSatisfy { $0.first == nil })),
      "model_digest": ["recorded": Setting(.text(session.attributes.modelDigest)), "now": Setting(digest.map { .text($0) } ?? .null)],
      "engine": ["recorded": integer(session.engine), "now": Setting(.integer(RunPlan.engineVersion))], "samples": Setting(.list(samples)),
    ]
  }
}

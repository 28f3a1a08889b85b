internal import Diffusion
internal import Models
internal import Synchronization
internal import Traces

/// What came of the prompts of one `decode`, gathered from its workers.
final class DecodeResults: Sendable {
  private struct Result {
    let outcome: Decoder.Outcome
    let forwards: [Setting]
    let sample: SampleTrace
  }

  private let results: Mutex<[Result?]>

  init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

  /// Keeps a prompt's outcome.
  func add(_ index: Int, _ outcome: Decoder.Outcome, _ forwards: [Setting], _ sample: SampleTrace) {
    results.withLock { $0[index] = Result(outcome: outcome, forwards: forwards, sample: sample) }
  }

  /// A prompt's outcome; nil if it was not reached.
  subscript(index: Int) -> (outcome: Decoder.Outcome, forwards: [Setting])? { results.withLock { $0[index].map { ($0.outcome, $0.forwards) } } }

  /// Writes all of them as one trace.
  func writeTrace(to path: String, config: Setting, digest: String, model: LoadedModel, level: TraceLevel, timing: Trace.Timing) throws(TraceError) {
    let samples = results.withLock { $0.compactMap { $0?.sample } }
    let attributes = Trace.Attributes(
      config: config.json, runDigest: digest, modelDigest: model.digest, level: level, vocabulary: model.denoiser.vocabulary, timing: timing)
    try TraceFile.write(try Trace(attributes: attributes, samples: samples), to: path)
  }
}

internal import Diffusion
internal import Synchronization
internal import Traces

/// Samples as workers finish them, in the order of their canvases.
final class DecodedSamples: Sendable {
  private let results: Mutex<[Result<SampleTrace, ConfigurationError>?]>

  init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

  /// Keeps what came of one canvas.
  func add(_ index: Int, _ result: Result<SampleTrace, ConfigurationError>) { results.withLock { $0[index] = result } }

  /// Every sample; the first fault where there is one.
  func all() throws(ConfigurationError) -> [SampleTrace] {
    var samples: [SampleTrace] = []
    for result in results.withLock({ $0 }) {
      guard let result else { throw .unsupported("a canvas was not decoded") }
      samples.append(try result.get())
    }
    return samples
  }
}

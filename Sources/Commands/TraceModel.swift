internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

/// The model beside a trace: its tokenizer spells tokens, and where it is at hand it answers what the trace does not record.
struct TraceModel {
  /// The name it was asked for by.
  let name: String
  /// How tokens are spelled; as their ids where the model is not at hand or has another vocabulary.
  let spelling: TokenSpelling
  /// The tokenizer; nil where tokens are spelled as their ids.
  let tokenizer: Tokenizer?
  private let recorded: String

  init(_ name: String, beside trace: Trace) {
    self.name = name
    recorded = trace.attributes.modelDigest
    // A trace can be looked at without any model; what needs one says so when it loads it.
    let own: Tokenizer?
    do { own = try ModelLibrary.tokenizer(name) } catch { own = nil }
    tokenizer = own.flatMap { $0.size == trace.attributes.vocabulary?.size ? $0 : nil }
    spelling = TokenSpelling(tokenizer, end: trace.attributes.vocabulary?.end)
  }

  /// The model itself.
  func load() throws(ConfigurationError) -> LoadedModel { try ModelLibrary.load(name) }

  /// Whether a loaded model is the one that made the trace.
  func made(_ model: LoadedModel) -> Bool { model.digest == recorded }

  /// One clause on whether a loaded model is the one that made the trace.
  func identity(_ model: LoadedModel) -> String {
    let own = "model \(name) (\(model.digest.prefix(12)))"
    return made(model) ? "\(own), the one that made the trace" : "\(own), NOT the one that made the trace (\(recorded.prefix(12).printable))"
  }
}

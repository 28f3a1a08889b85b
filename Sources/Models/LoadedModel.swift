public import Diffusion
internal import Synchronization

/// A model ready to decode: its denoiser, its tokenizer where it has one, and the digest of both.
public struct LoadedModel: Sendable {
  /// The name it was asked for by.
  public let name: String
  /// Where its files are.
  public let directory: String
  /// The model.
  public let denoiser: any Denoiser
  /// Its shape.
  public let configuration: ModelConfiguration
  /// Its tokenizer; nil where the directory has no `tokenizer.json`. Token ids need none.
  public let tokenizer: Tokenizer?
  /// SHA-256 over configuration, tokenizer and weights, and options and worker where there are any; 64 hexadecimal digits.
  public let digest: String

  /// Loads a shipped model by name, or a checkpoint directory in Hugging Face layout; `name` may end in options (see `ModelReference`).
  ///
  /// - Parameter threads: how many threads one model call may use, nil being one for small models and all for large ones; no result depends on it.
  public init(_ name: String, threads: Int? = nil) throws(ModelError) {
    self.name = name
    let reference = try ModelReference(name)
    directory = try ModelCatalog().directory(reference.place)
    var engine: String?
    if let worker = reference.worker {
      let started = try WorkerDenoiser(directory: directory, options: worker)
      (denoiser, configuration, engine) = (started, started.configuration, started.engine.text)
    } else {
      let native = try TransformerDenoiser(directory: directory, threads: threads, options: reference.options)
      (denoiser, configuration) = (native, native.configuration)
    }
    tokenizer = MappedFile.exists(directory + "/tokenizer.json") ? try Self.tokenizer(directory) : nil
    digest = try ModelCatalog.digest(directory, options: reference.options, engine: engine)
  }

  /// What the model is measured against: itself, or in float32 where it multiplies small integers. Loaded when it is first asked for.
  public func exact() throws(ModelError) -> any Denoiser {
    let reference = try ModelReference(name)
    guard reference.options.precision != .float32 else { return denoiser }
    var options = reference.options
    options.precision = .float32
    return try fuller.load { () throws(ModelError) in try TransformerDenoiser(directory: directory, options: options) }
  }

  private let fuller = Fuller()

  /// A denoiser that is made once.
  private final class Fuller: Sendable {
    private let made = Mutex<TransformerDenoiser?>(nil)

    func load(_ make: () throws(ModelError) -> TransformerDenoiser) throws(ModelError) -> TransformerDenoiser {
      try made.withLock { (made) throws(ModelError) in
        if let made { return made }
        let new = try make()
        made = new
        return new
      }
    }
  }

  /// The model for one decoder: behind a cache with no state yet, if one is named.
  public func denoiser(_ cache: Cache?) throws(ConfigurationError) -> any Denoiser {
    guard let cache else { return denoiser }
    guard let native = denoiser as? TransformerDenoiser else {
      throw .unsupported("the cache `\(cache.name)` needs the native engine, and model `\(name)` is evaluated by a worker")
    }
    return CachedDenoiser(native, cache)
  }

  /// The tokenizer of a directory.
  public static func tokenizer(_ directory: String) throws(ModelError) -> Tokenizer {
    do throws(TokenizerError) { return try Tokenizer(directory: directory) } catch { throw .tokenizer(error) }
  }

  /// The family that reads it.
  public var family: String { configuration.family }
}

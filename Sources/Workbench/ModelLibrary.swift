public import Diffusion
public import Models
internal import Synchronization

/// Models by name or directory, their errors turned into configuration errors.
public enum ModelLibrary {
  /// What a model is measured against; see `LoadedModel.exact`.
  public static func exact(_ model: LoadedModel) throws(ConfigurationError) -> any Denoiser {
    do { return try model.exact() } catch { throw configuration(error) }
  }

  /// The names of the models that ship.
  public static func names() throws(ConfigurationError) -> [String] {
    do { return try ModelCatalog().names } catch { throw configuration(error) }
  }

  /// Told of what may take long; what it gives is called when that is over.
  package typealias Observer = @Sendable (_ what: String) -> @Sendable () -> Void

  /// From now on an observer is told of every model that is loaded and every worker that is started.
  package static func observe(_ observer: @escaping Observer) { self.observer.withLock { $0 = observer } }

  private static let observer = Mutex<Observer?>(nil)

  private static func begin(_ what: String) -> (@Sendable () -> Void)? { observer.withLock { $0 }?(what) }

  /// A model, ready to decode. A worker is started once, however often its model is asked for: it may fill a GPU.
  public static func load(_ name: String) throws(ConfigurationError) -> LoadedModel {
    do {
      let reference = try ModelReference(name)
      let loaded = begin(reference.worker == nil ? "loading \(name)" : "starting a worker for \(reference.place)")
      defer { loaded?() }
      guard reference.worker != nil else { return try LoadedModel(name) }
      return try workers.withLock { (models) throws(ModelError) in
        if let model = models[reference.text] { return model }
        let model = try LoadedModel(name)
        models[reference.text] = model
        return model
      }
    } catch { throw configuration(error) }
  }

  private static let workers = Mutex<[String: LoadedModel]>([:])

  /// A model's tokenizer; nothing else of it is needed.
  public static func tokenizer(_ name: String) throws(ConfigurationError) -> Tokenizer {
    do { return try LoadedModel.tokenizer(try ModelCatalog().directory(try ModelReference(name).place)) } catch { throw configuration(error) }
  }

  /// The digest of a model's files and options.
  package static func digest(_ name: String) throws(ConfigurationError) -> String {
    do {
      let reference = try native(name, "its digest names what computes, which shows when it is started")
      return try ModelCatalog.digest(try ModelCatalog().directory(reference.place), options: reference.options)
    } catch { throw configuration(error) }
  }

  /// The denoiser alone, for what needs no tokenizer.
  public static func denoiser(_ name: String) throws(ConfigurationError) -> TransformerDenoiser {
    do {
      let loaded = begin("loading \(name)")
      defer { loaded?() }
      let reference = try native(name, "this is asked of the native engine")
      return try TransformerDenoiser(directory: try ModelCatalog().directory(reference.place), options: reference.options)
    } catch { throw configuration(error) }
  }

  private static func native(_ name: String, _ reason: String) throws(ModelError) -> ModelReference {
    let reference = try ModelReference(name)
    guard reference.worker == nil else { throw .option(key: "worker", value: "given", expected: "no worker: " + reason) }
    return reference
  }

  /// The directory of a model that is named without options.
  package static func directory(_ name: String) throws(ConfigurationError) -> String {
    do { return try ModelCatalog().directory(name) } catch { throw configuration(error) }
  }

  /// Writes a checkpoint whose layers' weights are small integers.
  package static func quantize(
    _ directory: String, _ quantizer: Quantizer, to destination: String, begin: (Int) -> Void, advance: () -> Void
  ) throws(ConfigurationError) -> CheckpointQuantizer.Summary {
    do {
      let checkpoint = try CheckpointQuantizer(directory: directory, quantizer)
      begin(checkpoint.count)
      return try checkpoint.write(to: destination, advance: advance)
    } catch { throw configuration(error) }
  }

  /// Something done with models, a mistake in it turned into one of configuration.
  static func attempt<Result>(_ body: () throws(ModelError) -> Result) throws(ConfigurationError) -> Result {
    do { return try body() } catch { throw configuration(error) }
  }

  private static func configuration(_ error: ModelError) -> ConfigurationError {
    switch error {
    // With its key apart, so that it can be found in a file.
    case .option(let key, let value, let expected): .outOfRange(key: "model.\(key)", value: value, expected: expected)
    case .unknownOption(let key, let known): .unknownKey(key: key, owner: "a model", known: known)
    default: error.isDamage ? .damaged(error.description) : .unsupported(error.description)
    }
  }
}

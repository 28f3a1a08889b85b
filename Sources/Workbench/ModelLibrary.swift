public import Diffusion
public import Models

/// Models by name or directory, their errors turned into configuration errors.
public enum ModelLibrary {
  /// The names of the models that ship.
  public static func names() throws(ConfigurationError) -> [String] {
    do { return try ModelCatalog().names } catch { throw .unsupported(error.description) }
  }

  /// A model, ready to decode.
  public static func load(_ name: String) throws(ConfigurationError) -> LoadedModel {
    do { return try LoadedModel(name) } catch { throw .unsupported(error.description) }
  }

  /// A model's tokenizer; nothing else of it is needed.
  public static func tokenizer(_ name: String) throws(ConfigurationError) -> Tokenizer {
    let directory: String
    do { directory = try ModelCatalog().directory(name) } catch { throw .unsupported(error.description) }
    do { return try Tokenizer(directory: directory) } catch { throw .unsupported(error.description) }
  }
}

internal import Diffusion
internal import Foundation
internal import Workbench

/// What `--strategy` may be: a YAML file, a strategy's name, or YAML.
enum StrategyArgument {
  /// The pipeline it stands for.
  static func build(_ argument: String, catalog: Catalog, context: Parameters.Context) throws(ConfigurationError) -> Catalog.Built {
    let setting = try read(argument, catalog: catalog)
    do { return try catalog.build(setting, context: context) } catch { throw error.at(file: file(argument)) }
  }

  /// The file that it names; nil where it is the YAML itself.
  static func file(_ argument: String) -> String? { FileManager.default.fileExists(atPath: argument) ? argument : nil }

  /// The settings it stands for.
  static func read(_ argument: String, catalog: Catalog) throws(ConfigurationError) -> Setting {
    if argument != "-", FileManager.default.fileExists(atPath: argument) { return try YAML.read(file: argument) }
    if catalog.names.contains(argument) { return Setting(.text(argument)) }
    if argument.contains(where: { "[{:".contains($0) }) {
      do { return try YAML.parse(argument) } catch { throw error.at(file: "--strategy") }
    }
    let looksLikeFile = argument.contains("/") || argument.hasSuffix(".yaml") || argument.hasSuffix(".yml")
    if looksLikeFile { throw .unreadable(file: argument, reason: "no such file") }
    throw .unknownName(name: argument, kind: "strategy, nor a file,", known: catalog.names)
  }
}

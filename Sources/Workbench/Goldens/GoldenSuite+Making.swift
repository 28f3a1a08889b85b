package import Diffusion
internal import Foundation
internal import Traces

extension GoldenSuite {
  /// The model whose confidences are exact; suites hold it beside their own.
  package static let exactModel = TieDenoiser.name

  /// The strategies of a file: an experiment's, or the map itself that stands under an experiment's `strategies`.
  package static func strategies(file: String) throws(ConfigurationError) -> Setting {
    let setting = try YAML.read(file: file)
    let strategies = setting["strategies"] ?? setting
    guard case .map(let entries) = strategies.value, !entries.isEmpty else {
      throw ConfigurationError.wrongKind(key: "strategies", found: strategies.kind, expected: "a map of names to lists of rules").at(file: file)
    }
    return strategies
  }

  /// Makes a suite without goldens: its folder, its `suite.yaml`, and a `.gitignore` for what is pending.
  package static func make(_ folder: String, _ settings: Setting) throws(RunError) {
    let file = folder + "/" + fileName
    guard !FileManager.default.fileExists(atPath: file) else {
      throw .configuration(.unsupported("\(file) is there already; edit it and run `unmask check \(folder) --accept`"))
    }
    let text: String
    do throws(ConfigurationError) {
      // Read back first: what is wrong with it is said before anything is written.
      _ = try GoldenSuite(settings, folder: folder)
      text = "# A suite of goldens: `unmask check` decodes it again, `unmask check --accept` records what is to change.\n" + (try YAML.write(settings))
    } catch { throw .configuration(error) }
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw .file(path: folder, reason: "cannot be made: " + YAML.reason(error))
    }
    do throws(TraceError) {
      let ignored = folder + "/.gitignore"
      if !FileManager.default.fileExists(atPath: ignored) { try DurableFile.replace(ignored, with: ignoring) }
      try DurableFile.replace(file, with: Array(text.utf8))
    } catch { throw .trace(error) }
  }

  /// Takes back what `make` made of a suite of which nothing could be recorded.
  package static func unmake(_ folder: String) throws(RunError) {
    let (files, ignored) = (FileManager.default, folder + "/.gitignore")
    do {
      try files.removeItem(atPath: folder + "/" + fileName)
      if files.contents(atPath: ignored) == Data(ignoring) { try files.removeItem(atPath: ignored) }
      if try files.contentsOfDirectory(atPath: folder).isEmpty { try files.removeItem(atPath: folder) }
    } catch { throw .file(path: folder, reason: "cannot be removed: " + YAML.reason(error)) }
  }

  private static let ignoring = Array("/\(GoldenCheck.pending)/\n".utf8)
}

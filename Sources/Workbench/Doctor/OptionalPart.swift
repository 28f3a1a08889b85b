internal import Diffusion
internal import Foundation
internal import Models

/// A part that one can do without, and how to get it.
package struct OptionalPart: Sendable, Hashable {
  /// What it is called.
  package let name: String
  /// What it is for.
  package let purpose: String
  /// Where it was found; nil where it is missing.
  package let place: String?
  /// The command that installs it.
  package let remedy: String

  /// A part that is there or missing.
  package init(name: String, purpose: String, place: String?, remedy: String) {
    (self.name, self.purpose, self.place, self.remedy) = (name, purpose, place, remedy)
  }

  /// The part as JSON.
  var json: Setting {
    [
      "name": Setting(.text(name)), "purpose": Setting(.text(purpose)), "place": Setting(place.map { .text($0) } ?? .null),
      "remedy": Setting(.text(remedy)),
    ]
  }

  /// Looks for every part where its users look for it, and tries whether it works.
  package static func all() -> [OptionalPart] {
    let plots = Self.place { () throws(ConfigurationError) in try package("vl-convert-python", of: try PlotRenderer().python) }
    let torch = Self.place { () throws(ConfigurationError) in
      try package("torch", of: try ModelLibrary.attempt { () throws(ModelError) in try WorkerDenoiser.python() })
    }
    let sandbox = Self.place { () throws(ConfigurationError) in try Python().interpreter }
    let notebooks = [root + "/.build/notebooks/venv/bin/jupytext"].first(where: FileManager.default.isExecutableFile)
    return [
      OptionalPart(name: "plots", purpose: "pictures of `unmask pareto`", place: plots, remedy: "make plots"),
      OptionalPart(name: "torch", purpose: "models with worker=torch", place: torch, remedy: "make torch"),
      OptionalPart(name: "sandbox", purpose: "benchmarks that run Python", place: sandbox, remedy: "apt-get install python3"),
      OptionalPart(name: "slurm", purpose: "--launcher slurm", place: LaunchProgram.path(of: SlurmLauncher.command), remedy: "apt-get install slurm-client"),
      OptionalPart(name: "notebooks", purpose: "pages of notebooks-md", place: notebooks, remedy: "make notebooks"),
    ]
  }

  /// Where something is; nil where looking for it failed, which is what its users would say.
  private static func place(_ find: () throws(ConfigurationError) -> String) -> String? {
    do throws(ConfigurationError) { return try find() } catch { return nil }
  }

  /// A Python and the version of a package that it has.
  private static func package(_ name: String, of python: String) throws(ConfigurationError) -> String {
    do throws(LaunchError) {
      let version = try LaunchProgram.output(at: python, ["-I", "-c", "import importlib.metadata as m; print(m.version('\(name)'))"])
      return "\(python), \(name) \(version.split(separator: "\n").first ?? "?")"
    } catch { throw .unsupported("\(error)") }
  }

  /// The source tree that this program was built from.
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL.path
}

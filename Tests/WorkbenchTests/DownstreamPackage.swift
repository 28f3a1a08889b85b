import Foundation

/// The package of Experiments/your-own-strategy, built once for every test that uses it, as its user would: against this package, without a fork.
///
/// It lies beside the test bundle and stays there, so that the next time only what changed is built. Beside the command of the walk-through it has one of
/// `StrategyMutant`, so that both share one build.
enum DownstreamPackage {
  /// The folder of the package, once it is built.
  static func built() throws -> String { try result.get() }

  /// One of its commands.
  static func command(_ name: String) throws -> URL { URL(fileURLWithPath: try built() + "/.build/debug/" + name) }

  private struct Failure: Error { let log: String }

  private static let result = Result { try build() }

  private static func build() throws -> String {
    let folder = Command.executable.deletingLastPathComponent().appending(path: "downstream").path
    let source = RepositoryTests.root.appending(path: "Experiments/your-own-strategy")
    for file in try FileManager.default.subpathsOfDirectory(atPath: source.path) where file.hasSuffix(".swift") || file.hasSuffix(".yaml") {
      guard !file.hasPrefix(".") else { continue }
      try write(String(contentsOf: source.appending(path: file), encoding: .utf8), to: folder + "/" + file)
    }
    let manifest = folder + "/Package.swift"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    // A second command with the same dependencies.
    let target = try #/\.executableTarget\([\s\S]*?\n      \]\)/#.firstMatch(in: text).map { String($0.output) } ?? ""
    let both = target + ",\n    " + target.replacing("\"my-unmask\"", with: "\"\(StrategyMutant.command)\"")
    try write(text.replacing("\"../..\"", with: "\"\(RepositoryTests.root.path)\"").replacing(target, with: both), to: manifest)
    for (name, text) in try StrategyMutant.sources() { try write(text, to: folder + "/Sources/\(StrategyMutant.command)/" + name) }
    let built = try Command.run(["swift", "build", "--package-path", folder], executable: URL(fileURLWithPath: "/usr/bin/env"))
    guard built.code == 0 else { throw Failure(log: built.output + built.errors) }
    return folder
  }

  /// Writes a file unless it is there already: what did not change is not built again.
  private static func write(_ text: String, to path: String) throws {
    if FileManager.default.contents(atPath: path) == Data(text.utf8) { return }
    try FileManager.default.createDirectory(at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }
}

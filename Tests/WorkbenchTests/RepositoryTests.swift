import Foundation
import Testing

/// Rules that the whole repository keeps.
@Suite struct RepositoryTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func sourcesAreFormatted() throws {
    let folders = ["Package.swift", "Sources", "Tests"].map { Self.root.appending(path: $0).path }
    let settings = Self.root.appending(path: ".swift-format").path
    let result = try Command.run(
      ["swift", "format", "lint", "--strict", "--parallel", "--recursive", "--configuration", settings] + folders,
      executable: URL(fileURLWithPath: "/usr/bin/env"))
    #expect(result.code == 0, "run `make format`\n\(result.errors)")
  }

  /// The arrows of the design: no target imports one above it.
  @Test(arguments: [
    ("Diffusion", ["Strategies", "Models", "Traces", "Workbench", "Commands", "Foundation", "FoundationEssentials"]),
    ("Strategies", ["Models", "Traces", "Workbench", "Commands", "Foundation", "FoundationEssentials"]),
    ("Models", ["Strategies", "Traces", "Workbench", "Commands"]),
    ("Traces", ["Strategies", "Models", "Workbench", "Commands"]),
    ("Workbench", ["Commands", "ArgumentParser"]),
  ])
  func importsPointOneWay(_ target: String, _ forbidden: [String]) throws {
    let folder = Self.root.appending(path: "Sources/\(target)")
    for file in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where file.hasSuffix(".swift") {
      for line in try String(contentsOf: folder.appending(path: file), encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else { continue }
        #expect(!forbidden.contains(words[index + 1]), "\(target)/\(file): \(line)")
      }
    }
  }

  /// A strategy is named in its own file, the catalog and its page, nowhere else in the sources.
  @Test func noStrategyIsSpecialCased() throws {
    let sources = Self.root.appending(path: "Sources")
    for file in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where file.hasSuffix(".swift") && !file.hasPrefix("Strategies/") {
      let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
      for name in ["quota", "threshold", "freedave", "hex", "saber", "prophet", "sched", "credit", "localleap"] {
        #expect(!text.contains("== \"\(name)\"") && !text.contains("case \"\(name)\""), "\(file) names \(name)")
      }
    }
  }
}

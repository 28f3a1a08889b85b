import Diffusion
import Foundation
import Strategies
import Support
import Testing

/// What every strategy must do, whichever it is: nothing here names one.
@Suite struct CatalogTests {
  struct Geometry: Sendable {
    let length: Int
    let blocks: Int
    var pinned: [Int: Token] = [:]
    var sampling = Sampling.greedy
  }

  static let geometries = [
    Geometry(length: 16, blocks: 16), Geometry(length: 16, blocks: 8, pinned: [0: 3, 7: 5, 15: 1]), Geometry(length: 24, blocks: 4),
    Geometry(length: 16, blocks: 16, sampling: Sampling(temperature: 0.8)), Geometry(length: 8, blocks: 8, pinned: [3: 2], sampling: Sampling(topK: 3)),
    Geometry(length: 1, blocks: 1), Geometry(length: 16, blocks: 16, sampling: Sampling(temperature: 1.2, topP: 0.9, topK: 5)),
  ]

  /// Geometries that an entry takes with its defaults; at least one.
  static func pipelines(_ name: String) -> [(Geometry, Pipeline)] {
    geometries.compactMap { geometry in
      do throws(ConfigurationError) {
        return (
          geometry, try Toy.pipeline(Setting(.text(name)), geometry.length, blocks: geometry.blocks, sampling: geometry.sampling)
        )
      } catch { return nil }
    }
  }

  @Test(arguments: Catalog.standard.names)
  func keepsTheRulesOfDecoding(name: String) throws {
    let pipelines = Self.pipelines(name)
    #expect(pipelines.contains { $0.0.length > 1 })
    for (geometry, pipeline) in pipelines {
      for seed in 0..<4 as Range<UInt64> {
        try Invariants.check(pipeline, geometry, seed: seed, thoroughly: true)
      }
    }
  }

  @Test(arguments: Catalog.standard.names)
  func namesItsMistakes(name: String) throws {
    let declared = try Catalog.standard.declarations(of: name, context: Toy.context(16, blocks: 16))
    for key in declared.map(\.key) {
      let misspelt = key + "x"
      let setting = Setting(.list([Setting(.map([Setting.Entry(name, Setting(.map([Setting.Entry(misspelt, 1)])))]))]))
      let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(setting, blocks: 16) }
      #expect("\(error)".contains("did you mean `\(key)`?") && "\(error)".contains(name), "\(error)")
    }
    let error = try #require(throws: ConfigurationError.self) { try Toy.pipeline(Setting(.text(name + "s"))) }
    #expect("\(error)".contains("did you mean `\(name)`?"))
  }

  @Test(arguments: Catalog.standard.names)
  func saysWhatItIs(name: String) throws {
    let entry = try Catalog.standard.entry(name)
    #expect(!entry.summary.isEmpty && entry.summary.count < 100 && !entry.source.isEmpty)
    for declaration in try Catalog.standard.declarations(of: name) {
      #expect(!declaration.help.isEmpty && !declaration.range.isEmpty && !declaration.defaultText.isEmpty, "\(name).\(declaration.key)")
    }
    // What was resolved, given back, resolves to the same.
    let context = Toy.context(16, blocks: 16)
    let resolved = try Catalog.standard.build(Setting(.text(name)), context: context).resolved
    #expect(try Catalog.standard.build(resolved, context: context).resolved == resolved)
  }

  @Test(arguments: Catalog.standard.names)
  func hasAPageThatNamesEveryKey(name: String) throws {
    let pages = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Strategies/Pages")
    let page = try String(contentsOf: pages.appending(path: name + ".md"), encoding: .utf8)
    #expect(page.hasPrefix("# \(name)\n"))
    for heading in ["## Rule", "## Follows", "## Composes with", "## Cost and failures"] { #expect(page.contains(heading)) }
    for declaration in try Catalog.standard.declarations(of: name) {
      let line = page.split(separator: "\n").first { $0.hasPrefix("| `\(declaration.key)` |") }
      // Defaults that depend on the surroundings are words on the page.
      if ["blocks", "temperature", "base"].contains(declaration.key) {
        #expect(line != nil)
      } else {
        #expect(line?.hasPrefix("| `\(declaration.key)` | \(declaration.defaultText) |") == true, "\(name).\(declaration.key)")
      }
    }
  }
}

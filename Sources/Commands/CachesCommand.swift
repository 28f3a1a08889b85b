internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Workbench

struct CachesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caches", abstract: "The cache policies that experiments may name, or one with its settings.",
    discussion: """
      A cache computes a part of the canvas in a round and takes the rest from earlier ones. That changes what the model believes: `trace: fidelity` in an
      experiment, or --fidelity in `unmask decode`, measures by how much.

      EXAMPLES
        unmask caches
        unmask caches dkv
        unmask caches window --json
      """)

  @Argument(help: "A cache policy.") var name: String?
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let catalog = CacheCatalog.standard
    let entries = catalog.entries.filter { name == nil || $0.name == name }
    guard !entries.isEmpty else { throw ConfigurationError.unknownName(name: name ?? "", kind: "cache policy", known: catalog.entries.map { $0.name }) }
    if json {
      let list = try entries.map { try describe($0, catalog) }
      return Terminal.out((name == nil ? Setting(.list(list)) : list[0]).json)
    }
    guard name != nil, let entry = entries.first else {
      Terminal.out(TextTable(entries.map { [$0.name, $0.summary, $0.source] }, header: ["cache", "what it does", "source"]).text)
      return Terminal.out("\nunmask caches NAME prints a policy's settings. Without a cache (`none`) every round computes everything.")
    }
    Terminal.out("\(entry.name): \(entry.summary)\nsource: \(entry.source)\n")
    let rows = try catalog.declarations(of: entry.name).map { [$0.key, $0.defaultText, $0.range, $0.help] }
    Terminal.out(TextTable(rows, header: ["setting", "default", "values", "meaning"]).text)
  }

  private func describe(_ entry: any CachePolicy.Type, _ catalog: CacheCatalog) throws(ConfigurationError) -> Setting {
    let settings: [Setting] = try catalog.declarations(of: entry.name).map { declared in
      [
        "key": Setting(.text(declared.key)), "default": Setting(.text(declared.defaultText)), "values": Setting(.text(declared.range)),
        "meaning": Setting(.text(declared.help)),
      ]
    }
    return [
      "name": Setting(.text(entry.name)), "summary": Setting(.text(entry.summary)), "source": Setting(.text(entry.source)),
      "settings": Setting(.list(settings)),
    ]
  }
}

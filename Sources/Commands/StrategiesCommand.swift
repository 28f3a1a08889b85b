internal import ArgumentParser
internal import Diffusion
internal import Strategies
internal import Workbench

struct StrategiesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strategies", abstract: "The strategies that experiments may name, or one with its settings.",
    discussion: """
      What is printed comes from running the strategy's own initialiser, so it cannot drift from the code.

      EXAMPLES
        unmask strategies
        unmask strategies threshold
        unmask strategies quota --json
      """)

  @Argument(help: "A strategy.") var name: String?
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let catalog = Unmask.catalog
    let entries = try name.map { [try catalog.entry($0)] } ?? catalog.entries
    if json {
      let list = try entries.map { try describe($0, catalog) }
      return Terminal.out((name == nil ? Setting(.list(list)) : list[0]).json)
    }
    guard let entry = name == nil ? nil : entries.first else {
      Terminal.out(TextTable(entries.map { [$0.name, $0.role.rawValue, $0.summary] }, header: ["strategy", "role", "what it does"]).text)
      return Terminal.out("\nunmask strategies NAME prints a strategy's settings.")
    }
    Terminal.out("\(entry.name): \(entry.summary)")
    if !entry.source.isEmpty { Terminal.out("source: \(entry.source)") }
    Terminal.out("role: \(entry.role.rawValue)\n")
    let declared = try catalog.declarations(of: entry.name)
    guard !declared.isEmpty else { return Terminal.out("It has no settings.") }
    let rows = declared.map { [$0.key, $0.defaultText, $0.range, $0.help] }
    Terminal.out(TextTable(rows, header: ["setting", "default", "values", "meaning"]).text)
  }

  private func describe(_ entry: any Strategy.Type, _ catalog: Catalog) throws(ConfigurationError) -> Setting {
    let settings: [Setting] = try catalog.declarations(of: entry.name).map { declared in
      [
        "key": Setting(.text(declared.key)), "default": Setting(.text(declared.defaultText)), "values": Setting(.text(declared.range)),
        "meaning": Setting(.text(declared.help)),
      ]
    }
    return [
      "name": Setting(.text(entry.name)), "role": Setting(.text(entry.role.rawValue)), "summary": Setting(.text(entry.summary)),
      "source": Setting(.text(entry.source)), "settings": Setting(.list(settings)),
    ]
  }
}

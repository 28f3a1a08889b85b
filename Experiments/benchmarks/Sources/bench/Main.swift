/// `bench` measures strategies, traces and jobs; `bench strategies`, `bench trace`, `bench jobs` and `bench full-size` one part.
@main struct Main {
  static func main() throws {
    let wanted = CommandLine.arguments.dropFirst()
    let parts: [(name: String, run: () throws -> Void)] = [("strategies", StrategyCost.main), ("trace", TraceCost.main), ("jobs", JobsSpeed.main)]
    // Six gigabytes of disk are not for everyone: only by name.
    let byName: [(name: String, run: () throws -> Void)] = [("full-size", FullSize.main)]
    for (index, part) in (parts + byName).filter({ wanted.isEmpty ? $0.name != "full-size" : wanted.contains($0.name) }).enumerated() {
      if index > 0 { print() }
      try part.run()
    }
  }
}

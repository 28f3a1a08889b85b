/// `bench` measures everything; `bench strategies`, `bench trace` and `bench jobs` one part.
@main struct Main {
  static func main() throws {
    let wanted = CommandLine.arguments.dropFirst()
    let parts: [(name: String, run: () throws -> Void)] = [("strategies", StrategyCost.main), ("trace", TraceCost.main), ("jobs", JobsSpeed.main)]
    for (index, part) in parts.filter({ wanted.isEmpty || wanted.contains($0.name) }).enumerated() {
      if index > 0 { print() }
      try part.run()
    }
  }
}

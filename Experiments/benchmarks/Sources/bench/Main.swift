import Foundation

/// `bench` measures everything but `full-size`; `bench forward jobs` those parts. `--report FILE` keeps the figures, those of other parts included.
@main struct Main {
  typealias Measure = @Sendable (Checkpoints) throws -> Report.Part
  private static let parts: [(name: String, measure: Measure)] = [
    ("forward", ForwardSpeed.measure), ("int8", Int8Speed.measure), ("torch", TorchSpeed.measure), ("decode", DecodeCost.measure),
    ("strategies", StrategyCost.measure), ("trace", TraceCost.measure), ("threads", ThreadSpeed.measure), ("jobs", JobsSpeed.measure),
    ("memory", MemoryCost.measure), ("cache", CacheSpeed.measure),
    ("growth", GrowthCurves.measure), ("estimate", EstimateCheck.measure),
  ]

  static func main() {
    let checkpoints = Checkpoints()
    var code: Int32 = 2
    do { code = try run(checkpoints) } catch { FileHandle.standardError.write(Data("bench: \(error)\n".utf8)) }
    checkpoints.remove()
    exit(code)
  }

  /// - Returns: 0, 1 where a goal was missed, or 2 where a part could not be measured.
  private static func run(_ checkpoints: Checkpoints) throws -> Int32 {
    var wanted = Array(CommandLine.arguments.dropFirst())
    var file: URL?
    if let place = wanted.firstIndex(of: "--report") {
      guard place + 1 < wanted.count else { throw BenchError("--report needs a file") }
      file = URL(fileURLWithPath: wanted[place + 1])
      wanted.removeSubrange(place...place + 1)
    }
    let names = parts.map(\.name) + ["full-size"]
    if let unknown = wanted.first(where: { !names.contains($0) }) {
      throw BenchError("there is no part named \(unknown); known: \(names.joined(separator: ", ")); and --report FILE")
    }
    let goals = try Goals()
    var report = try Report(from: file)
    print(report.machine.words + "\n")
    var (missed, failed) = (0, 0)
    if wanted.contains("full-size"), try !FullSize.main(checkpoints, goal: goals["full-size"]) { missed += 1 }
    for (name, measure) in parts where wanted.isEmpty || wanted.contains(name) {
      let (before, stolen) = (Machine.load, Machine.stolen)
      FileHandle.standardError.write(Data("measuring \(name)\n".utf8))
      var part = Report.Part(name: name, measure: "", rows: [])
      let seconds: Double
      do { seconds = try Timing.seconds { part = try measure(checkpoints) } } catch {
        // The other parts are worth having.
        FileHandle.standardError.write(Data("bench \(name): \(error)\n".utf8))
        failed += 1
        continue
      }
      (part.seconds, part.load, part.date) = (seconds.rounded(), [before, Machine.load], Date().ISO8601Format())
      part.stolen = ((Machine.stolen - stolen) / (seconds * Double(report.machine.cores)) * 1000).rounded() / 10
      try part.judge(goals)
      print(part.text + "\n")
      fflush(nil)
      missed += part.rows.count { $0.isMet == false }
      report.take(part)
      if let file { try report.write(to: file) }
    }
    if wanted.isEmpty, let peers = try Peers.text() { print(peers + "\n") }
    if missed > 0 { print("\(missed) goals missed (Experiments/benchmarks/goals.json)") }
    if failed > 0 { print("\(failed) parts could not be measured") }
    return failed > 0 ? 2 : missed > 0 ? 1 : 0
  }
}

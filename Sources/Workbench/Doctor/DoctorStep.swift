/// One check, ready to be carried out.
struct DoctorStep {
  let group: DoctorReport.Group
  let name: String
  private let body: () -> (tried: String, verdict: DoctorReport.Verdict)

  /// A check that says what it tried when it is through.
  init(_ group: DoctorReport.Group, _ name: String, _ body: @escaping () -> (tried: String, verdict: DoctorReport.Verdict)) {
    (self.group, self.name, self.body) = (group, name, body)
  }

  /// A check that gives what differs, a line each.
  init<Fault: Error>(_ group: DoctorReport.Group, _ name: String, _ tried: String, _ body: @escaping () throws(Fault) -> [String]) {
    self.init(group, name) {
      do throws(Fault) {
        let lines = try body()
        return (tried, lines.isEmpty ? .holds : .differs(Self.cut(lines)))
      } catch { return (tried, .failed("\(error)")) }
    }
  }

  /// What was left out, and why.
  init(_ group: DoctorReport.Group, _ name: String, skipped reason: String) { self.init(group, name) { ("", .skipped(reason)) } }

  /// Carries it out.
  func run() -> DoctorReport.Finding {
    let clock = ContinuousClock()
    let started = clock.now
    let (tried, verdict) = body()
    return DoctorReport.Finding(group: group, name: name, tried: tried, verdict: verdict, seconds: (clock.now - started) / .seconds(1))
  }

  /// The first few lines: what differs everywhere need not be said everywhere.
  static func cut(_ lines: [String]) -> [String] { lines.count <= 4 ? lines : lines.prefix(3) + ["and \(lines.count - 3) more"] }
}

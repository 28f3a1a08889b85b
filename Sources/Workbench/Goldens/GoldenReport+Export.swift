package import Diffusion

extension GoldenReport {
  /// The report as JUnit XML: a test case per strategy, a failure with the pictures of its goldens.
  package var junit: String {
    let cases = strategies.map { strategy in
      let seconds = strategy.results.reduce(0) { $0 + $1.seconds }
      let head = "<testcase classname=\"unmask.check.\(suite.name.xmlEscaped)\" name=\"\(strategy.name.xmlEscaped)\" time=\"\(fixed(seconds, 3))\""
      let bad = strategy.results.filter { !$0.verdict.isFine }
      guard let first = bad.first, let message = first.verdict.message else { return "  \(head)/>\n" }
      let text = bad.flatMap { lines($0, width: 120, hasColour: false) }.joined(separator: "\n")
      return "  \(head)>\n    <failure type=\"\(first.verdict.name)\" message=\"\(message.xmlEscaped)\">\(text.xmlEscaped)</failure>\n  </testcase>\n"
    }
    let failures = strategies.count { $0.results.contains { !$0.verdict.isFine } }
    let seconds = fixed(results.reduce(0) { $0 + $1.seconds }, 3)
    let counts = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"0\" time=\"\(seconds)\""
    let notes = remarks.map { "  <system-out>\($0.xmlEscaped)</system-out>\n" }.joined()
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites \(counts)>\n<testsuite name=\"\(suite.name.xmlEscaped)\" \(counts)>\n"
      + cases.joined() + notes + "</testsuite>\n</testsuites>\n"
  }

  /// The report as JSON.
  package var json: Setting {
    let changes = modelChanges.map { change -> Setting in
      [
        "model": Setting(.text(change.name)), "goldens": Setting(.integer(change.goldens)), "recorded": Setting(.text(change.recorded)),
        "now": Setting(.text(change.now)),
      ]
    }
    return [
      "suite": Setting(.text(suite.name)), "folder": Setting(.text(suite.folder)), "passed": Setting(.bool(isPassed)),
      "tolerance": ["absolute": Setting(.number(suite.tolerance.absolute)), "relative": Setting(.number(suite.tolerance.relative))],
      "bit_equal": Setting(.bool(results.allSatisfy { if case .equal = $0.verdict { true } else { false } })),
      "furthest": Setting(furthest.map { .number($0.distance) } ?? .null),
      "models": Setting(.list(models.map { ["name": Setting(.text($0.name)), "digest": Setting(.text($0.digest))] })),
      "changed_models": Setting(.list(changes)), "lost_manifest": Setting(.bool(lostManifest != nil)),
      "pending_fault": Setting(pendingFault.map { .text($0) } ?? .null), "strategies": Setting(.list(strategies.map(describe))),
    ]
  }

  private func describe(_ strategy: (name: String, results: [Result])) -> Setting {
    let goldens = strategy.results.map { result -> Setting in
      let difference = result.verdict.difference
      return [
        "file": Setting(.text(result.golden.file)), "model": Setting(.text(result.golden.model)),
        "edge": Setting(result.golden.edge.map { .text($0) } ?? .null), "verdict": Setting(.text(result.verdict.name)),
        "message": Setting(result.verdict.message.map { .text($0) } ?? .null), "sample": Setting(difference.map { .text($0.problem) } ?? .null),
        "round": Setting(difference?.round.map { .integer($0) } ?? .null), "seconds": Setting(.number(result.seconds)),
      ]
    }
    return [
      "strategy": Setting(.text(strategy.name)), "passed": Setting(.bool(strategy.results.allSatisfy(\.verdict.isFine))),
      "goldens": Setting(.list(goldens)),
    ]
  }
}

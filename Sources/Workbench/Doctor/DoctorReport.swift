package import Diffusion

/// What `unmask doctor` found: the machine, the optional parts, and everything that was tried with what came of it.
package struct DoctorReport: Sendable {
  /// A fact in a line.
  package struct Fact: Sendable, Hashable {
    /// What it is a fact of; a key of the JSON.
    package let name: String
    /// The fact.
    package let value: String

    /// A name and its value.
    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// The parts of the report that hold findings, in order.
  package enum Group: String, Sendable, CaseIterable {
    /// The arithmetic, held against float64 and OpenBLAS.
    case numbers
    /// Every row of logits, bit for bit.
    case logits
    /// Every decision of a decode, bit for bit.
    case decodes
    /// The decodes that ship.
    case goldens
  }

  /// What came of one check.
  package enum Verdict: Sendable, Hashable {
    /// It is as it has to be.
    case holds
    /// What differed and by how much, a line each.
    case differs([String])
    /// It could not be carried out, for a reason that is a fault.
    case failed(String)
    /// It was left out, for a reason that is none.
    case skipped(String)

    /// Whether something is wrong.
    package var isBad: Bool {
      switch self {
      case .holds, .skipped: false
      case .differs, .failed: true
      }
    }

    /// One word.
    package var word: String {
      switch self {
      case .holds: "ok"
      case .differs: "differs"
      case .failed: "failed"
      case .skipped: "skipped"
      }
    }

    /// What is to be said beside the word, a line each.
    package var lines: [String] {
      switch self {
      case .holds: []
      case .differs(let lines): lines
      case .failed(let reason), .skipped(let reason): [reason]
      }
    }
  }

  /// One check: what was tried and what came of it.
  package struct Finding: Sendable, Hashable {
    /// The part it belongs to.
    package let group: Group
    /// What is checked.
    package let name: String
    /// What was tried, in words.
    package let tried: String
    /// What came of it.
    package let verdict: Verdict
    /// How long it took.
    package let seconds: Double

    /// A check's result.
    package init(group: Group, name: String, tried: String, verdict: Verdict, seconds: Double) {
      (self.group, self.name, self.tried, self.verdict, self.seconds) = (group, name, tried, verdict, seconds)
    }
  }

  /// The machine and the libraries.
  package let machine: [Fact]
  /// The model that was tried.
  package let model: [Fact]
  /// Parts that one can do without.
  package let parts: [OptionalPart]
  /// Every check, in the order of the groups.
  package let findings: [Finding]
  /// How long all of it took.
  package let seconds: Double
  /// Whether it was told to stop before the end.
  package let isStopped: Bool

  /// A report of what was found.
  package init(machine: [Fact], model: [Fact], parts: [OptionalPart], findings: [Finding], seconds: Double, isStopped: Bool = false) {
    (self.machine, self.model, self.parts) = (machine, model, parts)
    (self.findings, self.seconds, self.isStopped) = (findings, seconds, isStopped)
  }

  /// The checks that did not come out as they have to.
  package var bad: [Finding] { findings.filter(\.verdict.isBad) }

  /// Whether every check that was carried out holds.
  package var isPassed: Bool { bad.isEmpty && !isStopped }

  /// The report as JSON.
  package var json: Setting {
    let facts = { (facts: [Fact]) in Setting(.map(facts.map { Setting.Entry($0.name, Setting(.text($0.value))) })) }
    let checks = findings.map { finding -> Setting in
      [
        "group": Setting(.text(finding.group.rawValue)), "name": Setting(.text(finding.name)), "verdict": Setting(.text(finding.verdict.word)),
        "tried": Setting(.text(finding.tried)), "lines": Setting(.list(finding.verdict.lines.map { Setting(.text($0)) })),
        "seconds": Setting(.number(finding.seconds)),
      ]
    }
    return [
      "passed": Setting(.bool(isPassed)), "machine": facts(machine), "model": facts(model), "parts": Setting(.list(parts.map(\.json))),
      "checks": Setting(.list(checks)), "seconds": Setting(.number(seconds)),
    ]
  }
}

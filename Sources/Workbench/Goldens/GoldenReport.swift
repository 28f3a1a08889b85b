internal import Diffusion
internal import Traces

/// What came of a suite's check: one result per golden, and models that are not those the goldens were recorded with.
package struct GoldenReport: Sendable {
  /// What came of one golden.
  package enum Verdict: Sendable {
    /// Decisions and numbers are the recorded ones, bit for bit.
    case equal
    /// Decisions are equal, numbers within the tolerance; the furthest of them.
    case near(GoldenDistance)
    /// Another decision or cost, or a number too far off.
    case different(GoldenDifference)
    /// The rules are not set as they were; what differs, and the first round that does.
    case settings(String, GoldenDifference?)
    /// The strategy could not be built or did not end.
    case failed(String)
    /// It belongs to the suite and is not there.
    case missing(String)
    /// It is there and does not belong to the suite.
    case extra(String)
    /// Its file is not the one that was recorded.
    case edited(String)
    /// Its file cannot be read, or contradicts itself.
    case damaged(String)
    /// It was recorded with another model.
    case otherModel(String)

    /// Whether there is nothing to do about it.
    package var isFine: Bool {
      switch self {
      case .equal, .near: true
      default: false
      }
    }

    /// Whether it cannot hold, as the model is not the one it was recorded with.
    package var isOfAnotherModel: Bool { if case .otherModel = self { true } else { false } }

    /// One word for machines.
    package var name: String {
      switch self {
      case .equal: "equal"
      case .near: "near"
      case .different: "different"
      case .settings: "settings"
      case .failed: "failed"
      case .missing: "missing"
      case .extra: "extra"
      case .edited: "edited"
      case .damaged: "damaged"
      case .otherModel: "other-model"
      }
    }

    /// One line that says what is wrong; nil where nothing is.
    package var message: String? {
      switch self {
      case .equal, .near: nil
      case .different(let difference): difference.place
      case .settings(let what, let difference): what + (difference.map { "; first difference: \($0.place)" } ?? "; the decisions are the golden's")
      case .failed(let reason), .missing(let reason), .extra(let reason), .edited(let reason), .damaged(let reason), .otherModel(let reason): reason
      }
    }

    /// The first round that differs, where decodes were compared.
    package var difference: GoldenDifference? {
      switch self {
      case .different(let difference): difference
      case .settings(_, let difference): difference
      default: nil
      }
    }
  }

  /// One golden's result.
  package struct Result: Sendable {
    /// The golden.
    package let golden: Golden
    /// What came of it.
    package let verdict: Verdict
    /// Decoding and comparing it, in seconds.
    package let seconds: Double
    /// How pictures of it spell tokens.
    package let text: CanvasText
    /// What would be accepted in its place; nil where nothing could be decoded, or nothing has to be.
    let pending: Trace?
  }

  /// A model that is not the one that goldens were recorded with.
  package struct ModelChange: Sendable, Hashable {
    /// The model's name.
    package let name: String
    /// How many goldens were recorded with another.
    package let goldens: Int
    /// The digest they were recorded with; the most frequent one.
    package let recorded: String
    /// The digest it has now.
    package let now: String

    /// One line that names the cause.
    package var message: String {
      "the model changed: \(goldens) goldens are for \(name) with digest \(recorded.prefix(12))…, here it has \(now.prefix(12))…; "
        + "if it is meant to be another, `make renew` (or `unmask check --accept`) records its goldens anew"
    }
  }

  /// The suite.
  package let suite: GoldenSuite
  /// The models it was checked on, by name, each with its digest.
  package let models: [(name: String, digest: String)]
  /// Results, strategies in the order of the suite.
  package let results: [Result]
  /// Models that changed.
  package let modelChanges: [ModelChange]
  /// That the suite has goldens and no manifest; nil where it has one.
  package let lostManifest: String?
  /// Why what would take a golden's place could not be written; nil where it was.
  package let pendingFault: String?
  /// Whether the check was told to stop.
  package let isStopped: Bool

  /// Whether every golden holds.
  package var isPassed: Bool { !isStopped && results.allSatisfy(\.verdict.isFine) }

  /// Whether the suite's folder has something that would take a golden's place.
  package var hasPending: Bool { pendingFault == nil && results.contains { $0.pending != nil } }

  /// What is to be said of the suite as a whole, a line each.
  package var remarks: [String] {
    let fault = pendingFault.map { "what would take the goldens' place could not be written: \($0)" }
    return modelChanges.map(\.message) + [lostManifest, fault].compactMap(\.self)
  }

  /// Results by strategy, in order.
  package var strategies: [(name: String, results: [Result])] {
    var groups: [(name: String, results: [Result])] = []
    for result in results {
      if let index = groups.firstIndex(where: { $0.name == result.golden.strategy }) {
        groups[index].results.append(result)
      } else {
        groups.append((result.golden.strategy, [result]))
      }
    }
    return groups
  }

  /// The number furthest from its golden; nil where all are equal bit for bit.
  package var furthest: GoldenDistance? {
    results.compactMap { if case .near(let distance) = $0.verdict { distance } else { nil } }.max { $0.distance < $1.distance }
  }

  /// What a golden that does not hold has to show, as lines: which it is and what is wrong, then both sides.
  package func lines(_ result: Result, width: Int, hasColour: Bool) -> [String] {
    guard let message = result.verdict.message else { return [] }
    let picture = result.verdict.difference?.lines(result.text, width: width - 4, hasColour: hasColour) ?? []
    return ["\(result.golden.file): \(message)"] + picture.map { "    " + $0 }
  }
}

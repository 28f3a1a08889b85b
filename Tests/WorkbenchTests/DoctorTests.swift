import Diffusion
import Foundation
import Strategies
import Support
import Synchronization
import Testing

@testable import Workbench

/// What the doctor says, and that it finds out a model whose answers depend on what they must not depend on.
@Suite struct DoctorTests {
  /// A toy whose answers a test spoils.
  private struct Spoiled: Denoiser {
    let toy = ToyDenoiser()
    /// What is added to every logit of a query, from the batch it is in.
    let error: @Sendable (_ query: Query, _ batch: [Query]) -> Float

    var vocabulary: Vocabulary { toy.vocabulary }
    var abilities: Abilities { toy.abilities }

    func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
      var responses: [Response] = []
      for query in queries {
        let error = error(query, queries)
        var rows: [RowSummary] = []
        for row in query.rows {
          let logits = try toy.logits(row, of: query).map { $0 + error }
          guard let summary = logits.withUnsafeBufferPointer({ RowSummary($0, reading: query.reading) }) else { throw .nonFinite(row: row, sequence: 0) }
          rows.append(summary)
        }
        responses.append(Response(rows: rows, cost: Cost(canvases: 1, positions: query.tokens.count, logitRows: query.rows.count)))
      }
      return responses
    }
  }

  private static let rules = Catalog(Catalog.standard.entries.filter { ["quota", "threshold"].contains($0.name) })

  private func examined(_ denoiser: any Denoiser, variants: [DoctorVariant] = [], restart: (() throws -> DoctorFingerprint)? = nil) throws -> DoctorReport {
    let doctor = Doctor(DoctorSubject(denoiser, variants: variants), catalog: Self.rules, groups: [.logits, .decodes], cores: 2)
    return try doctor.run(restart: restart ?? { try doctor.fingerprint() })
  }

  private func bad(_ report: DoctorReport, _ group: DoctorReport.Group) -> [String] { report.bad.filter { $0.group == group }.map(\.name) }

  @Test func aModelOfArithmeticHolds() throws {
    let report = try examined(
      ToyDenoiser(), variants: [DoctorVariant("another") { ToyDenoiser() }, DoctorVariant("own", answers: .own) { ToyDenoiser(seed: 2) }])
    #expect(report.isPassed, "\(report.text)")
    #expect(report.findings.count { $0.group == .logits } == 4 + 1 + 4)
    #expect(report.findings.contains { $0.name == "threshold" && $0.tried.contains("1 worker, 3 workers") })
    #expect(report.findings.contains { $0.name == "own: quota" } && report.findings.last?.name == "restart")
  }

  /// One unit in the last place of what a batch adds is enough.
  @Test func whatDependsOnTheBatchIsFound() throws {
    let report = try examined(Spoiled { _, batch in batch.count > 1 ? 0x1p-20 : 0 })
    #expect(bad(report, .logits) == ["batch", "rows"], "\(report.text)")
    #expect(bad(report, .decodes).contains("quota") && bad(report, .decodes).contains("threshold"))
    let batch = try #require(report.bad.first { $0.name == "batch" })
    #expect(batch.verdict.lines[0].contains("differ, by at most ") && batch.verdict.lines[0].contains("row 0: logit of token 0 is "))
    let quota = try #require(report.bad.first { $0.name == "quota" })
    #expect(quota.verdict.lines[0].hasPrefix("one batch, random/0: /"), "\(quota.verdict.lines)")
    #expect(report.text.contains("differs  batch") && report.text.hasSuffix("checks do not hold: \(report.bad.map(\.name).joined(separator: ", "))"))
  }

  @Test func whatDependsOnTheRowsAskedForIsFound() throws {
    let report = try examined(Spoiled { query, _ in query.rows.count < query.tokens.count ? 1 : 0 })
    #expect(bad(report, .logits) == ["rows"], "\(report.text)")
  }

  @Test func whatDependsOnTheNeighbourIsFound() throws {
    let report = try examined(Spoiled { query, batch in Float(batch[0].tokens.count - query.tokens.count) * 1e-3 })
    #expect(bad(report, .logits) == ["batch", "rows"], "\(report.text)")
  }

  @Test func whatDependsOnTheCallsBeforeIsFound() throws {
    let calls = Counted()
    let report = try examined(Spoiled { _, _ in calls.next() % 5 == 0 ? 1e-3 : 0 })
    #expect(bad(report, .logits).contains("repeated") && !report.isPassed)
  }

  @Test func otherAnswersAreFoundWhereTheyHaveToBeTheSame() throws {
    let other = DoctorVariant("other") { ToyDenoiser(seed: 2) }
    let absent = DoctorVariant("absent") { () throws(ConfigurationError) in throw .unsupported("there is none") }
    let report = try examined(ToyDenoiser(), variants: [other, absent])
    #expect(report.bad.map(\.name) == ["other", "absent"])
    #expect(report.bad[1].verdict == .failed("there is none"))
  }

  /// What has answers of its own is held against its twins.
  @Test func twinsThatAnswerOtherwiseAreFound() throws {
    let twins = [DoctorVariant("same") { ToyDenoiser(seed: 2) }, DoctorVariant("other") { ToyDenoiser(seed: 3) }]
    let report = try examined(ToyDenoiser(), variants: [DoctorVariant("own", answers: .own, twins: twins) { ToyDenoiser(seed: 2) }])
    #expect(report.bad.map(\.name) == ["other"], "\(report.text)")
  }

  @Test func missingCandidatesAreFound() throws {
    let denoiser = ToyDenoiser()
    let query = Query(tokens: [1, 2, denoiser.vocabulary.mask], rows: [2], reading: Reading(topK: 5))
    let whole = try denoiser.believe([query])[0].rows
    for (top, isFound) in [(5, false), (4, true), (1, true)] {
      var short = query
      short.reading = Reading(topK: top)
      var comparison = AnswerComparison()
      comparison.compare(try denoiser.believe([short])[0].rows, to: whole, "row", rows: [2])
      #expect(!comparison.lines("it").isEmpty == isFound, "\(top)")
      comparison = AnswerComparison()
      comparison.compare(try denoiser.believe([short])[0].rows, to: whole, "row", rows: [2], top: top)
      #expect(comparison.lines("it").isEmpty, "\(top)")
    }
  }

  @Test func anotherProcessThatAnswersOtherwiseIsFound() throws {
    let doctor = Doctor(DoctorSubject(ToyDenoiser(seed: 3)), catalog: Self.rules, groups: [.logits, .decodes], cores: 2)
    let report = try examined(ToyDenoiser()) { try doctor.fingerprint() }
    #expect(report.bad.map(\.name) == ["restart"] && report.bad[0].verdict.lines.count == 4, "\(report.text)")
    let fingerprint = try doctor.fingerprint()
    let copy = try JSONDecoder().decode(DoctorFingerprint.self, from: JSONEncoder().encode(fingerprint))
    #expect(copy == fingerprint && fingerprint.decodes.count == 2 && fingerprint.logits.count == 6)
  }

  @Test func threadCountsReachTheCores() {
    #expect(
      [1, 2, 3, 4, 6, 8, 64].map(DoctorVariant.threadCounts) == [
        [2, 3], [2, 3], [2, 3], [2, 3, 4], [2, 3, 4, 6], [2, 3, 4, 8], [2, 3, 4, 8, 16, 32, 64],
      ])
  }

  /// The layout, with figures that do not come from this machine.
  @Test func theReportReadsLikeThis() throws {
    let finding = { (group: DoctorReport.Group, name: String, tried: String, verdict: DoctorReport.Verdict) in
      DoctorReport.Finding(group: group, name: name, tried: tried, verdict: verdict, seconds: 1)
    }
    let facts = (machine: [DoctorReport.Fact("processor", "Some Processor"), .init("cores", "2 of 8")], model: [DoctorReport.Fact("name", "reference")])
    let parts = [
      OptionalPart(name: "plots", purpose: "pictures", place: "/usr/bin/python3, vl-convert 1.9", remedy: "make plots"),
      OptionalPart(name: "torch", purpose: "models with worker=torch", place: nil, remedy: "make torch"),
    ]
    let fine = [
      finding(.numbers, "exponential", "8 values: at most 0.989 ulp off float64, allowed 1", .holds),
      finding(.logits, "batch", "by itself and with others", .holds), finding(.decodes, "hex", "", .skipped("it needs fresh rows")),
    ]
    let good = DoctorReport(machine: facts.machine, model: facts.model, parts: parts, findings: fine, seconds: 12.34)
    #expect(
      good.text == """
        machine
          processor  Some Processor
          cores      2 of 8

        model
          name  reference

        optional parts
          plots  /usr/bin/python3, vl-convert 1.9  pictures
          torch  missing                           make torch: models with worker=torch

        numbers: the arithmetic, held against float64 and against OpenBLAS
          ok  exponential  8 values: at most 0.989 ulp off float64, allowed 1

        logits: the same bits of every row, whatever else is computed and whoever computes it
          ok  batch  by itself and with others

        decodes: the same rounds, edits and beliefs bit for bit, alone, on several workers, and in another batch
          skipped  hex
              it needs fresh rows

        2 checks hold, 1 left out, in 12.3 seconds
        """)
    let differing = finding(.logits, "2 threads", "every row", .differs(["in a batch: 3 of 9 rows differ, by at most 0.5; first: row 0"]))
    let wrong = DoctorReport(machine: [], model: [], parts: [], findings: fine + [differing], seconds: 12.34)
    #expect(
      wrong.text.hasSuffix(
        """
        logits: the same bits of every row, whatever else is computed and whoever computes it
          ok       batch      by itself and with others
          differs  2 threads  every row
              in a batch: 3 of 9 rows differ, by at most 0.5; first: row 0

        decodes: the same rounds, edits and beliefs bit for bit, alone, on several workers, and in another batch
          skipped  hex
              it needs fresh rows

        1 of 3 checks do not hold: 2 threads, 1 left out
        """))
  }

  /// The command itself, on a model of a few hundred thousand weights.
  @Test func theCommandProvesWhatItSays() throws {
    let model = RepositoryTests.root.path + "/Tests/ModelsTests/Fixtures/model"
    let result = try Command.run(["doctor", "--json", "--model", model, "--only", "numbers", "--only", "logits"])
    #expect(result.code == 0, "\(result.errors) \(result.output)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let machine = try #require(object["machine"] as? [String: String])
    #expect(Set(machine.keys) == ["processor", "cores", "memory", "system", "kernels", "swift", "hdf5", "openblas", "engine"])
    #expect((object["parts"] as? [[String: Any]])?.map { $0["name"] as? String } == ["plots", "torch", "sandbox", "slurm", "notebooks"])
    let checks = try #require(object["checks"] as? [[String: Any]])
    #expect(checks.allSatisfy { $0["verdict"] as? String == "ok" } && object["passed"] as? Bool == true)
    let names = checks.compactMap { $0["name"] as? String }
    #expect(Set(["exponential", "matrix products", "paths", "against OpenBLAS", "batch", "2 threads", "kernel paths", "restart"]).isSubset(of: names))
    let wrong = try Command.run(["doctor", "--only", "everything"])
    #expect(wrong.code == 2 && wrong.errors.contains("'numbers', 'logits', 'decodes'"), "\(wrong.errors)")
  }
}

/// Counts calls, from several threads.
private final class Counted: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }
}

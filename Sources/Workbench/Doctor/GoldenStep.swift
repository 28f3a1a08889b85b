internal import Diffusion

/// The goldens that ship, as one check.
enum GoldenStep {
  /// The check, which needs the model that the goldens were recorded with.
  static func step(_ subject: DoctorSubject, _ catalog: Catalog, _ benchmarks: BenchmarkCatalog) -> DoctorStep {
    guard subject.isShipped else {
      return DoctorStep(.goldens, "unmask check", skipped: "goldens are decodes of the shipped model")
    }
    return DoctorStep(.goldens, "unmask check") {
      do {
        let suite = try GoldenSuite(folder: try GoldenSuite.shipped())
        let report = try GoldenCheck(suite, catalog: catalog, benchmarks: benchmarks).run(keepsPending: false)
        let tried = "\(report.results.count) goldens of \(report.strategies.count) strategies: every decision, and every belief within a tolerance"
        guard report.isPassed else {
          let lines = report.results.compactMap { result in result.verdict.message.map { "\(result.golden.file): \($0)" } }
          return (tried, .differs(DoctorStep.cut(report.remarks + lines)))
        }
        guard let furthest = report.furthest else { return ("\(report.results.count) goldens of \(report.strategies.count) strategies: bit for bit", .holds) }
        return ("\(tried); furthest: \(furthest.distance), \(furthest.place)", .holds)
      } catch { return ("", .failed("\(error)")) }
    }
  }
}

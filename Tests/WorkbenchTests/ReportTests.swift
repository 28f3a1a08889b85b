import Foundation
import Testing

@testable import Workbench

/// Numbers and tables that people read.
@Suite struct ReportTests {
  @Test func meansAreClustered() {
    // Two seeds that agree carry no more information than one.
    let once = Estimate.mean([[1], [0], [1], [1]])
    let twice = Estimate.mean([[1, 1], [0, 0], [1, 1], [1, 1]])
    #expect(once == twice)
    #expect(once.value == 0.75)
    // sqrt(s^2 / n) with s^2 = 0.25.
    #expect(abs(once.error - 0.25) < 1e-15)
    #expect(Estimate.mean([[1]]).error.isNaN)
  }

  @Test func ratiosAreSumsOverSums() {
    let ratio = Estimate.ratio([[(10, 1)], [(10, 9)]])
    #expect(ratio.value == 2)
    // Residuals 8 and -8: sqrt(128 / 1 / 2) / 5.
    #expect(abs(ratio.error - 1.6) < 1e-12)
    #expect(Estimate.ratio([[(4, 2)], [(8, 4)]]).error == 0)
    // Seeds that agree carry no more information than one.
    #expect(Estimate.ratio([[(10, 1), (10, 1)], [(10, 9), (10, 9)]]) == ratio)
  }

  @Test(arguments: [
    (1.25, 1, "1.3"), (0.0, 2, "0.00"), (-0.004, 2, "0.00"), (-1.5, 1, "-1.5"), (12.0, 0, "12"), (0.05, 1, "0.1"), (.nan, 1, "–"), (.infinity, 1, "∞"),
  ])
  func fixedDecimals(_ value: Double, _ decimals: Int, _ text: String) { #expect(fixed(value, decimals) == text) }

  @Test func tablesAlign() {
    #expect(
      TextTable([["one-by-one", "1.0"], ["b", "12.5"]], header: ["strategy", "x"], numeric: [1]).text == """
        strategy       x
        ──────────  ────
        one-by-one   1.0
        b           12.5
        """)
  }
}

internal import Foundation
internal import Synchronization
internal import Traces

extension Runner {
  /// Goes through runs in order. One that another process works on is put off, so that two processes on one folder share the work; in the end those that are
  /// left are waited for, and taken over if their process ends without having finished.
  ///
  /// - Parameters:
  ///   - waiting: told once of the runs that are waited for.
  ///   - shouldContinue: asked while waiting; false gives up.
  ///   - body: carries out one run; it throws `RunError.trace(.locked)` where another process works on it.
  /// - Returns: what `body` returned, in the order of the runs; nil if given up.
  public func inTurn<Value>(
    _ plans: [RunPlan], waiting: ([RunPlan]) -> Void = { _ in }, while shouldContinue: () -> Bool = { true }, _ body: (RunPlan) throws -> Value
  ) throws -> [Value]? {
    var values: [Value?] = plans.map { _ in nil }
    var left = Array(plans.indices)
    var isFirst = true
    while !left.isEmpty {
      var busy: [Int] = []
      for index in left {
        do { values[index] = try body(plans[index]) } catch RunError.trace(.locked) { busy.append(index) }
      }
      left = busy
      if left.isEmpty { break }
      if isFirst { waiting(left.map { plans[$0] }) }
      isFirst = false
      guard shouldContinue() else { return nil }
      Thread.sleep(forTimeInterval: Self.pause)
    }
    return values.compactMap(\.self)
  }

  /// Seconds between two looks at a run that another process works on.
  private static let pause = 0.25
}

/// Whether another process works on the same experiment, or on another in the same output folder: remembered for the rest of a run. The one is asked five times
/// a second, the other, which reads more folders, once.
final class Company: Sendable {
  private let files: RunFiles
  private let state = Mutex((found: false, asked: ContinuousClock.now - .seconds(1), looked: ContinuousClock.now - .seconds(1)))

  init(_ files: RunFiles) { self.files = files }

  var isThere: Bool {
    state.withLock { state in
      let now = ContinuousClock.now
      guard !state.found, now - state.asked >= .milliseconds(200) else { return state.found }
      state.asked = now
      state.found = files.hasCompany
      if !state.found, now - state.looked >= .seconds(1) {
        state.looked = now
        state.found = files.hasNeighbours
      }
      return state.found
    }
  }
}

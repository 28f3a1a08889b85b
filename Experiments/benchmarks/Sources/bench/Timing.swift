import Foundation

/// Seconds of two or more sides, taken in turn so that a machine that slows down slows all of them.
enum Timing {
  /// What is counted.
  enum Clock {
    /// Time as it passes.
    case wall
    /// Time that this process has had on a processor: of work on one thread it is the time on a machine of its own, whatever else runs.
    case processor

    var seconds: Double {
      var time = timespec()
      clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
  }

  /// Seconds of a piece of work.
  static func seconds(_ clock: Clock = .wall, _ body: () throws -> Void) rethrows -> Double {
    let started = clock.seconds
    try body()
    return clock.seconds - started
  }

  /// One thread is timed by what it has had of a processor, more by the time that passes.
  static func clock(_ threads: Int) -> Clock { threads == 1 ? .processor : .wall }

  /// The share of the processors' time, over a piece of work, that a virtual machine may lose to others before the work is done again.
  private static let stolen = 0.03

  /// Repeats work, and leaves out repetitions during which processors were taken away.
  ///
  /// - Parameters:
  ///   - least: repetitions at least, and `most` at most.
  ///   - budget: seconds after which no further repetition is begun, once `least` went undisturbed; after four times as many the less disturbed half is taken.
  static func calm<Value>(least: Int, most: Int, budget: Double, stolen: Double = stolen, _ body: (_ repetition: Int) throws -> Value) rethrows -> [Value] {
    var found: [(value: Value, stolen: Double)] = []
    let started = ContinuousClock.now
    let passed = { (ContinuousClock.now - started) / .seconds(1) }
    while true {
      let calm = found.count { $0.stolen <= stolen }
      if calm >= most || passed() >= budget && (calm >= least || found.count >= least && passed() >= 4 * budget) { break }
      let before = Machine.stolen
      var value: Value?
      let seconds = try Self.seconds { value = try body(found.count) }
      if let value { found.append((value, (Machine.stolen - before) / max(seconds * Double(ProcessInfo.processInfo.activeProcessorCount), 1e-6))) }
    }
    let calm = found.filter { $0.stolen <= stolen }
    return (calm.count >= least ? calm : Array(found.sorted { $0.stolen < $1.stolen }.prefix(max(least, found.count / 2)))).map(\.value)
  }

  /// Seconds a call of each side, once per repetition; `times[repetition][side]`.
  ///
  /// Short work is repeated until it fills `burst` seconds and its mean is taken. Between two sides is a pause: OpenBLAS's threads, and those of PyTorch, wait
  /// in a loop for a while before they sleep, and would be held against whoever comes next.
  ///
  /// - Parameters:
  ///   - least: repetitions at least, and `most` at most.
  ///   - budget: as `calm` has it.
  static func alternating(
    _ sides: [() throws -> Void], least: Int = 5, most: Int = 25, budget: Double, burst: Double = 0.03, pause: Double = 0.04,
    clock: Clock = .wall
  ) throws -> [[Double]] {
    // The first calls read weights and make buffers.
    let calls = try sides.map { side in
      try side()
      return max(1, Int((burst / max(try seconds(clock, side), 1e-6)).rounded(.up)))
    }
    // What others take is in no processor time.
    return try calm(least: least, most: most, budget: budget, stolen: clock == .processor ? .infinity : stolen) { repetition in
      var row = [Double](repeating: 0, count: sides.count)
      for turn in sides.indices {
        let side = (turn + repetition) % sides.count
        if pause > 0 { Thread.sleep(forTimeInterval: pause) }
        // A burst's first call warms caches up.
        if calls[side] > 1 { try sides[side]() }
        row[side] = try seconds(clock) { for _ in 0..<calls[side] { try sides[side]() } } / Double(calls[side])
      }
      return row
    }
  }
}

/// Median and quartiles of one figure's repetitions.
struct Spread: Codable, Equatable {
  var median: Double
  var low: Double
  var high: Double
  var count: Int

  init(_ values: [Double]) {
    let sorted = values.sorted()
    let place = { (quarter: Int) in sorted.isEmpty ? Double.nan : sorted[min(sorted.count * quarter / 4, sorted.count - 1)] }
    (median, low, high, count) = (place(2), place(1), place(3), sorted.count)
  }

  /// `1.98 (1.95 to 2.03)`.
  var text: String {
    let digits = abs(median) >= 100 ? 0 : abs(median) >= 10 ? 1 : 2
    return [median, low, high].map { String(format: "%.\(digits)f", $0) }.enumerated().map { [$1, " (\($1)", " to \($1))"][$0] }.joined()
  }
}

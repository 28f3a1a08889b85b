import Dispatch
import Foundation
import Models
import Synchronization
import Testing

/// Loops shared by threads: every task once, scratch of a worker never twice, whoever calls.
@Suite struct WorkersTests {
  @Test(arguments: [1, 2, 3, 8]) func everyTaskOnceAndScratchIsOnesOwn(_ count: Int) {
    let workers = Workers(count)
    // Callers that share the object, as passes of several runs share a model's.
    DispatchQueue.concurrentPerform(iterations: 3) { caller in
      for round in 0..<300 {
        let tasks = (round * 7 + caller) % 20
        let done = (0..<tasks).map { _ in Counter() }
        let busy = (0..<count).map { _ in Counter() }
        workers.run(tasks) { worker, task in
          if busy[worker].add(1) != 1 { Issue.record("worker \(worker) of \(count) has two tasks") }
          done[task].add(1)
          if round % 50 == 0 { Thread.sleep(forTimeInterval: 0.001) }
          busy[worker].add(-1)
        }
        if done.contains(where: { $0.value != 1 }) { Issue.record("\(count) threads, \(tasks) tasks: \(done.map(\.value))") }
      }
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func rangesCoverAll(_ count: Int) {
    let workers = Workers(count)
    for total in [0, 1, 2, 7, 8, 9, 100] {
      let seen = (0..<total).map { _ in Counter() }
      workers.split(total) { range in for index in range { seen[index].add(1) } }
      #expect(seen.allSatisfy { $0.value == 1 }, "\(total)")
    }
  }

  @Test func oneLoopInsideAnother() {
    let workers = Workers(2)
    let sum = Counter()
    for _ in 0..<50 { workers.run(6) { _, _ in workers.run(5) { _, _ in sum.add(1) } } }
    #expect(sum.value == 50 * 30)
  }

  /// A helper that has left is hired again. Other tests may have the processors for a while.
  @Test func helpersComeBack() {
    let workers = Workers(2)
    for _ in 0..<2 {
      let end = ContinuousClock.now + .seconds(60)
      let helped = Counter()
      while helped.value == 0, ContinuousClock.now < end {
        workers.run(8) { worker, _ in
          Thread.sleep(forTimeInterval: 0.002)
          if worker == 1 { helped.add(1) }
        }
      }
      #expect(helped.value > 0)
      // Longer than a helper stays.
      Thread.sleep(forTimeInterval: 0.05)
    }
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    @discardableResult func add(_ change: Int) -> Int { count.add(change, ordering: .acquiringAndReleasing).newValue }
    var value: Int { count.load(ordering: .acquiring) }
  }
}

internal import Dispatch

/// A number of threads that share the loops of one forward pass. The split decides who computes what, never how.
package struct Workers: Sendable {
  /// How many threads.
  package let count: Int

  /// At least one thread.
  package init(_ count: Int) { self.count = max(count, 1) }

  /// Runs tasks 0, 1, ... in any order; `worker` is below `count` and names scratch that no other running task uses.
  package func run(_ tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
    guard count > 1, tasks > 1 else {
      for task in 0..<tasks { body(0, task) }
      return
    }
    let crew = min(count, tasks)
    Self.together(crew) { worker in
      for task in stride(from: worker, to: tasks, by: crew) { body(worker, task) }
    }
  }

  /// Splits `0 ..< total` into one range per thread.
  package func split(_ total: Int, _ body: (Range<Int>) -> Void) {
    guard count > 1, total > 1 else { return body(0..<total) }
    let crew = min(count, total)
    Self.together(crew) { worker in body(total * worker / crew..<total * (worker + 1) / crew) }
  }

  /// The loops share plain memory and write disjoint parts of it, which the compiler cannot see.
  private static func together(_ crew: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let shared = body
      DispatchQueue.concurrentPerform(iterations: crew) { shared($0) }
    }
  }
}

internal import Synchronization

/// A number of threads that share the loops of one forward pass. The split decides who computes what, never how.
package final class Workers: Sendable {
  /// How many threads.
  package let count: Int
  /// Crews that nobody uses; a pass takes one for each of its loops, and finds the threads of its last loop there.
  private let crews = Mutex<[Crew]>([])
  /// Parts of a loop for each thread: a thread whose processor is taken away holds up its part and not its share.
  private static let parts = 4

  /// At least one thread.
  package init(_ count: Int) { self.count = max(count, 1) }

  /// Runs tasks 0, 1, ... in any order; `worker` is below `count` and names scratch that no other running task uses.
  package func run(_ tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
    guard count > 1, tasks > 1 else {
      for task in 0..<tasks { body(0, task) }
      return
    }
    let crew = crews.withLock { $0.popLast() } ?? Crew(count)
    crew.run(tasks, body)
    crews.withLock { $0.append(crew) }
  }

  /// Splits `0 ..< total` into ranges, more of them than threads.
  package func split(_ total: Int, _ body: (Range<Int>) -> Void) {
    let parts = min(count == 1 ? 1 : count * Self.parts, total)
    guard parts > 1 else { return body(0..<total) }
    run(parts) { _, part in body(total * part / parts..<total * (part + 1) / parts) }
  }
}

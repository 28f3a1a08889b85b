internal import Foundation
internal import Synchronization

/// Independent pieces of work on a fixed number of threads.
package enum Workers {
  /// Calls `body` once per index, in order of the indices, `jobs` at a time. Returning false starts nothing further.
  package static func run(jobs: Int, count: Int, _ body: @escaping @Sendable (Int) -> Bool) {
    let next = Mutex(0)
    let work: @Sendable (Int) -> Void = { _ in
      while true {
        let index = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard index < count else { return }
        if !body(index) { next.withLock { $0 = count } }
      }
    }
    // One job runs on the caller's thread, so that a single sample is timed without any other thread about.
    if jobs <= 1 { return work(0) }
    DispatchQueue.concurrentPerform(iterations: min(jobs, count), execute: work)
  }
}

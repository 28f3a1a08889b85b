internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Threads that run one loop after the other.
///
/// A forward pass has a hundred short loops, and waking a thread takes as long as some of them. So helpers are hired when a loop finds none, look out for the
/// next loop for a moment when theirs is done, and leave when none comes. Nobody waits for a helper that has not begun: the caller does what is left.
///
/// One loop at a time; `Workers` sees to that.
final class Crew: Sendable {
  private let loop: Mutex<Loop>
  /// Tasks that nobody has taken: helpers look here, and at the loop itself only when there are some.
  private let open = Atomic(0)
  /// Tasks that helpers have taken and not finished.
  private let taken = Atomic(0)
  /// Helpers' own queues: they start where all threads that queues share are taken, and take none of those from others.
  private let queues: [DispatchQueue]
  /// Nanoseconds for which a helper looks for the next loop, letting others have its processor each time.
  private static let patience: UInt64 = 100_000

  private struct Loop {
    var body: (@Sendable (Int, Int) -> Void)?
    /// What has not been taken.
    var tasks = 0..<0
    /// Helpers that are not hired.
    var free: [Int]
  }

  /// A caller and up to `count` - 1 helpers.
  init(_ count: Int) {
    loop = Mutex(Loop(free: Array(1..<count)))
    queues = (1..<count).map { DispatchQueue(label: "crew-\($0)") }
  }

  /// Runs tasks 0, 1, ... in any order; the caller is worker 0. The loops share plain memory and write disjoint parts of it, which the compiler cannot see.
  func run(_ tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let shared = body
      let hired = loop.withLock { loop in
        loop.body = { shared($0, $1) }
        loop.tasks = 0..<tasks
        open.store(tasks, ordering: .relaxed)
        let missing = min(loop.free.count, tasks - 1)
        defer { loop.free.removeLast(missing) }
        return Array(loop.free.suffix(missing))
      }
      for helper in hired { queues[helper - 1].async { self.help(helper) } }
      while step(0) {}
      while taken.load(ordering: .acquiring) > 0 { sched_yield() }
      // Every task is done: no helper has the body, and none can take it any more.
      loop.withLock { $0.body = nil }
    }
  }

  /// Takes a task and does it; false if there is none. Even workers take from the front and odd ones from the back: parts of memory stay with those who had them.
  ///
  /// Never inlined: the body must be let go when this returns.
  @inline(never) private func step(_ worker: Int) -> Bool {
    let next = loop.withLock { loop -> (body: @Sendable (Int, Int) -> Void, task: Int)? in
      guard let body = loop.body, !loop.tasks.isEmpty else { return nil }
      let task = worker % 2 == 0 ? loop.tasks.removeFirst() : loop.tasks.removeLast()
      open.store(loop.tasks.count, ordering: .relaxed)
      if worker > 0 { taken.add(1, ordering: .relaxed) }
      return (body, task)
    }
    guard let next else { return false }
    next.body(worker, next.task)
    return true
  }

  private func help(_ worker: Int) {
    var end = DispatchTime.now().uptimeNanoseconds + Self.patience
    repeat {
      if open.load(ordering: .relaxed) > 0, step(worker) {
        taken.subtract(1, ordering: .releasing)
        end = DispatchTime.now().uptimeNanoseconds + Self.patience
      } else {
        sched_yield()
      }
    } while DispatchTime.now().uptimeNanoseconds < end
    loop.withLock { $0.free.append(worker) }
  }
}

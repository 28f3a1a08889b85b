import Synchronization

/// Counts up from 0.
final class Counter: Sendable {
  private let value = Mutex(0)

  func next() -> Int {
    value.withLock { count in
      count += 1
      return count - 1
    }
  }
}

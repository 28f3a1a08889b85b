internal import Dispatch
internal import Foundation
internal import Synchronization
internal import Traces
internal import Workbench

/// A line that says what is waited for and how long already, of anything over two seconds whose end cannot be foreseen.
final class Waiting: Sendable {
  private let what: String
  private let started = ContinuousClock.now
  private let interactive = Terminal.isInteractive(STDERR_FILENO)
  private let state = Mutex((isOver: false, isDrawn: false))

  /// Begins to wait. On a terminal one line is drawn anew every second, elsewhere a line is printed every five seconds.
  init(_ what: String) {
    self.what = what
    draw(after: 2)
  }

  /// Removes the line.
  func finish() {
    state.withLock { state in
      if state.isDrawn, interactive { Terminal.note("\r\u{1B}[K", terminator: "") }
      state = (true, false)
    }
  }

  private func draw(after seconds: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [weak self] in self?.draw() }
  }

  private func draw() {
    let isOver = state.withLock { state in
      guard !state.isOver else { return true }
      let words = "  \(what.printable)  \(Progress.clock((ContinuousClock.now - started) / .seconds(1)))"
      Terminal.note(interactive ? "\r\u{1B}[K\(words)" : words, terminator: interactive ? "" : "\n")
      state.isDrawn = true
      return false
    }
    if !isOver { draw(after: interactive ? 1 : 5) }
  }
}

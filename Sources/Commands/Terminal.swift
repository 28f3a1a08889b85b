internal import Foundation
internal import Synchronization
internal import Traces
internal import Workbench

/// What a person sees: lines, a progress bar on a terminal, and Ctrl-C.
enum Terminal {
  /// Whether a file descriptor is a terminal that takes cursor movements.
  static func isInteractive(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1 else { return false }
    return ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Whether colours are welcome on standard output.
  static var hasColour: Bool { isInteractive(STDOUT_FILENO) && ProcessInfo.processInfo.environment["NO_COLOR"] == nil }

  /// Prints a line on standard output.
  static func out(_ text: String, terminator: String = "\n") { write(text + terminator, to: STDOUT_FILENO) }

  /// Prints a line on standard error.
  static func note(_ text: String, terminator: String = "\n") { write(text + terminator, to: STDERR_FILENO) }

  /// Prints a mistake, one line each; what a file says in it cannot move the cursor.
  static func complain(_ message: String) {
    for line in message.split(separator: "\n", omittingEmptySubsequences: true) { note("unmask: \(line.printable)") }
  }

  private static let failure = Mutex<String?>(nil)

  /// Why standard output did not take everything, or nil.
  static var outputFailure: String? { failure.withLock { $0 } }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        if descriptor == STDOUT_FILENO { failure.withLock { $0 = $0 ?? reason } }
        return
      }
      bytes = bytes.dropFirst(count)
    }
  }

  /// The width of the terminal, or 80.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
    return Int(size.ws_col)
  }

  private static let interrupts = Atomic<Bool>(false)

  /// Whether Ctrl-C was pressed since `catchInterrupts`.
  static var isInterrupted: Bool { interrupts.load(ordering: .relaxed) }

  /// From now on Ctrl-C (and a polite kill) asks for an orderly stop; a second one ends the process at once.
  static func catchInterrupts() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Terminal.interrupts.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }
}

/// A progress bar with rate and time left on a terminal, a plain line now and then elsewhere.
final class Progress: Sendable {
  private struct State {
    var label: String
    var done: Int
    var total: Int
    var fresh = 0
    var started = ContinuousClock.now
    var shown = ContinuousClock.now - .seconds(10)
    var isDrawn = false
  }

  private let state: Mutex<State>
  private let interactive = Terminal.isInteractive(STDERR_FILENO)

  /// Progress of `total` things of which `done` are done already.
  init(_ label: String, done: Int = 0, total: Int) { state = Mutex(State(label: label, done: done, total: total)) }

  /// The clock starts anew, with some done already.
  func begin(with done: Int) {
    state.withLock { state in
      state.done = done
      state.started = .now
    }
  }

  /// One more is done.
  func advance() {
    state.withLock { state in
      state.done += 1
      state.fresh += 1
      let now = ContinuousClock.now
      // A line every five seconds off a terminal, ten pictures a second on one; nothing at all for short work.
      let pause: Duration = interactive ? .milliseconds(100) : .seconds(5)
      guard now - state.shown >= pause, now - state.started >= (interactive ? .milliseconds(300) : .seconds(2)) else { return }
      state.shown = now
      draw(&state, now)
    }
  }

  /// Removes the bar.
  func finish() {
    state.withLock { state in
      if state.isDrawn { Terminal.note("\r\u{1B}[K", terminator: "") }
      state.isDrawn = false
    }
  }

  private func draw(_ state: inout State, _ now: ContinuousClock.Instant) {
    let seconds = (now - state.started) / .seconds(1)
    let rate = Double(state.fresh) / seconds
    let left = rate > 0 ? Double(state.total - state.done) / rate : 0
    let numbers = "\(state.done)/\(state.total)  \(fixed(rate, 1))/s  \(Self.clock(left)) left"
    guard interactive else { return Terminal.note("  \(state.label)  \(numbers)") }
    let label = String(state.label.prefix(36))
    let room = max(10, min(40, Terminal.width - label.count - numbers.count - 8))
    let eighths = state.total > 0 ? state.done * room * 8 / state.total : 0
    var bar = String(repeating: "█", count: eighths / 8)
    if eighths % 8 > 0 { bar += String(["▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8 - 1]) }
    bar += String(repeating: " ", count: max(0, room - bar.count))
    Terminal.note("\r\u{1B}[K\(label) ▕\(bar)▏ \(numbers)", terminator: "")
    state.isDrawn = true
  }

  /// Seconds as `1:05` or `2:03:04`, rounded up.
  static func clock(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 359_999).rounded(.up))
    let parts = whole >= 3600 ? [whole / 3600, whole / 60 % 60, whole % 60] : [whole / 60, whole % 60]
    return parts.enumerated().map { $0 == 0 || $1 > 9 ? "\($1)" : "0\($1)" }.joined(separator: ":")
  }
}

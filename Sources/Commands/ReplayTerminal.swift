internal import Foundation
internal import Synchronization

/// Plays a replay on the terminal that standard input and output are, and leaves that terminal as it was found, whatever ends it.
enum ReplayTerminal {
  /// Draws, waits for keys and for time to pass, until a key or a signal ends it.
  ///
  /// - Throws: `Failure` with code 3 if it was interrupted.
  static func play(_ screen: ReplayScreen) throws {
    var screen = screen
    let raw = RawTerminal()
    Signals.listen()
    raw.enter()
    defer {
      raw.leave()
      Signals.forget()
    }
    var due = ContinuousClock.now
    while true {
      draw(screen)
      if Terminal.outputFailure != nil { return }
      // Idle, it looks up now and then: a signal between a look and the wait must not be missed.
      let left = screen.isPlaying ? max(0, (due - .now) / .seconds(1)) : 0.25
      let keys = wait(seconds: min(left, 0.25))
      let signals = Signals.take()
      if signals.contains(.stop) { throw Failure.interrupted("") }
      guard let keys, !signals.contains(.end) else { return }
      if signals.contains(.suspend) { suspend(raw) }
      for key in keys {
        let wasPlaying = screen.isPlaying
        switch screen.press(key) {
        case .quit: return
        case .interrupt: throw Failure.interrupted("")
        case .suspend: suspend(raw)
        case .draw: break
        }
        if screen.isPlaying, !wasPlaying { due = .now + .seconds(screen.pause) }
      }
      if screen.isPlaying, ContinuousClock.now >= due {
        screen.tick()
        due = .now + .seconds(screen.pause)
      }
    }
  }

  private static func draw(_ screen: ReplayScreen) {
    let size = RawTerminal.size
    let lines = screen.lines(columns: size.columns, rows: size.rows)
    Terminal.out("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J", terminator: "")
  }

  /// Keys pressed within a time; none if it passes, nil if there is no more input.
  private static func wait(seconds: Double) -> [ReplayKey]? {
    var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, Int32((seconds * 1000).rounded(.up))) > 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    if count < 0, errno == EINTR { return [] }
    return count > 0 ? ReplayKey.keys(in: Array(buffer[..<count])) : nil
  }

  private static func suspend(_ raw: RawTerminal) {
    raw.leave()
    Signals.suspend()
    raw.enter()
  }
}

/// The terminal's settings: keys one by one and without echo, on a screen of its own, until it is left.
private final class RawTerminal {
  private var saved = termios()
  private let isKnown: Bool

  init() { isKnown = tcgetattr(STDIN_FILENO, &saved) == 0 }

  func enter() {
    var raw = saved
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
    if isKnown { tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) }
    Terminal.out("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J", terminator: "")
  }

  func leave() {
    Terminal.out("\u{1B}[?25h\u{1B}[?1049l", terminator: "")
    if isKnown { tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved) }
  }

  static var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}

/// Signals that a player has to know of, noted when they come and looked at between two pictures.
private enum Signals {
  struct Seen: OptionSet {
    let rawValue: UInt32
    /// Interrupted, or told to end.
    static let stop = Seen(rawValue: 1)
    /// The terminal is gone.
    static let end = Seen(rawValue: 2)
    /// To be stopped until continued.
    static let suspend = Seen(rawValue: 4)
  }

  private static let seen = Atomic<UInt32>(0)

  static func listen() {
    seen.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGQUIT] { signal(number) { _ in Signals.seen.bitwiseOr(Seen.stop.rawValue, ordering: .relaxed) } }
    signal(SIGHUP) { _ in Signals.seen.bitwiseOr(Seen.end.rawValue, ordering: .relaxed) }
    signal(SIGTSTP) { _ in Signals.seen.bitwiseOr(Seen.suspend.rawValue, ordering: .relaxed) }
    // Noted nowhere: it only ends the wait, and the next picture has the new size.
    signal(SIGWINCH) { _ in }
  }

  static func forget() { for number in [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGWINCH] { signal(number, SIG_DFL) } }

  static func take() -> Seen { Seen(rawValue: seen.exchange(0, ordering: .relaxed)) }

  /// Stops this process as the signal would have, and comes back when it is continued.
  static func suspend() {
    forget()
    kill(getpid(), SIGTSTP)
    listen()
  }
}

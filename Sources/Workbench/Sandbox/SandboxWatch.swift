internal import CSandbox

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Watches one process: takes what it writes, ends it when it has used what it may, and waits until it is gone.
struct Watch {
  let child: Int32
  let output: Descriptor
  let result: Descriptor
  let limits: Sandbox.Limits
  let isUnsafe: Bool

  private static let keptOutput = 16 << 10
  private static let keptResult = 4 << 10

  /// Returns when no process is left.
  mutating func wait() -> Sandbox.Ending {
    let end = Self.now() + limits.seconds
    var (kept, told): ([UInt8], [UInt8]) = ([], [])
    var written = 0
    var forced: Sandbox.Ending.Reason?
    var isOpen = (output: true, result: true)
    while forced == nil, isOpen.output || isOpen.result {
      let left = end - Self.now()
      guard left > 0 else {
        forced = .outOfTime
        break
      }
      var polled = [
        pollfd(fd: isOpen.output ? output.number : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOpen.result ? result.number : -1, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&polled, 2, Int32(min(left * 1000, 1000).rounded(.up))) > 0 else { continue }
      if polled[0].revents != 0 {
        let bytes = output.read(1 << 16)
        isOpen.output = !bytes.isEmpty
        written += bytes.count
        kept += bytes.prefix(Self.keptOutput - kept.count)
      }
      if polled[1].revents != 0 {
        let bytes = result.read(1 << 12)
        isOpen.result = !bytes.isEmpty
        written += bytes.count
        told += bytes.prefix(Self.keptResult - told.count)
      }
      if written > limits.output { forced = .outOfOutput }
    }
    var status: Int32 = 0
    // It may have closed what it writes to and gone on.
    while forced == nil {
      if waitpid(child, &status, WNOHANG) == child { return ending(status, kept, told) }
      if Self.now() >= end { forced = .outOfTime } else { usleep(1000) }
    }
    stop()
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    if isUnsafe { kill(-child, SIGKILL) }
    return Sandbox.Ending(reason: forced ?? .outOfTime, output: kept, result: told)
  }

  private func stop() {
    kill(child, SIGKILL)
    // Confined, it has no descendants; otherwise those that stayed in its session go with it.
    if isUnsafe { kill(-child, SIGKILL) }
  }

  private func ending(_ status: Int32, _ output: [UInt8], _ result: [UInt8]) -> Sandbox.Ending {
    if isUnsafe { kill(-child, SIGKILL) }
    let signal = status & 0x7F
    let reason: Sandbox.Ending.Reason =
      signal == 0 ? .exit(Int(status >> 8 & 0xFF)) : signal == SIGXCPU || signal == SIGKILL ? .outOfTime : .signal(Int(signal))
    return Sandbox.Ending(reason: reason, output: output, result: result)
  }

  /// Seconds of a clock that only goes forward.
  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// A file descriptor that is closed when the last user of it is gone.
final class Descriptor {
  private(set) var number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close() }

  func close() {
    if number >= 0 { _ = closeDescriptor(number) }
    number = -1
  }

  /// The next bytes, at most `limit`; none at the end, and none where reading fails.
  func read(_ limit: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    while true {
      let count = readDescriptor(number, &bytes, limit)
      if count < 0, errno == EINTR { continue }
      return Array(bytes.prefix(max(count, 0)))
    }
  }

  /// All bytes to the end, or the first `limit`.
  func readAll(limit: Int) -> [UInt8] {
    var all: [UInt8] = []
    while all.count < limit {
      let next = read(limit - all.count)
      if next.isEmpty { break }
      all += next
    }
    return all
  }
}

/// Two ends; neither is inherited by a program that this process starts.
struct SandboxPipe {
  let reading: Descriptor
  let writing: Descriptor

  init() throws(SandboxError) {
    var ends: [Int32] = [-1, -1]
    let code = unmask_sandbox_pipe(&ends)
    guard code == 0 else { throw .system("pipe", code: -code) }
    reading = Descriptor(ends[0])
    writing = Descriptor(ends[1])
  }
}

private func closeDescriptor(_ number: Int32) -> Int32 { close(number) }

private func readDescriptor(_ number: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int { read(number, bytes, count) }

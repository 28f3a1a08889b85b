#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Runs code that a hostile file could crash, hang or blow up, in a child process with little memory and little time.
///
/// libhdf5 1.10 has known memory errors on crafted files that no check from outside can rule out. The child is a fork of this process; it sends bytes back
/// and never returns. A fork of a process with several threads has only the calling one: the caller holds the library's lock, the C allocator is prepared for
/// a fork, and should another thread have held a lock of the language's runtime, the alarm ends the child and the caller may try once more.
enum Containment {
  enum Failure: Error {
    /// The child ended without an answer: killed by a signal, or out of memory.
    case died(signal: Int32)
    /// It used up its processor time.
    case endless
    /// It was not done in several times that time, having perhaps done nothing.
    case stuck
    /// No child could be made.
    case unavailable(String)
  }

  /// A child at work.
  struct Child {
    fileprivate let process: pid_t
    fileprivate let answers: Int32

    /// Waits for what the child sends. To be called once.
    func answer() throws(Failure) -> [UInt8] {
      let bytes = drain(answers)
      close(answers)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      let fatal = status & 0x7F
      if fatal == SIGXCPU { throw .endless }
      if fatal == SIGALRM { throw .stuck }
      var reader = ByteReader(bytes[...])
      guard fatal == 0, let count = reader.fixed(UInt64.self), count == UInt64(bytes.count - 8) else { throw .died(signal: fatal) }
      return Array(bytes[8...])
    }
  }

  /// The answer of `body`, computed in a child.
  static func run(memory: Int, seconds: UInt32, _ body: () -> [UInt8]) throws(Failure) -> [UInt8] {
    try start(memory: memory, seconds: seconds, body).answer()
  }

  /// Begins to compute the answer of `body` in a child.
  ///
  /// - Parameters:
  ///   - memory: bytes that the child may take beyond what this process has.
  ///   - seconds: processor time it may take.
  static func start(memory: Int, seconds: UInt32, _ body: () -> [UInt8]) throws(Failure) -> Child {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw .unavailable(Files.reason) }
    // A program started meanwhile must not hold the pipe open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let bound = addressSpace() + memory
    let child = fork()
    if child == 0 {
      close(ends[0])
      confine(to: bound, seconds)
      let answer = body()
      var header = ByteWriter()
      header.put(fixed: UInt64(answer.count))
      _exit(Files.write(header.bytes[...], to: ends[1]) && Files.write(answer[...], to: ends[1]) ? 0 : 1)
    }
    close(ends[1])
    guard child > 0 else {
      close(ends[0])
      throw .unavailable(Files.reason)
    }
    return Child(process: child, answers: ends[0])
  }

  /// What a child sets itself before it touches anything hostile.
  private static func confine(to space: Int, _ seconds: UInt32) {
    for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGALRM, SIGXCPU, SIGPIPE] { signal(number, SIG_DFL) }
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
    var core = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
    var limit = rlimit(rlim_cur: rlim_t(space), rlim_max: rlim_t(space))
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    var time = rlimit(rlim_cur: rlim_t(seconds), rlim_max: rlim_t(seconds) + 1)
    setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &time)
    // What the language's runtime would print of a crash is not for the user.
    let nowhere = open("/dev/null", O_WRONLY)
    if nowhere >= 0 { dup2(nowhere, 2) }
    alarm(10 + 5 * seconds)
  }

  private static func drain(_ number: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = read(number, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      if got <= 0 { return bytes }
      bytes += buffer[..<got]
    }
  }

  /// Bytes of address space that this process has, most of it mapped and not used.
  private static func addressSpace() -> Int {
    let file = open("/proc/self/statm", O_RDONLY)
    guard file >= 0 else { return 1 << 36 }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let got = read(file, &buffer, buffer.count)
    let pages = buffer.prefix(max(got, 0)).prefix { $0 >= 48 && $0 <= 57 }.reduce(0) { $0 * 10 + Int($1 - 48) }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}

import Foundation
import Testing

@testable import Workbench

/// Programs that mean harm: each ends within its limit, changes nothing, and is graded wrong. One that does no harm is graded right.
@Suite(.serialized) struct SandboxTests {
  private static let python: Python? = {
    var limits = Sandbox.Limits()
    limits.seconds = 3
    limits.processorSeconds = 2
    do { return try Python(limits: limits) } catch { return nil }
  }()

  private func python() throws -> Python { try #require(Self.python, "these tests need python3 and Linux 5.13 or later") }

  /// Passes its test, and does something else first.
  private func verdict(_ harm: String, tests: String = "assert twice(2) == 4") throws -> Python.Verdict {
    try python().check(harm + "\ndef twice(n):\n    return 2 * n\n", tests: tests)
  }

  @Test func aProgramIsHeldAgainstItsTests() throws {
    #expect(try verdict("import math, re, collections, itertools, heapq, functools, random, string, json, typing, datetime, decimal") == .passed)
    #expect(try verdict("", tests: "assert twice(2) == 5") == .failed("AssertionError"))
    #expect(try verdict("x = (") != .passed)
    #expect(try verdict("print('loud')\nimport sys\nprint('and clear', file=sys.stderr)") == .passed)
    #expect(try verdict("import threading\nt = threading.Thread(target=lambda: None)\nt.start()\nt.join()") == .passed)
    #expect(try verdict("s = {'a', 'b', 'c', 'd'}", tests: "assert ''.join(s) == ''.join(s)") == .passed)
  }

  /// What a program cannot do raises an error in it; it is graded wrong because it does not get to its tests.
  @Test(arguments: [
    // A fork bomb, and a grandchild that would survive.
    "import os\nwhile True: os.fork()", "import os\nif os.fork() == 0:\n    if os.fork() == 0:\n        import time\n        time.sleep(60)\n    os._exit(0)",
    "import subprocess\nsubprocess.run(['/bin/sleep', '60'])", "import os\nos.posix_spawn('/bin/true', ['true'], {})",
    "import multiprocessing\np = multiprocessing.Process(target=print)\np.start()", "import os\nos.execv('/bin/sh', ['sh', '-c', 'true'])",
    // The network.
    "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)", "import socket\nsocket.socket(socket.AF_UNIX)", "import socket\nsocket.socketpair()",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')",
    // Signals to others.
    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "import os, signal\nos.kill(1, signal.SIGTERM)",
    "import os, signal\nos.killpg(0, signal.SIGKILL)", "import fcntl, os\nfcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
    // Files.
    "open('/etc/passwd').read()", "open('/proc/self/environ').read()", "import os\nopen(f'/proc/{os.getppid()}/environ').read()",
    "import os\nos.listdir('/root')",
    "import os\nos.listdir('/')", "open('here', 'w').write('x')", "import tempfile\ntempfile.NamedTemporaryFile()", "open('/dev/shm/x', 'w').write('x')",
    "import os\nos.mkdir('/tmp/made')", "import os\nos.unlink('/tmp')", "import shutil\nshutil.rmtree('/usr/lib/python3')", "import os\nos.chmod('/tmp', 0)",
    "import os\nos.symlink('/etc', '/tmp/link')", "import os\nos.truncate('/usr/bin/python3', 0)", "import os\nos.rename('/tmp', '/tmp2')",
    "import ctypes\nassert ctypes.CDLL(None).mount(b'none', b'/', b'tmpfs', 0, None) == 0", "import os\nos.memfd_create('x')", "import os\nos.setuid(0)",
    // The tests.
    "import os\nos._exit(0)", "raise SystemExit(0)", "import sys\nsys.exit(0)", "import os\nos.write(3, b'A' * 16)\nos._exit(0)",
    "def check(*a): pass\nassert False",
    "import os\nos.close(3)", "import os\nos.kill(os.getpid(), 9)",
  ])
  func harmIsRefused(_ harm: String) throws {
    let before = try FileManager.default.contentsOfDirectory(atPath: "/tmp").sorted()
    let start = Date()
    #expect(try verdict(harm) != .passed)
    #expect(Date().timeIntervalSince(start) < 4)
    #expect(!FileManager.default.fileExists(atPath: "/tmp/made") && !FileManager.default.fileExists(atPath: "/dev/shm/x"))
    #expect(before.contains { FileManager.default.fileExists(atPath: "/tmp/" + $0) } || before.isEmpty)
  }

  /// What takes without end is ended by its limit.
  @Test(arguments: [
    ("while True: pass", "it ran out of time"), ("import time\ntime.sleep(60)", "it ran out of time"),
    ("import os\nos.close(1)\nos.close(2)\nos.close(3)\nwhile True: pass", "it ran out of time"),
    ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", "it ran out of time"),
    ("while True: print('x' * 100_000)", "it wrote too much"), ("import os\nwhile True: os.write(3, b'x' * 4096)", "it wrote too much"),
    ("x = bytearray(1 << 34)", "MemoryError"), ("x = []\nwhile True: x.append(bytearray(1 << 24))", "MemoryError"),
  ]) func whatTakesWithoutEndIsEnded(_ harm: String, _ reason: String) throws {
    let start = Date()
    guard case .failed(let told) = try verdict(harm) else {
      Issue.record("it passed")
      return
    }
    #expect(told.contains(reason), "\(told)")
    #expect(Date().timeIntervalSince(start) < 5)
  }

  /// Threads share the process's memory and time; a great many of them end in an error or at the limit.
  @Test func threadsAreBounded() throws {
    let harm = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    #expect(try verdict(harm) != .passed)
  }

  @Test func theEnvironmentAndOpenFilesStayOutside() throws {
    setenv("UNMASK_SECRET_FOR_A_TEST", "hidden", 1)
    defer { unsetenv("UNMASK_SECRET_FOR_A_TEST") }
    let descriptor = open("/etc/hostname", O_RDONLY)
    defer { close(descriptor) }
    let look = """
      import os
      assert 'hidden' not in str(dict(os.environ)) and len(os.environ) < 8, os.environ
      for number in range(5, 1024):
          try: os.fstat(number)
          except OSError: continue
          raise AssertionError(number)
      assert os.getuid() != 0 and os.geteuid() != 0
      """
    #expect(try verdict(look) == .passed)
  }

  /// Neither the process nor an open end of its pipes.
  @Test func nothingIsLeftBehind() throws {
    for harm in ["import os\nraise AssertionError(os.getpid())", "import os\nprint(os.getpid(), flush=True)\nos._exit(3)"] {
      guard case .failed(let told) = try verdict(harm), let pid = told.split(separator: " ").last else { continue }
      #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)/status"), "\(told)")
    }
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
      do { return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)").contains("memfd:program") } catch { return false }
    }
    #expect(open.isEmpty)
  }

  @Test func gradesComeSideBySide() async throws {
    let python = try python()
    let verdicts = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<12 { group.addTask { try python.check("x = \(index)", tests: "assert x % 2 == 0") == .passed } }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(verdicts == 6)
  }

  /// Without a sandbox the limits alone hold, and that is never chosen by itself.
  @Test func unsafeIsAskedFor() throws {
    var limits = Sandbox.Limits()
    limits.seconds = 1
    let python = try Python(limits: limits, isUnsafe: true)
    let usual = try self.python()
    #expect(python.isUnsafe && !usual.isUnsafe)
    #expect(try python.check("import os\nx = os.listdir('/')", tests: "assert x") == .passed)
    #expect(try python.check("while True: pass", tests: "") == .failed("it ran out of time"))
  }
}

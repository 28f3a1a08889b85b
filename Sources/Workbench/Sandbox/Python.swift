package import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Runs Python that a model wrote, in a sandbox, and says whether it passes its tests.
package struct Python: Sendable {
  /// What came of a program with its tests.
  package enum Verdict: Sendable, Hashable {
    /// Every test held.
    case passed
    /// It did not run to the end of its tests; why, in a line.
    case failed(String)
  }

  private let sandbox: Sandbox
  /// Whether programs run with no more than limits on what they use.
  package var isUnsafe: Bool { sandbox.isUnsafe }
  /// The interpreter, links resolved.
  package let interpreter: String

  /// Finds Python: `UNMASK_SANDBOX_PYTHON` from the environment, `/usr/bin/python3`, `/usr/local/bin/python3`, `/opt/homebrew/bin/python3`. It is not looked for
  /// along PATH, where shell scripts of the same name stand in for it.
  package init(limits: Sandbox.Limits = Sandbox.Limits(), isUnsafe: Bool = false) throws(ConfigurationError) {
    sandbox = try Sandbox(limits: limits, isUnsafe: isUnsafe)
    let told = getenv("UNMASK_SANDBOX_PYTHON").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    let places = told.map { [$0] } ?? ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"]
    guard let found = places.first(where: { $0.hasPrefix("/") && access($0, X_OK) == 0 }), let real = realpath(found, nil) else {
      throw .unsupported(
        "this benchmark runs Python, and there is no interpreter at \(places.joined(separator: ", ")); install python3, or name one by its absolute path in "
          + "UNMASK_SANDBOX_PYTHON")
    }
    interpreter = String(cString: real)
    free(real)
    // A program that passes and one that does not: an interpreter that cannot start in the sandbox is found out before anything is decoded.
    guard try check("ok = 1", tests: "assert ok == 1") == .passed, try check("ok = 1", tests: "assert ok == 2") != .passed else {
      throw .unsupported("\(interpreter) does not run a program of one line in the sandbox; name another one in UNMASK_SANDBOX_PYTHON")
    }
  }

  /// Runs `program`, then `tests` in the same names, and says whether the tests came to their end.
  ///
  /// The tests are compiled before the program runs, and only who gets through them is given the words that mean a pass, which differ each time. A program
  /// that searches its interpreter's memory for them could still forge a pass, as could one whose values call themselves equal to everything: what a
  /// program computes and its tests share one process.
  package func check(_ program: String, tests: String) throws(ConfigurationError) -> Verdict {
    var token = [UInt8](repeating: 0, count: 16)
    for index in token.indices { token[index] = UInt8.random(in: 65...90) }
    var input: [UInt8] = token
    for part in [tests, program] {
      input += Array("\(part.utf8.count)\n".utf8)
      input += Array(part.utf8)
    }
    let ending: Sandbox.Ending
    do throws(SandboxError) {
      ending = try sandbox.run(
        interpreter, ["-s", "-S", "-B", "-c", Self.driver], environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PYTHONHASHSEED=0", "HOME=/"],
        input: input, readable: readable)
    } catch { throw .unsupported("\(error)") }
    if ending.reason == .exit(0), ending.result == token { return .passed }
    return .failed(Self.reason(ending))
  }

  /// What an interpreter reads to start: its own folder tree, the system's libraries, and two devices.
  private var readable: [String] {
    var prefix = interpreter.split(separator: "/").dropLast(2).joined(separator: "/")
    prefix = prefix.isEmpty ? "/usr" : "/" + prefix
    return [prefix, "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom"]
  }

  private static func reason(_ ending: Sandbox.Ending) -> String {
    switch ending.reason {
    case .outOfTime: return "it ran out of time"
    case .outOfOutput: return "it wrote too much"
    case .signal(let number): return "signal \(number) ended it"
    case .exit(0): return "it left before its tests"
    case .exit:
      let lines = String(decoding: ending.output, as: UTF8.self).split(separator: "\n")
      return lines.last.map { String($0.prefix(200)) } ?? "it failed without a word"
    }
  }

  /// Reads token, tests and program, each with its length, runs program and tests, and writes the token.
  private static let driver = """
    import os
    def run(read=os.read, write=os.write):
        def take(count):
            data = b''
            while len(data) < count:
                piece = read(0, count - len(data))
                if not piece: raise EOFError
                data += piece
            return data
        def part():
            digits = b''
            while not digits.endswith(b'\\n'): digits += take(1)
            return take(int(digits)).decode()
        token = take(16)
        tests = compile(part(), 'tests', 'exec')
        program = part()
        names = {'__name__': '__main__'}
        exec(compile(program, 'program', 'exec'), names)
        exec(tests, names)
        write(3, token)
    run()
    os._exit(0)
    """
}

import Foundation
import Testing

/// A real Slurm of one node, from Debian's `slurm-wlm` and `munge`, which `make test` installs.
///
/// Everything of it runs in a process namespace of its own, whose first process ends when this value does, or when the test process does, however that ends:
/// then the kernel ends all the others. Its programs need the superuser, as they do anywhere.
final class Slurm {
  /// Short, because sockets in it have names of limited length.
  private let folder: String
  private let process = Process()
  private let lifeline = Pipe()

  /// Cores of the node, and so tasks that run at once.
  private static let cores = 2

  init() throws {
    try #require(geteuid() == 0, "a Slurm of one's own needs the superuser; run the tests as root, as in a container")
    folder = "/tmp/slurm-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    // Munge takes a key that nobody else can read, in a folder that nobody else can write to.
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
    try Data((0..<1024).map { _ in UInt8.random(in: 0...255) }).write(to: URL(fileURLWithPath: folder + "/key"))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/key")
    try Self.configuration(folder, ports: try Self.freePorts(2)).write(toFile: configuration, atomically: true, encoding: .utf8)
    let script = """
      munged --force --key-file="$1/key" --socket="$1/munge" --pid-file="$1/munge.pid" --log-file="$1/munge.log" --seed-file="$1/seed" --num-threads=2
      export SLURM_CONF="$1/slurm.conf"
      slurmctld -c -f "$SLURM_CONF" && slurmd -f "$SLURM_CONF" -N node
      cat > /dev/null
      """
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments = ["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh", folder]
    process.environment = ProcessInfo.processInfo.environment.merging(["PATH": Self.path]) { $1 }
    process.standardInput = lifeline
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    try lifeline.fileHandleForReading.close()
    let isIdle = try wait(seconds: 600) { try run("sinfo", ["--noheader", "--format=%T"]).output == "idle\n" }
    try #require(isIdle, "the node did not come up; see its logs: \(log)")
  }

  deinit {
    do {
      try lifeline.fileHandleForWriting.close()
      process.waitUntilExit()
      // What the kernel ends may still be writing its last.
      for attempt in 1...40 {
        do {
          try FileManager.default.removeItem(atPath: folder)
          break
        } catch { if attempt == 40 { throw error } }
        usleep(50_000)
      }
    } catch { Issue.record("\(folder) could not be removed: \(error)") }
  }

  private var configuration: String { folder + "/slurm.conf" }

  /// Debian keeps the daemons where only the superuser's PATH looks.
  private static var path: String { (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin" }

  /// What a command needs to find this Slurm.
  var environment: [String: String] { ["SLURM_CONF": configuration, "PATH": Self.path] }

  /// The ends of its logs.
  var log: String {
    ["slurmctld.log", "slurmd.log", "munge.log"].map { name in
      do { return "\(name): " + (try String(contentsOfFile: folder + "/" + name, encoding: .utf8)).suffix(2000) } catch { return "\(name): \(error)" }
    }.joined(separator: "\n")
  }

  /// Runs one of its commands.
  @discardableResult
  func run(_ command: String, _ arguments: [String]) throws -> Command.Result {
    try Command.run([command] + arguments, executable: URL(fileURLWithPath: "/usr/bin/env"), environment: environment)
  }

  /// Waits until something holds; false if it does not in time.
  func wait(seconds: Double, until isDone: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if try isDone() { return true }
      usleep(50_000)
    }
    return false
  }

  /// Ports that nobody listens on at this moment.
  private static func freePorts(_ count: Int) throws -> [UInt16] {
    var sockets: [Int32] = []
    defer { for socket in sockets { close(socket) } }
    return try (0..<count).map { _ in
      let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      try #require(number >= 0)
      sockets.append(number)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) == 0 && getsockname(number, $0, &length) == 0 }
      }
      try #require(result)
      return UInt16(bigEndian: address.sin_port)
    }
  }

  /// The name of the node is its own, whatever the machine is called; it listens here alone.
  private static func configuration(_ folder: String, ports: [UInt16]) throws -> String {
    var name = [CChar](repeating: 0, count: 256)
    try #require(gethostname(&name, name.count - 1) == 0)
    let host = name.prefix { $0 != 0 && $0 != CChar(UInt8(ascii: ".")) }.map { String(UnicodeScalar(UInt8(bitPattern: $0))) }.joined()
    return """
      ClusterName=test
      SlurmctldHost=\(host)(127.0.0.1)
      SlurmctldPort=\(ports[0])
      SlurmdPort=\(ports[1])
      SlurmUser=root
      AuthType=auth/munge
      AuthInfo=socket=\(folder)/munge
      CredType=cred/munge
      StateSaveLocation=\(folder)/state
      SlurmdSpoolDir=\(folder)/spool
      SlurmctldPidFile=\(folder)/slurmctld.pid
      SlurmdPidFile=\(folder)/slurmd.pid
      SlurmctldLogFile=\(folder)/slurmctld.log
      SlurmdLogFile=\(folder)/slurmd.log
      ProctrackType=proctrack/linuxproc
      TaskPlugin=task/none
      SwitchType=switch/none
      MpiDefault=none
      JobAcctGatherType=jobacct_gather/none
      AccountingStorageType=accounting_storage/none
      SelectType=select/cons_tres
      SelectTypeParameters=CR_CPU
      SlurmdParameters=config_overrides
      ReturnToService=2
      KillWait=1
      SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
      NodeName=node NodeHostname=\(host) NodeAddr=127.0.0.1 CPUs=\(cores) State=UNKNOWN
      PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP

      """
  }
}

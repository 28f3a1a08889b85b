internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Workbench

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "What this installation is, and proof that it computes the same bits however it is asked.",
    discussion: """
      The first thing to run on a new machine. It names the machine, the libraries, the kernel path taken, and the optional parts with the command \
      that installs each. Then it tries, and says what it tried: kernels against float64 and OpenBLAS; every row of logits bit for bit with other \
      threads, batches, rows, callers and kernel paths; a decode with every strategy of the catalog with one worker, several, and in another batch; \
      all of it in another process; and the goldens. Exit code 1 if something differs, with what and by how much.

      EXAMPLES
        unmask doctor
        unmask doctor --json
        unmask doctor --model path/to/LLaDA-8B-Instruct --only logits
        unmask doctor --only numbers --only goldens

      A model of more than 100 million weights is tried on fewer sequences and strategies; the report says on which.
      """)

  @Option(help: "A checkpoint directory, or `reference`.") var model = "reference"
  @Option(help: "numbers, logits, decodes or goldens; repeat for several. Default: all.") var only: [DoctorReport.Group] = []
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: .hidden) var fingerprint = false

  func run() throws {
    let groups = only.isEmpty ? nil : Set(only)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    if fingerprint {
      let doctor = Doctor(try DoctorSubject(model, cores: cores), catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, groups: groups)
      return Terminal.out(String(decoding: try JSONEncoder().encode(try doctor.fingerprint()), as: UTF8.self))
    }
    Terminal.catchInterrupts()
    let subject = try DoctorSubject(model, cores: cores)
    let doctor = Doctor(
      subject, catalog: Unmask.catalog, benchmarks: Unmask.benchmarks, groups: groups, machine: DoctorReport.machineFacts(),
      parts: OptionalPart.all(), cores: cores)
    var progress: Progress?
    let report = try doctor.run(
      restart: restart, begin: { progress = Progress("doctor", total: $0) }, advance: { progress?.advance() }, while: { !Terminal.isInterrupted })
    progress?.finish()
    if report.isStopped { throw Failure.interrupted("interrupted") }
    Terminal.out(json ? report.json.json : report.text)
    guard report.isPassed else { throw Failure(code: 1, message: "\(report.bad.count) checks do not hold: \(report.bad.map(\.name).joined(separator: ", "))") }
  }

  /// The same command in a process of its own, whose memory starts out with other bytes.
  private func restart() throws -> DoctorFingerprint {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["doctor", "--fingerprint", "--model", model] + only.flatMap { ["--only", $0.rawValue] }
    process.environment = ProcessInfo.processInfo.environment.merging(["MALLOC_PERTURB_": "165"]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(code: 1, message: "the other process ended with \(process.terminationStatus)") }
    return try JSONDecoder().decode(DoctorFingerprint.self, from: data)
  }
}

extension DoctorReport.Group: ExpressibleByArgument {}

internal import Foundation
internal import Models
internal import Traces

extension DoctorReport {
  /// What this program runs on, and with.
  package static func machineFacts() -> [Fact] {
    let information = ProcessInfo.processInfo
    let (active, all) = (information.activeProcessorCount, information.processorCount)
    let memory = fixed(Double(information.physicalMemory) / Double(1 << 30), 1)
    let others = Kernels.paths.filter { $0 != Kernels.path }
    return [
      Fact("processor", processor ?? "unknown"), Fact("cores", active == all ? "\(all)" : "\(active) of \(all)"), Fact("memory", "\(memory) GiB"),
      Fact("system", system), Fact("kernels", Kernels.path + (others.isEmpty ? "" : " (possible too: \(others.joined(separator: ", ")))")),
      Fact("swift", "\(_SwiftStdlibVersion.current)"), Fact("hdf5", TraceFile.libraryVersion), Fact("openblas", Kernels.openBLAS),
      Fact("engine", "\(RunPlan.engineVersion)"),
    ]
  }

  /// The processor's own name.
  private static var processor: String? { line("model name", of: "/proc/cpuinfo", separator: ":") }

  private static var system: String {
    var words: [String] = []
    if let name = line("PRETTY_NAME", of: "/etc/os-release", separator: "=") { words.append(name.replacing("\"", with: "")) }
    var names = utsname()
    if uname(&names) == 0 { words.append("\(text(names.sysname)) \(text(names.release)) \(text(names.machine))") }
    return words.isEmpty ? ProcessInfo.processInfo.operatingSystemVersionString : words.joined(separator: ", ")
  }

  /// A field of the C library's, which is a tuple of bytes.
  private static func text<Bytes>(_ field: Bytes) -> String { withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }

  /// What stands behind a key in a file of the system; nil where there is no such file or key.
  private static func line(_ key: String, of file: String, separator: Character) -> String? {
    guard let data = FileManager.default.contents(atPath: file) else { return nil }
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      let sides = line.split(separator: separator, maxSplits: 1)
      guard sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces) == key else { continue }
      return sides[1].trimmingCharacters(in: .whitespaces)
    }
    return nil
  }
}

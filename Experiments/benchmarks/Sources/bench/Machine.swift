import CPlainBLAS
import Foundation
import Models

/// What figures were measured on.
struct Machine: Codable, Equatable {
  var processor: String
  var cores: Int
  var blas: String
  var kernels: String
  var memoryGB: Double

  static var here: Machine {
    let words = text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return Machine(
      processor: words.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown", cores: ProcessInfo.processInfo.activeProcessorCount,
      blas: String(cString: openblas_get_config()).trimmingCharacters(in: .whitespaces), kernels: TransformerDenoiser.kernelPath,
      memoryGB: (Double(ProcessInfo.processInfo.physicalMemory) / 1e8).rounded() / 10)
  }

  /// In a line.
  var words: String { "\(processor), \(cores) processors, \(memoryGB) GB; \(blas); kernels \(kernels)" }

  /// Processes that wanted to run, over the last minute.
  static var load: Double { text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? .nan }

  /// Processor seconds that a virtual machine wanted and did not get, since it started; 0 on others.
  static var stolen: Double {
    let fields = text("/proc/stat").prefix { $0 != "\n" }.split(separator: " ")
    return fields.count > 8 ? (Double(fields[8]) ?? 0) / Double(sysconf(Int32(_SC_CLK_TCK))) : 0
  }

  /// Bytes as `/proc/self/status` has them, by name; empty where there is none.
  static var memory: [String: Double] {
    var values: [String: Double] = [:]
    for line in text("/proc/self/status").split(separator: "\n") {
      let parts = line.split(whereSeparator: { $0 == ":" || $0.isWhitespace })
      if parts.count >= 3, parts[2] == "kB", let value = Double(parts[1]) { values[String(parts[0])] = value * 1024 }
    }
    return values
  }

  /// A file of `/proc`; empty on a system without.
  private static func text(_ path: String) -> String {
    do { return try String(contentsOfFile: path, encoding: .utf8) } catch { return "" }
  }
}

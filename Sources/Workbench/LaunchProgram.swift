internal import Foundation

/// A program of the system, run to its end for what it prints.
enum LaunchProgram {
  /// Where PATH finds a program; nil if nowhere.
  static func path(of name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program and gives its standard output.
  ///
  /// - Throws: `.failed` with what it printed on standard error, where it does not end with 0.
  static func output(of name: String, _ arguments: [String], in folder: String? = nil) throws(LaunchError) -> String {
    guard let path = path(of: name) else { throw .failed(command: name, reason: "it is not on PATH") }
    return try output(at: path, arguments, in: folder, name: name)
  }

  /// The same for a program at a path; `name` is what messages call it.
  static func output(at path: String, _ arguments: [String], in folder: String? = nil, name: String? = nil) throws(LaunchError) -> String {
    let (process, name) = (Process(), name ?? path)
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let (output, errors) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    let text: (output: Data, errors: Data)
    do {
      try process.run()
      // What these programs say of a mistake fits into a pipe, so that one can be read after the other.
      text = (try output.fileHandleForReading.readToEnd() ?? Data(), try errors.fileHandleForReading.readToEnd() ?? Data())
    } catch { throw .failed(command: name, reason: YAML.reason(error)) }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let words = String(decoding: text.errors, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
      throw .failed(command: name, reason: words.isEmpty ? "exit code \(process.terminationStatus)" : words)
    }
    return String(decoding: text.output, as: UTF8.self)
  }
}

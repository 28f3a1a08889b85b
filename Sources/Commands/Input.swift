internal import Diffusion
internal import Foundation
internal import Models
internal import Workbench

/// Files and standard input, bounded before they are read whole.
enum Input {
  /// The largest file read whole, in bytes.
  static let sizeLimit = 256 << 20

  /// A JSON file's value; `-` is standard input.
  static func json<Value: Decodable>(_ type: Value.Type, file: String, expected: String) throws(ConfigurationError) -> Value {
    let data: Data
    do {
      let handle = try file == "-" ? FileHandle.standardInput : FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      data = try handle.read(upToCount: sizeLimit + 1) ?? Data()
    } catch { throw .unreadable(file: file, reason: YAML.reason(error)) }
    guard data.count <= sizeLimit else { throw .unreadable(file: file, reason: "it is larger than \(sizeLimit >> 20) MiB") }
    do { return try JSONDecoder().decode(type, from: data) } catch { throw .unreadable(file: file, reason: "expected \(expected)") }
  }

  /// Calls `body` with each line of standard input, without its newline.
  static func lines(_ body: ([UInt8]) throws -> Void) throws {
    var pending: [UInt8] = []
    while true {
      let chunk: Data
      do { chunk = try FileHandle.standardInput.read(upToCount: 1 << 16) ?? Data() } catch {
        throw ConfigurationError.unreadable(file: "standard input", reason: YAML.reason(error))
      }
      if chunk.isEmpty { break }
      // Only the new bytes are searched: a long line comes in many pieces.
      var pieces = chunk.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
      let first = pieces.removeFirst()
      pending.append(contentsOf: first)
      guard pending.count <= sizeLimit else {
        throw ConfigurationError.unreadable(file: "standard input", reason: "a line is longer than \(sizeLimit >> 20) MiB")
      }
      for piece in pieces {
        try body(pending)
        pending = Array(piece)
      }
    }
    if !pending.isEmpty { try body(pending) }
  }
}

/// Checks of token ids before anything runs.
enum InputCheck {
  /// Why a model cannot take a sequence, or nil.
  static func reason(_ tokens: [Token], _ denoiser: any Denoiser, adding length: Int = 0) -> String? {
    let size = denoiser.vocabulary.size
    if tokens.isEmpty, length == 0 { return "is empty" }
    if let bad = tokens.first(where: { $0 < 0 || Int($0) >= size }) { return "holds token \(bad), which is not in the model's vocabulary of \(size)" }
    let total = tokens.count + length
    if total > denoiser.maxLength { return "makes \(total) positions, and the model takes \(denoiser.maxLength)" }
    return nil
  }
}

internal import Diffusion
internal import Foundation

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
    } catch { throw .unreadable(file: file, reason: reason(error)) }
    guard data.count <= sizeLimit else { throw .unreadable(file: file, reason: "it is larger than \(sizeLimit >> 20) MiB") }
    do { return try JSONDecoder().decode(type, from: data) } catch { throw .unreadable(file: file, reason: "expected \(expected)") }
  }

  /// Calls `body` with each line of standard input, without its newline.
  static func lines(_ body: ([UInt8]) throws -> Void) throws {
    var pending: [UInt8] = []
    while true {
      let chunk = FileHandle.standardInput.availableData
      if chunk.isEmpty { break }
      pending.append(contentsOf: chunk)
      guard let last = pending.lastIndex(of: UInt8(ascii: "\n")) else { continue }
      for line in pending[..<last].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) { try body(Array(line)) }
      pending.removeSubrange(...last)
    }
    if !pending.isEmpty { try body(pending) }
  }

  /// The system's own words for a failure.
  static func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError { return reason(inner) }
    if error.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(error.code))) }
    switch error.code {
    case CocoaError.Code.fileReadNoSuchFile.rawValue, CocoaError.Code.fileNoSuchFile.rawValue: return "no such file"
    case CocoaError.Code.fileReadNoPermission.rawValue: return "permission denied"
    default: return error.localizedDescription
    }
  }
}

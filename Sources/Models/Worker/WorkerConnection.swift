#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Why a worker gave no answer.
enum WorkerFault: Error, Sendable {
  /// The connection, or the worker itself, is gone: another one may answer.
  case lost(String)
  /// It refuses, or what it says is not understood: asking again would end the same.
  case refused(String)
}

/// One connection to a worker: questions and answers, one at a time.
///
/// A message is the mark `UMSK`, the lengths of header (4 bytes) and body (8 bytes), the header (JSON) and the body, little-endian.
final class WorkerConnection: Sendable {
  /// A header and a body.
  struct Message: Sendable {
    let header: [UInt8]
    let body: [UInt8]
  }

  private static let mark: [UInt8] = Array("UMSK".utf8)
  private static let largestHeader = 1 << 20
  private let socket: Int32

  /// Connects to a local socket.
  ///
  /// - Parameters:
  ///   - path: its file, at most 107 bytes.
  ///   - patience: seconds after which a silent worker counts as lost.
  init(path: String, patience: Int) throws(WorkerFault) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else {
      throw .refused("`\(path)` is no name of a local socket: 1 to \(room - 1) bytes")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    #if canImport(Glibc)
      let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let number = Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
    guard number >= 0 else { throw .lost(Self.reason) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard connected == 0 else {
      let reason = Self.reason
      close(number)
      throw .lost("\(path): \(reason)")
    }
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) }
    socket = number
  }

  deinit { close(socket) }

  /// Sends a message.
  func send(_ header: [UInt8], _ body: [UInt8]) throws(WorkerFault) {
    var frame = Self.mark
    frame.reserveCapacity(16 + header.count + body.count)
    withUnsafeBytes(of: UInt32(header.count).littleEndian) { frame += $0 }
    withUnsafeBytes(of: UInt64(body.count).littleEndian) { frame += $0 }
    frame += header
    frame += body
    var sent = 0
    while sent < frame.count {
      let count = frame.withUnsafeBytes { bytes in
        #if canImport(Glibc)
          Glibc.send(socket, bytes.baseAddress?.advanced(by: sent), frame.count - sent, Int32(MSG_NOSIGNAL))
        #else
          Darwin.send(socket, bytes.baseAddress?.advanced(by: sent), frame.count - sent, 0)
        #endif
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .lost(Self.reason) }
      sent += count
    }
  }

  /// Receives a message.
  ///
  /// - Parameter limit: the longest body in bytes; a longer one is refused before it is read.
  func receive(limit: Int) throws(WorkerFault) -> Message {
    let frame = try bytes(16)
    guard Array(frame[0..<4]) == Self.mark else { throw .refused("it does not speak the worker's protocol") }
    let header = frame[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let body = frame[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard header <= Self.largestHeader, body <= UInt64(limit) else { throw .refused("it answers \(body) bytes where at most \(limit) were asked for") }
    return Message(header: try bytes(header), body: try bytes(Int(body)))
  }

  private func bytes(_ count: Int) throws(WorkerFault) -> [UInt8] {
    var fault: WorkerFault?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let received = recv(socket, buffer.baseAddress?.advanced(by: filled), count - filled, 0)
        if received < 0, errno == EINTR { continue }
        guard received > 0 else {
          fault = .lost(received == 0 ? "it closed the connection" : errno == EAGAIN ? "it is silent" : Self.reason)
          return
        }
        filled += received
      }
    }
    if let fault { throw fault }
    return bytes
  }

  private static var reason: String { String(cString: strerror(errno)) }
}

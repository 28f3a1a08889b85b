internal import CKernels

/// SHA-256 (FIPS 180-4), to name the exact bytes that a run used.
package struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// The digest of nothing so far.
  package init() {}

  /// Appends bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var at = 0
    if !pending.isEmpty {
      at = min(64 - pending.count, bytes.count)
      pending.append(contentsOf: bytes[..<at])
      guard pending.count == 64 else { return }
      pending.withUnsafeBufferPointer { unmask_sha256(&state, $0.baseAddress, 1) }
      pending.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - at) / 64
    if blocks > 0, let base = bytes.bindMemory(to: UInt8.self).baseAddress { unmask_sha256(&state, base + at, blocks) }
    pending.append(contentsOf: bytes[(at + blocks * 64)...])
  }

  /// Appends bytes.
  package mutating func update(_ bytes: some Sequence<UInt8>) { Array(bytes).withUnsafeBytes { update($0) } }

  /// The digest as 64 lower-case hexadecimal digits.
  package func hexadecimal() -> String {
    var copy = self
    let bits = length &* 8
    copy.update([0x80] + Array(repeating: 0, count: (119 - Int(length % 64)) % 64))
    copy.update(withUnsafeBytes(of: bits.bigEndian, Array.init))
    let digits = Array("0123456789abcdef")
    return String(copy.state.flatMap { word in (0..<8).map { digits[Int(word >> (28 - 4 * UInt32($0)) & 15)] } })
  }
}

/// Counter-based randomness: every draw is a pure function of the words that name it.
///
/// A draw is addressed, not consumed, so adding a rule, a batch row or a worker never shifts another rule's draws.
/// Two rounds of the SplitMix64 finaliser (Steele, Lea and Flood, OOPSLA 2014) are folded over the words.
public struct SeededRandom: Sendable, Hashable {
  private var state: UInt64

  /// - Parameter seed: the seed of the run; equal seeds give equal draws on every machine.
  public init(seed: UInt64) {
    state = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
  }

  /// The source named by one more word: `random[sample][trajectory][decision][position]`.
  public subscript(word: Int) -> SeededRandom {
    var next = self
    next.state = Self.mix(state ^ Self.mix(UInt64(bitPattern: Int64(word)) &+ 0xD1B5_4A32_D192_ED03))
    return next
  }

  /// The source named by a word of text (a split, a benchmark), by its UTF-8 bytes.
  public subscript(name: String) -> SeededRandom {
    var next = self
    for byte in name.utf8 { next = next[Int(byte)] }
    return next[name.utf8.count]
  }

  /// The 64 bits at this address.
  public var bits: UInt64 { Self.mix(state &+ 0xA076_1D64_78BD_642F) }

  /// A number in (0, 1), never an end point: safe under two logarithms.
  public var uniform: Double { (Double(bits >> 12) + 0.5) * 0x1p-52 }

  /// An integer in `0 ..< bound`, or 0 where that is empty; the bias is below `bound` / 2^64.
  public func integer(below bound: Int) -> Int { Int(bits.multipliedFullWidth(by: UInt64(max(bound, 1))).high) }

  private static func mix(_ word: UInt64) -> UInt64 {
    var z = word
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A sequential generator over one address, for code that wants a stream (shuffles, problem generators).
public struct SeededStream: RandomNumberGenerator, Sendable {
  private let source: SeededRandom
  private var count = 0

  /// The stream `source[0]`, `source[1]`, ...
  public init(_ source: SeededRandom) { self.source = source }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    defer { count += 1 }
    return source[count].bits
  }
}

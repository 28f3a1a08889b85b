/// A set of Unicode scalars: what one class of a pattern matches.
struct ScalarSet: Sendable, Equatable {
  /// Bit `n` for the ASCII scalar `n`, in two halves.
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0
  /// Classes of scalars beyond ASCII.
  private var classes: ScalarClass.Mask = 0
  /// Single ranges of scalars beyond ASCII.
  private var ranges: [ClosedRange<UInt32>] = []
  /// Whether scalars beyond ASCII are those that `classes` and `ranges` leave out.
  private var isInverted = false

  init() {}

  init(_ value: UInt32) { insert(value...value) }

  init(classes: ScalarClass.Mask, ascii: (UInt32) -> Bool) { insert(classes: classes, ascii: ascii) }

  /// Adds a range. Call before `invert`.
  mutating func insert(_ range: ClosedRange<UInt32>) {
    var value = range.lowerBound
    while value <= range.upperBound, value < 0x80 {
      insert(ascii: value)
      value += 1
    }
    if range.upperBound >= 0x80 { ranges.append(max(range.lowerBound, 0x80)...range.upperBound) }
  }

  /// Adds classes for scalars beyond ASCII, and the ASCII scalars that pass a test. Call before `invert`.
  mutating func insert(classes: ScalarClass.Mask, ascii: (UInt32) -> Bool) {
    self.classes |= classes
    for value in 0..<UInt32(0x80) where ascii(value) { insert(ascii: value) }
  }

  /// Adds what another set holds. Call before `invert`, on either.
  mutating func formUnion(_ other: ScalarSet) {
    low |= other.low
    high |= other.high
    classes |= other.classes
    ranges += other.ranges
  }

  /// Adds the other case of the ASCII letters, and the two scalars beyond ASCII that fold to one.
  mutating func foldCase() {
    for value in UInt32(0x61)...0x7A where containsASCII(value) || containsASCII(value - 0x20) {
      insert(ascii: value)
      insert(ascii: value - 0x20)
      if value == 0x6B { ranges.append(0x212A...0x212A) }
      if value == 0x73 { ranges.append(0x17F...0x17F) }
    }
  }

  /// Whether some scalar beyond ASCII was named.
  var reachesBeyondASCII: Bool { classes != 0 || !ranges.isEmpty }

  mutating func invert() {
    low = ~low
    high = ~high
    isInverted.toggle()
  }

  private mutating func insert(ascii value: UInt32) {
    if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
  }

  func containsASCII(_ value: UInt32) -> Bool {
    value < 64 ? low >> UInt64(value) & 1 == 1 : high >> UInt64(value - 64) & 1 == 1
  }

  /// Membership of a scalar at or above U+0080.
  func containsBeyondASCII(_ value: UInt32) -> Bool {
    if classes >> ScalarClass.of(value) & 1 == 1 { return !isInverted }
    for range in ranges where range.contains(value) { return !isInverted }
    return isInverted
  }
}

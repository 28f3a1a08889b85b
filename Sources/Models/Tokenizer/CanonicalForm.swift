/// The canonical normal forms of Unicode, over UTF-8.
///
/// Foundation's are those of a newer Unicode, and bring a large library in. Combining classes come from the Swift runtime, held to scalars
/// of Unicode 9 as the reference implementation has them.
enum CanonicalForm {
  /// The canonical decomposition (NFD) of valid UTF-8.
  static func decomposed(_ text: [UInt8]) -> [UInt8] {
    if text.allSatisfy({ $0 < 0xC3 }) { return text }
    return utf8(ordered(text))
  }

  /// The canonical composition (NFC) of valid UTF-8.
  static func composed(_ text: [UInt8]) -> [UInt8] {
    // Nothing below U+0300 changes; beyond, most text is composed already.
    if text.allSatisfy({ $0 < 0xCC }) || isPlain(text) { return text }
    var marks = ordered(text)
    compose(&marks)
    return utf8(marks)
  }

  private struct Mark {
    var value: UInt32
    var order: UInt8
  }

  private static func utf8(_ marks: [Mark]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(marks.count * 2)
    for mark in marks { appendScalar(mark.value, to: &result) }
    return result
  }

  /// Whether every scalar stands as it is in composed text, whatever its neighbours.
  private static func isPlain(_ text: [UInt8]) -> Bool {
    var place = 0
    while place < text.count {
      if text[place] < 0xCC {
        place += text[place] < 0x80 ? 1 : 2
        continue
      }
      let (value, length) = text.scalar(at: place)
      if value >= Tables.limit || tables.changing[Int(value >> 6)] >> UInt64(value & 63) & 1 == 1 { return false }
      place += length
    }
    return true
  }

  /// The full decomposition, each run of combining marks in its canonical order.
  private static func ordered(_ text: [UInt8]) -> [Mark] {
    var marks: [Mark] = []
    marks.reserveCapacity(text.count)
    var place = 0
    while place < text.count {
      let (value, length) = text.scalar(at: place)
      place += length
      append(value, to: &marks)
    }
    var start = 0
    while start < marks.count {
      guard marks[start].order != 0 else {
        start += 1
        continue
      }
      var end = start + 1
      while end < marks.count, marks[end].order != 0 { end += 1 }
      if end - start > 1 {
        let run = marks[start..<end].enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
        for (index, mark) in run.enumerated() { marks[start + index] = mark.element }
      }
      start = end
    }
    return marks
  }

  private static func append(_ value: UInt32, to marks: inout [Mark]) {
    if value < 0xC0 {
      marks.append(Mark(value: value, order: 0))
    } else if (Hangul.syllables).contains(value) {
      let index = value - Hangul.syllables.lowerBound
      marks.append(Mark(value: Hangul.leading.lowerBound + index / (Hangul.vowelCount * Hangul.trailingCount), order: 0))
      marks.append(Mark(value: Hangul.vowels.lowerBound + index / Hangul.trailingCount % Hangul.vowelCount, order: 0))
      if index % Hangul.trailingCount > 0 { marks.append(Mark(value: Hangul.trailingBase + index % Hangul.trailingCount, order: 0)) }
    } else if let parts = tables.decompositions[value] {
      // A first part may decompose again, a few levels deep at most.
      append(parts.first, to: &marks)
      if let second = parts.second { append(second, to: &marks) }
    } else {
      marks.append(Mark(value: value, order: combiningClass(value)))
    }
  }

  fileprivate static func combiningClass(_ value: UInt32) -> UInt8 {
    guard value >= 0x300, let properties = Unicode.Scalar(value)?.properties else { return 0 }
    let order = properties.canonicalCombiningClass.rawValue
    guard order > 0, let age = properties.age, age.major <= 9 else { return 0 }
    return order
  }

  /// Joins each starter with the marks after it that nothing keeps apart from it.
  private static func compose(_ marks: inout [Mark]) {
    var kept = 0
    var starter = -1
    var blocking = -1  // the class of the mark kept last since the starter; -1 for none
    for index in marks.indices {
      let mark = marks[index]
      if starter >= 0, blocking < Int(mark.order), let joined = join(marks[starter].value, mark.value) {
        marks[starter].value = joined
        continue
      }
      if mark.order == 0 {
        starter = kept
        blocking = -1
      } else {
        blocking = Int(mark.order)
      }
      marks[kept] = mark
      kept += 1
    }
    marks.removeLast(marks.count - kept)
  }

  private static func join(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if Hangul.leading.contains(first), Hangul.vowels.contains(second) {
      let index = (first - Hangul.leading.lowerBound) * Hangul.vowelCount + (second - Hangul.vowels.lowerBound)
      return Hangul.syllables.lowerBound + index * Hangul.trailingCount
    }
    if Hangul.syllables.contains(first), (first - Hangul.syllables.lowerBound) % Hangul.trailingCount == 0,
      Hangul.trailing.contains(second)
    {
      return first + (second - Hangul.trailingBase)
    }
    return tables.compositions[UInt64(first) << 32 | UInt64(second)]
  }

  private enum Hangul {
    static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
    static let leading: ClosedRange<UInt32> = 0x1100...0x1112
    static let vowels: ClosedRange<UInt32> = 0x1161...0x1175
    static let trailingBase: UInt32 = 0x11A7
    static let trailing: ClosedRange<UInt32> = 0x11A8...0x11C2
    static let vowelCount: UInt32 = 21
    static let trailingCount: UInt32 = 28
  }

  private static let tables = Tables()

  private struct Tables: Sendable {
    /// One past the last scalar that `changing` speaks of; the few beyond take the long way.
    static let limit: UInt32 = 0x1D000

    private(set) var decompositions: [UInt32: (first: UInt32, second: UInt32?)] = [:]
    private(set) var compositions: [UInt64: UInt32] = [:]
    /// A bit for each scalar that composing may change, move or join to the one before.
    private(set) var changing = [UInt64](repeating: 0, count: Int(limit) / 64)

    init() {
      var value: UInt32 = 0
      for entry in canonicalDecompositions.description.split(separator: ",") {
        let fields = entry.split(separator: " ")
        guard fields.count >= 2, let step = UInt32(fields[0], radix: 16) else { continue }
        let isExcluded = fields[1].hasPrefix("!")
        guard let first = UInt32(fields[1].drop { $0 == "!" }, radix: 16) else { continue }
        let second = fields.count > 2 ? UInt32(fields[2], radix: 16) : nil
        value += step
        decompositions[value] = (first, second)
        if let second, !isExcluded {
          compositions[UInt64(first) << 32 | UInt64(second)] = value
          mark(second)
        } else {
          mark(value)
        }
      }
      for value in Hangul.vowels { mark(value) }
      for value in Hangul.trailing { mark(value) }
      for value in 0x300..<Self.limit where CanonicalForm.combiningClass(value) != 0 { mark(value) }
    }

    private mutating func mark(_ value: UInt32) {
      if value < Self.limit { changing[Int(value >> 6)] |= 1 << UInt64(value & 63) }
    }
  }
}

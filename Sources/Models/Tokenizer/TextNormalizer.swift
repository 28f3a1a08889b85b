/// One step that rewrites text before it is split.
enum TextNormalizer: Sendable {
  case composed
  case decomposed
  case lowercase
  case prepend([UInt8])
  case replace(Pattern, with: [UInt8])
  case strip(left: Bool, right: Bool)
  case byteLevel

  func apply(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .composed: return CanonicalForm.composed(text)
    case .decomposed: return CanonicalForm.decomposed(text)
    case .lowercase: return Self.lowercased(text)
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .replace(let pattern, let content):
      var result: [UInt8] = []
      var done = 0
      var matcher = PatternMatcher(pattern, in: text)
      matcher.begin(text.indices)
      while let match = matcher.next() {
        result += text[done..<match.lowerBound]
        result += content
        done = match.upperBound
      }
      return done == 0 && result.isEmpty ? text : result + text[done...]
    case .strip(let left, let right):
      var start = 0
      var end = text.count
      while left, start < end {
        let (value, length) = text.scalar(at: start)
        guard ScalarClass.isSpace(value) else { break }
        start += length
      }
      while right, end > start {
        let (value, length) = text.scalar(before: end)
        guard ScalarClass.isSpace(value) else { break }
        end -= length
      }
      return Array(text[start..<end])
    case .byteLevel:
      var result: [UInt8] = []
      result.reserveCapacity(text.count * 2)
      ByteAlphabet.append(text, text.indices, to: &result)
      return result
    }
  }

  /// Scalar by scalar, without the rules that look at neighbours.
  private static func lowercased(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var place = 0
    while place < text.count {
      let (value, length) = text.scalar(at: place)
      place += length
      if value < 0x80 {
        let isUpper = value >= 0x41 && value <= 0x5A
        result.append(UInt8(truncatingIfNeeded: isUpper ? value | 0x20 : value))
      } else if let scalar = Unicode.Scalar(value) {
        result += scalar.properties.lowercaseMapping.utf8
      }
    }
    return result
  }
}

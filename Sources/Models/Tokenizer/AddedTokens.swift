/// A token that is looked for in the text itself, before the text is cut and merged.
struct AddedToken: Sendable {
  let id: Int32
  let content: [UInt8]
  /// Counts only where no word character touches it.
  let isSingleWord: Bool
  /// Takes the white space before it along.
  let stripsLeft: Bool
  /// Takes the white space after it along.
  let stripsRight: Bool
  /// Looked for in normalized text, in its normalized form.
  let isNormalized: Bool
  let isSpecial: Bool
}

/// Finds added tokens: at each place the longest that starts there, none overlapping.
struct AddedTokenFinder: Sendable {
  /// Longer tokens are refused: every place of a text may have to be compared with a whole token.
  static let longestToken = 1_024

  private var tokens: [AddedToken] = []
  /// The children of each node, by node and byte.
  private var children: [UInt64: Int32] = [:]
  /// The token that ends at each node, or -1.
  private var ends: [Int32] = [-1]
  private var starts = [Bool](repeating: false, count: 256)

  /// Adds a token, to be found where `content` stands.
  mutating func insert(_ token: AddedToken, as content: [UInt8]) {
    guard let first = content.first else { return }
    starts[Int(first)] = true
    var node: Int32 = 0
    for byte in content {
      let key = UInt64(node) << 8 | UInt64(byte)
      if let next = children[key] {
        node = next
      } else {
        let next = Int32(truncatingIfNeeded: ends.count)
        children[key] = next
        ends.append(-1)
        node = next
      }
    }
    ends[Int(node)] = Int32(truncatingIfNeeded: tokens.count)
    tokens.append(token)
  }

  /// The stretches of the text in order: places of tokens with their ids, and the text between.
  func parts(of text: [UInt8]) -> [(range: Range<Int>, id: Int32?)] {
    if text.isEmpty { return [] }
    if tokens.isEmpty { return [(text.indices, nil)] }
    var parts: [(range: Range<Int>, id: Int32?)] = []
    var done = 0
    var place = 0
    while place < text.count {
      guard starts[Int(text[place])], let (token, end) = longest(in: text, at: place) else {
        place += 1
        continue
      }
      let start = place
      place = end
      if token.isSingleWord, touchesWord(text, start, end) { continue }
      let left = token.stripsLeft ? spaceStart(text, start, from: done) : start
      let right = token.stripsRight ? spaceEnd(text, end) : end
      if done < left { parts.append((done..<left, nil)) }
      parts.append((min(left, right)..<right, token.id))
      // White space that a token took along may hold this one whole: what follows it is then read again, as the reference does.
      done = right
    }
    if done < text.count { parts.append((done..<text.count, nil)) }
    return parts
  }

  private func longest(in text: [UInt8], at start: Int) -> (AddedToken, end: Int)? {
    var node: Int32 = 0
    var found: (AddedToken, end: Int)?
    for place in start..<text.count {
      guard let next = children[UInt64(node) << 8 | UInt64(text[place])] else { break }
      node = next
      if ends[Int(node)] >= 0 { found = (tokens[Int(ends[Int(node)])], place + 1) }
    }
    return found
  }

  private func touchesWord(_ text: [UInt8], _ start: Int, _ end: Int) -> Bool {
    start > 0 && ScalarClass.isWord(text.scalar(before: start).value)
      || end < text.count && ScalarClass.isWord(text.scalar(at: end).value)
  }

  private func spaceStart(_ text: [UInt8], _ place: Int, from lowest: Int) -> Int {
    var start = place
    while start > lowest {
      let (value, length) = text.scalar(before: start)
      guard ScalarClass.isSpace(value) else { break }
      start -= length
    }
    // Never before what an earlier token took, even if it took this one's own first bytes.
    return max(start, lowest)
  }

  private func spaceEnd(_ text: [UInt8], _ place: Int) -> Int {
    var end = place
    while end < text.count {
      let (value, length) = text.scalar(at: end)
      guard ScalarClass.isSpace(value) else { break }
      end += length
    }
    return end
  }
}

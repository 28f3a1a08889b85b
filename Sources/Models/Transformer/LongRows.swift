internal import CKernels
package import Diffusion

/// Reads rows of a long vocabulary segment by segment, so that a row of logits never need exist.
///
/// A segment's sums are float64 in 16 lanes by token index, relative to its own largest logit; its exponentials are at most 1 ulp off. Segments are joined in
/// order. Which tokens make a segment depends on nothing, so that a summary has the same bits whoever read which segment. It differs from that of `RowSummary`
/// in the last digits of its sums, which is why short vocabularies do not come here.
///
/// Legend: A rows, S segments, C candidates kept of a segment, T tokens named by a reading.
package struct LongRows {
  /// Vocabularies from this size on are read so.
  package static let threshold = 4096
  /// Tokens of a segment: whole panels.
  package static let segment = 2048

  private let size: Int
  private let segments: Int
  private let width: Int
  private let named: Int
  /// `[A, S, C]`, sorted.
  private let values: UnsafeMutablePointer<Float>
  private let places: UnsafeMutablePointer<Int32>
  /// `[A, S]`: how many of the candidates there are, -1 where a logit is not finite.
  private let counts: UnsafeMutablePointer<Int32>
  /// `[A, S]`: sums over what a reading does not suppress.
  private let sums: UnsafeMutablePointer<Mass>
  /// `[A, T]`: logits of the tokens gathered, then of those suppressed.
  private let logits: UnsafeMutablePointer<Float>

  /// Room for `rows` rows of `size` logits under any of `readings`.
  init(_ scratch: Scratch, rows: Int, size: Int, readings: [Reading]) {
    self.size = size
    segments = (size + Self.segment - 1) / Self.segment
    width = readings.reduce(1) { max($0, Self.candidates($1)) }
    named = readings.reduce(0) { max($0, $1.gather.count + $1.suppress.count) }
    let parts = rows * segments
    values = scratch.buffer(.partValues, parts * width)
    places = UnsafeMutableRawPointer(scratch.buffer(.partPlaces, parts * width)).assumingMemoryBound(to: Int32.self)
    counts = UnsafeMutableRawPointer(scratch.buffer(.partCounts, parts)).assumingMemoryBound(to: Int32.self)
    let floats = MemoryLayout<Mass>.stride / MemoryLayout<Float>.stride
    sums = UnsafeMutableRawPointer(scratch.buffer(.partSums, parts * floats)).assumingMemoryBound(to: Mass.self)
    logits = scratch.buffer(.partNamed, rows * named)
  }

  private static func candidates(_ reading: Reading) -> Int { max(reading.topK, 1) + reading.suppress.count }

  /// How many segments there are.
  var count: Int { segments }

  /// The tokens of a segment.
  func tokens(_ segment: Int) -> Range<Int> { segment * Self.segment..<min((segment + 1) * Self.segment, size) }

  /// Reads a segment of a row. Suppressed tokens' places in `part` are overwritten.
  func read(_ part: UnsafeMutablePointer<Float>, row: Int, segment: Int, reading: Reading) {
    let tokens = tokens(segment)
    let index = row * segments + segment
    let (values, places) = (values + index * width, places + index * width)
    let found = unmask_top(part, tokens.count, Int32(tokens.lowerBound), min(Self.candidates(reading), width), 0, values, places)
    counts[index] = Int32(found)
    guard found > 0 else { return }
    var kept = logits + row * named
    for token in reading.gather {
      if tokens.contains(Int(token)) { kept.pointee = part[Int(token) - tokens.lowerBound] }
      kept += 1
    }
    for token in reading.suppress {
      if tokens.contains(Int(token)) { kept.pointee = part[Int(token) - tokens.lowerBound] }
      kept += 1
    }
    for token in reading.suppress where tokens.contains(Int(token)) { part[Int(token) - tokens.lowerBound] = -.infinity }
    // There are more candidates than suppressed tokens, unless nothing else is here.
    let largest = (0..<found).first { !reading.suppress.contains(places[$0]) }.map { Double(values[$0]) }
    sums[index] = Mass(maximum: largest ?? 0, sum: 0, weighted: 0)
    if let largest { unmask_mass(part, tokens.count, largest, &sums[index].sum, &sums[index].weighted) }
  }

  /// The summary of a row whose segments are all read; nil if a logit is not finite.
  func summary(row: Int, reading: Reading, full: [Float]? = nil, hidden: [Float]? = nil) -> RowSummary? {
    let limit = min(Self.candidates(reading), size)
    var top: [Candidate] = []
    top.reserveCapacity(limit)
    var rest = Mass(maximum: 0, sum: 0, weighted: 0)
    for segment in row * segments..<(row + 1) * segments {
      guard counts[segment] >= 0 else { return nil }
      rest = rest.union(sums[segment])
      for slot in segment * width..<segment * width + Int(counts[segment]) {
        // Sorted: what does not fit leaves no room for those behind it.
        guard top.count < limit || values[slot] > top[limit - 1].logit else { break }
        if top.count == limit { top.removeLast() }
        let place = top.firstIndex { $0.logit < values[slot] } ?? top.count
        top.insert(Candidate(token: places[slot], logit: values[slot]), at: place)
      }
    }
    let kept = logits + row * named
    var gathered: [Candidate] = []
    for (index, token) in reading.gather.enumerated() where (0..<size).contains(Int(token)) {
      gathered.append(Candidate(token: token, logit: kept[index]))
    }
    var withheld: [Candidate] = []
    for (index, token) in reading.suppress.enumerated() where (0..<size).contains(Int(token)) && !withheld.contains(where: { $0.token == token }) {
      withheld.append(Candidate(token: token, logit: kept[reading.gather.count + index]))
    }
    withheld.sort { $0.token < $1.token }
    let mass = withheld.reduce(rest) { $0.union(Mass(maximum: Double($1.logit), sum: 1, weighted: 0)) }
    return RowSummary(
      top: top, gathered: gathered, mass: mass, remaining: withheld.isEmpty ? nil : rest, withheld: withheld, full: full, hidden: hidden)
  }

  /// The summary of a row that exists as a whole.
  package static func summary(_ logits: UnsafeBufferPointer<Float>, reading: Reading, hidden: [Float]? = nil) -> RowSummary? {
    let scratch = Scratch()
    let rows = LongRows(scratch, rows: 1, size: logits.count, readings: [reading])
    let copy = scratch.buffer(.segment(0), segment)
    for index in 0..<rows.count {
      let tokens = rows.tokens(index)
      copy.update(from: UnsafeBufferPointer(rebasing: logits[tokens]).baseAddress ?? UnsafePointer(copy), count: tokens.count)
      rows.read(copy, row: 0, segment: index, reading: reading)
    }
    return rows.summary(row: 0, reading: reading, full: reading.fullRows ? Array(logits) : nil, hidden: hidden)
  }
}

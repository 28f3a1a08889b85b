/// Finds the matches of one pattern in stretches of UTF-8 text.
struct PatternMatcher {
  /// One choice to come back to.
  private struct Frame {
    var step: Int
    var place: Int
    /// The lowest place that a run may give back to; equal to `place` for a split.
    var lowest: Int
  }

  private let text: [UInt8]
  private let pattern: Pattern
  private let patience: Int
  private var start = 0
  private var end = 0
  private var position = 0
  private var lastEnd = -1
  private var frames: [Frame] = []
  private var stepsLeft = 0
  /// One bit per place and branch of the steady program: tried before, without success.
  private var tried: [UInt64] = []

  /// A matcher without a stretch; `patience` is how many steps per byte the quick program may take before the steady one takes over.
  init(_ pattern: Pattern, in text: [UInt8], patience: Int = 64) {
    self.pattern = pattern
    self.text = text
    self.patience = patience
  }

  /// Goes to the start of a stretch. What precedes and follows it is not seen.
  mutating func begin(_ range: Range<Int>) {
    start = range.lowerBound
    end = range.upperBound
    position = start
    lastEnd = -1
    stepsLeft = patience * (range.count + 64)
    tried.removeAll(keepingCapacity: true)
  }

  /// The next match of the stretch: leftmost first, none overlapping.
  mutating func next() -> Range<Int>? {
    while let match = firstMatch(from: position) {
      position = match.upperBound
      if match.isEmpty, match.lowerBound == lastEnd {
        // An empty match right after a match does not count; the search goes on one scalar further.
        guard position < end else { return nil }
        position += text.scalar(at: position).length
        continue
      }
      lastEnd = match.upperBound
      return match
    }
    position = end
    return nil
  }

  /// The leftmost match that starts at or after `first`.
  private mutating func firstMatch(from first: Int) -> Range<Int>? {
    var place = first
    while true {
      if stepsLeft > 0, let outcome = run(pattern.quick, from: 0, at: place, isSteady: false) {
        if outcome >= 0 { return place..<outcome }
      } else {
        let branches = pattern.steady.branches
        if tried.isEmpty { tried = [UInt64](repeating: 0, count: ((end - start + 1) * branches + 63) / 64 + 1) }
        if let outcome = run(pattern.steady, from: 0, at: place, isSteady: true), outcome >= 0 {
          // The branches on the way to this match did succeed: those at its end may be needed again by the next.
          for branch in 0..<branches { forget(branch, at: outcome) }
          return place..<outcome
        }
      }
      guard place < end else { return nil }
      place += text.scalar(at: place).length
    }
  }

  /// Where a match from `place` ends, -1 when there is none, nil when the steps ran out.
  private mutating func run(_ program: PatternProgram, from first: Int, at origin: Int, isSteady: Bool) -> Int? {
    let base = frames.count
    defer { frames.removeLast(frames.count - base) }
    var step = first
    var place = origin
    while true {
      var isFailed = false
      switch program.steps[step] {
      case .take(let set):
        let next = advance(program, set, place)
        isFailed = next < 0
        place = next
        step += 1
      case .run(let set, let minimum, let maximum, let isPossessive):
        (place, isFailed) = run(program, set, minimum, maximum, isPossessive, from: place, next: step + 1)
        step += 1
      case .split(let first, let second, let branch):
        stepsLeft -= 1
        if isSteady, branch >= 0, remember(branch, at: place) {
          isFailed = true
        } else {
          frames.append(Frame(step: second, place: place, lowest: place))
          step = first
        }
      case .jump(let target): step = target
      case .refuse(let set):
        isFailed = advance(program, set, place) >= 0
        step += 1
      case .look(let next, let isNegative):
        guard let outcome = run(program, from: step + 1, at: place, isSteady: isSteady) else { return nil }
        isFailed = (outcome >= 0) == isNegative
        step = next
      case .boundary(let boundary):
        isFailed = !holds(boundary, at: place)
        step += 1
      case .accept: return place
      }
      if isFailed {
        guard frames.count > base else { return -1 }
        if !isSteady {
          stepsLeft -= 1
          if stepsLeft <= 0 { return nil }
        }
        let top = frames.count - 1
        step = frames[top].step
        if frames[top].place > frames[top].lowest {
          place = text.start(before: frames[top].place)
          frames[top].place = place
          if place == frames[top].lowest { frames.removeLast() }
        } else {
          place = frames[top].place
          frames.removeLast()
        }
      }
    }
  }

  /// Takes a run of one set and leaves a frame for the shorter ones.
  @inline(__always)
  private mutating func run(
    _ program: PatternProgram, _ set: Int, _ minimum: Int, _ maximum: Int, _ isPossessive: Bool, from origin: Int, next: Int
  ) -> (place: Int, isFailed: Bool) {
    var place = origin
    var lowest = origin
    var count = 0
    while count < maximum {
      let end = advance(program, set, place)
      if end < 0 { break }
      place = end
      count += 1
      if count == minimum { lowest = place }
    }
    stepsLeft -= count
    guard count >= minimum else { return (place, true) }
    if !isPossessive, place > lowest { frames.append(Frame(step: next, place: place, lowest: lowest)) }
    return (place, false)
  }

  /// Where the scalar at `place` ends if it is of the set, else -1.
  @inline(__always)
  private func advance(_ program: PatternProgram, _ set: Int, _ place: Int) -> Int {
    guard place < end else { return -1 }
    let byte = text[place]
    if byte < 0x80 {
      let word = program.ascii[set << 1 | Int(byte >> 6)]
      return word >> UInt64(byte & 63) & 1 == 1 ? place + 1 : -1
    }
    let (value, length) = text.scalar(at: place)
    return program.sets[set].containsBeyondASCII(value) ? place + length : -1
  }

  private func holds(_ boundary: PatternBoundary, at place: Int) -> Bool {
    switch boundary {
    case .textStart: place == start
    case .textEnd: place == end
    case .lineEnd: place == end || text[place] == 0x0A
    }
  }

  /// Notes that a branch is tried at a place; true when it was before.
  private mutating func remember(_ branch: Int, at place: Int) -> Bool {
    let bit = (place - start) * pattern.steady.branches + branch
    let mask: UInt64 = 1 << UInt64(bit & 63)
    if tried[bit >> 6] & mask != 0 { return true }
    tried[bit >> 6] |= mask
    return false
  }

  private mutating func forget(_ branch: Int, at place: Int) {
    let bit = (place - start) * pattern.steady.branches + branch
    tried[bit >> 6] &= ~(1 << UInt64(bit & 63))
  }
}

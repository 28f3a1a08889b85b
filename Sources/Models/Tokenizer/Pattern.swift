/// What a pattern says, before it is compiled.
indirect enum PatternNode: Sendable, Equatable {
  case nothing
  case set(ScalarSet)
  case sequence([PatternNode])
  case choice([PatternNode])
  case loop(PatternNode, minimum: Int, maximum: Int?, PatternGreed)
  case look(PatternNode, isNegative: Bool)
  case boundary(PatternBoundary)

  /// The fewest and the most scalars it consumes; nil means without bound.
  var width: (least: Int, most: Int?) {
    switch self {
    case .nothing, .look, .boundary: return (0, 0)
    case .set: return (1, 1)
    case .sequence(let parts):
      return parts.reduce((0, 0)) { sum, part in
        let width = part.width
        return (sum.least + width.least, width.most.flatMap { most in sum.most.map { $0 + most } })
      }
    case .choice(let parts):
      let widths = parts.map(\.width)
      let least = widths.map(\.least).min() ?? 0
      return (least, widths.contains { $0.most == nil } ? nil : widths.compactMap(\.most).max() ?? 0)
    case .loop(let body, let minimum, let maximum, _):
      let width = body.width
      return (width.least * minimum, maximum.flatMap { count in width.most.map { $0 * count } })
    }
  }
}

enum PatternGreed: Sendable, Equatable {
  /// Takes as much as it can, gives back on failure.
  case greedy
  /// Takes as little as it can.
  case lazy
  /// Takes as much as it can and keeps it.
  case possessive
}

enum PatternBoundary: Sendable, Equatable {
  case textStart, textEnd, lineEnd
}

/// A compiled pattern: the part of Oniguruma's syntax that tokenizers are written in, matched over the scalars of UTF-8 text.
///
/// Matching backtracks with a stack of its own, so no text overflows the thread's. A text on which that takes more than a bounded number of
/// steps per byte is finished by a second program of the same pattern, whose branch points are each visited once per place: slower, with a
/// bit of memory per branch and byte, and linear whatever the pattern.
struct Pattern: Sendable {
  let quick: PatternProgram
  let steady: PatternProgram

  init(_ node: PatternNode) throws(PatternProblem) {
    quick = try PatternProgram(node, isSteady: false)
    steady = try PatternProgram(node, isSteady: true)
  }

  /// The pattern that matches a text letter by letter.
  init(literal text: [UInt8]) throws(PatternProblem) {
    let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
    try self.init(.sequence(scalars.map { .set(ScalarSet($0.value)) }))
  }

  /// The pattern written as `source`.
  init(_ source: String) throws(PatternProblem) {
    var parser = PatternParser(source)
    try self.init(try parser.pattern())
  }
}

/// Why a pattern cannot be used, and where in it.
struct PatternProblem: Error, Equatable {
  let offset: Int
  let problem: String
}

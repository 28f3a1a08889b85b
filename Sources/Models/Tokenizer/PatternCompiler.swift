/// Writes the steps of a pattern.
struct PatternCompiler {
  private static let longest = 512
  private static let mostLookSplits = 8

  private(set) var steps: [PatternStep] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var branches = 0

  private let isSteady: Bool
  private var lookDepth = 0
  private var lookSplits = 0

  init(isSteady: Bool) { self.isSteady = isSteady }

  private var usesRuns: Bool { !isSteady || lookDepth > 0 }

  private mutating func number(_ set: ScalarSet) -> Int {
    if let known = sets.firstIndex(of: set) { return known }
    sets.append(set)
    return sets.count - 1
  }

  private mutating func placeholder() throws(PatternProblem) -> Int {
    guard steps.count < Self.longest else { throw PatternProblem(offset: 0, problem: "it is too long once its repeats are written out") }
    steps.append(.accept)
    return steps.count - 1
  }

  private mutating func split() throws(PatternProblem) -> (place: Int, branch: Int) {
    let place = try placeholder()
    if lookDepth > 0 {
      lookSplits += 1
      guard lookSplits <= Self.mostLookSplits else { throw PatternProblem(offset: 0, problem: "a lookahead has too many alternatives") }
      return (place, -1)
    }
    branches += 1
    return (place, branches - 1)
  }

  mutating func emit(_ node: PatternNode) throws(PatternProblem) {
    switch node {
    case .nothing: break
    case .set(let set): steps[try placeholder()] = .take(set: number(set))
    case .sequence(let parts): for part in parts { try emit(part) }
    case .choice(let parts): try emit(choice: parts)
    case .loop(.set(let set), let minimum, let maximum, let greed) where usesRuns && greed != .lazy:
      steps[try placeholder()] = .run(
        set: number(set), minimum: minimum, maximum: maximum ?? .max, isPossessive: greed == .possessive)
    case .loop(let body, let minimum, let maximum, let greed): try emit(loop: body, minimum, maximum, greed)
    case .look(let body, let isNegative):
      let place = try placeholder()
      let outer = lookSplits
      if lookDepth == 0 { lookSplits = 0 }
      lookDepth += 1
      try emit(body)
      lookDepth -= 1
      if lookDepth > 0 { lookSplits += outer }
      steps[try placeholder()] = .accept
      steps[place] = .look(next: steps.count, isNegative: isNegative)
    case .boundary(let boundary): steps[try placeholder()] = .boundary(boundary)
    }
  }

  private mutating func emit(choice parts: [PatternNode]) throws(PatternProblem) {
    var exits: [Int] = []
    for part in parts.dropLast() {
      let split = try split()
      try emit(part)
      exits.append(try placeholder())
      steps[split.place] = .split(first: split.place + 1, second: steps.count, branch: split.branch)
    }
    if let last = parts.last { try emit(last) }
    for exit in exits { steps[exit] = .jump(steps.count) }
  }

  /// Writes a loop out: the required rounds, then a split before each optional one.
  private mutating func emit(loop body: PatternNode, _ minimum: Int, _ maximum: Int?, _ greed: PatternGreed) throws(PatternProblem) {
    for _ in 0..<minimum { try emit(body) }
    var splits: [(place: Int, branch: Int)] = []
    if let maximum {
      for _ in minimum..<maximum {
        splits.append(try split())
        try emit(body)
      }
    } else {
      let split = try split()
      splits.append(split)
      try emit(body)
      steps[try placeholder()] = .jump(split.place)
    }
    // A possessive loop leaves only where the set does not match: all that its taking "as many as there are" means for one scalar a round.
    var exit = steps.count
    if greed == .possessive, case .set(let set) = body {
      if maximum != nil {
        // Leaving after the last round needs no test.
        let over = try placeholder()
        exit = steps.count
        steps[over] = .jump(exit + 1)
      }
      steps[try placeholder()] = .refuse(set: number(set))
    }
    for split in splits {
      let body = split.place + 1
      steps[split.place] =
        greed == .lazy
        ? .split(first: exit, second: body, branch: split.branch) : .split(first: body, second: exit, branch: split.branch)
    }
  }
}

/// One step of a compiled pattern. Targets are places in the program.
enum PatternStep: Sendable {
  /// Consumes one scalar of set number `set`.
  case take(set: Int)
  /// Consumes `minimum` to `maximum` scalars of a set, as many as there are; gives back one by one unless possessive.
  case run(set: Int, minimum: Int, maximum: Int, isPossessive: Bool)
  /// Goes on at `first`, and at `second` if that fails. `branch` numbers the splits of a program.
  case split(first: Int, second: Int, branch: Int)
  case jump(Int)
  /// Fails when the next scalar is of the set.
  case refuse(set: Int)
  /// Runs the steps that follow up to their `accept` without consuming, then goes on at `next` or fails.
  case look(next: Int, isNegative: Bool)
  case boundary(PatternBoundary)
  case accept
}

/// The steps of a pattern, shared by all that match with it.
///
/// A steady program has no `run`: every choice is a `split`, so that a matcher can remember which were tried where.
final class PatternProgram: Sendable {
  let steps: [PatternStep]
  let sets: [ScalarSet]
  /// The ASCII halves of `sets`, two words each, apart so that the common test touches one array.
  let ascii: [UInt64]
  /// How many splits there are outside lookaheads.
  let branches: Int

  init(_ node: PatternNode, isSteady: Bool) throws(PatternProblem) {
    var compiler = PatternCompiler(isSteady: isSteady)
    try compiler.emit(node)
    steps = compiler.steps + [.accept]
    sets = compiler.sets
    ascii = compiler.sets.flatMap { [$0.low, $0.high] }
    branches = compiler.branches
  }
}

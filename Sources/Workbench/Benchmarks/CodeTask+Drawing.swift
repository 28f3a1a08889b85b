/// Tasks drawn at random, and programs for them.
extension CodeTask {
  /// A task of `level` operators about one to three of the given parameters.
  static func draw(_ kind: Kind, level: Int, _ parameters: [String], _ draws: inout Draws) -> CodeTask {
    switch kind {
    case .formula: return .give(formula(level, parameters, &draws))
    case .branch:
      let first = parameters[0]
      let others = Array(parameters.dropFirst())
      // One comparison; the rest is shared out among its left side and the two values.
      let left = level == 4 ? sided(first, others, &draws) : .name(first)
      let values = different(&draws) { isFirst, draws in
        isFirst ? simple(first, others, &draws) : simple(parameters[1], [first], &draws)
      }
      let short = level == 2 ? draws.integer(0...1) : 2
      let plain = leaf(parameters, &draws)
      return .choose(compare(left, others, &draws), short == 0 ? plain : values[0], short == 1 ? plain : values[1])
    case .local:
      let value = simple(parameters[0], Array(parameters.dropFirst()), &draws)
      return .keep(value, ending(level, parameters, &draws))
    case .loop: return .gather(sum(level, parameters, &draws))
    }
  }

  private static func formula(_ level: Int, _ parameters: [String], _ draws: inout Draws) -> CodeExpression {
    // Mostly sums and differences that are multiplied, which need their brackets.
    let parts = [CodeOperator.plus, .plus, .minus, .minus, .times]
    let first = nested(parameters[0], Array(parameters.dropFirst()), among: parts, &draws)
    let sign = draws.pick([CodeOperator.times, .times, .times, .minus, .plus])
    let plain = leaf(Array(parameters.dropFirst()), &draws)
    if level == 2 { return draws.chance(50) ? .binary(sign, first, plain) : .binary(sign, plain, first) }
    let second = nested(parameters[1], parameters.filter { $0 != parameters[1] }, among: parts, &draws)
    if level == 3 && draws.chance(60) { return .binary(sign, first, second) }
    return follow(.binary(sign, first, level == 3 ? plain : second), parameters, &draws)
  }

  /// What is done with `it` in the end: 1 or 2 operators, or a comparison and one in each value.
  private static func ending(_ level: Int, _ parameters: [String], _ draws: inout Draws) -> CodeTask {
    let it = CodeExpression.name("it")
    switch level {
    case 2:
      if draws.chance(50) { return .give(.binary(draws.pick([.times, .plus]), it, it)) }
      return .give(simple("it", parameters, &draws))
    case 3:
      let inner = nested("it", parameters, &draws)
      // Multiplied, a sum needs its brackets; a product can be added to or taken away as well.
      let isProduct = if case .binary(.times, _, _) = inner { true } else { false }
      let sign = isProduct ? draws.pick([CodeOperator.plus, .minus, .times]) : .times
      return .give(draws.chance(50) ? .binary(sign, inner, it) : .binary(sign, it, inner))
    default:
      let condition = compare(it, parameters, &draws)
      let values = different(&draws) { _, draws in simple("it", parameters, &draws) }
      return .choose(condition, values[0], values[1])
    }
  }

  /// A sum of `level` operators: one adds up, the others are shared out among a condition, what is added, the last number and the result.
  private static func sum(_ level: Int, _ parameters: [String], _ draws: inout Draws) -> CodeSum {
    enum Extra { case value, start, result }
    let others = Array(parameters.dropFirst())
    let each = CodeExpression.name("each")
    var sum = CodeSum(end: .name(parameters[0]), value: each, result: .name("total"))
    let checks = draws.integer(0...min(2, level - 1))
    if checks == 1 { sum.condition = compare(each, others, among: [.more, .less, .atLeast, .atMost], &draws) }
    if checks == 2 { sum.condition = remainder("each", &draws) }
    if checks > 0 && draws.chance(50) { sum.value = .number(1) }
    for extra in draws.sample(level - 1 - checks, of: [Extra.value, .start, .result]) {
      switch extra {
      case .value: sum.value = draws.chance(20) ? .binary(.times, each, each) : simple("each", others, &draws)
      case .start: sum.start = others.isEmpty || draws.chance(70) ? .number(draws.integer(1...4)) : .name(draws.pick(others))
      case .result: sum.result = simple("total", others, &draws)
      }
    }
    return sum
  }

  /// A parameter, or in one case of three a number.
  private static func leaf(_ names: [String], _ draws: inout Draws) -> CodeExpression {
    names.isEmpty || draws.chance(35) ? .number(draws.integer(2...9)) : .name(draws.pick(names))
  }

  /// One operator with `subject` on one of its sides.
  private static func simple(_ subject: String, _ others: [String], _ draws: inout Draws) -> CodeExpression {
    if draws.chance(20) {
      let isOver = draws.chance(50)
      return .binary(isOver ? .over : .mod, .name(subject), .number(draws.integer(2...(isOver ? 5 : 9))))
    }
    return nested(subject, others, &draws)
  }

  /// Plus, minus or times with `subject` on one of its sides.
  private static func nested(
    _ subject: String, _ others: [String], among signs: [CodeOperator] = [.plus, .minus, .times], _ draws: inout Draws
  ) -> CodeExpression {
    let (sign, other) = (draws.pick(signs), leaf(others, &draws))
    return sign == .minus && draws.chance(30) ? .binary(sign, other, .name(subject)) : .binary(sign, .name(subject), other)
  }

  /// Two values; the second is drawn again, a few times at most, where it is the first in another order.
  private static func different(_ draws: inout Draws, draw: (_ isFirst: Bool, inout Draws) -> CodeExpression) -> [CodeExpression] {
    let value = draw(true, &draws)
    var other = draw(false, &draws)
    for _ in 0..<8 where other.key([:]) == value.key([:]) { other = draw(false, &draws) }
    return [value, other]
  }

  /// One more operator on all of `value`.
  private static func follow(_ value: CodeExpression, _ parameters: [String], _ draws: inout Draws) -> CodeExpression {
    let sign = draws.pick([CodeOperator.plus, .minus, .times, .over, .mod])
    return .binary(sign, value, sign == .over || sign == .mod ? .number(draws.integer(2...5)) : leaf(parameters, &draws))
  }

  private static func compare(
    _ left: CodeExpression, _ others: [String], among signs: [CodeOperator] = [.more, .less, .atLeast, .atMost, .equal], _ draws: inout Draws
  ) -> CodeExpression {
    if case .binary(.mod, _, .number(let divisor)) = left { return .binary(.equal, left, .number(draws.integer(0...(divisor - 1)))) }
    return .binary(draws.pick(signs), left, leaf(others, &draws))
  }

  /// The left side of a comparison that small numbers can bring to equality.
  private static func sided(_ subject: String, _ others: [String], _ draws: inout Draws) -> CodeExpression {
    switch draws.integer(0...2) {
    case 0: .binary(.mod, .name(subject), .number(draws.integer(2...5)))
    case 1: .binary(.plus, .name(subject), leaf(others, &draws))
    default: .binary(.minus, .name(subject), leaf(others, &draws))
    }
  }

  private static func remainder(_ name: String, _ draws: inout Draws) -> CodeExpression {
    let divisor = draws.integer(2...4)
    return .binary(.equal, .binary(.mod, .name(name), .number(divisor)), .number(draws.integer(0...(divisor - 1))))
  }
}

extension CodeTask {
  static let locals = ["a", "b", "c", "d", "i", "k", "s", "t"]

  /// A program for the task, one of many: its names, and one of two forms of a branch and of a sum, are drawn; what is told stays in its order.
  func program(_ draws: inout Draws) -> [CodeStatement] {
    let names = draws.sample(2, of: Self.locals)
    return statements(["it": names[0], "total": names[0], "each": names[1]], &draws)
  }

  private func statements(_ names: [String: String], _ draws: inout Draws) -> [CodeStatement] {
    switch self {
    case .give(let value): return [.give(value.renamed(names))]
    case .choose(let condition, let value, let other):
      let test = condition.renamed(names)
      let (then, otherwise) = (CodeStatement.give(value.renamed(names)), CodeStatement.give(other.renamed(names)))
      if draws.chance(50) { return [.branch(test, then: [then], otherwise: [otherwise])] }
      return [.branch(test, then: [then], otherwise: []), otherwise]
    case .keep(let value, let rest):
      return [.assign(names["it"] ?? "it", value.renamed(names))] + rest.statements(names, &draws)
    case .gather(let sum):
      let (total, each) = (names["total"] ?? "total", names["each"] ?? "each")
      let value = sum.value.renamed(names)
      var step = draws.chance(50) ? CodeStatement.add(total, value) : .assign(total, .binary(.plus, .name(total), value))
      if let condition = sum.condition { step = .branch(condition.renamed(names), then: [step], otherwise: []) }
      let end = sum.start == nil ? sum.end : .binary(.plus, sum.end, .number(1))
      return [.assign(total, .number(0)), .loop(each, from: sum.start, to: end, [step]), .give(sum.result.renamed(names))]
    }
  }
}

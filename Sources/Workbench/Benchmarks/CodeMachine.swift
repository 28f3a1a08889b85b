/// Runs one function of the language of `Code` on one list of inputs.
///
/// A number that does not fit, a division by zero and a run that is too long are errors; no program can do more than that.
struct CodeMachine {
  /// Far more than any answer needs: every expression and every turn of a loop is a step.
  static let mostSteps = 10_000

  private var variables: [String: Int]
  private var steps = 0
  /// For every comparison that was made, by how much its left side was the larger, but no more than 2 either way.
  private(set) var margins: [Int] = []

  private init(_ variables: [String: Int]) { self.variables = variables }

  /// The value of `function` for as many inputs as it has parameters, and the margins of its comparisons in the order they were made.
  static func run(_ function: CodeFunction, on inputs: [Int]) throws(CodeError) -> (value: Int, margins: [Int]) {
    var machine = CodeMachine(Dictionary(zip(function.parameters, inputs)) { first, _ in first })
    guard let value = try machine.run(function.body) else { throw .noValue }
    return (value, machine.margins)
  }

  /// Runs statements until one returns a value; nil where none does.
  private mutating func run(_ statements: [CodeStatement]) throws(CodeError) -> Int? {
    for statement in statements {
      if let value = try run(statement) { return value }
    }
    return nil
  }

  private mutating func run(_ statement: CodeStatement) throws(CodeError) -> Int? {
    switch statement {
    case .give(let value): return try evaluate(value)
    case .assign(let name, let value): variables[name] = try evaluate(value)
    case .add(let name, let value): variables[name] = try evaluate(.binary(.plus, .name(name), value))
    case .branch(let condition, let then, let otherwise): return try run(try evaluate(condition) != 0 ? then : otherwise)
    case .loop(let name, let from, let to, let body):
      var next = try from.map { value throws(CodeError) in try evaluate(value) } ?? 0
      let end = try evaluate(to)
      while next < end {
        try step()
        variables[name] = next
        if let value = try run(body) { return value }
        next += 1
      }
    }
    return nil
  }

  /// A comparison is 1 where it holds and 0 where it does not.
  private mutating func evaluate(_ expression: CodeExpression) throws(CodeError) -> Int {
    try step()
    switch expression {
    case .number(let number): return number
    case .name(let name):
      guard let value = variables[name] else { throw .undefined(name: name) }
      return value
    case .binary(let sign, let first, let second):
      let left = try evaluate(first)
      let right = try evaluate(second)
      if sign.isComparison { margins.append(Self.margin(left, right)) }
      return switch sign {
      case .plus: try Self.whole(left.addingReportingOverflow(right))
      case .minus: try Self.whole(left.subtractingReportingOverflow(right))
      case .times: try Self.whole(left.multipliedReportingOverflow(by: right))
      case .over: try Self.divide(left, by: right).quotient
      case .mod: try Self.divide(left, by: right).remainder
      case .more: left > right ? 1 : 0
      case .less: left < right ? 1 : 0
      case .atLeast: left >= right ? 1 : 0
      case .atMost: left <= right ? 1 : 0
      case .equal: left == right ? 1 : 0
      case .unequal: left != right ? 1 : 0
      }
    }
  }

  private mutating func step() throws(CodeError) {
    steps += 1
    if steps > Self.mostSteps { throw .tooManySteps }
  }

  private static func whole(_ result: (partialValue: Int, overflow: Bool)) throws(CodeError) -> Int {
    if result.overflow { throw .tooLarge }
    return result.partialValue
  }

  /// Rounds down, so that the remainder has the divisor's sign, as in Python.
  private static func divide(_ left: Int, by right: Int) throws(CodeError) -> (quotient: Int, remainder: Int) {
    if right == 0 { throw .division }
    let quotient = try whole(left.dividedReportingOverflow(by: right))
    let remainder = left - quotient * right
    return remainder != 0 && (remainder < 0) != (right < 0) ? (quotient - 1, remainder + right) : (quotient, remainder)
  }

  private static func margin(_ left: Int, _ right: Int) -> Int {
    let (difference, overflow) = left.subtractingReportingOverflow(right)
    return overflow ? (left < right ? -2 : 2) : min(max(difference, -2), 2)
  }
}

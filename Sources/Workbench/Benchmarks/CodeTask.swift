/// What a function is to do, before it is put into words or into code.
///
/// The names `it`, `each` and `total` stand for values that the code names as it likes.
indirect enum CodeTask: Hashable, Sendable {
  enum Kind: String, CaseIterable { case formula, branch, local, loop }

  /// Give a value.
  case give(CodeExpression)
  /// Give one value if a comparison holds, otherwise another.
  case choose(CodeExpression, CodeExpression, CodeExpression)
  /// Work out a value, `it`, and go on with it.
  case keep(CodeExpression, CodeTask)
  /// Go through numbers, add some of them up to a `total`, and give a value made of it.
  case gather(CodeSum)

  /// The names of parameters and places that it speaks of.
  var names: Set<String> {
    switch self {
    case .give(let value): value.names
    case .choose(let condition, let value, let other): condition.names.union(value.names).union(other.names)
    case .keep(let value, let rest): value.names.union(rest.names)
    case .gather(let sum): sum.end.names.union(sum.start?.names ?? []).union(sum.value.names).union(sum.condition?.names ?? []).union(sum.result.names)
    }
  }

  /// How many operators a plain program for it has; a loop that counts up to a number and includes it needs one for its end.
  var operations: Int {
    switch self {
    case .give(let value): value.operations
    case .choose(let condition, let value, let other): condition.operations + value.operations + other.operations
    case .keep(let value, let rest): value.operations + rest.operations
    case .gather(let sum): 1 + (sum.start == nil ? 0 : 1) + sum.value.operations + (sum.condition?.operations ?? 0) + sum.result.operations
    }
  }
}

/// A sum over numbers: those below `end`, or those from `start` to `end` with both.
struct CodeSum: Hashable, Sendable {
  var start: CodeExpression?
  var end: CodeExpression
  /// What is added for each number; 1 where they are counted.
  var value: CodeExpression
  /// Which numbers count; nil for all.
  var condition: CodeExpression?
  var result: CodeExpression
}

/// The task in words.
extension CodeTask {
  var words: String {
    switch self {
    case .give(let value): return "Give \(value.words)."
    case .choose(let condition, let value, let other): return "If \(condition.words), give \(value.words), otherwise give \(other.words)."
    case .keep(let value, let rest): return "Work out \(value.words). \(rest.words)"
    case .gather(let sum):
      let range = sum.start.map { "from \($0) to \(sum.end)" } ?? "below \(sum.end)"
      let action = sum.value == .number(1) ? "count each" : "add up \(sum.value.words)"
      let condition = sum.condition.map { " where \($0.words)" } ?? ""
      return "Go through the numbers \(range) and \(action)\(condition). Give \(sum.result.words)."
    }
  }
}

extension CodeExpression {
  /// The expression in words: a part in brackets is `the sum of` two things, and `all` takes everything before it as one.
  fileprivate var words: String {
    guard case .binary(let sign, let left, let right) = self else { return self == .name("total") ? "the total" : description }
    let first = left.operations > 1 ? "\(left.words), all" : left.operations == 1 && !sign.isComparison ? "\(left.noun)," : left.words
    return "\(first) \(sign.words) \(right.operations == 0 ? right.words : right.noun)"
  }

  private var noun: String {
    guard case .binary(let sign, let left, let right) = self else { return description }
    let name = sign == .plus ? "sum" : sign == .minus ? "difference" : "product"
    return "the \(name) of \(left) and \(right)"
  }
}

extension CodeOperator {
  fileprivate var words: String {
    switch self {
    case .plus: "plus"
    case .minus: "minus"
    case .times: "times"
    case .over: "over"
    case .mod: "mod"
    case .more: "is more than"
    case .less: "is less than"
    case .atLeast: "is at least"
    case .atMost: "is at most"
    case .equal: "equals"
    case .unequal: "is not"
    }
  }
}

/// One spelling for all tasks whose programs can be the same.
extension CodeTask {
  /// Equal for two tasks that differ only in the names and the order of parameters, in the order of what can be exchanged, and in which
  /// of the two ways a comparison is put.
  func content(of parameters: [String]) -> String {
    let orders = Self.orders(parameters)
    return orders.map { order in key(Dictionary(uniqueKeysWithValues: zip(order, ["p", "q", "r"]))) }.min() ?? key([:])
  }

  /// All orders of a few names.
  private static func orders(_ names: [String]) -> [[String]] {
    if names.isEmpty { return [[]] }
    return names.indices.flatMap { place in
      var rest = names
      let name = rest.remove(at: place)
      return orders(rest).map { [name] + $0 }
    }
  }

  private func key(_ names: [String: String]) -> String {
    switch self {
    case .give(let value): return value.key(names)
    case .choose(let condition, let value, let other):
      let (then, otherwise) = (value.key(names), other.key(names))
      guard case .binary(let sign, let left, let right) = condition, sign == .atLeast || sign == .atMost else {
        return "\(condition.key(names)) ? \(then) : \(otherwise)"
      }
      return "\(CodeExpression.binary(sign.negated, left, right).key(names)) ? \(otherwise) : \(then)"
    case .keep(let value, let rest): return "\(value.key(names)); \(rest.key(names))"
    case .gather(let sum):
      let parts = [sum.start, sum.end, sum.value, sum.condition, sum.result]
      return parts.map { $0?.key(names) ?? "" }.joined(separator: "; ")
    }
  }
}

extension CodeExpression {
  /// One spelling, with other names, for all orders of what can be exchanged.
  func key(_ names: [String: String]) -> String {
    guard case .binary(let sign, let left, let right) = self else { return renamed(names).description }
    let isTurned = sign == .more || sign == .atLeast
    var sides = isTurned ? [right.key(names), left.key(names)] : [left.key(names), right.key(names)]
    if sign.isCommutative { sides.sort() }
    return "(\(sides[0]) \((isTurned ? sign.mirrored : sign).rawValue) \(sides[1]))"
  }
}

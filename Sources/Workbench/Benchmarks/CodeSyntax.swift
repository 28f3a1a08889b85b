/// The operators of the language of `Code`, as they are written.
enum CodeOperator: String, Sendable {
  case plus = "+"
  case minus = "-"
  case times = "*"
  case over = "//"
  case mod = "%"
  case more = ">"
  case less = "<"
  case atLeast = ">="
  case atMost = "<="
  case equal = "=="
  case unequal = "!="

  /// How tightly it binds: comparisons loosest, products tightest.
  var binding: Int {
    switch self {
    case .more, .less, .atLeast, .atMost, .equal, .unequal: 0
    case .plus, .minus: 1
    case .times, .over, .mod: 2
    }
  }

  var isComparison: Bool { binding == 0 }
  var isCommutative: Bool { self == .plus || self == .times || self == .equal || self == .unequal }

  /// The comparison that says the same with its sides exchanged; any other operator stays what it is.
  var mirrored: CodeOperator {
    switch self {
    case .more: .less
    case .less: .more
    case .atLeast: .atMost
    case .atMost: .atLeast
    default: self
    }
  }

  /// The comparison that holds when this one does not; any other operator stays what it is.
  var negated: CodeOperator {
    switch self {
    case .more: .atMost
    case .atMost: .more
    case .less: .atLeast
    case .atLeast: .less
    case .equal: .unequal
    case .unequal: .equal
    default: self
    }
  }
}

/// A value that the language of `Code` can compute.
indirect enum CodeExpression: Hashable, Sendable {
  case number(Int)
  case name(String)
  case binary(CodeOperator, CodeExpression, CodeExpression)

  /// All names in it.
  var names: Set<String> {
    switch self {
    case .number: []
    case .name(let name): [name]
    case .binary(_, let left, let right): left.names.union(right.names)
    }
  }

  /// How many operators it holds.
  var operations: Int {
    guard case .binary(_, let left, let right) = self else { return 0 }
    return left.operations + 1 + right.operations
  }

  /// With other names in the place of those that `names` knows.
  func renamed(_ names: [String: String]) -> CodeExpression {
    switch self {
    case .number: self
    case .name(let name): .name(names[name] ?? name)
    case .binary(let sign, let left, let right): .binary(sign, left.renamed(names), right.renamed(names))
    }
  }
}

extension CodeExpression: CustomStringConvertible {
  /// The expression as it is written, with no brackets that change nothing.
  var description: String {
    switch self {
    case .number(let number): return String(number)
    case .name(let name): return name
    case .binary(let sign, let left, let right):
      let isLoose = left.binding < sign.binding || (left.binding == 0 && sign.isComparison)
      return "\(left.bracketed(isLoose)) \(sign.rawValue) \(right.bracketed(right.needsBrackets(after: sign)))"
    }
  }

  private var binding: Int {
    guard case .binary(let sign, _, _) = self else { return 3 }
    return sign.binding
  }

  /// Sums to add and products to multiply by need none: grouped the other way, they have the same value.
  private func needsBrackets(after sign: CodeOperator) -> Bool {
    guard case .binary(let own, _, _) = self, own.binding <= sign.binding else { return false }
    if own.binding < sign.binding { return true }
    return !(sign == .plus || (sign == .times && own == .times))
  }

  private func bracketed(_ isNeeded: Bool) -> String { isNeeded ? "(\(self))" : description }
}

/// One statement of the language of `Code`.
indirect enum CodeStatement: Hashable, Sendable {
  /// `name = value`
  case assign(String, CodeExpression)
  /// `name += value`
  case add(String, CodeExpression)
  /// `if condition:`, with an `else:` unless `otherwise` is empty.
  case branch(CodeExpression, then: [CodeStatement], otherwise: [CodeStatement])
  /// `for name in range(from, to):`, from 0 where `from` is nil.
  case loop(String, from: CodeExpression?, to: CodeExpression, [CodeStatement])
  /// `return value`
  case give(CodeExpression)

  fileprivate func lines(_ indentation: String) -> [String] {
    func inner(_ statements: [CodeStatement]) -> [String] { statements.flatMap { $0.lines(indentation + " ") } }
    switch self {
    case .assign(let name, let value): return ["\(indentation)\(name) = \(value)"]
    case .add(let name, let value): return ["\(indentation)\(name) += \(value)"]
    case .branch(let condition, let then, let otherwise):
      let rest = otherwise.isEmpty ? [] : ["\(indentation)else:"] + inner(otherwise)
      return ["\(indentation)if \(condition):"] + inner(then) + rest
    case .loop(let name, let from, let to, let body):
      let bounds = from.map { "\($0), \(to)" } ?? "\(to)"
      return ["\(indentation)for \(name) in range(\(bounds)):"] + inner(body)
    case .give(let value): return ["\(indentation)return \(value)"]
    }
  }
}

/// A whole program of the language of `Code`: one function of integers that gives an integer.
struct CodeFunction: Hashable, Sendable {
  let name: String
  let parameters: [String]
  let body: [CodeStatement]

  /// The canonical text: one space of indentation for every block, one around every operator.
  var text: String {
    (["def \(name)(\(parameters.joined(separator: ", "))):"] + body.flatMap { $0.lines(" ") }).joined(separator: "\n")
  }
}

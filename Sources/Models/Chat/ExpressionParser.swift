/// Reads the expressions of one tag, by Jinja's precedence.
struct ExpressionParser {
  private let tokens: [TemplateLexer.Token]
  private let line: Int
  private var place = 0
  private var depth = 0
  private var links = 0

  init(_ tokens: [TemplateLexer.Token], line: Int) { (self.tokens, self.line) = (tokens, line) }

  /// An expression that fills the tag.
  mutating func whole() throws(ChatError) -> TemplateExpression {
    let expression = try expression()
    try finish()
    return expression
  }

  func finish() throws(ChatError) { if place < tokens.count { throw .syntax("\(found) follows an expression", line: line) } }

  mutating func name() throws(ChatError) -> String {
    guard case .name(let name)? = current else { throw .syntax("expected a name, found \(found)", line: line) }
    place += 1
    return name
  }

  mutating func take(_ sign: String) -> Bool {
    guard current == .sign(sign) else { return false }
    place += 1
    return true
  }

  mutating func takeName(_ name: String) -> Bool {
    guard current == .name(name) else { return false }
    place += 1
    return true
  }

  mutating func expect(_ sign: String) throws(ChatError) {
    guard take(sign) else { throw .syntax("expected `\(sign)`, found \(found)", line: line) }
  }

  private var current: TemplateLexer.Token? { place < tokens.count ? tokens[place] : nil }

  /// Counts what makes an expression deeper without nesting it, so that filling it in stays within a thread's stack.
  private mutating func link() throws(ChatError) {
    links += 1
    guard links <= 400 else { throw .syntax("an expression has more than 400 parts", line: line) }
  }

  private var found: String {
    switch current {
    case nil: "the end of the tag"
    case .name(let name): "`\(name)`"
    case .text(let text): "the text `\(text.prefix(20))`"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .sign(let sign): "`\(sign)`"
    }
  }

  mutating func expression() throws(ChatError) -> TemplateExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 64 else { throw .syntax("an expression is nested more than 64 deep", line: line) }
    var value = try unconditional()
    while takeName("if") {
      try link()
      let condition = try unconditional()
      value = .conditional(condition, then: value, otherwise: takeName("else") ? try expression() : nil)
    }
    return value
  }

  /// An expression without `if` at its outermost level.
  mutating func unconditional() throws(ChatError) -> TemplateExpression {
    var left = try conjunction()
    while takeName("or") {
      try link()
      left = .either(left, try conjunction())
    }
    return left
  }

  private mutating func conjunction() throws(ChatError) -> TemplateExpression {
    var left = try negation()
    while takeName("and") {
      try link()
      left = .both(left, try negation())
    }
    return left
  }

  private mutating func negation() throws(ChatError) -> TemplateExpression {
    var count = 0
    while takeName("not") { count += 1 }
    let value = try comparison()
    return count == 0 ? value : count % 2 == 1 ? .not(value) : .not(.not(value))
  }

  private mutating func comparison() throws(ChatError) -> TemplateExpression {
    let first = try sum()
    var rest: [(String, TemplateExpression)] = []
    while true {
      if case .sign(let sign)? = current, ["==", "!=", "<", ">", "<=", ">="].contains(sign) {
        place += 1
        rest.append((sign, try sum()))
      } else if takeName("in") {
        rest.append(("in", try sum()))
      } else if current == .name("not"), place + 1 < tokens.count, tokens[place + 1] == .name("in") {
        place += 2
        rest.append(("not in", try sum()))
      } else {
        return rest.isEmpty ? first : .compare(first, rest)
      }
    }
  }

  private mutating func sum() throws(ChatError) -> TemplateExpression { try binary(["+", "-"]) { (self) throws(ChatError) in try self.concatenation() } }

  private mutating func concatenation() throws(ChatError) -> TemplateExpression { try binary(["~"]) { (self) throws(ChatError) in try self.product() } }

  private mutating func product() throws(ChatError) -> TemplateExpression {
    try binary(["*", "/", "//", "%"]) { (self) throws(ChatError) in try self.unary() }
  }

  private mutating func binary(
    _ signs: [String], _ next: (inout Self) throws(ChatError) -> TemplateExpression
  ) throws(ChatError) -> TemplateExpression {
    var left = try next(&self)
    while case .sign(let sign)? = current, signs.contains(sign) {
      place += 1
      try link()
      left = .binary(sign, left, try next(&self))
    }
    return left
  }

  private mutating func unary() throws(ChatError) -> TemplateExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 64 else { throw .syntax("an expression is nested more than 64 deep", line: line) }
    if take("-") { return .negative(try unary()) }
    if take("+") { return try unary() }
    return try filtered(try postfix(try primary()))
  }

  private mutating func primary() throws(ChatError) -> TemplateExpression {
    guard let token = current else { throw .syntax("expected a value, found \(found)", line: line) }
    place += 1
    switch token {
    case .text(let text):
      // Texts side by side are one.
      var whole = text
      while case .text(let more)? = current {
        whole += more
        place += 1
      }
      return .value(.text(whole))
    case .integer(let number): return .value(.integer(number))
    case .number(let number): return .value(.number(number))
    case .name("true"), .name("True"): return .value(.bool(true))
    case .name("false"), .name("False"): return .value(.bool(false))
    case .name("none"), .name("None"): return .value(.none)
    case .name(let name):
      guard current == .sign("(") else { return .name(name) }
      guard let function = TemplateFunction(rawValue: name) else { throw .unknown(what: "the function `\(name)`", line: line) }
      let (arguments, named) = try arguments()
      guard function == .namespace || named.isEmpty else { throw .unknown(what: "`\(named[0].0)=` of `\(name)`", line: line) }
      return .function(function, arguments, named)
    case .sign("("):
      let inner = try expression()
      if current == .sign(",") { throw .unknown(what: "a tuple", line: line) }
      try expect(")")
      return inner
    case .sign("["): return .list(try items(until: "]"))
    case .sign("{"):
      var entries: [(TemplateExpression, TemplateExpression)] = []
      while !take("}") {
        if !entries.isEmpty { try expect(",") }
        if take("}") { break }
        let key = try expression()
        try expect(":")
        entries.append((key, try expression()))
      }
      return .map(entries)
    default:
      place -= 1
      throw .syntax("expected a value, found \(found)", line: line)
    }
  }

  private mutating func items(until end: String) throws(ChatError) -> [TemplateExpression] {
    var items: [TemplateExpression] = []
    while !take(end) {
      if !items.isEmpty { try expect(",") }
      if take(end) { break }
      items.append(try expression())
    }
    return items
  }

  private mutating func arguments() throws(ChatError) -> ([TemplateExpression], [(String, TemplateExpression)]) {
    try expect("(")
    var (items, named): ([TemplateExpression], [(String, TemplateExpression)]) = ([], [])
    while !take(")") {
      if !items.isEmpty || !named.isEmpty { try expect(",") }
      if take(")") { break }
      if case .name(let key)? = current, place + 1 < tokens.count, tokens[place + 1] == .sign("=") {
        place += 2
        named.append((key, try expression()))
      } else {
        items.append(try expression())
      }
    }
    return (items, named)
  }

  private mutating func postfix(_ first: TemplateExpression) throws(ChatError) -> TemplateExpression {
    var value = first
    while true {
      try link()
      if take(".") {
        let name = try name()
        guard current == .sign("(") else {
          value = .attribute(value, name)
          continue
        }
        guard let method = TemplateMethod(rawValue: name) else { throw .unknown(what: "the method `\(name)`", line: line) }
        let (arguments, named) = try arguments()
        guard named.isEmpty else { throw .unknown(what: "`\(named[0].0)=` of `\(name)`", line: line) }
        value = .method(value, method, arguments)
      } else if take("[") {
        value = try subscripted(value)
      } else if current == .sign("(") {
        throw .unknown(what: "a call of something that is neither a function nor a method", line: line)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(_ value: TemplateExpression) throws(ChatError) -> TemplateExpression {
    var bounds: [TemplateExpression?] = [nil]
    var isSlice = false
    while !take("]") {
      if take(":") {
        isSlice = true
        bounds.append(nil)
        guard bounds.count <= 3 else { throw .syntax("a slice of more than three bounds", line: line) }
      } else {
        guard bounds[bounds.count - 1] == nil else { throw .syntax("expected `]`, found \(found)", line: line) }
        bounds[bounds.count - 1] = try expression()
      }
    }
    if isSlice { return .slice(value, bounds[0], bounds.count > 1 ? bounds[1] : nil, bounds.count > 2 ? bounds[2] : nil) }
    guard let index = bounds[0] else { throw .syntax("`[]` without an index", line: line) }
    return .item(value, index)
  }

  private mutating func filtered(_ first: TemplateExpression) throws(ChatError) -> TemplateExpression {
    var value = first
    while true {
      try link()
      if take("|") {
        let name = try name()
        guard let filter = TemplateFilter(rawValue: name) else { throw .unknown(what: "the filter `\(name)`", line: line) }
        var arguments: [TemplateExpression] = []
        if current == .sign("(") {
          let (items, named) = try self.arguments()
          guard named.isEmpty else { throw .unknown(what: "`\(named[0].0)=` of the filter `\(name)`", line: line) }
          arguments = items
        }
        value = .filter(value, filter, arguments)
      } else if takeName("is") {
        let isNegated = takeName("not")
        let name = try name()
        guard let test = TemplateTest(rawValue: name) else { throw .unknown(what: "the test `\(name)`", line: line) }
        value = .test(value, test, isNegated: isNegated)
      } else {
        return value
      }
    }
  }
}

/// Why a text of the language of `Code` is no function, or why a function has no value.
enum CodeError: Error, Hashable {
  /// Longer than any answer can be.
  case tooLong
  /// Something else than what has to stand at this line, or its end.
  case unexpected(line: Int)
  /// A line that starts where no block does.
  case indentation(line: Int)
  /// Brackets or blocks too far inside one another.
  case tooDeep(line: Int)
  case undefined(name: String)
  case tooLarge
  case division
  case tooManySteps
  /// The function ends without `return`.
  case noValue
}

extension CodeFunction {
  /// Reads a text that holds one function and nothing else.
  ///
  /// The first line may be indented; every block starts further right than the line that opens it, and its lines start at one place.
  init(parsing text: String) throws(CodeError) {
    var parser = CodeParser(lines: try CodeLine.lines(of: text))
    self = try parser.function()
  }
}

/// One line of a program, cut into words, numbers and signs.
private struct CodeLine {
  enum Token: Hashable { case word(String), number(Int), sign(String) }

  static let longestText = 4_096
  static let mostTokens = 100

  let number: Int
  let indentation: Int
  let tokens: [Token]

  /// The lines of a text that are not empty; the first counts as not indented.
  static func lines(of text: String) throws(CodeError) -> [CodeLine] {
    let bytes = Array(text.utf8.prefix(longestText + 1))
    if bytes.count > longestText { throw .tooLong }
    var lines: [CodeLine] = []
    for (place, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let content = line.drop { $0 == UInt8(ascii: " ") }
      if content.isEmpty { continue }
      let tokens = try cut(content, line: place + 1)
      lines.append(CodeLine(number: place + 1, indentation: lines.isEmpty ? 0 : line.count - content.count, tokens: tokens))
    }
    return lines
  }

  private static func cut(_ line: ArraySlice<UInt8>, line number: Int) throws(CodeError) -> [Token] {
    var tokens: [Token] = []
    var rest = line.drop { $0 == UInt8(ascii: " ") }
    while let first = rest.first {
      let length = isWord(first) ? rest.prefix(while: isWord).count : pairs.contains(String(decoding: rest.prefix(2), as: UTF8.self)) ? 2 : 1
      let text = String(decoding: rest.prefix(length), as: UTF8.self)
      switch first {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard let value = Int(text) else { throw text.utf8.allSatisfy(isDigit) ? .tooLarge : .unexpected(line: number) }
        tokens.append(.number(value))
      case _ where isWord(first): tokens.append(.word(text))
      case _ where length == 2 || singles.contains(text): tokens.append(.sign(text))
      default: throw .unexpected(line: number)
      }
      if tokens.count > mostTokens { throw .tooLong }
      rest = rest.dropFirst(length).drop { $0 == UInt8(ascii: " ") }
    }
    return tokens
  }

  private static let pairs: Set<String> = ["//", ">=", "<=", "==", "!=", "+="]
  private static let singles: Set<String> = ["+", "-", "*", "%", ">", "<", "=", "(", ")", ",", ":"]

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isWord(_ byte: UInt8) -> Bool {
    let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    return isLetter || isDigit(byte) || byte == UInt8(ascii: "_")
  }
}

/// Recursive descent: one function for each thing that the language has.
private struct CodeParser {
  static let deepest = 16
  static let keywords: Set<String> = ["def", "if", "else", "for", "in", "range", "return"]

  let lines: [CodeLine]
  private var row = 0
  private var column = 0

  init(lines: [CodeLine]) { self.lines = lines }

  mutating func function() throws(CodeError) -> CodeFunction {
    try take(word: "def")
    let name = try name()
    try take(sign: "(")
    var parameters: [String] = []
    if !takes(sign: ")") {
      repeat { parameters.append(try self.name()) } while takes(sign: ",")
      try take(sign: ")")
    }
    if Set(parameters).count != parameters.count { throw unexpected }
    let body = try block(inside: 0, depth: 1)
    if row < lines.count { throw unexpected }
    return CodeFunction(name: name, parameters: parameters, body: body)
  }

  /// The colon, and the lines below it that start further right than `outer`.
  private mutating func block(inside outer: Int, depth: Int) throws(CodeError) -> [CodeStatement] {
    try take(sign: ":")
    try endLine()
    if depth > Self.deepest { throw .tooDeep(line: number) }
    guard row < lines.count, lines[row].indentation > outer else { throw .indentation(line: number) }
    let own = lines[row].indentation
    var statements: [CodeStatement] = []
    while row < lines.count, lines[row].indentation > outer {
      if lines[row].indentation != own { throw .indentation(line: number) }
      statements.append(try statement(at: own, depth: depth))
    }
    return statements
  }

  private mutating func statement(at indentation: Int, depth: Int) throws(CodeError) -> CodeStatement {
    if takes(word: "return") {
      let value = try expression()
      try endLine()
      return .give(value)
    }
    if takes(word: "if") {
      let condition = try expression()
      let then = try block(inside: indentation, depth: depth + 1)
      guard row < lines.count, lines[row].indentation == indentation, takes(word: "else") else {
        return .branch(condition, then: then, otherwise: [])
      }
      return .branch(condition, then: then, otherwise: try block(inside: indentation, depth: depth + 1))
    }
    if takes(word: "for") {
      let each = try name()
      try take(word: "in")
      try take(word: "range")
      try take(sign: "(")
      let first = try expression()
      let second = takes(sign: ",") ? try expression() : nil
      try take(sign: ")")
      return .loop(each, from: second == nil ? nil : first, to: second ?? first, try block(inside: indentation, depth: depth + 1))
    }
    let name = try name()
    let isAdded = takes(sign: "+=")
    if !isAdded { try take(sign: "=") }
    let value = try expression()
    try endLine()
    return isAdded ? .add(name, value) : .assign(name, value)
  }

  /// A sum, or two sums compared; comparisons do not chain.
  private mutating func expression(depth: Int = 0) throws(CodeError) -> CodeExpression {
    if depth > Self.deepest { throw .tooDeep(line: number) }
    let left = try sum(depth)
    guard let sign = takesOperator(binding: 0) else { return left }
    return .binary(sign, left, try sum(depth))
  }

  private mutating func sum(_ depth: Int) throws(CodeError) -> CodeExpression {
    var value = try product(depth)
    while let sign = takesOperator(binding: 1) { value = .binary(sign, value, try product(depth)) }
    return value
  }

  private mutating func product(_ depth: Int) throws(CodeError) -> CodeExpression {
    var value = try atom(depth)
    while let sign = takesOperator(binding: 2) { value = .binary(sign, value, try atom(depth)) }
    return value
  }

  private mutating func atom(_ depth: Int) throws(CodeError) -> CodeExpression {
    if takes(sign: "(") {
      let value = try expression(depth: depth + 1)
      try take(sign: ")")
      return value
    }
    if case .number(let number) = token {
      column += 1
      return .number(number)
    }
    return .name(try name())
  }

  private mutating func name() throws(CodeError) -> String {
    guard case .word(let name) = token, !Self.keywords.contains(name) else { throw unexpected }
    column += 1
    return name
  }
}

/// Reading on, token by token.
extension CodeParser {
  private var token: CodeLine.Token? { row < lines.count && column < lines[row].tokens.count ? lines[row].tokens[column] : nil }

  /// The line that is being read; behind the last line, the last.
  private var number: Int { row < lines.count ? lines[row].number : lines.last?.number ?? 1 }

  private var unexpected: CodeError { .unexpected(line: number) }

  private mutating func takes(_ wanted: CodeLine.Token) -> Bool {
    if token != wanted { return false }
    column += 1
    return true
  }

  private mutating func takes(word: String) -> Bool { takes(.word(word)) }
  private mutating func takes(sign: String) -> Bool { takes(.sign(sign)) }
  private mutating func take(word: String) throws(CodeError) { if !takes(word: word) { throw unexpected } }
  private mutating func take(sign: String) throws(CodeError) { if !takes(sign: sign) { throw unexpected } }

  private mutating func takesOperator(binding: Int) -> CodeOperator? {
    guard case .sign(let text) = token, let sign = CodeOperator(rawValue: text), sign.binding == binding else { return nil }
    column += 1
    return sign
  }

  private mutating func endLine() throws(CodeError) {
    if token != nil { throw unexpected }
    (row, column) = (row + 1, 0)
  }
}

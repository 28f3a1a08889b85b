/// Reads a template's statements.
struct TemplateParser {
  private let pieces: [TemplateLexer.Piece]
  private var place = 0
  private var depth = 0

  init(_ pieces: [TemplateLexer.Piece]) { self.pieces = pieces }

  mutating func template() throws(ChatError) -> [TemplateNode] {
    let (body, end) = try nodes(until: [])
    if let end { throw .syntax("`\(end.word)` without its beginning", line: end.line) }
    return body
  }

  /// The tag that ended a run of statements.
  private struct End {
    let word: String
    let rest: ExpressionParser
    let line: Int
  }

  private mutating func nodes(until ends: [String]) throws(ChatError) -> (body: [TemplateNode], end: End?) {
    var body: [TemplateNode] = []
    depth += 1
    defer { depth -= 1 }
    while place < pieces.count {
      let piece = pieces[place]
      place += 1
      switch piece {
      case .text(let text): body.append(.text(text))
      case .output(let tokens, let line):
        var expression = ExpressionParser(tokens, line: line)
        body.append(.output(try expression.whole()))
      case .block(let tokens, let line):
        guard depth <= 64 else { throw .syntax("tags are nested more than 64 deep", line: line) }
        var rest = ExpressionParser(tokens, line: line)
        let word = try rest.name()
        if ends.contains(word) { return (body, End(word: word, rest: rest, line: line)) }
        switch word {
        case "if": body.append(try choose(rest, line))
        case "for": body.append(try loop(rest, line))
        case "set": body.append(try set(&rest))
        case "elif", "else", "endif", "endfor": return (body, End(word: word, rest: rest, line: line))
        default: throw .unknown(what: "the tag `\(word)`", line: line)
        }
      }
    }
    if !ends.isEmpty { throw .syntax("`\(ends[ends.count - 1])` is missing", line: pieces.isEmpty ? 1 : Self.line(pieces[pieces.count - 1])) }
    return (body, nil)
  }

  private static func line(_ piece: TemplateLexer.Piece) -> Int {
    switch piece {
    case .text: 1
    case .output(_, let line), .block(_, let line): line
    }
  }

  private mutating func choose(_ first: ExpressionParser, _ line: Int) throws(ChatError) -> TemplateNode {
    var branches: [(condition: TemplateExpression, body: [TemplateNode])] = []
    var head = first
    while true {
      let condition = try head.whole()
      let (body, end) = try nodes(until: ["elif", "else", "endif"])
      branches.append((condition, body))
      guard let end, end.word == "elif" else { return try finish(branches, end, line) }
      head = end.rest
    }
  }

  private mutating func finish(
    _ branches: [(condition: TemplateExpression, body: [TemplateNode])], _ end: End?, _ line: Int
  ) throws(ChatError) -> TemplateNode {
    switch end?.word {
    case "endif": return .choose(branches, otherwise: [])
    case "else":
      let (body, last) = try nodes(until: ["endif"])
      guard last?.word == "endif" else { throw .syntax("`if` has no `endif`", line: line) }
      return .choose(branches, otherwise: body)
    default: throw .syntax("`if` has no `endif`", line: line)
    }
  }

  private mutating func loop(_ head: ExpressionParser, _ line: Int) throws(ChatError) -> TemplateNode {
    var head = head
    var names = [try head.name()]
    while head.take(",") { names.append(try head.name()) }
    guard head.takeName("in") else { throw .syntax("`for` without `in`", line: line) }
    let list = try head.unconditional()
    let condition = head.takeName("if") ? try head.unconditional() : nil
    try head.finish()
    let (body, end) = try nodes(until: ["else", "endfor"])
    guard end?.word == "else" else {
      guard end?.word == "endfor" else { throw .syntax("`for` has no `endfor`", line: line) }
      return .loop(names: names, over: list, where: condition, body: body, otherwise: [])
    }
    let (otherwise, last) = try nodes(until: ["endfor"])
    guard last?.word == "endfor" else { throw .syntax("`for` has no `endfor`", line: line) }
    return .loop(names: names, over: list, where: condition, body: body, otherwise: otherwise)
  }

  private mutating func set(_ rest: inout ExpressionParser) throws(ChatError) -> TemplateNode {
    let name = try rest.name()
    let attribute = rest.take(".") ? try rest.name() : nil
    try rest.expect("=")
    return .set(name: name, attribute: attribute, value: try rest.whole())
  }
}

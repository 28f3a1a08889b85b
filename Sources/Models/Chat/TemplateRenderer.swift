/// Fills in a template. Work and output are bounded: a template is a stranger's file.
struct TemplateRenderer {
  private static let stepLimit = 2_000_000
  private static let outputLimit = 16 << 20

  private var frames: [[String: TemplateValue]]
  private var namespaces: [[String: TemplateValue]] = []
  private var output = ""
  private var steps = 0
  private var written = 0

  init(_ values: [(String, TemplateValue)]) { frames = [Dictionary(values) { first, _ in first }, [:]] }

  mutating func run(_ body: [TemplateNode]) throws(ChatError) -> String {
    try nodes(body)
    return output
  }

  private mutating func nodes(_ body: [TemplateNode]) throws(ChatError) { for node in body { try self.node(node) } }

  private mutating func work(_ amount: Int = 1) throws(ChatError) {
    steps += amount
    guard steps <= Self.stepLimit else { throw .value("it takes more than \(Self.stepLimit) steps") }
  }

  private mutating func write(_ text: String) throws(ChatError) {
    output += text
    written += text.utf8.count
    guard written <= Self.outputLimit else { throw .value("it makes more than \(Self.outputLimit >> 20) MiB") }
  }

  private mutating func node(_ node: TemplateNode) throws(ChatError) {
    try work()
    switch node {
    case .text(let text): try write(text)
    case .output(let expression):
      let value = try value(expression)
      guard let text = value.printed else { throw .value("it prints \(value.kind)") }
      try write(text)
    case .choose(let branches, let otherwise):
      for (condition, body) in branches where try value(condition).isTrue { return try nodes(body) }
      try nodes(otherwise)
    case .loop(let names, let over, let condition, let body, let otherwise): try loop(names, over, condition, body, otherwise)
    case .set(let name, let attribute?, let expression):
      guard case .namespace(let number) = lookUp(name) else { throw .value("`\(name)` is no namespace") }
      namespaces[number][attribute] = try value(expression)
    case .set(let name, nil, let expression): frames[frames.count - 1][name] = try value(expression)
    }
  }

  private mutating func loop(
    _ names: [String], _ over: TemplateExpression, _ condition: TemplateExpression?, _ body: [TemplateNode], _ otherwise: [TemplateNode]
  ) throws(ChatError) {
    var items = try list(try value(over))
    if let condition {
      var kept: [TemplateValue] = []
      for item in items {
        try work()
        frames.append([:])
        defer { frames.removeLast() }
        try bind(names, item)
        if try value(condition).isTrue { kept.append(item) }
      }
      items = kept
    }
    guard !items.isEmpty else { return try nodes(otherwise) }
    for (index, item) in items.enumerated() {
      // A body without a statement takes time too.
      try work()
      frames.append([:])
      defer { frames.removeLast() }
      try bind(names, item)
      frames[frames.count - 1]["loop"] = .map([
        ("index", .integer(index + 1)), ("index0", .integer(index)), ("first", .bool(index == 0)), ("last", .bool(index == items.count - 1)),
        ("length", .integer(items.count)), ("revindex", .integer(items.count - index)), ("revindex0", .integer(items.count - index - 1)),
        ("previtem", index > 0 ? items[index - 1] : .undefined), ("nextitem", index + 1 < items.count ? items[index + 1] : .undefined),
      ])
      try nodes(body)
    }
  }

  private mutating func bind(_ names: [String], _ item: TemplateValue) throws(ChatError) {
    guard names.count > 1 else {
      frames[frames.count - 1][names[0]] = item
      return
    }
    let parts = try list(item)
    guard parts.count == names.count else { throw .value("\(names.count) names for \(parts.count) values") }
    for (name, part) in zip(names, parts) { frames[frames.count - 1][name] = part }
  }

  private func lookUp(_ name: String) -> TemplateValue {
    for frame in frames.reversed() { if let value = frame[name] { return value } }
    return .undefined
  }

  private func list(_ value: TemplateValue) throws(ChatError) -> [TemplateValue] {
    switch value {
    case .list(let items): return items
    case .map(let entries): return entries.map { .text($0.0) }
    case .text(let text): return text.unicodeScalars.map { .text(String($0)) }
    case .undefined: return []
    default: throw .value("it goes through \(value.kind)")
    }
  }

  private mutating func value(_ expression: TemplateExpression) throws(ChatError) -> TemplateValue {
    try work()
    switch expression {
    case .value(let value): return value
    case .name(let name): return lookUp(name)
    case .list(let items): return .list(try values(items))
    case .map(let entries):
      var map: [(String, TemplateValue)] = []
      for (key, item) in entries {
        guard case .text(let name) = try value(key) else { throw .value("a map's key is no text") }
        map.removeAll { $0.0 == name }
        map.append((name, try value(item)))
      }
      return .map(map)
    case .attribute(let owner, let name): return try member(try value(owner), .text(name))
    case .item(let owner, let index): return try member(try value(owner), try value(index))
    case .slice(let owner, let low, let high, let step): return try slice(try value(owner), try bound(low), try bound(high), try bound(step))
    case .method(let owner, let method, let arguments): return try method.call(try value(owner), try values(arguments))
    case .function(let function, let arguments, let named): return try call(function, arguments, named)
    case .filter(let owner, let filter, let arguments): return try filter.call(try value(owner), try values(arguments))
    case .test(let owner, let test, let isNegated): return .bool(test.holds(try value(owner)) != isNegated)
    case .not(let inner): return .bool(!(try value(inner).isTrue))
    case .negative(let inner):
      switch try value(inner) {
      case .integer(let number) where number != Int.min: return .integer(-number)
      case .number(let number): return .number(-number)
      case let other: throw .value("it negates \(other.kind)")
      }
    case .both(let left, let right):
      let first = try value(left)
      return first.isTrue ? try value(right) : first
    case .either(let left, let right):
      let first = try value(left)
      return first.isTrue ? first : try value(right)
    case .binary(let sign, let left, let right):
      let result = try TemplateArithmetic.apply(sign, try value(left), try value(right))
      // Values that grow by doubling are paid for by their size.
      if case .text(let text) = result { try work(text.utf8.count / 16) }
      if case .list(let items) = result { try work(items.count) }
      return result
    case .compare(let first, let rest):
      var left = try value(first)
      for (sign, expression) in rest {
        let right = try value(expression)
        guard try TemplateArithmetic.compare(sign, left, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    case .conditional(let condition, let then, let otherwise):
      if try value(condition).isTrue { return try value(then) }
      return try otherwise.map { (inner) throws(ChatError) in try value(inner) } ?? .undefined
    }
  }

  private mutating func values(_ expressions: [TemplateExpression]) throws(ChatError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for expression in expressions { values.append(try value(expression)) }
    return values
  }

  private mutating func bound(_ expression: TemplateExpression?) throws(ChatError) -> Int? {
    guard let expression else { return nil }
    switch try value(expression) {
    case .none: return nil
    case .integer(let number): return number
    case let other: throw .value("a slice's bound is \(other.kind)")
    }
  }

  private func member(_ owner: TemplateValue, _ index: TemplateValue) throws(ChatError) -> TemplateValue {
    switch (owner, index) {
    case (.map(let entries), .text(let name)): return entries.first { $0.0 == name }?.1 ?? .undefined
    case (.namespace(let number), .text(let name)): return namespaces[number][name] ?? .undefined
    case (.list(let items), .integer(let place)):
      let place = place < 0 ? place + items.count : place
      return items.indices.contains(place) ? items[place] : .undefined
    case (.text(let text), .integer(let place)):
      let scalars = Array(text.unicodeScalars)
      let place = place < 0 ? place + scalars.count : place
      return scalars.indices.contains(place) ? .text(String(scalars[place])) : .undefined
    case (.undefined, _): throw .value("it takes \(index.printed.map { "`\($0)`" } ?? "a part") of something undefined")
    default: return .undefined
    }
  }

  private func slice(_ owner: TemplateValue, _ low: Int?, _ high: Int?, _ step: Int?) throws(ChatError) -> TemplateValue {
    let items: [TemplateValue]
    switch owner {
    case .list(let list): items = list
    case .text(let text): items = text.unicodeScalars.map { .text(String($0)) }
    default: throw .value("it takes a slice of \(owner.kind)")
    }
    let (step, count) = (step ?? 1, items.count)
    guard step == 1 || step == -1 else { throw .value("a slice goes by \(step); expected 1 or -1") }
    func place(_ bound: Int) -> Int { bound < 0 ? max(bound + count, step > 0 ? 0 : -1) : min(bound, step > 0 ? count : count - 1) }
    let (start, end) = (low.map(place) ?? (step > 0 ? 0 : count - 1), high.map(place) ?? (step > 0 ? count : -1))
    let chosen = stride(from: start, to: end, by: step).map { items[$0] }
    guard case .text = owner else { return .list(chosen) }
    return .text(chosen.compactMap(\.printed).joined())
  }

  private mutating func call(
    _ function: TemplateFunction, _ arguments: [TemplateExpression], _ named: [(String, TemplateExpression)]
  ) throws(ChatError) -> TemplateValue {
    let values = try values(arguments)
    switch function {
    case .raise:
      guard values.count == 1, case .text(let reason) = values[0] else { throw .value("raise_exception takes one text") }
      throw .raised(reason)
    case .namespace:
      guard values.isEmpty, namespaces.count < 1000 else { throw .value("a namespace takes named values") }
      var names: [String: TemplateValue] = [:]
      for (name, expression) in named { names[name] = try value(expression) }
      namespaces.append(names)
      return .namespace(namespaces.count - 1)
    case .range:
      let bounds = values.compactMap { value in if case .integer(let number) = value { number } else { nil } }
      guard bounds.count == values.count, (1...2).contains(bounds.count) else { throw .value("range takes one or two whole numbers") }
      let (low, high) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
      guard high > low else { return .list([]) }
      let (count, isOver) = high.subtractingReportingOverflow(low)
      guard !isOver, count <= 100_000 else { throw .value("a range of over 100,000") }
      try work(count / 16)
      return .list((low..<high).map { .integer($0) })
    }
  }
}

import Testing

/// The words of a prompt, understood without the benchmark's own types and worked out as they stand.
struct Described {
  let name: String
  let parameters: [String]
  private let sentences: [[String]]

  init(_ prompt: String) throws {
    sentences = prompt.dropLast().split(separator: ".").map { $0.split { $0 == " " || $0 == "," }.map(String.init) }
    try #require(sentences.count >= 2 && ["Write", "Define"].contains(sentences[0][0]) && sentences[0][2] == "of")
    name = sentences[0][1]
    parameters = sentences[0].dropFirst(3).filter { $0 != "and" }
  }

  func value(_ inputs: [Int]) throws -> Int {
    var values = Dictionary(uniqueKeysWithValues: zip(parameters, inputs))
    for words in sentences.dropFirst() {
      switch words[0] {
      case "Give": return try number(words[1...], values)
      case "Work": values["it"] = try number(words[2...], values)
      case "If":
        let give = try #require(words.firstIndex(of: "give"))
        let other = try #require(words.firstIndex(of: "otherwise"))
        return try holds(words[1..<give], values) ? number(words[(give + 1)..<other], values) : number(words[(other + 2)...], values)
      default:
        try #require(words[0...3] == ["Go", "through", "the", "numbers"])
        values["total"] = try total(words, values)
      }
    }
    throw Misunderstood()
  }

  private func total(_ words: [String], _ values: [String: Int]) throws -> Int {
    let isBelow = words[4] == "below"
    let first = isBelow ? 0 : try number(words[5...5], values)
    let last = isBelow ? try number(words[5...5], values) - 1 : try number(words[7...7], values)
    let condition = words.firstIndex(of: "where")
    var total = 0
    for each in stride(from: first, through: last, by: 1) {
      let values = values.merging(["each": each]) { $1 }
      if let condition, try !holds(words[(condition + 1)...], values) { continue }
      let start = isBelow ? 7 : 9
      total += words[start] == "count" ? 1 : try number(words[(start + 2)..<(condition ?? words.endIndex)], values)
    }
    return total
  }

  private func holds(_ words: ArraySlice<String>, _ values: [String: Int]) throws -> Bool {
    let place = try #require(words.firstIndex { $0 == "is" || $0 == "equals" })
    let left = try number(words[..<place], values)
    if words[place] == "equals" { return try left == number(words[(place + 1)...], values) }
    let right = try number(words[(place + 3)...], values)
    return switch words[place + 1] + " " + words[place + 2] {
    case "more than": left > right
    case "less than": left < right
    case "at least": left >= right
    case "at most": left <= right
    default: throw Misunderstood()
    }
  }

  /// From left to right: a thing, then what is done with everything so far.
  private func number(_ words: ArraySlice<String>, _ values: [String: Int]) throws -> Int {
    var rest = words
    var result = try thing(&rest, values)
    while let word = rest.popFirst() {
      if word == "all" { continue }
      result = try combine(word, result, thing(&rest, values))
    }
    return result
  }

  private func thing(_ rest: inout ArraySlice<String>, _ values: [String: Int]) throws -> Int {
    let word = try next(&rest)
    guard word == "the" else { return try #require(values[word] ?? Int(word)) }
    let name = try next(&rest)
    if name == "total" { return try #require(values[name]) }
    guard try next(&rest) == "of" else { throw Misunderstood() }
    let first = try thing(&rest, values)
    guard try next(&rest) == "and" else { throw Misunderstood() }
    return try combine(name, first, thing(&rest, values))
  }

  private func combine(_ word: String, _ left: Int, _ right: Int) throws -> Int {
    switch word {
    case "plus", "sum": left + right
    case "minus", "difference": left - right
    case "times", "product": left * right
    case "over": Int((Double(left) / Double(right)).rounded(.down))
    case "mod": left - right * Int((Double(left) / Double(right)).rounded(.down))
    default: throw Misunderstood()
    }
  }

  private func next(_ rest: inout ArraySlice<String>) throws -> String {
    guard let word = rest.popFirst() else { throw Misunderstood() }
    return word
  }

  private struct Misunderstood: Error {}
}

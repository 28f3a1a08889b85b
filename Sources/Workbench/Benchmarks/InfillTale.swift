/// A story as it is made up: a first number, an event, a number, an event, and a last number with a mood.
struct Tale {
  /// A piece of a sentence that may become a gap of its own.
  struct Piece {
    enum Sort { case fixed, number, word }

    let text: String
    let sort: Sort

    static func fixed(_ text: String) -> Piece { Piece(text: text, sort: .fixed) }
    static func number(_ value: Int) -> Piece { Piece(text: " \(value)", sort: .number) }
    static func word(_ text: String) -> Piece { Piece(text: " " + text, sort: .word) }
  }

  /// One way of telling an event: what may stand before the number and after it; FRIEND is the other person's name.
  struct Event {
    let verbs: [String]
    let tail: String
    let sign: Int
  }

  static let events = [
    Event(verbs: ["gives", "sells"], tail: "to FRIEND", sign: -1), Event(verbs: ["loses", "sells", "breaks"], tail: "of them", sign: -1),
    Event(verbs: ["gets", "buys", "wins"], tail: "from FRIEND", sign: 1), Event(verbs: ["buys", "finds", "gets", "wins"], tail: "more", sign: 1),
  ]
  static let openers = ["Now", "Then", "So"]
  static let endings = ["At last", "In the end"]
  static let limit = 30

  private let hero: String
  private let friend: String
  private let things: String
  let first: Int
  private let changes: [Int]
  private var middle: Int { first + changes[0] }
  /// Never the first number, so that the mood is clear.
  var last: Int { middle + changes[1] }

  init(_ draws: inout Draws) {
    let people = draws.sample(2, of: Story.boys + Story.girls)
    (hero, friend) = (people[0], people[1])
    things = draws.pick(Story.goods)
    let first = draws.integer(2...Self.limit)
    let one = draws.pick((-9...9).filter { $0 != 0 && (1...Self.limit).contains(first + $0) })
    let two = draws.pick((-9...9).filter { $0 != 0 && $0 != -one && (1...Self.limit).contains(first + one + $0) })
    self.first = first
    changes = [one, two]
  }

  /// The instruction, with all that the story has to agree with.
  func prompt(_ draws: inout Draws) -> String {
    draws.pick([
      "Fill in the story: \(hero) and \(friend), from \(first) to \(last) \(things).\n",
      "Complete the story of \(hero) with \(friend): \(first) \(things) at first, \(last) at last.\n",
      "Tell how \(hero) goes from \(first) to \(last) \(things) with \(friend).\n",
    ])
  }

  /// Five sentences in one of their wordings.
  func told(_ draws: inout Draws) -> [[Piece]] {
    [
      [.word(hero), .fixed(" has"), .number(first), .word(things), .fixed(".")], event(changes[0], &draws), state(&draws), event(changes[1], &draws),
      ending(&draws),
    ]
  }

  private func event(_ change: Int, _ draws: inout Draws) -> [Piece] {
    let event = draws.pick(Self.events.filter { $0.sign == change.signum() })
    return [
      .word(draws.pick([hero, Self.pronoun(of: hero), Self.pronoun(of: hero)])), .word(draws.pick(event.verbs)), .number(abs(change)),
      .word(event.tail.replacing("FRIEND", with: friend)), .fixed("."),
    ]
  }

  private func state(_ draws: inout Draws) -> [Piece] {
    let tail: [Piece] = [.number(middle), .word(things), .fixed(".")]
    if draws.chance(30) { return [.fixed(" That makes")] + tail }
    return [.word(draws.pick(Self.openers)), .word(Self.pronoun(of: hero).lowercased()), .fixed(" has")] + tail
  }

  private func ending(_ draws: inout Draws) -> [Piece] {
    [
      .word(draws.pick(Self.endings)), .word(Self.pronoun(of: hero).lowercased()), .fixed(" has"), .number(last), .fixed(" and is"),
      .word(last > first ? "glad" : "sad"), .fixed("."),
    ]
  }

  /// The word for a person at the start of a sentence.
  static func pronoun(of person: String) -> String { Story.boys.contains(person) ? "He" : "She" }
}

/// What a prompt says of its story.
struct TaleFacts {
  let hero: String
  let friend: String
  let things: String
  let first: Int
  let last: Int

  /// Nil for a text that does not name two people, two numbers and a thing.
  init?(_ prompt: String) {
    let words = TaleReader.words(prompt)
    let people = words.filter { Story.boys.contains($0) || Story.girls.contains($0) }
    let numbers = words.compactMap(TaleReader.number)
    guard people.count == 2, numbers.count == 2, let things = words.first(where: Story.goods.contains) else { return nil }
    (hero, friend, self.things, first, last) = (people[0], people[1], things, numbers[0], numbers[1])
  }
}

/// Reads a text in the stories' grammar, sentence by sentence.
struct TaleReader {
  /// A sentence by what it says. A person is a name or a pronoun, as written.
  enum Sentence: Equatable {
    case opening(person: String, count: Int, things: String)
    case event(person: String, friend: String?, change: Int)
    /// Nobody is named in `That makes`.
    case state(person: String?, count: Int, things: String)
    case ending(person: String, count: Int, mood: String, things: String?)
  }

  /// The first six sentences, nil where one is none of the grammar's; a last one without its full stop is none.
  let sentences: [Sentence?]

  init(_ text: String) {
    let parts = Self.words(text).split(separator: ".", maxSplits: 6, omittingEmptySubsequences: false)
    // What follows the last full stop is no sentence, unless there is nothing.
    sentences = parts.dropLast().map { Self.sentence(Array($0)) } + (parts.last?.isEmpty == false ? [nil] : [])
  }

  /// How many of the five sentences say what they have to, each given what the ones before it say.
  func rightSentences(_ facts: TaleFacts) -> Int {
    guard sentences.count <= 5 else { return 0 }
    let pronoun = Tale.pronoun(of: facts.hero)
    var count: Int? = facts.first
    var right = 0
    for (place, sentence) in sentences.enumerated() {
      switch sentence {
      case .opening(let person, let number, let things)? where place == 0:
        if person == facts.hero && number == facts.first && things == facts.things { right += 1 }
      case .event(let person, let friend, let change)? where place == 1 || place == 3:
        if [facts.hero, pronoun].contains(person) && friend ?? facts.friend == facts.friend { right += 1 }
        count = count.map { $0 + change }
      case .state(let person, let number, let things)? where place == 2:
        if [facts.hero, pronoun.lowercased(), nil].contains(person) && number == count && things == facts.things { right += 1 }
        count = number
      case .ending(let person, let number, let mood, let things)? where place == 4:
        let isRight = number == count && number == facts.last && mood == (number > facts.first ? "glad" : "sad")
        if [facts.hero, pronoun.lowercased()].contains(person) && isRight && things ?? facts.things == facts.things { right += 1 }
      default: count = nil
      }
    }
    return right
  }

  private static func sentence(_ words: [String]) -> Sentence? {
    var words = words[...]
    let ending = Tale.endings.map { $0.split(separator: " ").map(String.init) }.first { words.starts(with: $0) }
    if let ending {
      words.removeFirst(ending.count)
      guard let person = words.popFirst(), words.popFirst() == "has", let count = words.popFirst().flatMap(number) else { return nil }
      let things = words.first.flatMap { Story.goods.contains($0) ? $0 : nil }
      if things != nil { words.removeFirst() }
      guard words.count == 3, words.starts(with: ["and", "is"]), let mood = words.last else { return nil }
      return .ending(person: person, count: count, mood: mood, things: things)
    }
    guard let start = words.popFirst(), let second = words.popFirst() else { return nil }
    let third = words.popFirst() ?? ""
    if start == "That", second == "makes", let count = number(third), words.count == 1 { return .state(person: nil, count: count, things: words.first ?? "") }
    if Tale.openers.contains(start), third == "has", words.count == 2, let count = words.first.flatMap(number) {
      return .state(person: second, count: count, things: words.last ?? "")
    }
    guard let count = number(third) else { return nil }
    if second == "has", words.count == 1 { return .opening(person: start, count: count, things: words.first ?? "") }
    let friend = words.last ?? ""
    let tail = words.joined(separator: " ")
    let event = Tale.events.first { $0.verbs.contains(second) && $0.tail.replacing("FRIEND", with: friend) == tail }
    guard let event, count > 0 else { return nil }
    return .event(person: start, friend: event.tail.hasSuffix("FRIEND") ? friend : nil, change: event.sign * count)
  }

  /// A whole number from 0 to 999 in its usual spelling.
  static func number(_ word: String) -> Int? {
    guard let value = Int(word), (0...999).contains(value), String(value) == word else { return nil }
    return value
  }

  /// Runs of letters, runs of digits, and every other visible character by itself.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var last: Character?
    for character in text {
      defer { last = character }
      if character.isWhitespace { continue }
      let goesOn = last.map { ($0.isLetter && character.isLetter) || ($0.isNumber && character.isNumber) } ?? false
      if goesOn, !words.isEmpty { words[words.count - 1].append(character) } else { words.append(String(character)) }
    }
    return words
  }

  /// Whether the given words of a layout stand in a text in their order, with something in every gap.
  static func keeps(_ spans: [Problem.Span], in text: String) -> Bool {
    var rest = words(text)[...]
    var isOpen = false
    for (place, span) in spans.enumerated() {
      let given = words(span.text)
      if !span.isGiven {
        // Every gap holds a word at least.
        guard rest.popFirst() != nil else { return false }
        isOpen = true
      } else if place == spans.count - 1, isOpen {
        return rest.count >= given.count && rest.suffix(given.count).elementsEqual(given)
      } else {
        while isOpen, !rest.starts(with: given), !rest.isEmpty { rest.removeFirst() }
        guard rest.starts(with: given) else { return false }
        rest.removeFirst(given.count)
        isOpen = false
      }
    }
    return isOpen || rest.isEmpty || spans.isEmpty
  }
}

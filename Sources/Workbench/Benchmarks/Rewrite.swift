/// Records rewritten as prose: long responses, in which every value has to stand with the right person.
///
/// Four to six records of five fields each make 150 to 255 tokens. Sentences come in several wordings of different lengths.
/// The records decide the split.
package struct Rewrite: Benchmark {
  package static let name = "rewrite"
  package static let summary = "4 to 6 records of 5 fields rewritten as 150 to 255 tokens of prose"
  package static let version = 1
  package static let levelUnit = "records"
  package static let geometry = Geometry(genLength: 256, blockLength: 32)

  package init() {}

  package func problem(_ index: Int, of split: Split) -> Problem {
    let count = 4 + abs(index % 3)
    return first(index, of: split) { draws in
      let records = Record.draw(count, &draws)
      let instruction = draws.pick(["Write a text about", "Tell in full sentences of", "Put into words"])
      let list = records.map(\.row).joined(separator: ";")
      let problem = Problem(
        id: "\(Self.name)/\(split.rawValue)/\(index)", prompt: "\(instruction):\(list)\n",
        answer: records.map { $0.told(&draws) }.joined(), kind: "records", level: count)
      return (list, problem)
    }
  }

  /// Who is written about, in order of appearance, each with the values found in their sentences and `?` where one is missing.
  package func extract(_ response: String) -> String? {
    let people = RecordReader(response).found.map { person in
      ([person.name] + person.fields.map { $0.isEmpty ? "?" : $0.joined(separator: "/") }).joined(separator: " ")
    }
    return people.isEmpty ? nil : people.joined(separator: "; ")
  }

  /// Correct when every field of every record, and no other value of its sort, is found in its person's sentences, and nobody else is named.
  ///
  /// The score is the share of fields found so, which the details repeat as `fields`; `chrf` compares with the reference's wording.
  package func grade(_ response: String, _ problem: Problem) -> Grade {
    let records = RecordReader.records(problem.prompt)
    let found = RecordReader(response).found
    var right = 0
    for record in records {
      guard let person = found.first(where: { $0.name == record.name }) else { continue }
      right += zip(person.fields, record.values).count { $0 == [$1] }
    }
    let total = records.count * Record.fields.count
    let share = Double(right) / Double(max(total, 1))
    return Grade(
      isCorrect: total > 0 && right == total && found.count == records.count, extracted: extract(response), score: share,
      details: ["fields": share, "chrf": ChrF().score(response, reference: problem.answer)])
  }
}

/// A person with five fields.
struct Record {
  let name: String
  /// Age, city, job, pet and what is collected, in the order of `fields`.
  let values: [String]

  static let cities = ["Berlin", "Cairo", "Delhi", "Lima", "London", "Madrid", "Oslo", "Paris", "Quito", "Rome", "Tokyo", "Vienna"]
  static let jobs = ["baker", "cook", "dentist", "doctor", "driver", "farmer", "nurse", "painter", "pilot", "singer", "teacher", "writer"]
  static let pets = ["bat", "bird", "cat", "cow", "dog", "fish", "fox", "hen", "owl", "pig", "rat"]
  static let ages = (20...89).map(String.init)
  /// What each field may hold.
  static let fields = [ages, cities, jobs, pets, Story.goods]

  /// Records of different people, no two with a value in common.
  static func draw(_ count: Int, _ draws: inout Draws) -> [Record] {
    let names = draws.sample(count, of: Story.boys + Story.girls)
    let columns = fields.map { draws.sample(count, of: $0) }
    return names.enumerated().map { place, name in Record(name: name, values: columns.map { $0[place] }) }
  }

  /// The record as the prompt lists it.
  var row: String { " " + ([name] + values).joined(separator: " ") }

  /// Three sentences, the first with the name, in wordings drawn at random: 38 to 42 tokens.
  func told(_ draws: inout Draws) -> String {
    let (age, city, job, pet, goods) = (values[0], values[1], values[2], values[3], values[4])
    let isBoy = Story.boys.contains(name)
    let (he, his, He, His) = isBoy ? ("he", "his", "He", "His") : ("she", "her", "She", "Her")
    let home = draws.pick([
      "\(name) is \(age) years old and lives in the city of \(city).", "In the city of \(city) lives \(name) who is \(age) years old.",
      "\(name) lives in \(city) and has just turned \(age) this year.", "At the age of \(age) \(name) moved to the city of \(city).",
      "The city of \(city) is home to \(name) who is \(age) years old.",
    ])
    let work = draws.pick([
      "\(He) works as a \(job) and has a pet \(pet) at home.", "With a pet \(pet) at home \(he) works hard as a \(job).",
      "A \(job) by trade \(he) loves to play with \(his) pet \(pet).", "\(His) pet \(pet) waits at home while \(he) works as a good \(job).",
    ])
    let hobby = draws.pick([
      "In \(his) free time \(he) likes to look for more \(goods).", "Most of all \(he) likes \(goods) and has many of them.",
      "\(He) has a big box full of \(goods) under \(his) bed.", "There are many \(goods) in \(his) house but \(he) wants even more.",
    ])
    return " " + ([home] + (draws.chance(50) ? [work, hobby] : [hobby, work])).joined(separator: " ")
  }
}

/// Finds people and values in prose, whatever its wording.
struct RecordReader {
  /// A person and, field by field, the different values in the sentences about them.
  struct Person {
    let name: String
    var fields: [[String]]

    /// More values of one sort than this are not collected: a field with two is wrong already.
    static let limit = 4

    mutating func add(_ word: String, to field: Int) {
      if fields[field].count < Self.limit, !fields[field].contains(word) { fields[field].append(word) }
    }
  }

  /// Everyone named, in order of appearance. A sentence without a name is about the last person named.
  let found: [Person]

  init(_ text: String) {
    var found: [Person] = []
    var current: Int?
    for sentence in text.split(separator: ".") {
      let words = Self.words(sentence)
      if let name = words.first(where: { Self.names.contains($0) }) {
        current = found.firstIndex { $0.name == name } ?? found.count
        if current == found.count { found.append(Person(name: name, fields: Array(repeating: [], count: Record.fields.count))) }
      }
      guard let current else { continue }
      for word in words {
        if let field = Self.field(of: word) { found[current].add(word, to: field) }
      }
    }
    self.found = found
  }

  /// The records that a prompt lists.
  static func records(_ prompt: String) -> [Record] {
    let rows = prompt.split(separator: ":").last?.split(separator: ";") ?? []
    return rows.compactMap { row in
      let words = words(row)
      return words.count == Record.fields.count + 1 ? Record(name: words[0], values: Array(words[1...])) : nil
    }
  }

  private static let names = Set(Story.boys + Story.girls)
  private static let homes = Dictionary(uniqueKeysWithValues: Record.fields.enumerated().dropFirst().flatMap { field, values in values.map { ($0, field) } })

  /// The field that a word is a value of; every number is an age.
  private static func field(of word: String) -> Int? { word.allSatisfy(\.isNumber) ? 0 : homes[word] }

  private static func words(_ text: Substring) -> [String] {
    text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }
}

public import Diffusion

/// The part of a benchmark a problem belongs to: `dev` for choosing settings, `test` for reporting.
public enum Split: String, CaseIterable, Sendable {
  case train, dev, test

  /// The split that owns a piece of content: one tenth of all content is `test`, one tenth `dev`, the rest `train`.
  ///
  /// Because the content itself decides, no problem can be in two splits, whatever its index.
  public static func owner(of content: String) -> Split {
    switch SeededRandom(seed: 0)["split"][content].integer(below: 10) {
    case 0: .test
    case 1: .dev
    default: .train
    }
  }
}

/// One question with its reference response.
public struct Problem: Sendable, Hashable {
  /// Where the problem comes from, as in `lists/test/17`; equal identifiers are equal problems.
  public let id: String
  /// Everything the model is given, the newline that ends it included; it is tokenized as it stands.
  public let prompt: String
  /// A full response that is graded correct. It starts with a space, so that a word has one spelling wherever it stands.
  public let answer: String
  /// The kind of problem inside its benchmark, for tables of accuracy.
  public let kind: String
  /// The difficulty; higher is harder, in a unit of the benchmark's own.
  public let level: Int
  /// The layout of a response that is partly given: text that stands, and gaps as long as the reference's. Empty where all of it is free.
  public let spans: [Span]
  /// What makes a program of a response, and what the program is tested with; nil where the response is no program.
  public let program: Program?

  /// A response's surroundings in a program.
  public struct Program: Sendable, Hashable {
    /// What stands before the response, where the response goes on with it.
    public let preamble: String
    /// The function that is asked for.
    public let entry: String
    /// What is run after the program; it fails where the program is wrong.
    public let tests: String

    /// A response's surroundings.
    public init(preamble: String, entry: String, tests: String) { (self.preamble, self.entry, self.tests) = (preamble, entry, tests) }
  }

  /// A run of a response's text. It starts with a space or is punctuation, so that its tokens are the same alone and in the whole.
  public struct Span: Sendable, Hashable {
    /// The text, in a gap the reference's.
    public let text: String
    /// Whether it is pinned before decoding; a gap is not.
    public let isGiven: Bool

    /// Text that is given, or that is asked for.
    public init(_ text: String, isGiven: Bool) { (self.text, self.isGiven) = (text, isGiven) }
  }

  /// A problem made elsewhere, say by a benchmark of a downstream package.
  public init(id: String, prompt: String, answer: String, kind: String, level: Int, program: Program? = nil) {
    (self.id, self.prompt, self.answer, self.kind, self.level, self.program, spans) = (id, prompt, answer, kind, level, program, [])
  }

  /// A problem whose response is partly given; the spans, end to end, are its answer.
  public init(id: String, prompt: String, spans: [Span], kind: String, level: Int) {
    (self.id, self.prompt, self.spans, self.kind, self.level, program) = (id, prompt, spans, kind, level, nil)
    answer = spans.map(\.text).joined()
  }
}

/// What a grader made of one response.
public struct Grade: Sendable, Hashable {
  /// Whether the response counts as right.
  public let isCorrect: Bool
  /// The final answer that was found in the response, in its canonical spelling; nil where there was none.
  public let extracted: String?
  /// Partial credit from 0 to 1; 1 exactly when the response is correct.
  public let score: Double
  /// Further measures of the response, each by its name; a benchmark gives the same ones to every response.
  public let details: [String: Double]

  /// - Parameters:
  ///   - score: partial credit of a wrong response, kept below 1; a correct one scores 1.
  ///   - details: further measures, for instance a text's distance from the reference.
  public init(isCorrect: Bool, extracted: String?, score: Double = 0, details: [String: Double] = [:]) {
    self.isCorrect = isCorrect
    self.extracted = extracted
    self.score = isCorrect ? 1 : min(max(score, 0), 0.999)
    self.details = details
  }
}

/// The canvas a benchmark is decoded on unless the experiment says otherwise, in tokens.
public struct Geometry: Sendable, Hashable {
  /// The length of the response.
  public let genLength: Int
  /// The length of a block, a divisor of `genLength`.
  public let blockLength: Int

  /// A response of `genLength` tokens, decoded in blocks of `blockLength`.
  public init(genLength: Int, blockLength: Int) {
    (self.genLength, self.blockLength) = (genLength, blockLength)
  }
}

/// Problems, an extractor and a grader. One file and one line in `BenchmarkCatalog.standard` add one.
///
/// A benchmark's problems are made from their index, without end, or read from a file that its user has.
public protocol Benchmark: Sendable {
  /// The name it is asked for by.
  static var name: String { get }
  /// One line that says what its problems are.
  static var summary: String { get }
  /// Raised whenever any problem, extractor or grade changes, because results of two versions cannot be compared.
  static var version: Int { get }
  /// What `Problem.level` counts.
  static var levelUnit: String { get }
  /// The geometry it is decoded on by default; every reference response and an end token fit.
  static var geometry: Geometry { get }

  /// What its file looks like and where it is had; nil where problems are made from their index.
  static var files: BenchmarkFiles? { get }

  /// The benchmark by itself: all of it where problems are made, and the extractor alone where they are read.
  init()
  /// The benchmark with what `source` names.
  init(_ source: BenchmarkSource) throws(ConfigurationError)

  /// How many problems a split has; nil where there is no end.
  func count(of split: Split) -> Int?
  /// Problem number `index`, counted from 0, of `split`: a pure function of both. Far apart, two indices may give one problem twice. Past the end of a
  /// file there is an empty problem that nothing answers.
  func problem(_ index: Int, of split: Split) -> Problem
  /// What tells its problems from others under the same name and version: a digest of them, or of the file they come from.
  func identity(of split: Split) -> String
  /// Its settings, defaults filled in, as they stand in a run's configuration; empty where it has none.
  var settings: [Setting.Entry] { get }
  /// The final answer in a response, in its canonical spelling; nil where there is none.
  func extract(_ response: String) -> String?
  /// Grades the text before the first end token.
  ///
  /// - Throws: where it cannot be graded at all, because what runs programs does not run; never for what is in the response.
  func grade(_ response: String, _ problem: Problem) throws(ConfigurationError) -> Grade
}

extension Benchmark {
  /// No file.
  public static var files: BenchmarkFiles? { nil }

  /// The benchmark by itself; made problems have no source.
  public init(_ source: BenchmarkSource) throws(ConfigurationError) {
    self.init()
    guard source.path == nil, source.shotsPath == nil else {
      throw .composition("the problems of `\(Self.name)` are made from their index; it takes neither `path` nor `shots_path`")
    }
    guard source.shots == nil else { throw .composition("`\(Self.name)` puts its questions without examples; it takes no `shots`") }
  }

  /// No end.
  public func count(of split: Split) -> Int? { nil }

  /// No settings.
  public var settings: [Setting.Entry] { [] }

  /// The problems `range` of `split`, in order, as far as there are any.
  public func problems(_ range: Range<Int>, of split: Split) -> [Problem] {
    range.clamped(to: 0..<(count(of: split) ?? Int.max)).map { problem($0, of: split) }
  }

  /// A digest of many problems of a split: a benchmark that changes without a new version still changes the runs' identity.
  public func identity(of split: Split) -> String {
    let content = problems(0..<256, of: split).map { problem in
      let layout = problem.spans.map { "\($0.isGiven ? "given" : "gap")\($0.text)\n" }.joined()
      return "\(problem.id)\n\(problem.prompt)\n\(problem.answer)\n\(problem.kind)\n\(problem.level)\n" + layout
    }
    return RunPlan.digest(of: content.joined())
  }

  /// A problem whose content belongs to `split`: candidates are drawn until one does, ten on average and never more than 4,096.
  ///
  /// The bound is out of reach (all candidates fail with a probability below 1e-180); it is there so that the loop ends by its shape.
  package func first(_ index: Int, of split: Split, draw: (inout Draws) -> (content: String, problem: Problem)) -> Problem {
    let address = SeededRandom(seed: UInt64(Self.version))[Self.name][split.rawValue][index]
    var attempt = 0
    while true {
      var draws = Draws(address[attempt])
      let candidate = draw(&draws)
      attempt += 1
      if Split.owner(of: candidate.content) == split || attempt == 4_096 { return candidate.problem }
    }
  }
}

/// Consecutive draws at one address.
///
/// The standard library's `random(in:using:)` does not promise equal draws across its versions; this does.
package struct Draws {
  private let source: SeededRandom
  private var count = 0

  package init(_ source: SeededRandom) { self.source = source }

  /// An integer of a range that is not empty.
  package mutating func integer(_ range: ClosedRange<Int>) -> Int {
    defer { count += 1 }
    return range.lowerBound + source[count].integer(below: range.count)
  }

  /// One element of a list that is not empty.
  package mutating func pick<Element>(_ list: [Element]) -> Element {
    list[integer(0...(list.count - 1))]
  }

  /// Whether an event of `percent` in a hundred happens.
  package mutating func chance(_ percent: Int) -> Bool { integer(1...100) <= percent }

  /// `count` different elements in random order (Fisher and Yates); all of them where the list has fewer.
  package mutating func sample<Element>(_ count: Int, of list: [Element]) -> [Element] {
    var rest = list
    let kept = min(count, rest.count)
    for place in 0..<kept {
      rest.swapAt(place, integer(place...(rest.count - 1)))
    }
    return Array(rest.prefix(kept))
  }
}

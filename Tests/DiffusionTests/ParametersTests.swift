import Diffusion
import Support
import Testing

/// Reading a key declares it; a key nobody reads is a mistake.
@Suite struct ParametersTests {
  enum Schedule: String, CaseIterable { case cosine, linear }

  /// Reads one key of every kind.
  struct Everything: Strategy {
    static let name = "everything"
    init(_ p: inout Parameters) throws(ConfigurationError) {
      _ = try p.number("bar", default: 0.9, in: 0...1, "the bar")
      _ = try p.int("steps", default: p.context.genLength, in: 1..., defaultText: "gen_length")
      _ = try p.optionalInt("start", in: 0..<8)
      _ = try p.flag("quirk", default: false)
      _ = try p.choice("schedule", default: Schedule.cosine)
      _ = try p.numbers("gaps", default: [7.5, 5], in: 0...)
      _ = try p.tokens("tokens")
    }
    mutating func decide(_ step: inout Step) {}
  }
  struct Stop: Strategy {
    static let name = "stop"
    static let role = Role.earlyStop
    init(_ p: inout Parameters) throws(ConfigurationError) {}
    mutating func decide(_ step: inout Step) {}
  }

  static let catalog = Catalog([OneByOne.self, Threshold.self, Everything.self, Stop.self, RuleTests.Hasty.self, Speculator.self, Credit.self])

  static func map(_ entries: [(String, Setting.Content)], line: Int = 1) -> Setting {
    Setting(.map(entries.enumerated().map { Setting.Entry($1.0, Setting($1.1, line: line + $0)) }), line: line)
  }
  static func rule(_ name: String, _ settings: [(String, Setting.Content)], line: Int = 2) -> Setting {
    Setting(.map([Setting.Entry(name, map(settings, line: line))]), line: line - 1)
  }
  static func build(_ setting: Setting) throws(ConfigurationError) -> Catalog.Built {
    try catalog.build(setting, context: Parameters.Context(genLength: 32, vocabulary: Vocabulary(size: 24, mask: 23, end: 22)))
  }

  @Test func defaultsAreResolved() throws {
    let expected = "[{everything: {bar: 0.9, steps: 32, start: null, quirk: false, schedule: cosine, gaps: [7.5, 5.0], tokens: [22]}}]"
    #expect(try Self.build(Setting(.text("everything"))).resolved.description == expected)
    #expect(try Self.build(Self.rule("everything", [])).resolved.description == expected)
    let use = Setting(.map([Setting.Entry("use", Setting(.list([Setting(.text("everything"))]))), Setting.Entry("sweep", Setting(.null))]))
    #expect(try Self.build(use).resolved.description == expected)
    let given: [(String, Setting.Content)] = [
      ("bar", .integer(1)), ("steps", .number(8)), ("start", .integer(0)), ("quirk", .bool(true)), ("schedule", .text("linear")),
      ("gaps", .list([Setting(.integer(3))])), ("tokens", .list([Setting(.integer(4)), Setting(.text("end"))])),
    ]
    #expect(
      try Self.build(Self.rule("everything", given)).resolved.description
        == "[{everything: {bar: 1.0, steps: 8, start: 0, quirk: true, schedule: linear, gaps: [3.0], tokens: [4, 22]}}]")
    let wrapped = Self.rule("speculator", [("base", .list([Setting(.text("threshold")), Setting(.text("credit"))]))])
    #expect(
      try Self.build(wrapped).resolved.description == "[{speculator: {drafts: 4, base: [{threshold: {confidence: 0.9}}, {credit: {fusion: 0.65}}]}}]")
  }

  @Test func whatIsResolvedResolvesToItself() throws {
    for name in Self.catalog.names {
      let once = try Self.build(Setting(.text(name)))
      let twice = try Self.build(once.resolved)
      #expect(once.resolved == twice.resolved && once.pipeline.names == twice.pipeline.names)
    }
  }

  @Test func declarationsComeFromTheInitialiser() throws {
    let declared = try Self.catalog.declarations(of: "everything")
    #expect(declared.map(\.key) == ["bar", "steps", "start", "quirk", "schedule", "gaps", "tokens"])
    #expect(declared.map(\.defaultText) == ["0.9", "gen_length", "none", "false", "cosine", "[7.5, 5.0]", "end"])
    #expect(
      declared.map(\.range) == [
        "0.0 to 1.0", "1 or more", "none, or 0 up to but not 8", "true, false", "cosine, linear", "a list, each 0.0 or more", "`end`, or a list of token ids",
      ])
    #expect(declared[0].help == "the bar")
  }

  static let mistakes: [(Setting, String)] = [
    (
      rule("treshold", []),
      "line 2: there is no strategy named `treshold`; did you mean `threshold`?"
        + "; known: one-by-one, threshold, everything, stop, hasty, speculator, credit"
    ),
    (rule("threshold", [("confidense", .number(1))], line: 7), "line 7: threshold has no setting `confidense`; did you mean `confidence`?; known: confidence"),
    (rule("threshold", [("zebra", .number(1))]), "line 2: threshold has no setting `zebra`; known: confidence"),
    (rule("one-by-one", [("x", .number(1))]), "line 2: one-by-one has no setting `x`"),
    (
      rule("threshold", [("a", .null), ("confidenc", .null)]),
      "line 2: threshold has no setting `a`; known: confidence\n"
        + "line 3: threshold has no setting `confidenc`; did you mean `confidence`?; known: confidence"
    ),
    (rule("threshold", [("confidence", .number(1.5))]), "line 2: threshold: `confidence` is 1.5, expected 0.0 to 1.0"),
    (rule("threshold", [("confidence", .number(.nan))]), "line 2: threshold: `confidence` is nan, expected 0.0 to 1.0"),
    (rule("threshold", [("confidence", .text("high"))]), "line 2: threshold: `confidence` is text (high), expected a number"),
    (rule("threshold", [("confidence", .number(0.5)), ("confidence", .number(0.6))]), "line 3: threshold: `confidence` is given twice"),
    (Setting(.map([Setting.Entry("threshold", Setting(.integer(3), line: 4))])), "line 4: `threshold` is a whole number, expected a map of its settings"),
    (rule("everything", [("steps", .number(2.5))]), "line 2: everything: `steps` is a number (2.5), expected a whole number"),
    (rule("everything", [("steps", .integer(0))]), "line 2: everything: `steps` is 0, expected 1 or more"),
    (rule("everything", [("steps", .number(1e300))]), "line 2: everything: `steps` is a number (1e+300), expected a whole number"),
    (rule("everything", [("start", .integer(8))]), "line 2: everything: `start` is 8, expected 0 up to but not 8"),
    (rule("everything", [("start", .bool(true))]), "line 2: everything: `start` is true or false (true), expected a whole number or none"),
    (rule("everything", [("quirk", .integer(1))]), "line 2: everything: `quirk` is a whole number (1), expected true or false"),
    (
      rule("everything", [("schedule", .text("cosin"))]),
      "line 2: everything: there is no schedule named `cosin`; did you mean `cosine`?; known: cosine, linear"
    ),
    (rule("everything", [("schedule", .null)]), "line 2: everything: `schedule` is nothing (null), expected one of cosine, linear"),
    (rule("everything", [("gaps", .number(1))]), "line 2: everything: `gaps` is a number (1.0), expected a list of numbers"),
    (rule("everything", [("gaps", .list([Setting(.number(-1))]))]), "line 2: everything: `gaps` is [-1.0], expected numbers, each 0.0 or more"),
    (
      rule("everything", [("tokens", .list([Setting(.integer(24))]))]),
      "line 2: everything: `tokens` is [24], expected `end`, or a list of token ids from 0 to 23"
    ),
    (rule("everything", [("tokens", .text("mask"))]), "line 2: everything: `tokens` is text (mask), expected `end`, or a list of token ids"),
    (Setting(.list([]), line: 5), "line 5: a strategy needs at least one rule"),
    (Setting(.bool(true), line: 5), "line 5: `strategy` is true or false, expected a list of rules, as [threshold: {confidence: 0.9}]"),
    (Setting(.list([Setting(.list([]), line: 6)])), "line 6: `strategy` is a list in a list, expected a list of rules"),
    (
      Setting(.list([Setting(.text("stop")), Setting(.text("threshold")), Setting(.text("hasty"))]), line: 3),
      "line 3: stop and hasty are both early stops: the first to fire would hide the other; keep one"
    ),
    (
      Setting(.list([Setting(.text("speculator")), Setting(.text("threshold"))]), line: 3),
      "line 3: speculator drives another strategy and stands alone in its list; put the other rules under its `base`"
    ),
    (
      rule("speculator", [("base", .list([rule("threshold", [("confidence", .integer(7))], line: 4)]))]),
      "line 4: speculator.base.threshold: `confidence` is 7, expected 0.0 to 1.0"
    ),
    (rule("speculator", [("base", .list([]))]), "line 2: speculator.base: a strategy needs at least one rule"),
  ]

  @Test(arguments: mistakes.indices)
  func mistakesNameKeyPlaceAndRemedy(_ index: Int) {
    let (setting, message) = Self.mistakes[index]
    let error = #expect(throws: ConfigurationError.self) { try Self.build(setting) }
    #expect(error?.description == message)
  }

  @Test func everyRulesMistakesAreTold() {
    let list = Setting(.list([Self.rule("threshold", [("confidence", .null)], line: 2), Self.rule("thresold", [], line: 4), Setting(.text("stop"))]))
    let error = #expect(throws: ConfigurationError.self) { try Self.build(list) }
    #expect(error?.all.count == 2)
    #expect(error?.at(file: "a.yaml").description.split(separator: "\n").allSatisfy { $0.hasPrefix("a.yaml:") } == true)
  }

  @Test func aLaterEntryTakesOverItsName() throws {
    struct Threshold: Strategy {
      static let name = "threshold"
      init(_ p: inout Parameters) throws(ConfigurationError) {}
      mutating func decide(_ step: inout Step) {}
    }
    let more = Self.catalog + [Threshold.self]
    #expect(more.names.count == Self.catalog.names.count && more.names.last == "threshold")
    #expect(try more.entry("threshold") == Threshold.self)
  }

  @Test(
    arguments: [
      ("confidense", "confidence"), ("conf", nil), ("", nil), ("fredave", "freedave"), ("freedvae", "freedave"), ("hxe", "hex"), ("saber ", "saber"),
      ("quux", nil), (String(repeating: "x", count: 5000), nil),
    ] as [(String, String?)])
  func nearestName(typed: String, found: String?) {
    #expect(ConfigurationError.nearest(to: typed, in: ["quota", "confidence", "freedave", "hex", "saber"]) == found)
  }
}

import Testing

@testable import Workbench

/// The language of the benchmark `code`: what is a function, what it gives, and that no text does harm.
@Suite struct CodeLanguage {
  private static func run(_ text: String, _ inputs: Int...) throws(CodeError) -> Int {
    try CodeMachine.run(CodeFunction(parsing: text), on: inputs).value
  }

  @Test(arguments: [
    ("2 + 3 * 4 - 1", 13), ("(2 + 3) * 4", 20), ("20 - 3 - 2", 15), ("20 // 3 // 2", 3), ("7 // 2 * 2", 6), ("2 * (7 // 2)", 6), ("17 % 5", 2),
    ("(0 - 7) // 2", -4), ("(0 - 7) % 2", 1), ("7 // (0 - 2)", -4), ("7 % (0 - 2)", -1), ("(0 - 8) // 2", -4), ("(0 - 8) % 2", 0), ("007", 7),
    ("3 > 2", 1), ("3 < 2", 0), ("3 >= 3", 1), ("3 <= 2", 0), ("3 == 3", 1), ("3 != 3", 0), ("1 + 1 == 2", 1), ("(3 > 2) + (3 > 1)", 2),
    ("((((x))))", 5), ("x+x", 10), ("9223372036854775807", .max),
  ])
  func expressions(_ text: String, _ value: Int) throws {
    #expect(try Self.run("def f(x):\n return \(text)", 5) == value)
    // Its canonical spelling has the same value, and is its own canonical spelling.
    let canonical = try CodeFunction(parsing: "def f(x):\n return \(text)").text
    #expect(try Self.run(canonical, 5) == value && CodeFunction(parsing: canonical).text == canonical)
  }

  @Test func bracketsStayWhereTheyChangeTheValue() throws {
    for (text, canonical) in [
      ("((x + 1)) * (2)", "(x + 1) * 2"), ("(x * 2) + 1", "x * 2 + 1"), ("x - (y - 1)", "x - (y - 1)"), ("(x - y) - 1", "x - y - 1"),
      ("x + (y - 1)", "x + y - 1"),
      ("x * (y * 2)", "x * y * 2"), ("x * (y // 2)", "x * (y // 2)"), ("x // (y * 2)", "x // (y * 2)"), ("(x > y) > 1", "(x > y) > 1"),
      ("(x+y) > 1", "x + y > 1"),
    ] {
      #expect(try CodeFunction(parsing: "def f(x, y):\n return \(text)").text == "def f(x, y):\n return \(canonical)")
    }
  }

  @Test func statements() throws {
    #expect(try Self.run(" def f(x, y):\n if x > y:\n  return x - y\n return y + 2", 7, 3) == 4)
    #expect(try Self.run("def f(x, y):\n    if x > y:\n        return x - y\n    else:\n      return y + 2\n\n", 3, 3) == 5)
    #expect(try Self.run("def f(n):\n s = 0\n for i in range(2, n + 1):\n  if i % 2 == 0:\n   s += i\n  else:\n   s = s - 1\n return s", 7) == 9)
    #expect(try Self.run("def f(n):\n for i in range(n):\n  for j in range(n):\n   if i * j == 6:\n    return i\n return n", 5) == 2)
    // A loop leaves its variable behind, and may not turn at all.
    #expect(try Self.run("def f(n):\n for i in range(n):\n  n = 0\n return i", 5) == 4)
    #expect(try Self.run("def f(n):\n i = 8\n for i in range(3, n):\n  return 0\n return i", 3) == 8)
    #expect(try Self.run("def f():\n return 1") == 1)
  }

  @Test(arguments: [
    ("def f(x):\n return y", CodeError.undefined(name: "y")), ("def f(x):\n y += 1\n return y", .undefined(name: "y")),
    ("def f(x):\n return x // 0", .division), ("def f(x):\n return x % (x - x)", .division), ("def f(x):\n x = 1", .noValue),
    ("def f(x):\n if x > 9:\n  return 1", .noValue), ("def f(x):\n return 9223372036854775807 + x", .tooLarge),
    ("def f(x):\n return 0 - x - 9223372036854775807", .tooLarge), ("def f(x):\n return 9223372036854775807 * x", .tooLarge),
    ("def f(x):\n for i in range(70):\n  x = x * x\n return x", .tooLarge), ("def f(x):\n return (0 - 9223372036854775807 - 1) // (0 - 1)", .tooLarge),
    ("def f(x):\n return (0 - 9223372036854775807 - 1) % (0 - 1)", .tooLarge),
    ("def f(x):\n for i in range(9223372036854775807):\n  x = 0\n return x", .tooManySteps),
    ("def f(x):\n for i in range(x - 9223372036854775807, 9223372036854775807):\n  x = 0\n return x", .tooManySteps),
    ("def f(x):\n for i in range(999):\n  for j in range(999):\n   for k in range(999):\n    x = k\n return x", .tooManySteps),
  ])
  func whatGoesWrongWhenItRuns(_ text: String, _ error: CodeError) {
    #expect(throws: error) { try Self.run(text, 5) }
  }

  @Test(arguments: [
    ("", CodeError.unexpected(line: 1)), (" \n\n", .unexpected(line: 1)), ("return 1", .unexpected(line: 1)), ("def f(x)\n return x", .unexpected(line: 1)),
    ("def f(x:\n return x", .unexpected(line: 1)), ("def f(x,):\n return x", .unexpected(line: 1)), ("def f(x, x):\n return x", .unexpected(line: 1)),
    ("def if(x):\n return x", .unexpected(line: 1)), ("def f(x): return x", .unexpected(line: 1)), ("def f(x):", .indentation(line: 1)),
    ("def f(x):\nreturn x", .indentation(line: 2)), ("def f(x):\n return (x", .unexpected(line: 2)), ("def f(x):\n return x)", .unexpected(line: 2)),
    ("def f(x):\n return x +", .unexpected(line: 2)), ("def f(x):\n return + x", .unexpected(line: 2)), ("def f(x):\n return x y", .unexpected(line: 2)),
    ("def f(x):\n return -x", .unexpected(line: 2)), ("def f(x):\n return", .unexpected(line: 2)), ("def f(x):\n x", .unexpected(line: 2)),
    ("def f(x):\n 1 = x", .unexpected(line: 2)), ("def f(x):\n return 1 < x < 3", .unexpected(line: 2)), ("def f(x):\n return 3x", .unexpected(line: 2)),
    ("def f(x):\n return x\n  return x", .indentation(line: 3)), ("def f(x):\n  return x\n return x", .indentation(line: 3)),
    ("def f(x):\n if x:\n return x", .indentation(line: 3)), ("def f(x):\n if x:\n   x = 1\n  return x", .indentation(line: 4)),
    ("def f(x):\n else:\n  return x", .unexpected(line: 2)), ("def f(x):\n if x:\n  x = 1\n  else:\n   x = 2\n return x", .unexpected(line: 4)),
    ("def f(x):\n return x\ndef g(x):\n return x", .unexpected(line: 3)), ("def f(x):\n return x\nx = 1", .unexpected(line: 3)),
    ("def f(x):\n for in in range(x):\n  x = 1\n return x", .unexpected(line: 2)), ("def f(x):\n for i in range():\n  x = 1\n return x", .unexpected(line: 2)),
    ("def f(x):\n for i in range(1, 2, 3):\n  x = 1\n return x", .unexpected(line: 2)), ("def f(x):\n return f(x)", .unexpected(line: 2)),
    ("def f(x):\n\treturn x", .unexpected(line: 2)), ("def f(x):\n return x # x", .unexpected(line: 2)), ("def f(x):\r\n return x", .unexpected(line: 1)),
    ("def f(é):\n return 1", .unexpected(line: 1)), ("def f(x):\n return 99999999999999999999", .tooLarge),
    ("Sure! def f(x):\n return x", .unexpected(line: 1)),
    ("def f(x):\n return x\0", .unexpected(line: 2)), ("def f(x):\n return @", .unexpected(line: 2)), ("[def f(x):\n return x", .unexpected(line: 1)),
  ])
  func whatIsNoFunction(_ text: String, _ error: CodeError) {
    #expect(throws: error) { try CodeFunction(parsing: text) }
    #expect(Code().extract(text) == nil)
  }

  /// Texts without end: refused, in no time.
  @Test func hostileTexts() {
    let problem = Problem(id: "code/test/0", prompt: "\n", answer: " def f(x):\n return x", kind: "formula", level: 2)
    func times(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }
    func giving(_ expression: String) -> String { "def f(x):\n return \(expression)" }
    func blocks(_ count: Int) -> String { "def f(x):\n" + (1...count).map { "\(times($0, " "))if x > 0:\n" }.joined() + "\(times(count + 1, " "))return x" }
    let texts = [
      times(10_000, "("), giving(times(10_000, "(")), giving(times(40, "(")), giving(times(17, "(") + "x" + times(17, ")")),
      giving("x" + times(1_000, " + x")), giving("x" + times(200, " + x")), blocks(70), blocks(16), times(300, "def f(x):\n"),
      times(1_000_000, "\n"), times(1_000_000, " "), times(100_000, "9"), giving(times(4_000, "9")), "def f(" + times(1_000, "x, "),
      times(10_000, "\u{301}"), giving("x") + times(4_096, "\n"), "\u{0}", "\u{FEFF}" + giving("x"), times(5_000, "🏁"),
    ]
    for text in texts {
      #expect(Code().extract(text) == nil && Code().grade(text, problem) == Grade(isCorrect: false, extracted: nil), "\(text.prefix(60))")
    }
    // The largest that are still read.
    #expect(Code().grade(giving(times(16, "(") + "x" + times(16, ")")), problem).isCorrect)
    #expect(Code().grade(giving("x" + times(24, " + x - x")), problem).isCorrect)
    #expect(Code().extract(blocks(15)) == blocks(15))
    // A reference that is no function, or has no value, has no test, and nothing passes it.
    for answer in [" ?", giving("y")] {
      #expect(!Code().grade(giving("y"), Problem(id: "", prompt: "\n", answer: answer, kind: "", level: 0)).isCorrect)
    }
  }
}

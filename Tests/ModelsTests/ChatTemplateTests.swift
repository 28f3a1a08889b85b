import Foundation
import Testing

@testable import Models

/// Chat templates against Jinja's own rendering (Fixtures/chat/make.py), and what is refused.
@Suite struct ChatTemplateTests {
  private struct Case: Decodable {
    struct Turn: Decodable { let role, content: String }
    let template, conversation: String
    let messages: [Turn]
    let answered: Bool
    let text, refusal: String?
  }

  private static let folder = "\(Bundle.module.resourcePath ?? "")/Fixtures/chat"
  private static let tokens = ["bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"]

  @Test func everyConversationReadsAsJinjaWritesIt() throws {
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: Self.folder + "/cases.json")))
    var templates: [String: ChatTemplate] = [:]
    for name in Set(cases.map(\.template)) {
      templates[name] = try ChatTemplate(String(contentsOfFile: Self.folder + "/\(name).jinja", encoding: .utf8), tokens: Self.tokens)
    }
    #expect(cases.count == 100 && templates.count == 5)
    for one in cases {
      let template = try #require(templates[one.template])
      let messages = one.messages.map { ChatTemplate.Message(role: $0.role, content: $0.content) }
      let place = "\(one.template), \(one.conversation)"
      if let text = one.text {
        #expect(Array(try template.render(messages, isAnswered: one.answered).utf8) == Array(text.utf8), "\(place)")
      } else {
        #expect(throws: ChatError.raised(one.refusal ?? ""), "\(place)") { try template.render(messages, isAnswered: one.answered) }
      }
    }
  }

  private func rendered(_ source: String) throws -> String {
    try ChatTemplate(source).render([.init(role: "user", content: "Hi"), .init(role: "assistant", content: "Yo")])
  }

  @Test(arguments: [
    ("{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ -7 // 2 }} {{ 7 % -3 }}", "7 9 -4 -2"), ("{{ 'a' ~ 1 ~ none ~ true }}", "a1NoneTrue"),
    ("{{ messages[::-1][0].content }}{{ messages[1:] | length }}{{ 'hello'[1:-1] }}{{ 'hello'[-2:] }}", "Yo1elllo"),
    ("{{ 'x' if messages else 'y' }}{{ 'x' if not messages }}|", "x|"), ("{{ 1 < 2 < 3 }}{{ 1 < 2 > 3 }}{{ not 1 == 2 }}", "TrueFalseTrue"),
    ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set q = 1 %}{% endfor %}{{ ns.n }}{{ q is defined }}", "2False"),
    ("{% for m in messages if m.role == 'user' %}{{ loop.length }}{{ loop.last }}{% endfor %}", "1True"), ("{% for m in [] %}a{% else %}b{% endfor %}", "b"),
    ("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2"), ("{{ missing }}|{{ missing | default('d') }}{{ '' or 'e' }}", "|de"),
    ("{{ messages[5] is defined }}{{ messages[0].nothing is none }}", "FalseFalse"), ("a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"),
    ("a  {{- 'b' -}}  c", "abc"), ("{# gone -#}  x", "x"), ("{{ '%}' }}{{ \"}}\" }}", "%}}}"), ("{{ 'a-b-c'.split('-') | join('+') }}", "a+b+c"),
  ]) func expressionsMeanWhatJinjaMeans(_ source: String, _ expected: String) throws {
    #expect(try rendered(source) == expected)
  }

  @Test(arguments: [
    "{{ x | reverse }}", "{% macro f() %}{% endmacro %}", "{% include 'x' %}", "{{ x.format(1) }}", "{{ strftime_now('%Y') }}", "{{ x is divisibleby 3 }}",
    "{% break %}", "{% if x %}", "{% endif %}", "{{ 'x }}", "{{ (1 }}", "{{ 1 2 }}", "{{ }}", "{% for x %}{% endfor %}", "{{ x", "{{ 'a' | tojson(indent=2) }}",
    "{% if a %}{% else %}{% else %}{% endif %}", "{% set x %}a{% endset %}", "{{ (1, 2) }}", "{{ 99999999999999999999 }}", "{{ x()() }}", "{{ a ? b : c }}",
  ]) func whatIsNotUnderstoodIsRefusedWhenRead(_ source: String) {
    #expect(throws: ChatError.self) { try ChatTemplate(source) }
  }

  @Test(arguments: [
    "{{ 'a' + 1 }}", "{{ missing.part }}", "{{ messages }}", "{{ 1 // 0 }}", "{{ 9223372036854775807 + 1 }}", "{{ 'x' * 100000000 }}", "{{ 'a' < 1 }}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
    "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}", "{{ raise_exception('no') }}",
    "{{ range(-9223372036854775807, 9223372036854775807) | length }}",
    "{{ messages[0].content.split('') }}",
  ]) func whatHasNoValueIsAnError(_ source: String) throws {
    #expect(throws: ChatError.self) { try rendered(source) }
  }

  /// Nested, long and cut templates are read or refused, never more.
  @Test func noTemplateBreaksTheReader() throws {
    for piece in ["(", "[", "{", "-", "not ", "{{ x }}", "{% if x %}", "{% for a in b %}", "a|", "a.b", "[1,"] {
      let many = String(repeating: piece, count: 2_000)
      #expect(throws: ChatError.self) { try ChatTemplate(piece.hasPrefix("{") && piece.count > 1 ? many + "{{" : "{{ \(many) }}") }
    }
    let whole = Array(try String(contentsOfFile: Self.folder + "/qwen3.jinja", encoding: .utf8).utf8)
    for end in stride(from: 0, to: whole.count, by: 37) {
      let part = String(decoding: whole[..<end], as: UTF8.self)
      do throws(ChatError) { _ = try ChatTemplate(part).render([.init(role: "user", content: "a")]) } catch { continue }
    }
  }
}

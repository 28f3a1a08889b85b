/// A statement of a template.
indirect enum TemplateNode: Sendable {
  case text(String)
  case output(TemplateExpression)
  case choose([(condition: TemplateExpression, body: [TemplateNode])], otherwise: [TemplateNode])
  case loop(names: [String], over: TemplateExpression, where: TemplateExpression?, body: [TemplateNode], otherwise: [TemplateNode])
  case set(name: String, attribute: String?, value: TemplateExpression)
}

/// An expression.
indirect enum TemplateExpression: Sendable {
  case value(TemplateValue)
  case name(String)
  case list([TemplateExpression])
  case map([(TemplateExpression, TemplateExpression)])
  case attribute(TemplateExpression, String)
  case item(TemplateExpression, TemplateExpression)
  case slice(TemplateExpression, TemplateExpression?, TemplateExpression?, TemplateExpression?)
  case method(TemplateExpression, TemplateMethod, [TemplateExpression])
  case function(TemplateFunction, [TemplateExpression], [(String, TemplateExpression)])
  case filter(TemplateExpression, TemplateFilter, [TemplateExpression])
  case test(TemplateExpression, TemplateTest, isNegated: Bool)
  case not(TemplateExpression)
  case negative(TemplateExpression)
  case both(TemplateExpression, TemplateExpression)
  case either(TemplateExpression, TemplateExpression)
  case binary(String, TemplateExpression, TemplateExpression)
  case compare(TemplateExpression, [(String, TemplateExpression)])
  case conditional(TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
}

/// The filters there are.
enum TemplateFilter: String, Sendable, CaseIterable {
  case trim, length, count, upper, lower, first, last, string, tojson, join
  case `default`, d, list, items, int
}

/// The tests there are.
enum TemplateTest: String, Sendable, CaseIterable {
  case defined, undefined, none, string, mapping, iterable, sequence, number, integer, boolean
  case `true`, `false`, odd, even
}

/// The methods there are, of texts and maps.
enum TemplateMethod: String, Sendable, CaseIterable {
  case strip, lstrip, rstrip, split, startswith, endswith, upper, lower, replace, items, get, keys
}

/// The functions there are.
enum TemplateFunction: String, Sendable, CaseIterable {
  case namespace, range
  case raise = "raise_exception"
}

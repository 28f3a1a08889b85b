package import Diffusion

/// One golden: a strategy at one setting, on one model and one group of problems.
package struct Golden: Sendable, Hashable {
  /// The strategy's name in the suite.
  package let strategy: String
  /// The model's name.
  package let model: String
  /// Where its problems come from: a benchmark, or nil for the model's own.
  package let benchmark: String?
  /// The setting that was put exactly where decisions change; nil for the strategy as it stands in the suite.
  package let edge: String?
  /// What is decoded.
  package let rules: Setting
  /// The cache it is decoded over, every default filled in; nil: none.
  package let cache: Setting?
  /// The file, from the suite's folder.
  package let file: String

  init(_ entry: GoldenSuite.Entry, model: GoldenModel, benchmark: String?) {
    (strategy, rules, cache) = (entry.name, entry.rules, entry.cache)
    (self.model, self.benchmark, edge) = (model.name, benchmark, nil)
    file = "\(strategy)/" + Self.fileName(([model.label] + (benchmark.map { [$0] } ?? [])).joined(separator: "-")) + ".h5"
  }

  /// The same canvases with one setting moved to where decisions change.
  init(_ golden: Golden, edge: GoldenEdge) {
    (strategy, model, benchmark, rules, cache, self.edge) = (golden.strategy, golden.model, golden.benchmark, edge.rules, golden.cache, edge.label)
    file = golden.file.dropLast(3) + "-" + Self.fileName(edge.name) + ".h5"
  }

  /// What the manifest lists and the suite does not derive: an edge.
  init(_ record: GoldenManifest.Record) {
    (strategy, model, benchmark, rules, cache) = (record.strategy, record.model, nil, record.settings, nil)
    (edge, file) = (record.edge, record.file)
  }

  /// A file that nothing speaks of.
  init(stray file: String) {
    strategy = file.split(separator: "/").first.map(String.init) ?? file
    (model, benchmark, edge, rules, cache, self.file) = ("", nil, nil, Setting(.null), nil, file)
  }

  /// A text with nothing in it that a file's name cannot have everywhere.
  private static func fileName(_ text: String) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" })
  }
}

extension BenchmarkCatalog {
  /// A problem by its identifier, as `lists/test/7`, with its benchmark.
  package func problem(_ id: String, key: String) throws(ConfigurationError) -> (problem: Problem, benchmark: any Benchmark) {
    let parts = id.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let index = Int(parts[2]), index >= 0, index < 1 << 40 else {
      throw .outOfRange(key: key, value: id, expected: "benchmark/split/index, as lists/test/7")
    }
    guard let split = Split(rawValue: parts[1]) else { throw .unknownName(name: parts[1], kind: "split", known: Split.allCases.map(\.rawValue)) }
    let benchmark = try benchmark(named: parts[0])
    return (benchmark.problem(index, of: split), benchmark)
  }
}

extension Setting {
  /// The first place in which a value differs from a recorded one, in words; nil if they are equal, whatever the order of keys.
  func difference(from recorded: Setting, at path: String = "") -> String? {
    guard sorted != recorded.sorted else { return nil }
    switch (value, recorded.value) {
    case (.map(let mine), .map(let theirs)):
      for key in mine.map(\.key) + theirs.map(\.key) {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        switch (self[key], recorded[key]) {
        case (let now?, let then?): if let difference = now.difference(from: then, at: inner) { return difference }
        case (let now?, nil): return "\(inner) is new: \(now.description)"
        case (nil, let then?): return "\(inner) is gone; it was \(then.description)"
        case (nil, nil): break
        }
      }
    case (.list(let mine), .list(let theirs)) where mine.count == theirs.count && path.isEmpty:
      // A list of rules: each is a map of one key, which says enough.
      for (now, then) in zip(mine, theirs) { if let difference = now.difference(from: then) { return difference } }
    default: break
    }
    return "\(path.isEmpty ? "the list of rules" : path) was \(recorded.description) and is \(description)"
  }
}
